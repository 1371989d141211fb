"""TOML to plain frozen dataclasses, checked once: unknown keys are refused with their path and the allowed names."""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from threatclip.errors import InputError, RecipeError
from threatclip.experiments.recipe import Recipe

T = TypeVar("T")


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Read one TOML recipe and apply `a.b=c` overrides in order.

    Raises:
        InputError: the file cannot be read.
        RecipeError: it is not TOML, or an override does not fit it.
    """
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise InputError(f"cannot read recipe {path}: {error.strerror}; see recipes/ for those that exist") from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path} is not UTF-8 text at byte {error.start}; save it as UTF-8") from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path} is not TOML: {error}") from error
    for override in overrides:
        _apply(values, override)
    return values


def _apply(values: dict[str, Any], override: str) -> None:
    dotted, equals, text = override.partition("=")
    keys = dotted.strip().split(".")
    if not equals or not all(keys):
        raise RecipeError(f"--set {override!r} is not of the form a.b=value")
    place: Any = values
    for index, key in enumerate(keys[:-1]):
        place = _step_into(place, key, ".".join(keys[: index + 1]))
    last: Any = keys[-1]
    if isinstance(place, list):
        last = _list_index(place, last, dotted)
    elif not isinstance(place, dict):
        raise RecipeError(f"--set {override!r}: {'.'.join(keys[:-1])} is a value, not a table")
    place[last] = _toml_value(text.strip())


def _step_into(place: Any, key: str, dotted: str) -> Any:
    if isinstance(place, list):
        return place[_list_index(place, key, dotted)]
    if not isinstance(place, dict):
        raise RecipeError(f"--set: {dotted} does not lead into a table")
    return place.setdefault(key, {})


def _list_index(place: list[Any], key: str, dotted: str) -> int:
    if not key.isdigit() or int(key) >= len(place):
        raise RecipeError(f"--set: {dotted} must be an index below {len(place)}")
    return int(key)


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text  # a bare word is a string: --set stage2.loss=infonce


def parse(kind: type[T] | Any, values: Mapping[str, Any], *, where: str) -> T:
    """Turn a TOML table into the dataclass (or tagged union) `kind`.

    Raises:
        RecipeError: an unknown key, with its path and the allowed names; or a value of the wrong type or range.
    """
    _refuse_unknown(kind, values, where, "")
    try:
        return typing.cast("T", TypeAdapter(kind).validate_python(dict(values)))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        spot = ".".join(str(part) for part in first["loc"]) or "recipe"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise RecipeError(f"{where}: {spot}: {first['msg']}, got {first['input']!r}{more}") from error


def _refuse_unknown(kind: Any, values: Any, where: str, path: str) -> None:
    for option in _dataclasses_of(kind, values):
        hints = typing.get_type_hints(option)
        allowed = [field.name for field in dataclasses.fields(option)]
        for key, value in values.items():
            spot = f"{path}.{key}" if path else key
            if key not in allowed:
                raise RecipeError(f"{where}: unknown key {spot!r}; allowed here: {', '.join(allowed)}")
            for index, item in enumerate(value if isinstance(value, list) else [value]):
                inner = hints[key]
                if isinstance(value, list):
                    inner = next(iter(typing.get_args(inner)), Any)
                if isinstance(item, Mapping):
                    _refuse_unknown(inner, item, where, f"{spot}[{index}]" if isinstance(value, list) else spot)


def _dataclasses_of(kind: Any, values: Mapping[str, Any]) -> list[Any]:
    """Return the one dataclass that `values` is meant for: the union's member is told by `kind` (or `task`)."""
    if typing.get_origin(kind) is typing.Annotated:
        kind = typing.get_args(kind)[0]
    options = [kind]
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        options = [option for option in typing.get_args(kind) if dataclasses.is_dataclass(option)]
    options = [option for option in options if dataclasses.is_dataclass(option)]
    tagged = [option for option in options if any(values.get(tag) in tags_of(option, tag) for tag in ("kind", "task"))]
    return tagged[:1] or options[:1]


def tags_of(option: Any, field: str) -> tuple[Any, ...]:
    """Return the literal values that a dataclass's tag field (`kind`, `task`) may take."""
    hint = typing.get_type_hints(option).get(field)
    return typing.get_args(hint) if typing.get_origin(hint) is typing.Literal else ()


def as_plain(value: Any) -> Any:
    """Turn dataclasses, tuples and paths back into what TOML and JSON hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read, override and check one recipe file.

    Raises:
        InputError: the file cannot be read.
        RecipeError: it is wrong; the message names the path of the key.
    """
    return parse(Recipe, read_recipe(path, overrides), where=str(path))
