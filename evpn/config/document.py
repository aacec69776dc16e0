"""YAML text -> plain values: mappings, lists, text, whole numbers, true, false, nothing (core schema of YAML 1.2).

PyYAML reads the syntax; the values are made here, because the schema of YAML 1.1 would read the MAC address
50:54:33:00:00:09 and the route target 65000:10 as numbers in base 60 and `no` as false, because a key given twice
must be an error, and because nesting without end must not exhaust the stack of a parser written in C.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import yaml

from evpn.config.errors import ConfigError, Where

Plain: TypeAlias = "dict[str, Plain] | list[Plain] | str | int | bool | None"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG_OF_TEXT = "tag:yaml.org,2002:str"
_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]{0,30})")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
_MAX_DEPTH = 32


def parse(text: str, file: str) -> Plain:
    """The one document of `text`; `file` is for the errors."""
    try:
        return _document(_Source(file, yaml.parse(text, Loader=_LOADER), {}))
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, file) from None
    except yaml.YAMLError as error:
        raise Where(file).wrong(f"not YAML: {str(error).splitlines()[0]}") from None


class _Source(NamedTuple):
    file: str
    events: Iterator[yaml.Event]
    anchors: dict[str, Plain]

    def at_line(self, event: yaml.Event) -> Where:
        return Where(f"{self.file}:{_line(event)}")


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _syntax_error(error: yaml.MarkedYAMLError, file: str) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    problem = ", ".join(filter(None, (error.context, error.problem)))
    hint = "; a value that begins with * needs quotes" if "alias" in problem else ""
    return Where(f"{file}:{mark.line + 1}" if mark else file).wrong(f"not YAML: {problem}{hint}")


def _document(source: _Source) -> Plain:
    value: Plain = None
    for count, event in enumerate(event for event in source.events if not _is_frame(event)):
        if count:
            raise source.at_line(event).wrong("found a second document; accepted: one")
        value = _value(source, event, Where(source.file), 0)
    return value


def _is_frame(event: yaml.Event) -> bool:
    frames = yaml.StreamStartEvent | yaml.StreamEndEvent | yaml.DocumentStartEvent | yaml.DocumentEndEvent
    return isinstance(event, frames)


def _value(source: _Source, event: yaml.Event, where: Where, depth: int) -> Plain:
    if isinstance(event, yaml.AliasEvent):
        if event.anchor not in source.anchors:
            raise source.at_line(event).wrong(f"found *{event.anchor}; accepted: an anchor defined before, or quotes")
        return source.anchors[event.anchor]
    if depth > _MAX_DEPTH:
        raise source.at_line(event).wrong(f"nested too deeply; accepted: at most {_MAX_DEPTH} levels")
    assert isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent)
    if event.tag not in (None, "!", _TAG_OF_TEXT):
        raise where.wrong(f"found the tag {event.tag}; accepted: no tags")
    value: Plain
    if isinstance(event, yaml.ScalarEvent):
        value = _scalar(event)
    elif isinstance(event, yaml.MappingStartEvent):
        value = _mapping(source, where, depth)
    else:
        value = _sequence(source, where, depth)
    if event.anchor:
        source.anchors[event.anchor] = value
    return value


def _sequence(source: _Source, where: Where, depth: int) -> list[Plain]:
    values: list[Plain] = []
    while not isinstance(event := next(source.events), yaml.SequenceEndEvent):
        values.append(_value(source, event, where.at(len(values)), depth + 1))
    return values


def _mapping(source: _Source, where: Where, depth: int) -> dict[str, Plain]:
    values: dict[str, Plain] = {}
    while not isinstance(key := next(source.events), yaml.MappingEndEvent):
        if not isinstance(key, yaml.ScalarEvent):
            raise source.at_line(key).wrong("found a key that is not text; accepted: key: value")
        at = where.at(key.value)
        if key.value in values:
            raise at.wrong(f"found twice, again in line {_line(key)}; accepted: once")
        values[key.value] = _value(source, next(source.events), at, depth + 1)
    return values


def _scalar(event: yaml.ScalarEvent) -> Plain:
    text: str = event.value
    if event.style or event.tag:  # quoted, a block, or declared to be text
        return text
    if text.lower() in _WORDS and text in (text.lower(), text.capitalize(), text.upper()):
        return _WORDS[text.lower()]
    return int(text) if _NUMBER.fullmatch(text) else text
