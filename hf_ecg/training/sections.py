"""Strict mappings: a strict dataclass says which keys there are and what each holds; anything else is an error."""

import dataclasses
import math
import re
import types
import typing

from huggingface_hub.errors import StrictDataclassClassValidationError, StrictDataclassFieldValidationError

from ..checks import nearest

# YAML 1.1 reads 1e-3 (no dot) as a string; nobody who writes it means one.
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
# How huggingface_hub tells which field, of which type, was wanted.
_EXPECTED = re.compile(r"Field '(?P<field>[^']+)' expected (?:an? )?(?P<wanted>\w+), got \w+")


def parse_section(cls, content, where: str, source: str, moved: dict[str, str] | None = None):
    """The strict dataclass `cls` made of a mapping.

    Args:
        cls: decorated by `huggingface_hub.dataclasses.strict`; its methods `validate_...` check values together.
        where: dotted name of the mapping inside `source`, empty for the whole.
        source: what a message calls the file.
        moved: old dotted key -> what replaced it, for files that an earlier version wrote.

    Raises:
        ValueError: no mapping, an unknown or missing key, a value of another type or out of range.
    """
    if not isinstance(content, dict):
        raise ValueError(f"{source}: {where or 'the content'} is {content!r}, wanted a mapping")
    fields = {_key(item.name): item for item in dataclasses.fields(cls)}
    prefix = f"{where}." if where else ""
    for key in content:
        if key not in fields:
            instead = (moved or {}).get(prefix + str(key))
            if instead is not None:
                raise ValueError(f"{source}: {prefix}{key} is from an earlier version: {instead}")
            known = ", ".join(sorted(fields))
            raise ValueError(f"{source}: unknown key {prefix}{key}{nearest(key, fields)} (known: {known})")
    hints, values = typing.get_type_hints(cls), {}
    for key, item in fields.items():
        if key in content:
            values[item.name] = _converted(hints[item.name], content[key], prefix + key, source, moved)
        elif item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
            raise ValueError(f"{source}: {prefix}{key} is missing")
    try:
        return cls(**values)
    except StrictDataclassFieldValidationError as error:
        raise ValueError(f"{source}: {_type_error(error, values, prefix)}") from error
    except StrictDataclassClassValidationError as error:
        raise ValueError(f"{source}: {error.__cause__}") from error


def to_plain(value):
    """Mappings, lists and values of a dataclass, keys as in the file."""
    if dataclasses.is_dataclass(value):
        return {_key(item.name): to_plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    return value


def _key(name: str) -> str:
    return name.rstrip("_")


def _converted(hint, value, where: str, source: str, moved):
    """Nested mappings as their dataclasses, and numbers as the type that is wanted; the rest is left to `strict`."""
    options = [option for option in typing.get_args(hint) if option is not type(None)]
    if isinstance(hint, types.UnionType):
        return value if value is None or len(options) > 1 else _converted(options[0], value, where, source, moved)
    if dataclasses.is_dataclass(hint):
        return parse_section(hint, value, where, source, moved)
    if hint is float:
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            value = float(value)
        if isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{source}: {where} is {value}, wanted a finite number")
    if typing.get_origin(hint) is list and isinstance(value, list):
        return [_converted(options[0], item, f"{where}.{i}", source, moved) for i, item in enumerate(value)]
    if typing.get_origin(hint) is dict and isinstance(value, dict):
        return {key: _converted(options[1], item, f"{where}.{key}", source, moved) for key, item in value.items()}
    return value


def _type_error(error: StrictDataclassFieldValidationError, values: dict, prefix: str) -> str:
    """Which key holds what, and what was wanted: the innermost of the errors that `strict` wraps."""
    innermost = error.__cause__
    while innermost.__cause__ is not None:
        innermost = innermost.__cause__
    found = _EXPECTED.search(str(innermost))
    if found is None:
        return f"{prefix}{innermost}"
    field = found["field"].partition("[")[0].partition(".")[0]
    wanted = found["wanted"] + (" or null" if "expected NoneType" in str(innermost) else "")
    value = values.get(field)
    place = re.search(r"\[(\d+)\]", found["field"])
    if place and isinstance(value, list):
        value = value[int(place[1])]
    hint = " (YAML reads unquoted no, yes, on, off so: quote it)" if isinstance(value, bool) else ""
    name = re.sub(r"\[(\d+)\]", r".\1", found["field"])
    return f"{prefix}{_key(name)} is {value!r} ({type(value).__name__}), wanted {wanted}{hint}"
