"""The snapshot in a real directory, and what a VTEP makes of it when ExaBGP has started anew."""

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from evpn.agent import snapshot
from evpn.agent.core import Core
from evpn.agent.snapshot import Origin
from evpn.agent.snapshot_file import INTERVAL, STILL_TRUE, SnapshotFile
from evpn.config.settings import Settings
from evpn.values import Vni
from evpn.wire.routes import MacIpRoute
from tests.agent.vtep import FakeSpeaker, Vtep, a_mac, our_macs, tell
from tests.builders import CONFIGURATION, IP1, IP2, M1, M2, RR1, RR2, VTEP2, ip, settings
from tests.kernel_rows import PORT
from tests.scarcity import no_threads

IP6 = ip("2001:db8::1")
V100 = Vni(100)


def configured(run_dir: Path, **changes: str) -> Settings:
    text = CONFIGURATION
    for old, new in changes.values():
        text = text.replace(old, new)
    return replace(settings(text), run_dir=run_dir)


@pytest.fixture
def vtep(tmp_path: Path) -> Vtep:
    """Two hosts with addresses; one of them has come from another VTEP."""
    vtep = Vtep(configured(tmp_path))
    vtep.recall = lambda core: SnapshotFile(core).recall()
    vtep.peer_up()
    tell(vtep, a_mac(M1, VTEP2, sequence=4))
    vtep.hosts = {(PORT, M1): {IP1, IP6}, (PORT, M2): {IP2}}
    for mac, address in ((M1, IP1), (M1, IP6), (M2, IP2)):
        vtep.host_says(mac, PORT, address)
    vtep.settle()
    assert our_macs(vtep) == {M1: 5, M2: 0}
    SnapshotFile(vtep.core).close()
    return vtep


def exabgp_starts_anew(vtep: Vtep) -> None:
    vtep.speaker = FakeSpeaker(RR1, RR2)
    vtep.restart()


def addresses(vtep: Vtep) -> set[tuple[bytes, bytes]]:
    routes = [MacIpRoute.decode(one.nlri[2:]) for one in vtep.announcements().values() if one.nlri[0] == 2]
    return {(route.mac, route.ip) for route in routes if route.ip}


def test_a_fresh_exabgp_is_told_at_once_what_the_one_before_had_told(vtep: Vtep) -> None:
    before = dict(vtep.announcements())

    exabgp_starts_anew(vtep)
    assert vtep.announcements() == before

    vtep.peer_up()
    for wait in (0, 1, 1, 1, 1):
        vtep.settle(seconds=wait)
    assert vtep.announcements() == before
    assert not any(line.startswith("withdraw") for line in vtep.speaker.heard)


def test_a_host_that_does_not_answer_loses_its_address(vtep: Vtep) -> None:
    vtep.hosts[PORT, M2] = set()

    exabgp_starts_anew(vtep)
    vtep.peer_up()
    assert (M2, IP2) in addresses(vtep)

    for wait in (0, 1, 1, 1, 1):
        vtep.settle(seconds=wait)
    assert addresses(vtep) == {(M1, IP1), (M1, IP6)}


def test_a_host_that_is_on_no_port_any_more_is_not_announced(vtep: Vtep) -> None:
    vtep.kernel.drop_bridge(M1)

    exabgp_starts_anew(vtep)

    assert (our_macs(vtep), addresses(vtep)) == ({M2: 0}, {(M2, IP2)})


def test_as_long_as_exabgp_remembers_the_snapshot_is_not_read(vtep: Vtep) -> None:
    vtep.core.fabric.domains[V100].addresses.release(IP2)
    vtep.settle()

    vtep.restart()

    assert addresses(vtep) == {(M1, IP1), (M1, IP6)}


# The file


def test_only_its_owner_may_read_it_and_nothing_is_left_beside_it(vtep: Vtep, tmp_path: Path) -> None:
    assert [path.name for path in tmp_path.iterdir()] == ["snapshot"]
    assert (tmp_path / "snapshot").stat().st_mode & 0o777 == 0o600


class Keeper:
    """A snapshot of a core as time goes by, and how often it was written."""

    def __init__(self, core: Core) -> None:
        self.file = SnapshotFile(core)
        self.start = core.started
        self.times = 0
        self._last = self.file.path.stat().st_mtime_ns

    def at(self, now: float) -> int:
        self.file.settle(self.start + now)
        if self.file._thread is not None:
            self.file._thread.join()
        written = self.file.path.stat().st_mtime_ns
        self.times += written != self._last
        self._last = written
        return self.times


def test_it_is_written_when_it_has_changed_every_few_seconds_at_most(vtep: Vtep) -> None:
    keeper = Keeper(vtep.core)
    assert keeper.at(INTERVAL - 0.1) == 0
    assert keeper.at(INTERVAL) == 1

    vtep.core.fabric.domains[V100].addresses.release(IP2)
    vtep.settle()
    assert keeper.at(INTERVAL + 0.1) == 1
    assert keeper.at(2 * INTERVAL) == 2
    assert keeper.at(3 * INTERVAL) == 2
    assert keeper.file.next_due() == keeper.start + INTERVAL + STILL_TRUE


def test_without_a_thread_it_is_written_another_time(vtep: Vtep, caplog: pytest.LogCaptureFixture) -> None:
    keeper = Keeper(vtep.core)

    with no_threads():
        assert keeper.at(INTERVAL) == 0
    assert [record.message for record in caplog.records] == [
        f"snapshot not written path={keeper.file.path} error=can't start new thread"
    ]
    assert keeper.file.next_due() == keeper.start + 2 * INTERVAL
    assert keeper.at(2 * INTERVAL) == 1


def test_hosts_without_addresses_come_and_go_and_it_stays_the_same(vtep: Vtep) -> None:
    keeper = Keeper(vtep.core)
    keeper.at(INTERVAL)

    for turn in range(2, 5):
        vtep.kernel.frame(bytes((2, 0, 0, 0, 1, turn)), PORT)
        vtep.settle()
        assert keeper.at(turn * INTERVAL) == 1

    vtep.kernel.frame(bytes((2, 0, 0, 0, 1, 9)), PORT)
    vtep.settle()
    assert keeper.at(INTERVAL + STILL_TRUE) == 2, "it is still true, and says so"


def test_what_is_not_yet_known_is_not_written(vtep: Vtep, tmp_path: Path) -> None:
    before = (tmp_path / "snapshot").read_bytes()
    vtep.core.kernel.lost_track()

    keeper = Keeper(vtep.core)
    assert keeper.at(INTERVAL) == 0
    assert keeper.file.next_due() == keeper.start + 2 * INTERVAL
    keeper.file.close()

    assert (tmp_path / "snapshot").read_bytes() == before


def test_where_it_cannot_be_written_the_log_says_so_and_all_goes_on(vtep: Vtep, tmp_path: Path, caplog) -> None:
    vtep.core.settings = replace(vtep.core.settings, run_dir=tmp_path / "gone")
    file = SnapshotFile(vtep.core)

    file.close()
    file.close()
    file.close()

    assert file.failures == 3
    assert [record.getMessage() for record in caplog.records] == [
        f"snapshot not written path={file.path} error=no such file or directory"
    ] * 2


def a_directory(path: Path) -> None:
    path.mkdir()


def a_link(path: Path) -> None:
    path.symlink_to(path.with_name("elsewhere"))


def too_long(path: Path) -> None:
    path.touch()
    os.truncate(path, snapshot.MOST_OCTETS + 1)


def of_long_ago(path: Path) -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    path.write_bytes(snapshot.pack(Origin(boot, "10.0.0.10", -snapshot.MOST_AGE - 1), 0, b""))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (a_directory, "is a directory"),
        (os.mkfifo, "not a file"),
        (a_link, "too many levels of symbolic links"),
        (too_long, "too long"),
        (lambda path: path.write_bytes(b"evpn"), "damaged"),
        (of_long_ago, "too old"),
    ],
)
def test_what_is_no_snapshot_is_one_line_in_the_log(
    vtep: Vtep, caplog, make: Callable[[Path], object], reason: str
) -> None:
    path = vtep.settings.run_dir / "snapshot"
    path.unlink()
    make(path)

    exabgp_starts_anew(vtep)

    (line,) = [record.getMessage() for record in caplog.records if "snapshot" in record.getMessage()]
    assert line.startswith(f"snapshot ignored path={path} reason=") and line.endswith(reason)
    assert addresses(vtep) == set()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("vtep-address: 10.0.0.10", "vtep-address: 10.0.0.20", "of vtep-address '10.0.0.10'"),
        ("vni: 100", "vni: 200", "none of its VNIs is served"),
    ],
)
def test_a_snapshot_of_another_configuration_is_ignored(vtep: Vtep, caplog, old: str, new: str, reason: str) -> None:
    assert old in CONFIGURATION
    vtep.settings = configured(vtep.settings.run_dir, other=(old, new))

    exabgp_starts_anew(vtep)

    assert [r.getMessage() for r in caplog.records if "snapshot" in r.getMessage()] == [
        f"snapshot ignored path={vtep.settings.run_dir / 'snapshot'} reason={reason}"
    ]


def test_without_one_there_is_nothing_to_say(vtep: Vtep, caplog) -> None:
    caplog.set_level(logging.INFO)
    (vtep.settings.run_dir / "snapshot").unlink()

    exabgp_starts_anew(vtep)

    assert addresses(vtep) == set()
    assert not [record for record in caplog.records if "snapshot" in record.getMessage()]
