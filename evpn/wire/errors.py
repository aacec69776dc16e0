"""What a peer got wrong, and what becomes of it (RFC 7606 section 2)."""

from enum import Enum


class Disposition(Enum):
    """From the mildest to the harshest."""

    IGNORE = "route ignored"
    DISCARD = "attribute discarded"
    WITHDRAW = "treated as withdrawn"
    RESET = "session reset"


class WireError(Exception):
    """Octets of a peer that mean nothing; without a disposition, the routes they belong to are withdrawn."""

    def __init__(self, message: str, disposition: Disposition = Disposition.WITHDRAW) -> None:
        super().__init__(message)
        self.disposition = disposition
