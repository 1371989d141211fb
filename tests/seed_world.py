"""A made-up world of six groups whose sentences tell them apart, for the seed's pipeline, and its recipe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from language_cases import save_mpnet, save_wordnet
from stix_cases import COLLECTION, TACTIC, bundle, item, relation, technique

N_GROUPS, N_ROWS, N_REPORTS, N_TECHNIQUES = 6, 16, 4, 16
_VERBS = "opened wrote fetched moved read kept".split()


def write_seed_world(folder: Path) -> Path:
    """Write a bundle, a base and a dictionary under `folder` and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    save_mpnet(folder / "mpnet")
    save_wordnet(folder / "wordnet")
    techniques = [
        technique(f"T8{number:03d}", f"Way {number}", "execution", description=f"Way {number} of things is opened.")
        for number in range(N_TECHNIQUES)
    ]
    objects: list[dict[str, Any]] = [COLLECTION, TACTIC, *techniques]
    for number in range(N_GROUPS):
        name = f"Sly Badger {number}"
        group = item("intrusion-set", f"G8{number:03d}", name, aliases=[name, f"APT-8{number}"], description="Digs.")
        raid = item("campaign", f"C8{number:03d}", f"Raid {number}", description="A raid.")
        objects += [group, raid, relation("attributed-to", raid, group)]
        for place in range(N_ROWS - number % 3):
            cited = f"Den {number}-{place % N_REPORTS}"
            objects.append(relation("uses", group, techniques[place], _sentence(name, number, place, cited=cited)))
        for place in range(3):
            text = _sentence(f"Raid {number}", number, place + 40, cited=f"Raid report {number}")
            objects.append(relation("uses", raid, techniques[place], text))
    (folder / "world.json").write_text(json.dumps(bundle(objects)))
    return folder


def _sentence(who: str, number: int, place: int, *, cited: str) -> str:
    verb = _VERBS[number]
    return f"{who} {verb} things{place} near the way and {verb} things by {chr(97 + number) * 3}.(Citation: {cited})"


def seed_recipe(folder: Path, **changes: Any) -> dict[str, Any]:
    """Return a recipe over what `write_seed_world` wrote, as plain values; tables named in `changes` are updated."""
    values: dict[str, Any] = {
        "task": "group-seed",
        "seed": 1,
        "data": {"root": str(folder), "bundle": "world.json"},
        "base": {"source": "mpnet", "max_tokens": 24},
        "language": {"epochs": 1, "max_steps": 2, "batch_rows": 4},
        "augmentation": {"wordnet": str(folder / "wordnet"), "rows_per_group": 20, "share": 0.2, "honest_too": False},
        "head": {
            "hidden": 16,
            "epochs": 2,
            "batch_rows": 16,
            "learning_rate": 3e-3,
            "precision": "fp32",
            "checkpoint_every_steps": 4,
        },
        "least_rows": 8,
    }
    for name, value in changes.items():
        values[name] = {**values[name], **value} if isinstance(value, dict) else value
    return values
