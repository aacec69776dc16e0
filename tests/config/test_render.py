import os
import stat
from pathlib import Path

import pytest

from evpn.config.errors import ConfigError
from evpn.config.render import names, render, write
from tests.config.files import a_config


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_templates_have_names() -> None:
    assert {"exabgp", "frr-route-reflector", "frr-vtep", "gobgp-route-reflector"} <= set(names())
    assert not [name for name in names() if name.startswith("_")]


def test_an_unknown_template_is_told_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=f"^no template exabg; accepted: {', '.join(names())}$"):
        render("exabg", a_config())


def test_a_variable_that_a_template_does_not_have_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"^template exabgp has no variable clients; accepted: evpn_command$"):
        render("exabgp", a_config(), clients=[])


def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    write("exabgp", a_config(), tmp_path / "out")
    assert mode(tmp_path / "out") == 0o600
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.kernel
def test_a_file_that_is_there_keeps_its_owner_and_mode(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text("old")
    out.chmod(0o644)
    os.chown(out, 12, 34)
    (tmp_path / "link").symlink_to("out")
    write("exabgp", a_config(), tmp_path / "link")
    assert (out.stat().st_uid, out.stat().st_gid, mode(out)) == (12, 34, 0o640)
    assert (tmp_path / "link").is_symlink()


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    write("exabgp", a_config(), Path("/dev/null"))
    assert Path("/dev/null").is_char_device()


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    out = tmp_path / "no" / "out"
    with pytest.raises(ConfigError) as caught:
        write("exabgp", a_config(), out)
    assert str(caught.value) == f"{out}: no such file or directory; accepted: a file to write"


def test_a_full_disk_is_no_mistake_of_the_configuration() -> None:
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        write("exabgp", a_config(), Path("/dev/full"))
