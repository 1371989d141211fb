"""Options that several verbs share, and how options become the dataclass of a source or a split."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import typer

from threatclip.errors import InputError

T = TypeVar("T")

Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B=VALUE", help="Set one value of the recipe, as in --set seed=1; repeatable."),
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Count and report broken rows, and go on without them.")]
OutTable = Annotated[Path, typer.Option("--output", "-o", metavar="TABLE", help="Pair table (Parquet) to write.")]

_OPTION_OF = {"columns": "--map", "labels": "--class", "path": "--file"}


def configured(component: type[T], given: Mapping[str, Any], *, what: str) -> T:
    """Make the dataclass `component` of the options that were given; None and empty mean not given.

    Raises:
        InputError: an option that `component` does not have, a value outside of its choices, or a required option
            that is missing.
    """
    hints = get_type_hints(component)
    fields = {field.name: field for field in dataclasses.fields(component) if field.name != "kind"}  # type: ignore[arg-type]
    values = {name: value for name, value in given.items() if value is not None and value != () and value != {}}
    for name in values:
        if name not in fields:
            takes = ", ".join(_option(field) for field in fields) or "none"
            raise InputError(f"{what} does not take {_option(name)}; it takes {takes}")
        choices = _choices(hints[name])
        if choices and values[name] not in choices:
            raise InputError(f"{_option(name)} {values[name]!r} of {what} is not one of {', '.join(choices)}")
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in values:
            raise InputError(f"{what} needs {_option(name)}")
    return component(**values)


def _choices(hint: Any) -> tuple[Any, ...]:
    """Return the values of a Literal, or of a Literal or None."""
    found = [part for part in (hint, *get_args(hint)) if get_origin(part) is Literal]
    return get_args(found[0]) if found else ()


def _option(field: str) -> str:
    return _OPTION_OF.get(field, f"--{field.replace('_', '-')}")
