"""TOML to plain frozen dataclasses, checked once: unknown keys are refused with their path and the allowed names."""

from __future__ import annotations

import dataclasses
import functools
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from threatclip.errors import InputError, RecipeError
from threatclip.experiments.recipes import Recipe

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
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"{path} is not TOML: {error}") from error
    return overridden(values, overrides)


def overridden(values: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Apply `a.b=c` overrides to `values`, in order, and return them.

    Raises:
        RecipeError: an override is not of that form, or does not fit the values.
    """
    for override in overrides:
        _apply(values, override)
    return values


def _apply(values: dict[str, Any], override: str) -> None:
    dotted, equals, text = override.partition("=")
    keys = [key.strip() for key in dotted.split(".")]
    if not equals or not all(keys) or not text.strip():
        raise RecipeError(f"--set {override!r} is not of the form a.b=value")
    place: Any = values
    for index, key in enumerate(keys[:-1]):
        place = _step_into(place, key, ".".join(keys[: index + 1]))
    last: Any = keys[-1]
    if isinstance(place, list):
        last = _list_index(place, last, ".".join(keys))
    elif not isinstance(place, dict):
        raise RecipeError(f"--set {override!r}: {'.'.join(keys[:-1])!r} is a value, not a table")
    place[last] = _toml_value(text.strip(), override)


def _step_into(place: Any, key: str, dotted: str) -> Any:
    if isinstance(place, list):
        return place[_list_index(place, key, dotted)]
    if not isinstance(place, dict):
        raise RecipeError(f"--set: {dotted!r} does not lead into a table")
    return place.setdefault(key, {})


def _list_index(place: list[Any], key: str, dotted: str) -> int:
    if not (key.isascii() and key.isdigit()) or int(key) >= len(place):
        raise RecipeError(f"--set: {key!r} in {dotted!r} must be an index below {len(place)}")
    return int(key)


def _toml_value(text: str, override: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError) as error:
        if text[0] in "[{\"'":
            raise RecipeError(f"--set {override!r}: the value is not TOML: {error}") from error
        return text  # a bare word is a string: --set stage2.loss=infonce
    if set(parsed) != {"value"}:
        raise RecipeError(f"--set {override!r} sets more than one key; give each its own --set")
    return parsed["value"]


def parse(kind: type[T] | Any, values: Any, *, where: str) -> T:
    """Turn a TOML table into the dataclass (or tagged union) `kind`.

    Types are strict: an integer serves as a float, nothing else stands for anything else.

    Raises:
        RecipeError: an unknown key, with its path and the allowed names; a key that is missing; a value of the wrong
            type or out of range.
    """
    return typing.cast("T", _Reading(where=where).value(kind, values, ""))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """One recipe being read; `where` begins its messages, a dotted path says which key they are about."""

    where: str

    def value(self, hint: Any, value: Any, path: str) -> Any:
        """Return `value` as `hint` wants it: tables as dataclasses, lists as tuples, the rest as it is."""
        members = _members(hint)
        tables = [member for member in members if dataclasses.is_dataclass(member)]
        if tables and isinstance(value, Mapping):
            return self.table(self.chosen(tables, value, path), value, path)
        if tables and not (value is None and types.NoneType in members):
            raise self.error(path, f"must be a table, got {value!r}")
        for member in members:
            inner, outer = typing.get_args(member), typing.get_origin(member)
            if outer is tuple and isinstance(value, list | tuple):
                return tuple(self.value(inner[0], item, f"{path}[{index}]") for index, item in enumerate(value))
            if outer in (dict, Mapping) and isinstance(value, Mapping):
                return {key: self.value(inner[1], item, _under(path, key)) for key, item in value.items()}
            if outer is tuple and value is not None:
                raise self.error(path, f"must be a list, got {value!r}")
        try:
            return _adapter(hint).validate_python(value, strict=True)
        except ValidationError as error:
            raise self.error(path, f"{error.errors(include_url=False)[0]['msg']}, got {value!r}") from error

    def table(self, option: Any, values: Mapping[str, Any], path: str) -> Any:
        """Return the dataclass `option` made from a table."""
        hints = _hints(option)
        fields = dataclasses.fields(option)
        allowed = [field.name for field in fields]
        for key in values:
            if key not in allowed:
                raise RecipeError(
                    f"{self.where}: unknown key {_under(path, key)!r}; allowed here: {', '.join(allowed)}"
                )
        for field in fields:
            if field.name not in values and _is_required(field):
                raise RecipeError(f"{self.where}: {_under(path, field.name)!r} is missing; give it a value")
        found = {key: self.value(hints[key], value, _under(path, key)) for key, value in values.items()}
        try:
            return option(**found)
        except InputError as error:
            raise self.error(path, str(error)) from error

    def chosen(self, options: Sequence[Any], values: Mapping[str, Any], path: str) -> Any:
        """Return the member of a union that a table is meant for, told by its `kind`, or a recipe by its `task`."""
        if len(options) == 1:
            return options[0]
        tag = "task" if all(tags_of(option, "task") for option in options) else "kind"
        by_tag = {value: option for option in options for value in tags_of(option, tag)}
        found = values.get(tag)
        if not isinstance(found, str) or found not in by_tag:
            what = f"{tag} {found!r} is not" if tag in values else f"needs a {tag},"
            raise self.error(path, f"{what} one of {', '.join(by_tag)}")
        return by_tag[found]

    def error(self, path: str, message: str) -> RecipeError:
        """Return the error that names the recipe and the key."""
        return RecipeError(f"{self.where}: {path}: {message}" if path else f"{self.where}: {message}")


@functools.cache
def _hints(option: Any) -> dict[str, Any]:
    return typing.get_type_hints(option)


@functools.cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)


def _members(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the one type that it is."""
    return typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)


def _under(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def tags_of(option: Any, field: str) -> tuple[Any, ...]:
    """Return the literal values that a dataclass's tag field (`kind`, `task`) may take."""
    hint = _hints(option).get(field)
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


def default_settings(option: Any) -> tuple[dict[str, Any], list[str]]:
    """Return what a dataclass's fields are by default, as TOML and JSON hold it, and which fields have no default."""
    fields = dataclasses.fields(option)
    required = [field.name for field in fields if _is_required(field)]
    made = {
        field.name: field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        for field in fields
        if field.name not in required
    }
    return as_plain(made), required


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read, override and check one recipe file.

    Raises:
        InputError: the file cannot be read.
        RecipeError: it is wrong; the message names the path of the key.
    """
    return parse(Recipe, read_recipe(path, overrides), where=str(path))
