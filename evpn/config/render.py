"""Templates -> text: the files around a VTEP, from its own configuration."""

import base64
import errno
import json
import os
import shutil
import stat
import sys
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, UndefinedError, meta

from evpn.config import firewall
from evpn.config.errors import ConfigError
from evpn.config.frr import uses_rfc8365, vni_blocks
from evpn.config.ipsec import udp_selector, vxlan_ports
from evpn.config.reflector import frr_warnings, gobgp_ranges, reflector_id
from evpn.config.settings import Settings
from evpn.files import replacing
from evpn.text import format_ip

_CANDIDATES = (Path(__file__).parents[1] / "templates", Path(__file__).parents[2] / "templates")
"""In a wheel, and in a checkout."""
_OF_THE_HOST = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE)
"""Another file name would not help, but time may: a service is started again."""


def names() -> list[str]:
    """Each template is named by its file up to the first dot, `exabgp` is exabgp.conf.j2; a unit is `systemd`."""
    return sorted(_files())


def render(name: str, settings: Settings, **extra: object) -> str:
    """`extra` are the variables that this template has beside `settings`; one that it does not have is an error."""
    files = _files()
    if name not in files:
        raise ConfigError(f"no template {name}; accepted: {', '.join(sorted(files))}")
    environment = _environment(files[name].parent)
    source = files[name].read_text()
    variables = meta.find_undeclared_variables(environment.parse(source)) - environment.globals.keys() - {"settings"}
    for key in extra:
        if key not in variables:
            has = ", ".join(sorted(variables)) or "none"
            raise ConfigError(f"template {name} has no variable {key}; accepted: {has}")
    try:
        return environment.from_string(source).render(settings=settings, **extra)
    except UndefinedError as error:
        raise ConfigError(f"template {name}: {error}") from None


def write(name: str, settings: Settings, path: Path, **extra: object) -> None:
    """All or nothing; mode 0600, for there are passwords in it, or the owner and mode that the file has already.

    An `OSError` that names `path` is the host's: there is no room, or the disk is broken. Others are mistakes.
    """
    text = render(name, settings, **extra)
    try:
        if path.exists() and not path.is_file():  # a pipe or a device
            path.write_text(text)
        else:
            _replace(path.resolve(), text.encode())
    except OSError as error:
        if error.errno in _OF_THE_HOST:
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise ConfigError(f"{path}: {(error.strerror or str(error)).lower()}; accepted: a file to write") from None


def _evpn_command() -> str:
    """The `evpn` of this Python, for ExaBGP to start."""
    beside = Path(sys.executable).with_name("evpn")
    found = str(beside) if beside.exists() else shutil.which("evpn")
    if not found:
        raise ConfigError(f"no evpn command beside {sys.executable} or in PATH; accepted: an installed package")
    return found


def _missing(key: str) -> str:
    raise ConfigError(f"no {key} in the configuration; accepted: a file with it")


def _files() -> dict[str, Path]:
    return {_name(path): path for folder in _CANDIDATES for path in folder.glob("[!_]*.j2")}


def _name(path: Path) -> str:
    return "systemd" if path.name.endswith(".service.j2") else path.name.partition(".")[0]


def _replace(path: Path, octets: bytes) -> None:
    with replacing(path) as stream:
        if path.exists():
            old = path.stat()
            os.fchown(stream.fileno(), old.st_uid, old.st_gid)
            os.fchmod(stream.fileno(), stat.S_IMODE(old.st_mode) & ~stat.S_IRWXO)
        stream.write(octets)


def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "ip": format_ip,
        "exabgp_quoted": _exabgp_quoted,
        "systemd_quoted": _systemd_quoted,
        "toml_quoted": json.dumps,  # passwords are printable ASCII, which JSON and TOML escape alike
        "udp_selector": udp_selector,
        "vxlan_ports": vxlan_ports,
        "firewall_sets": firewall.sets,
        "firewall_rules": firewall.rules,
        "base64": lambda text: base64.b64encode(text.encode()).decode(),
    }
    environment.globals |= {
        "uses_rfc8365": uses_rfc8365,
        "vni_blocks": vni_blocks,
        "frr_warnings": frr_warnings,
        "gobgp_ranges": gobgp_ranges,
        "reflector_id": reflector_id,
        "config": lambda settings: str(settings.path.absolute()),
        "find_evpn": _evpn_command,
        "missing": _missing,
    }
    return environment


def _systemd_quoted(text: str) -> str:
    """One word of a command line; % and $ stand for something else there (systemd.service(5))."""
    if not text.isprintable():
        raise ConfigError(f"a unit of systemd cannot hold {text!r}; accepted: names without line ends")
    escaped = text.translate({ord("\\"): r"\\", ord('"'): r"\"", ord("%"): "%%", ord("$"): "$$"})
    return f'"{escaped}"'


def _exabgp_quoted(text: str) -> str:
    """ExaBGP resolves escapes before it looks for quotes, so that none can be written inside of them."""
    if any(character in '"\\' or not character.isprintable() for character in text):
        raise ConfigError(f"ExaBGP's configuration cannot hold {text!r}; accepted: names without \", \\ and line ends")
    return f'"{text}"'
