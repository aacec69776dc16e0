"""Seeds of a target: what real speakers say, and `corpus/<target>.txt` with one entry a line.

An entry is a name and its octets, in hexadecimal or, for targets that read text, as a JSON string.
"""

import json
from pathlib import Path
from types import ModuleType

CORPUS = Path(__file__).parent / "corpus"


def seeds(target: ModuleType) -> dict[str, bytes]:
    return {**target.SEEDS, **kept(name_of(target))}


def kept(name: str) -> dict[str, bytes]:
    lines = (CORPUS / f"{name}.txt").read_text().splitlines()
    return {entry: _octets(value) for entry, _, value in (line.partition(" ") for line in lines if line[:1] != "#")}


def line_of(entry: str, octets: bytes) -> str:
    return f"{entry} {_text(octets) or octets.hex()}"


def name_of(target: ModuleType) -> str:
    return target.__name__.rpartition(".")[2]


def _octets(value: str) -> bytes:
    return json.loads(value).encode() if value.startswith('"') else bytes.fromhex(value)


def _text(octets: bytes) -> str:
    """Empty for what is no text."""
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        return ""
    return json.dumps(text) if text and all(c.isprintable() or c in "\n\t" for c in text) else ""
