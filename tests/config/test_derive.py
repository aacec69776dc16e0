from hypothesis import given
from hypothesis import strategies as st

from evpn.config.derive import allocate_rd, export_target, import_target, keep_rds, multicast_group, vni_settings
from evpn.text import format_ip, format_rd, format_route_target, parse_ip, parse_rd
from evpn.values import MAX_VNI, Vni
from tests.config.files import a_config

ROUTER = parse_ip("10.0.0.3")
vni_lists = st.lists(st.integers(1, MAX_VNI), unique=True, min_size=1, max_size=30)
crowded = st.lists(
    st.builds(lambda turn, number: turn * 0xFFFF + number, st.integers(0, 3), st.integers(1, 8)),
    unique=True,
    min_size=1,
    max_size=20,
)
"""VNIs that have few numbers of 16 bits between them."""


def rds(vnis: list[int]) -> dict[int, str]:
    return {vni.vni: format_rd(vni.rd) for vni in a_config(vnis=[{"vni": vni} for vni in vnis]).vnis}


@given(vni_lists)
def test_every_vni_has_an_rd_of_its_own_whatever_the_order(vnis: list[int]) -> None:
    chosen = rds(vnis)
    assert len(set(chosen.values())) == len(vnis)
    assert chosen == rds(vnis[::-1])
    assert all(chosen[vni] == f"10.0.0.3:{vni}" for vni in vnis if vni < 1 << 16)


def test_long_vnis_take_the_numbers_that_are_left() -> None:
    assert rds([65635, 100, 131170, 101]) == {
        100: "10.0.0.3:100",
        101: "10.0.0.3:101",
        65635: "10.0.0.3:102",
        131170: "10.0.0.3:103",
    }


def test_numbers_go_on_at_one_after_the_last() -> None:
    assert format_rd(allocate_rd(ROUTER, Vni(65535), {parse_rd("10.0.0.3:65535")})) == "10.0.0.3:1"


def test_a_written_rd_is_left_alone_by_long_vnis() -> None:
    settings = a_config(vnis=[{"vni": 65635}, {"vni": 5, "rd": "10.0.0.3:100"}])
    assert [format_rd(vni.rd) for vni in settings.vnis] == ["10.0.0.3:101", "10.0.0.3:100"]


@given(crowded, crowded)
def test_rds_stay_what_they_are_unless_another_vni_owns_them(before: list[int], after: list[int]) -> None:
    served = {vni.vni: vni.rd for vni in a_config(vnis=[{"vni": vni} for vni in before]).vnis}
    kept = keep_rds(ROUTER, a_config(vnis=[{"vni": vni} for vni in after]).vnis, served)

    chosen = {vni: entry.rd for vni, entry in kept.items()}
    owned = {rd for vni, rd in chosen.items() if vni < 1 << 16}
    assert sorted(chosen) == sorted(after)
    assert len(set(chosen.values())) == len(after)
    assert all(format_rd(rd) == f"10.0.0.3:{vni}" for vni, rd in chosen.items() if vni < 1 << 16)
    assert all(chosen[vni] == served[vni] or served[vni] in owned for vni in before if vni in chosen)


def test_route_targets_are_those_of_frr() -> None:
    assert format_route_target(export_target(65000, Vni(100), False)) == "65000:100"
    assert format_route_target(export_target(4200000001, Vni(100), False)) == "59905:100"
    assert export_target(65000, Vni(100013), True).hex() == "0002fde8100186ad"
    assert format_route_target(import_target(Vni(MAX_VNI), False)) == "*:16777215"
    assert import_target(Vni(100013), True).hex() == "100186ad"


def test_the_multicast_group_ends_with_the_vni() -> None:
    assert format_ip(multicast_group(ROUTER, Vni(0x010203))) == "239.1.2.3"
    assert format_ip(multicast_group(parse_ip("2001:db8::3"), Vni(0x010203))) == "ff05::1:203"


def test_a_discovered_vni_has_the_defaults() -> None:
    settings = a_config(discover=True, defaults={"port": 8472, "rfc8365": True})
    found = vni_settings(settings, Vni(200), "vx", "lan", {vni.rd for vni in settings.vnis})
    assert (found.vni, found.device, found.bridge, found.port) == (200, "vx", "lan", 8472)
    assert format_rd(found.rd) == "10.0.0.3:200"
    assert [format_route_target(target) for target in found.export_targets] == ["65000:268435656"]


def test_a_discovered_vni_avoids_the_rd_of_another() -> None:
    settings = a_config(discover=True, vnis=[{"vni": 65635}])
    found = vni_settings(settings, Vni(100), "vx", "lan", {vni.rd for vni in settings.vnis})
    assert [format_rd(vni.rd) for vni in (*settings.vnis, found)] == ["10.0.0.3:100", "10.0.0.3:101"]
