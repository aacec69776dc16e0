"""A refusal of msgspec in the words of a `ConfigError`: the key, what was found there, what its type accepts."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from msgspec import ValidationError
from msgspec.inspect import (
    BoolType,
    EnumType,
    IntType,
    LiteralType,
    Metadata,
    NoneType,
    StructType,
    Type,
    UnionType,
    VarTupleType,
    type_info,
)

from evpn.config.document import Plain
from evpn.config.errors import ConfigError, Where, found

_PATH = re.compile(r" - at `\$(?P<path>.*)`\Z", re.DOTALL)
_STEP = re.compile(r"\.(?P<key>[^.\[]+)|\[(?P<index>\d+)\]")
_MISSING = re.compile(r"Object missing required field `(.*)`\Z", re.DOTALL)
_OF_THE_FILE = {"vtep-address": " here: the agent has one, so IPv4 and IPv6 VNIs need an agent each"}
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`\Z", re.DOTALL)


def explain(error: ValidationError, value: Plain, schema: type, file: str) -> ConfigError:
    """`value` is what msgspec refused as `schema`."""
    text, where, kind = str(error), Where(file), type_info(schema)
    if path := _PATH.search(text):
        text = text[: path.start()]
        for step in _STEP.finditer(path["path"]):
            name = step["key"] or int(step["index"])
            where, value, kind = where.at(name), _value_at(value, name), _type_at(kind, name)
    if missing := _MISSING.match(text):
        return where.at(missing[1]).wrong(f"missing; accepted: {accepted(_type_at(kind, missing[1]))}")
    if unknown := _UNKNOWN.match(text):
        return _unknown_key(where, unknown[1], kind)
    return where.wrong(f"{_found(value, kind)}; accepted: {accepted(kind)}")


def accepted(kind: Type) -> str:
    """What a type takes, in words."""
    if isinstance(kind, Metadata):
        description = (kind.extra_json_schema or {}).get("description")
        return str(description) if description else accepted(kind.type)
    if isinstance(kind, UnionType):
        return ", or ".join(accepted(part) for part in kind.types if not isinstance(part, NoneType))
    if isinstance(kind, EnumType | LiteralType):
        words = [member.value for member in kind.cls] if isinstance(kind, EnumType) else kind.values
        return ", ".join(map(str, words))
    if isinstance(kind, VarTupleType):
        return f"a list, each {accepted(kind.item_type)}"
    if isinstance(kind, StructType):
        return f"a mapping of {', '.join(_keys(kind))}"
    return {BoolType: "true or false", IntType: "a whole number"}.get(type(kind), "text")


def _unknown_key(where: Where, key: str, kind: Type) -> ConfigError:
    keys = [name for struct in _structs(kind) for name in _keys(struct)]
    close = get_close_matches(key, keys, n=1)
    hint = f", did you mean {close[0]}?" if close else _OF_THE_FILE.get(key, "")
    return where.at(key).wrong(f"unknown key{hint}; accepted: {', '.join(keys) or 'none'}")


def _found(value: Plain, kind: Type) -> str:
    secret = isinstance(kind, Metadata) and (kind.extra or {}).get("secret")
    return "found something else" if secret else found(value)


def _value_at(value: Plain, step: str | int) -> Plain:
    if isinstance(value, list) and isinstance(step, int):
        return value[step]
    return value[step] if isinstance(value, dict) and isinstance(step, str) else None


def _type_at(kind: Type, step: str | int) -> Type:
    for part in _parts(kind):
        if isinstance(part, VarTupleType) and isinstance(step, int):
            return part.item_type
        for field in part.fields if isinstance(part, StructType) else ():
            if field.encode_name == step:
                return field.type
    return kind


def _parts(kind: Type) -> Iterable[Type]:
    """The members of a union, and a type without what is said about it."""
    if isinstance(kind, Metadata):
        return _parts(kind.type)
    if isinstance(kind, UnionType):
        return [part for member in kind.types for part in _parts(member)]
    return [kind]


def _structs(kind: Type) -> Iterable[StructType]:
    return [part for part in _parts(kind) if isinstance(part, StructType)]


def _keys(struct: StructType) -> list[str]:
    return [field.encode_name for field in struct.fields]
