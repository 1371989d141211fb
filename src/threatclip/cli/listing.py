"""`threatclip list`: what there is to choose from, read from the unions themselves."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_args

import typer

from threatclip.cli.options import Json
from threatclip.cli.terminal import show_json, show_table
from threatclip.errors import InputError

Entries = list[dict[str, Any]]


def _about(thing: Any) -> str:
    """Return the first line of a docstring."""
    return (inspect.getdoc(thing) or "").partition("\n")[0].rstrip(".")


def _sources() -> Entries:
    from threatclip.pairs.sources import SOURCES

    return [{"name": name, "about": _about(source)} for name, source in SOURCES.items()]


def _towers() -> Entries:
    from threatclip.encoders.towers import TowerConfig

    return [
        {"name": tower.__dataclass_fields__["kind"].default, "about": _about(tower)} for tower in get_args(TowerConfig)
    ]


def _probes() -> Entries:
    from threatclip.pairs.probes import PROBES, STRESS_PROBES

    return [{"name": name, "about": _about(probe)} for name, probe in {**PROBES, **STRESS_PROBES}.items()]


def _weaknesses() -> Entries:
    from threatclip.pairs.weaknesses import TEXT_WEAKNESSES, WEAKNESSES

    return [
        {
            "name": name,
            "about": weakness.title + ("" if name in WEAKNESSES else " (texts only)"),
            "cwe": list(weakness.cwe),
        }
        for name, weakness in TEXT_WEAKNESSES.items()
    ]


def _baselines() -> Entries:
    from threatclip.classification.baselines import BASELINES

    return [{"name": name, "about": baseline.title} for name, baseline in BASELINES.items()]


LISTS: dict[str, Callable[[], Entries]] = {
    "sources": _sources,
    "towers": _towers,
    "probes": _probes,
    "weaknesses": _weaknesses,
    "baselines": _baselines,
}


def listing(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="sources, towers, probes, weaknesses or baselines.")],
    as_json: Json = False,
) -> None:
    """List what there is of a kind."""
    if what not in LISTS:
        raise InputError(f"cannot list {what!r}; choose from {', '.join(LISTS)}")
    entries = LISTS[what]()
    if as_json:
        show_json({what: entries})
    else:
        show_table(["name", "about"], [[entry["name"], entry["about"]] for entry in entries])
