"""The check at start that what is touched of ExaBGP is as expected: its internals move between patch releases."""

import inspect
from collections.abc import Iterable
from dis import get_instructions
from importlib import import_module
from types import FunctionType
from typing import Any, NamedTuple


class Surface(NamedTuple):
    part: str
    module: str
    name: str  # dotted, inside the module; `X().a` is an attribute of its instances, `X.a.[k]` a key of a mapping
    parameters: str = ""  # names, with `=` where there is a default; empty for what is not called


def mismatches(surfaces: Iterable[Surface]) -> dict[str, list[str]]:
    """By part, what is not as expected, each in words."""
    found: dict[str, list[str]] = {}
    for surface in surfaces:
        fault = _fault(surface)
        if fault:
            found.setdefault(surface.part, []).append(fault)
    return found


def _fault(surface: Surface) -> str:
    where = f"{surface.module}.{surface.name}"
    try:
        thing: Any = import_module(surface.module)
        for name in surface.name.split("."):
            thing = _inside(thing, name)
    except (ImportError, AttributeError, KeyError):
        return f"{where} is not there"
    if not surface.parameters:
        return ""
    try:
        parameters = _parameters(thing)
    except (TypeError, ValueError):
        return f"{where} cannot be called"
    if _fit(parameters, surface.parameters):
        return ""
    return f"{where} takes ({parameters}), not ({surface.parameters})"


class _Instances(NamedTuple):
    of: type


def _inside(thing: Any, name: str) -> Any:
    if isinstance(thing, _Instances):
        return _assigned(thing.of, name)
    if name.startswith("["):
        return thing[name[1:-1]]
    return _Instances(getattr(thing, name[:-2])) if name.endswith("()") else getattr(thing, name)


def _assigned(kind: type, name: str) -> None:
    """An `AttributeError` unless a method of the class assigns the attribute: no instance can be made to look at."""
    for method in (thing for base in kind.__mro__ for thing in vars(base).values() if isinstance(thing, FunctionType)):
        if name in method.__code__.co_names and any(
            instruction.opname == "STORE_ATTR" and instruction.argval == name
            for instruction in get_instructions(method)
        ):
            return
    raise AttributeError(name)


def _parameters(thing: Any) -> str:
    """Names, and `=` for those with a default: its value and annotations may change without harm."""
    parameters = inspect.signature(thing).parameters.values()
    return ", ".join(p.name if p.default is p.empty else f"{p.name}=" for p in parameters)


def _fit(parameters: str, expected: str) -> bool:
    """What is only called may have more parameters at the end (`...`), if they have defaults."""
    found, wanted = parameters.split(", "), expected.split(", ")
    if wanted[-1] != "...":
        return found == wanted
    known = len(wanted) - 1
    return found[:known] == wanted[:known] and all(name.endswith("=") for name in found[known:])
