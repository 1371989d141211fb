"""Recipes for tests, as plain values, and ways to walk through them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RECIPES = Path(__file__).resolve().parents[2] / "recipes"

WHOLE: dict[str, Any] = {
    "task": "payload-weakness",
    "seed": 3,
    "data": {
        "root": ".",
        "pairs": {"path": "p.jsonl", "source": {"kind": "jsonl", "columns": {"id": "a.b", "view": "v"}}},
        "split": {"kind": "temporal", "train_until": 2020, "validation_until": 2021, "labels": ["xss", "own"]},
        "descriptions": {"path": "d.gz", "source": {"kind": "cve"}, "skip_bad": True},
        "classes": ["xss", "ssrf", "own", "xxe"],
        "anchors": {"own": ["a text", "another text"]},
        "held_out_classes": ["xxe"],
        "extra": [
            {"name": "one", "n": 5, "benign_fraction": 0.5},
            {"name": "two", "file": {"path": "x", "source": {"kind": "payload-list", "label": "xss"}}, "framed": True},
        ],
    },
    "text_tower": {"kind": "bpe", "dim": 32, "width": 16},
    "payload_tower": {"kind": "byte", "dim": 32, "kernels": [3, 4], "widths": [8, 12]},
    "stage1": {"loss": "triplet", "margin": 0.3},
    "stage2": {"infonce": 1, "squared": 0.25, "chunk_rows": 8},
    "views": {"noise": 0},
    "answer": {"members": ["anchors", "ngrams"], "precision": 1},
}
"""A recipe that sets something in every kind of table."""

Place = tuple[str | int, ...]


def places(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Yield every value inside a nest of tables and lists with the keys that lead there, the nest itself first."""
    yield place, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*place, key))


def with_value(values: dict[str, Any], place: Place, value: Any) -> dict[str, Any]:
    """Return a copy of `values` with another value at one place."""
    changed = copy.deepcopy(values)
    inner: Any = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return changed


def dotted(place: Place) -> str:
    """Return the place as messages write it: data.extra[0].name."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place).removeprefix(".")


def as_toml(values: dict[str, Any]) -> str:
    """Return tables as TOML, each top-level key one inline value; None is left out, as TOML has none."""
    return "".join(f"{key} = {_inline(value)}\n" for key, value in values.items() if value is not None)


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_inline(v)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value)
