"""`threatclip list`: what there is to choose from, read from the unions themselves."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
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


def _attacks() -> Entries:
    from threatclip.attacks import ATTACKS

    return _union(ATTACKS)


def _filters() -> Entries:
    from threatclip.defenses.filters import FILTERS

    return _union(FILTERS)


def _trainings() -> Entries:
    from threatclip.defenses.trainings import TRAININGS

    return _union(TRAININGS)


def _repairs() -> Entries:
    from threatclip.defenses.repairs import REPAIRS

    return _union(REPAIRS)


def _detectors() -> Entries:
    from threatclip.defenses.detectors import DETECTORS

    return _union(DETECTORS)


def _scanners() -> Entries:
    from threatclip.defenses.scanners import SCANNERS

    return _union(SCANNERS)


def _union(members: Mapping[str, Any]) -> Entries:
    """Return what the members of a union of attacks or defenses say of themselves, and their parameters."""
    from threatclip.experiments.config import default_settings

    entries = []
    for kind, member in members.items():
        defaults, required = default_settings(member)
        del defaults["kind"]
        entries.append(
            {
                "name": kind,
                "about": _about(member),
                "modality": list(member.modalities),
                "paper": member.paper,
                "parameters": defaults,
                "required": required,
            }
        )
    return entries


LISTS: dict[str, Callable[[], Entries]] = {
    "sources": _sources,
    "towers": _towers,
    "probes": _probes,
    "weaknesses": _weaknesses,
    "baselines": _baselines,
    "attacks": _attacks,
    "filters": _filters,
    "trainings": _trainings,
    "repairs": _repairs,
    "detectors": _detectors,
    "scanners": _scanners,
}


def listing(
    what: Annotated[str, typer.Argument(metavar="WHAT", help=f"{', '.join(list(LISTS)[:-1])} or {list(LISTS)[-1]}.")],
    as_json: Json = False,
) -> None:
    """List what there is of a kind."""
    if what not in LISTS:
        raise InputError(f"cannot list {what!r}; choose from {', '.join(LISTS)}")
    entries = LISTS[what]()
    if as_json:
        show_json({what: entries})
    else:
        columns, rows = _TABLES.get(what, _plain)(entries)
        show_table(columns, rows)


def _plain(entries: Entries) -> tuple[list[str], list[list[str]]]:
    return ["name", "about"], [[entry["name"], entry["about"]] for entry in entries]


def _union_table(entries: Entries) -> tuple[list[str], list[list[str]]]:
    """Return kind, modality, paper and parameters; `target=` must be given, `alpha` need not be."""
    rows = []
    for entry in entries:
        parts = [f"{name}=" for name in entry["required"]]
        parts += [name if text is None else f"{name}={text}" for name, text in _flat(entry["parameters"])]
        rows.append([entry["name"], "+".join(entry["modality"]), entry["paper"], " ".join(parts)])
    return ["name", "modality", "paper", "parameters"], rows


def _flat(values: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Yield dotted names and what they hold, None where nothing is set."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{inner}", text) for inner, text in _flat(value))
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            yield name, "+".join(item["kind"] for item in value)  # members of a union, each with settings of its own
        elif isinstance(value, float):
            yield name, f"{value:.4g}"
        else:
            yield name, None if value in (None, "", []) else str(value)


_TABLES = dict.fromkeys(("attacks", "filters", "trainings", "repairs", "detectors", "scanners"), _union_table)
