"""The extension works in every release of ExaBGP that `pyproject.toml` allows; the package index says which there are.

pip installs each into a directory of its own, out of its cache from the second time on. Without an index these tests
fail: of a release that cannot be had nothing is known.
"""

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from evpn.exabgp.extension.surfaces import NEEDED, OPTIONAL

from .loopback import environment, play, run

PROJECT = Path(__file__).parents[3] / "pyproject.toml"

CONFIGURATION = """
neighbor 10.0.0.1 {
  router-id 10.0.0.3; local-address 10.0.0.3; local-as 65000; peer-as 65000;
  family { l2vpn evpn; }
  announce { l2vpn {
    evpn ethernet-ad rd 10.0.0.3:1 esi 00:11:22:33:44:55:66:77:88:99 etag 0 vni 100 next-hop self;
    evpn mac-ip rd 10.0.0.3:100 mac MAC ip 192.0.2.9 vni [ 100 5000 ] next-hop self;
    evpn multicast rd 10.0.0.3:100 ip 10.0.0.3 next-hop self pmsi ingress 100 10.0.0.3;
    evpn ethernet-segment rd 10.0.0.3:1 esi 00:11:22:33:44:55:66:77:88:99 ip 10.0.0.3 next-hop self;
    evpn prefix rd 10.0.0.3:5000 prefix 2001:db8::/64 vni 5000 next-hop 2001:db8::3;
  } }
}
"""


class Release(NamedTuple):
    version: str
    directory: Path


class Outcome(NamedTuple):
    """Of the story of `loopback` in a release."""

    version: str
    from_elsewhere: list[str]  # modules of ExaBGP that are not of that release
    warnings: list[str]
    parts: set[str]
    announced: list[str]
    withdrawn: list[str]
    code: int


def works(version: str) -> Outcome:
    both = ["InclusiveMulticastRoute", "MacIpRoute"]
    return Outcome(version, [], [], {*NEEDED, *OPTIONAL}, both, ["MacIpRoute"], 0)


def pip(*arguments: str) -> str:
    """Its output; the index alone counts, not a directory of packages that happens to be at hand."""
    command = [sys.executable, "-m", "pip", *arguments]
    settings = {**os.environ, "PIP_FIND_LINKS": ""}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=settings, check=False)
    if done.returncode:
        raise RuntimeError(f"pip got nothing from its package index: {' '.join(arguments)}\n{done.stderr}")
    return done.stdout


def supported() -> list[str]:
    """What the index has of the versions that `pyproject.toml` allows, oldest first."""
    dependencies = map(Requirement, tomllib.loads(PROJECT.read_text())["project"]["dependencies"])
    (requirement,) = (dependency for dependency in dependencies if dependency.name == "exabgp")
    (line,) = (
        line for line in pip("index", "versions", "exabgp").splitlines() if line.startswith("Available versions:")
    )
    return sorted(requirement.specifier.filter(line.partition(":")[2].replace(" ", "").split(",")), key=Version)


def installed(version: str, directory: Path) -> Release:
    pip("install", "--quiet", "--no-deps", "--target", str(directory / version), f"exabgp=={version}")
    return Release(version, directory / version)


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> list[Release]:
    directory = tmp_path_factory.mktemp("releases")
    return [installed(version, directory) for version in supported()]


def outcome(release: Release, directory: Path) -> Outcome:
    told = play(directory, environment(directory, release=release.directory))
    elsewhere = [file for file in told.files if not file.startswith(f"{release.directory}/exabgp/")]
    return Outcome(told.version, elsewhere, told.warnings, set(told.parts), told.announced, told.withdrawn, told.code)


@pytest.mark.timeout(600)
def test_a_session_in_every_release_that_may_be_installed(releases: list[Release], tmp_path: Path) -> None:
    assert releases
    for release in releases:
        assert outcome(release, tmp_path) == works(release.version)


@pytest.mark.timeout(600)
def test_validate_in_every_release_that_may_be_installed(releases: list[Release], tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.conf", tmp_path / "wrong.conf"
    right.write_text(CONFIGURATION.replace("MAC", "50:54:33:00:00:09"))
    wrong.write_text(CONFIGURATION.replace("MAC", "50:54"))

    for release in releases:
        settings = environment(tmp_path, release=release.directory)
        assert f"ExaBGP : {release.version}\n" in run(settings, "version").stdout
        assert run(settings, "validate", "-nr", str(right)).returncode == 0
        refused = run(settings, "validate", "-nr", str(wrong))
        assert (refused.returncode, "'50:54' is not a MAC address" in refused.stderr) == (1, True)


def test_an_older_release_that_is_as_needed_works_in_full(tmp_path: Path) -> None:
    """Only pip minds the number; what decides at start is what is there."""
    assert outcome(installed("5.0.14", tmp_path), tmp_path) == works("5.0.14")


def test_an_older_release_that_is_not_is_refused_in_one_line(tmp_path: Path) -> None:
    release = installed("5.0.13", tmp_path)
    (tmp_path / "exabgp.conf").write_text(CONFIGURATION.replace("MAC", "50:54:33:00:00:09"))

    for arguments in (["version"], ["validate", "-nr", "exabgp.conf"], ["exabgp.conf"]):
        done = run(environment(tmp_path, release=release.directory), *arguments)

        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            "evpn exabgp: ExaBGP 5.0.13 is not as the extension needs it, 5.0.15 is: "
            "exabgp.configuration.check._check_route_generation is not there\n"
        )


def test_no_index_is_a_failure_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = {
        "CONFIG_FILE": os.devnull,
        "INDEX_URL": "http://127.0.0.1:1/simple",
        "EXTRA_INDEX_URL": "",
        "RETRIES": "0",
    }
    for name, value in nowhere.items():
        monkeypatch.setenv(f"PIP_{name}", value)

    with pytest.raises(RuntimeError, match=r"(?s)pip got nothing from its package index.*No matching distribution"):
        supported()
