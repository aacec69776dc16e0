import pytest

from evpn.config.available import require_available
from evpn.config.errors import ConfigError
from evpn.config.settings import Settings
from tests.config.files import a_config


def refusal(settings: Settings) -> str:
    with pytest.raises(ConfigError) as caught:
        require_available(settings)
    return str(caught.value)


def test_static_l2_is_available_over_either_underlay() -> None:
    require_available(a_config())
    require_available(
        a_config(vtep_address="2001:db8::3", router_id="10.0.0.3", neighbors=[{"address": "2001:db8::1"}])
    )


@pytest.mark.parametrize("strategy", ["multicast", "static-flood", "static-l3", "dynamic-l3"])
def test_a_strategy_of_later_versions_is_refused(strategy: str) -> None:
    assert refusal(a_config(vnis=[{"vni": 1}, {"vni": 2, "strategy": strategy}])) == (
        f"vtep.yaml: vnis[1].strategy: {strategy} is not available in this version; accepted: static-l2"
    )
    assert refusal(a_config(discover=True, vnis=None, defaults={"strategy": strategy})) == (
        f"vtep.yaml: defaults.strategy: {strategy} is not available in this version; accepted: static-l2"
    )
