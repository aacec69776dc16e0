"""Passwords: where they come from, and that nothing shows them."""

from pathlib import Path

import pytest

from evpn.config.errors import ConfigError
from evpn.config.load import load, loads
from tests.config.files import FILE, a_neighbor_file, refusal


def a_file_with_password(folder: Path, content: str, mode: int) -> Path:
    secret = folder / "secret"
    secret.write_text(content)
    secret.chmod(mode)
    file = folder / "vtep.yaml"
    file.write_text(a_neighbor_file(password_file="secret"))
    return file


def test_a_password_file_stands_beside_the_configuration(tmp_path: Path) -> None:
    settings = load(a_file_with_password(tmp_path, "  hunter2\n", 0o640))
    assert settings.neighbors[0].password == "hunter2"


@pytest.mark.parametrize(
    ("content", "mode", "problem"),
    [
        ("hunter2", 0o644, "can be read by everybody; accepted: a file of mode 0600 or 0640"),
        (" \n", 0o600, "holds no usable password; accepted: 1 to 80 printable ASCII characters without blanks"),
        ("a\nb", 0o600, "holds no usable password; accepted: 1 to 80 printable ASCII characters without blanks"),
    ],
)
def test_a_password_file_is_private_and_holds_one_password(
    tmp_path: Path, content: str, mode: int, problem: str
) -> None:
    file = a_file_with_password(tmp_path, content, mode)
    with pytest.raises(ConfigError) as caught:
        load(file)
    where, _, line = str(caught.value).partition(": neighbors[0].password-file: ")
    assert where == str(file)
    assert line.endswith(problem)
    assert "hunter2" not in line


def test_a_password_is_never_shown() -> None:
    settings = loads(a_neighbor_file(password="hunter2"), FILE)
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in refusal(a_neighbor_file(password="hunter2 hunter2"))
    assert "hunter2" not in refusal(a_neighbor_file(pasword="hunter2"))
