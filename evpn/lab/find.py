"""From what the user calls a lab to its topology file and its name."""

from pathlib import Path

from evpn.lab.errors import LabError, TopologyError
from evpn.lab.state import load
from evpn.lab.topology import Topology, decode

FILE = "topology.clab.yml"
PLACES = (Path("labs"), Path(__file__).parents[1] / "labs", Path(__file__).parents[2] / "labs")
"""Where one is, in a wheel, and in a checkout."""


def find(lab: str) -> Path:
    """LAB is a topology file, a directory with one, or the name of a directory in `labs/`."""
    for place in (Path(lab), *(labs / lab for labs in PLACES)):
        if place.is_file():
            return place.resolve()
        if (place / FILE).is_file():
            return (place / FILE).resolve()
    names = ", ".join(file.parent.name for file in known()) or "none"
    raise LabError(f"no lab {lab}: give a topology file, a directory with {FILE} or one of these: {names}")


def known() -> list[Path]:
    """Topology files of all labs that a name is enough for, in the order of their names."""
    found = {file.parent.name: file.resolve() for labs in reversed(PLACES) for file in labs.glob(f"*/{FILE}")}
    return [found[name] for name in sorted(found)]


def read(file: Path, name: str | None = None) -> Topology:
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise TopologyError(file, "", f"cannot be read: {error}") from error
    return decode(text, file, name)


def name_of(lab: str) -> str:
    """The name LAB runs under; a lab that is up needs no readable topology to be taken down."""
    if "/" not in lab and load(lab) is not None:
        return lab
    file = find(lab)
    try:
        return read(file).name
    except TopologyError:
        if load(file.parent.name) is not None:
            return file.parent.name
        raise
