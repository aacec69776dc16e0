"""A configuration with a password in it that everybody may read."""

from pathlib import Path

import pytest

from evpn.config.exposed import exposed
from evpn.config.load import load
from tests.config.files import text


def warned(folder: Path, mode: int, **neighbor: str) -> bool:
    (folder / "secret").write_text("hunter2\n")
    (folder / "secret").chmod(0o600)
    file = folder / "vtep.yaml"
    file.write_text(text(neighbors=[{"address": "10.0.0.1"}, {"address": "10.0.0.2"} | neighbor]))
    file.chmod(mode)
    return exposed(load(file)) is not None


@pytest.mark.parametrize(("mode", "expected"), [(0o600, False), (0o640, False), (0o644, True), (0o604, True)])
def test_a_password_that_everybody_can_read_is_warned_of(tmp_path: Path, mode: int, expected: bool) -> None:
    assert warned(tmp_path, mode, password="hunter2") is expected


def test_a_file_without_a_password_may_be_public(tmp_path: Path) -> None:
    assert not warned(tmp_path, 0o644)
    assert not warned(tmp_path, 0o644, **{"password-file": "secret"})


def test_a_shared_secret_counts_as_well(tmp_path: Path) -> None:
    file = tmp_path / "vtep.yaml"
    file.write_text(text(ipsec={"vteps": ["10.0.0.0/24"], "psk": "sixteen-or-more-characters"}))
    file.chmod(0o644)

    said = exposed(load(file))

    assert said == "a password in it can be read by everybody; accepted: a file of mode 0600 or 0640"
