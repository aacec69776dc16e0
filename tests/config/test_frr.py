from evpn.config.frr import VniBlock, uses_rfc8365, vni_blocks
from tests.config.files import a_config


def test_what_frr_derives_itself_is_not_said() -> None:
    settings = a_config(local_as=4200000001, vnis=[{"vni": 100}, {"vni": 100000}])
    assert vni_blocks(settings) == []
    assert not uses_rfc8365(settings)


def test_only_what_differs_is_said() -> None:
    vnis = [
        {"vni": 1, "rd": "10.0.0.3:7"},
        {"vni": 2, "route-targets": {"import": ["1:1", "*:9"]}},
        {"vni": 3, "route-targets": {"export": ["1:2", "1:1"]}},
    ]
    assert vni_blocks(a_config(vnis=vnis)) == [
        VniBlock(1, "10.0.0.3:7", (), ()),
        VniBlock(2, "", ("65000:9", "1:1"), ()),
        VniBlock(3, "", (), ("1:2", "1:1")),
    ]


def test_rfc8365_is_said_once_when_all_vnis_have_it() -> None:
    settings = a_config(defaults={"rfc8365": True}, vnis=[{"vni": 1}, {"vni": 2}])
    assert uses_rfc8365(settings)
    assert vni_blocks(settings) == []


def test_rfc8365_of_one_vni_is_written_out() -> None:
    settings = a_config(vnis=[{"vni": 1}, {"vni": 2, "rfc8365": True}])
    assert vni_blocks(settings) == [VniBlock(2, "", ("65000:268435458",), ("65000:268435458",))]
