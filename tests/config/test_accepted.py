"""The configuration in force, kept beside the control socket."""

import errno
import os
from pathlib import Path

import pytest

from evpn.config import accepted
from evpn.config.load import load
from evpn.config.settings import Settings

TEXT = "vtep-address: 10.0.0.3\nlocal-as: 65000\nneighbors: [{address: 10.0.0.1}]\nvnis: [{vni: 100}]\nrun-dir: {}\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "vtep.yaml"
    (tmp_path / "run").mkdir()
    file.write_text(TEXT.replace("{}", str(tmp_path / "run")))
    return load(file)


def kept(settings: Settings) -> dict[str, str]:
    return {path.name: path.read_text() for path in settings.run_dir.iterdir()}


def test_it_is_kept_for_the_owner_alone(settings: Settings) -> None:
    accepted.keep(settings)

    assert kept(settings) == {"accepted.yaml": settings.path.read_text()}
    assert accepted.copy_of(settings).stat().st_mode & 0o777 == 0o600


def test_what_fails_meanwhile_leaves_the_old_one_in_force(settings: Settings) -> None:
    accepted.keep(settings)
    before = kept(settings)
    settings.path.write_text("another: one\n")

    with pytest.raises(ValueError), accepted.keeping(settings):
        raise ValueError

    assert kept(settings) == before


def test_a_full_disk_is_told_before_anything_is_done_and_leaves_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fdopen", full)
    done = []
    with pytest.raises(OSError, match=r"No space left on device: '.*/run/accepted\.yaml'"), accepted.keeping(settings):
        done.append(True)

    assert not done
    assert kept(settings) == {}
