"""Whatever a file holds: settings, or one line."""

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from evpn.config.errors import ConfigError
from evpn.config.load import loads
from evpn.config.settings import (
    Settings,
)
from tests.config.files import FILE, WHOLE, tree

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["auto", "10.0.0.1", "::", "*:5", "65000:1", "50:54:33:00:00:09", "a" * 100, "\0", "static-l2"]),
)
names = st.sampled_from([*tree(), "defaults", "discover", "metrics", "hosts", "multicast", "route-targets", "vni", "x"])
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.one_of(names, scalars), inner, max_size=4)),
    max_leaves=12,
)


@st.composite
def broken_files(draw: st.DrawFn) -> Any:
    """A valid file in which one value, somewhere, is anything."""
    root = place = yaml.safe_load(WHOLE)
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw(st.sampled_from(keys))
        inner = place[key]
        if not isinstance(inner, dict | list) or draw(st.booleans()):
            place[key] = draw(trees)
            return root
        place = inner


@given(st.one_of(trees, broken_files()).map(lambda value: yaml.safe_dump(value, allow_unicode=True)))
def test_any_value_is_settings_or_one_line(source: str) -> None:
    try:
        settings = loads(source, FILE)
    except ConfigError as error:
        line = str(error)
        assert line.startswith("vtep.yaml:")
        assert len(line.splitlines()) == 1
    else:
        assert isinstance(settings, Settings)


@given(st.text())
def test_any_text_is_settings_or_one_line(source: str) -> None:
    try:
        loads(source, FILE)
    except ConfigError as error:
        assert len(str(error).splitlines()) == 1
