"""A configuration file -> `Settings`, or one `ConfigError`; the only place where files are read."""

import stat
from pathlib import Path

import msgspec

from evpn.config import document
from evpn.config.convert import convert
from evpn.config.document import Plain
from evpn.config.errors import ConfigError, Where
from evpn.config.explain import explain
from evpn.config.schema import FileText, IpsecText
from evpn.config.settings import Settings

__all__ = ["ConfigError", "load", "loads"]


def load(path: Path | str) -> Settings:
    """The settings of a file, with every default filled in."""
    return loads(_read(Path(path), Where(str(path))), Path(path))


def loads(text: str, path: Path) -> Settings:
    """The same from text; `path` stands in the errors, and relative file names start beside it."""
    value = document.parse(text, str(path))
    if value is None:
        raise Where(str(path)).wrong("empty; accepted: vtep-address, local-as, neighbors, and vnis or discover: true")
    value = _with_defaults(value)
    try:
        file = msgspec.convert(value, FileText)
    except msgspec.ValidationError as error:
        raise explain(error, value, FileText, str(path)) from None
    return convert(file, path, _secrets(file, path))


def _with_defaults(value: Plain) -> Plain:
    """Each entry of `vnis` on top of `defaults`, key by key; `defaults` comes first, to be the one that is blamed."""
    if not isinstance(value, dict) or not isinstance(value.get("defaults"), dict):
        return value
    defaults, vnis = value["defaults"], value.get("vnis")
    assert isinstance(defaults, dict)
    if isinstance(vnis, list):
        vnis = [{**defaults, **entry} if isinstance(entry, dict) else entry for entry in vnis]
        return {"defaults": defaults, **value, "vnis": vnis}
    return value


def _secrets(file: FileText, path: Path) -> dict[str, str]:
    """The content of every file with a secret; one that everybody can read is no secret."""
    secrets: dict[str, str] = {}
    for index, neighbor in enumerate(file.neighbors):
        if isinstance(neighbor.password_file, str) and not isinstance(neighbor.password, str):
            where = Where(str(path)).at("neighbors", index, "password-file")
            secrets[neighbor.password_file] = _read(path.parent / neighbor.password_file, where, private=True)
    ipsec = file.ipsec
    if isinstance(ipsec, IpsecText) and isinstance(ipsec.psk_file, str) and not isinstance(ipsec.psk, str):
        where = Where(str(path)).at("ipsec", "psk-file")
        secrets[ipsec.psk_file] = _read(path.parent / ipsec.psk_file, where, private=True)
    return secrets


def _read(path: Path, where: Where, private: bool = False) -> str:
    """The text of a file; in an error `where` is the file itself, or the key that names it."""
    name = f"{path}: " if where.key else ""
    try:
        with path.open("rb") as stream:
            if private and stat.S_IMODE(path.stat().st_mode) & stat.S_IROTH:
                raise where.wrong(f"{path} can be read by everybody; accepted: a file of mode 0600 or 0640")
            return stream.read().decode()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise where.wrong(f"{name}{reason}; accepted: a file that can be read") from None
    except UnicodeDecodeError as error:
        raise where.wrong(f"{name}not UTF-8 at octet {error.start}; accepted: text in UTF-8") from None
    except ValueError as error:  # a NUL in the name
        raise where.wrong(f"{error}; accepted: the name of a file") from None
