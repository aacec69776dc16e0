"""What a valid file may ask for and this version does not do yet; each check goes when its feature comes."""

from evpn.config.errors import Where
from evpn.config.settings import Settings, Strategy, VniOptions, VniSettings


def require_available(settings: Settings) -> None:
    """Raise a `ConfigError` for the first thing that `evpn run` and `evpn plugin` cannot do."""
    where = Where(str(settings.path))
    _require_options(settings.defaults, where.at("defaults"))
    for index, vni in enumerate(settings.vnis):
        _require_options(vni, where.at("vnis", index))


def _require_options(options: VniOptions | VniSettings, where: Where) -> None:
    if options.strategy is not Strategy.STATIC_L2:
        problem = f"{options.strategy.value} is not available in this version; accepted: static-l2"
        raise where.at("strategy").wrong(problem)
