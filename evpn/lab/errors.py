"""What can go wrong with a lab: the file says something we cannot run, or this machine cannot run it."""

from pathlib import Path


class TopologyError(Exception):
    """FILE says something that is wrong or that we do not run; KEY says where."""

    def __init__(self, file: Path, key: str, problem: str) -> None:
        super().__init__(": ".join(part for part in (str(file), key, problem) if part))


class LabError(Exception):
    """This machine, or a command in a node, refused; one sentence for the user."""
