"""Strict mappings: a dataclass says which keys there are and what each holds; anything else is an error."""

import dataclasses
import math
import re
import types
import typing

from ..checks import nearest

# YAML 1.1 reads 1e-3 (no dot) as a string; nobody who writes it means one.
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def _key(name: str) -> str:
    return name.rstrip("_")


def parse_section(cls, content, where: str, source: str):
    """The dataclass `cls` made of a mapping.

    Args:
        where: dotted name of the mapping inside `source`, empty for the whole.
        source: what a message calls the file.

    Raises:
        ValueError: no mapping, an unknown or missing key, a value of another type.
    """
    if not isinstance(content, dict):
        raise ValueError(f"{source}: {where or 'the content'} is {content!r}, wanted a mapping")
    hints = typing.get_type_hints(cls)
    fields = {_key(item.name): item for item in dataclasses.fields(cls)}
    prefix = f"{where}." if where else ""
    for key in content:
        if key not in fields:
            raise ValueError(
                f"{source}: unknown key {prefix}{key}{nearest(key, fields)} (known: {', '.join(sorted(fields))})"
            )
    values = {}
    for key, item in fields.items():
        required = item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
        if key in content:
            values[item.name] = _check(hints[item.name], content[key], prefix + key, source)
        elif required:
            raise ValueError(f"{source}: {prefix}{key} is missing")
    return cls(**values)


def _check(hint, value, where: str, source: str):
    if isinstance(hint, types.UnionType):
        if value is None and type(None) in hint.__args__:
            return None
        hint = next(option for option in hint.__args__ if option is not type(None))
    if dataclasses.is_dataclass(hint):
        return parse_section(hint, value, where, source)
    base, arguments = typing.get_origin(hint) or hint, typing.get_args(hint)
    if base is float and isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if base is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    # bool is an int for Python, not for the author of a recipe
    if not isinstance(value, base) or (isinstance(value, bool) and base is not bool):
        hint = " (YAML reads unquoted no, yes, on, off so: quote it)" if isinstance(value, bool) else ""
        raise ValueError(f"{source}: {where} is {value!r} ({type(value).__name__}), wanted {base.__name__}{hint}")
    if base is float and not math.isfinite(value):
        raise ValueError(f"{source}: {where} is {value}, wanted a finite number")
    if base is list and arguments:
        return [_check(arguments[0], item, f"{where}[{i}]", source) for i, item in enumerate(value)]
    if base is dict and arguments:
        return {
            _check(arguments[0], key, f"a key of {where}", source): _check(
                arguments[1], item, f"{where}.{key}", source
            )
            for key, item in value.items()
        }
    return value


def to_plain(value):
    """Mappings, lists and values of a dataclass, keys as in the file."""
    if dataclasses.is_dataclass(value):
        return {_key(item.name): to_plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    return value
