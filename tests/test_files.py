"""A file replaced as a whole, in a real directory."""

import errno
import os
import resource
from pathlib import Path

import pytest

from evpn.files import replacing


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("old")
    return path


def beside(path: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in path.parent.iterdir()}


def test_until_the_end_readers_find_the_old_one(path: Path) -> None:
    with replacing(path) as stream:
        stream.write(b"new")
        stream.flush()
        assert path.read_text() == "old"

    assert beside(path) == {"file": "new"}


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_it_has_the_mode_asked_for_whatever_the_old_one_had(path: Path, mode: int) -> None:
    path.chmod(0o666)

    with replacing(path, mode) as stream:
        assert os.fstat(stream.fileno()).st_mode & 0o777 == mode

    assert path.stat().st_mode & 0o777 == mode


def test_after_a_failure_the_old_one_is_there_alone(path: Path) -> None:
    with pytest.raises(ValueError), replacing(path) as stream:
        stream.write(b"new")
        raise ValueError

    assert beside(path) == {"file": "old"}


def test_without_room_too(path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2, before[1]))
    try:
        with pytest.raises(OSError) as told, replacing(path) as stream:
            stream.write(b"new")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert told.value.errno == errno.EFBIG
    assert beside(path) == {"file": "old"}


def test_a_link_in_its_way_is_not_followed(path: Path) -> None:
    path.with_name(f".file.{os.getpid()}").symlink_to(path)

    with pytest.raises(OSError) as told, replacing(path):
        pass

    assert told.value.errno == errno.ELOOP
    assert beside(path) == {"file": "old"}
