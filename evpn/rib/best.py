"""Best path among the paths of one route, and the rule that decided (RFC 7432 section 15, RFC 4271 section 9.1.2.2)."""

from enum import Enum

from evpn.rib.path import Path


class Reason(Enum):
    """The rule by which the best path beat the next one."""

    ONLY = "only path"
    FRESH = "fresh over stale"
    STICKY = "sticky"
    SEQUENCE = "higher mobility sequence"
    LOCAL_PREFERENCE = "higher local preference"
    AS_PATH = "shorter AS path"
    ORIGIN = "lower origin"
    MED = "lower MED"
    CLUSTER_LIST = "shorter cluster list"
    ORIGINATOR = "lower originator"
    PEER = "lower peer address"


_ORDER = tuple(Reason)[1:]
_DEFAULT_LOCAL_PREFERENCE = 100


def rank(path: Path, stale: bool) -> tuple[object, ...]:
    """Lower is better; one element per rule, in the order of `Reason`."""
    attributes = path.attributes
    sequence, sticky = attributes.mobility
    preference = attributes.local_preference
    return (
        stale,
        not sticky,
        -sequence,
        -(_DEFAULT_LOCAL_PREFERENCE if preference is None else preference),
        attributes.as_path_length,
        attributes.origin,
        attributes.med or 0,
        len(attributes.cluster_list),
        attributes.originator_id or b"",
        (len(path.peer), path.peer),
    )


def reason(best: tuple[object, ...], second: tuple[object, ...]) -> Reason:
    """The first rule on which two ranks differ."""
    return next(rule for rule, a, b in zip(_ORDER, best, second, strict=True) if a != b)
