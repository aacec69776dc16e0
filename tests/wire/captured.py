"""The files of tests/captures: a comment line that says where from, then a message without its header."""

from pathlib import Path

CAPTURES = Path(__file__).parents[1] / "captures"
NAMES = sorted(path.stem for path in CAPTURES.glob("*.hex"))
UPDATES = [name for name in NAMES if "-open" not in name]
OPENS = [name for name in NAMES if "-open" in name]


def captured(name: str) -> bytes:
    lines = (CAPTURES / f"{name}.hex").read_text().splitlines()
    return bytes.fromhex("".join(line for line in lines if not line.startswith("#")))


def four_octet(name: str) -> bool:
    """Whether four-octet AS numbers had been negotiated when it was recorded."""
    return not name.endswith("-as2")
