"""A secret that stands in the configuration itself, or in a file of its own that the key with `-file` names."""

import re

from msgspec import UNSET, UnsetType

from evpn.config.errors import Where
from evpn.config.schema import Length


def secret(
    where: Where, text: str | UnsetType, file: str | UnsetType, secrets: dict[str, str], length: Length
) -> str | None:
    """`where` is the key of `text`; `secrets` has the content of each file."""
    if file is UNSET:
        return None if text is UNSET else text
    at, name = where._replace(key=f"{where.key}-file"), where.key.rpartition(".")[2]
    if text is not UNSET:
        raise at.wrong(f"found beside {name}; accepted: one of the two")
    content = secrets[file].strip()
    if not re.fullmatch(length.pattern, content):
        raise at.wrong(f"{file} holds no usable {name}; accepted: {length.words}")
    return content
