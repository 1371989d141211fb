"""A small ATT&CK of two families, sentences on it from four years and six reports, and the smallest recipe of all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from experiment_cases import one_thread

from stix_cases import BADGER, COLLECTION, TACTIC, relation, technique, write_bundle
from threatclip.experiments.config import parse, read_recipe
from threatclip.experiments.progress import ignore
from threatclip.experiments.technique.recipe import Technique
from threatclip.experiments.technique.train import train_technique
from threatclip.seeds import rng

WORDS = {
    "T9001": ("Shells", "shell", "prompt", "console"),
    "T9001.001": ("Fish Shell", "fish", "salmon", "trout"),
    "T9001.002": ("Crab Shell", "crab", "lobster", "shrimp"),
    "T9002": ("Locks", "lock", "key", "bolt"),
    "T9002.001": ("Padlocks", "padlock", "shackle", "hasp"),
    "T9003": ("Mirrors", "mirror", "glass", "silver"),
}
UNSEEN = "T9004"
RECIPE = """
task = "attack-technique"

[data]
attack = "attack.json"
validation_from = 2023
test_from = 2024
validation_reports = 0.2
test_reports = 0.2

[[data.sentences]]
name = "own"
file = { path = "labeled.json", source = { kind = "tram" } }

[space]
tower = { kind = "bpe", dim = 16, width = 16, layers = 1, heads = 2, vocabulary = 300, max_tokens = 24 }
fit = { epochs = 2, batch_rows = 16, learning_rate = 3e-3 }

[answer]
members = ["words", "characters", "neighbors", "descriptions"]
precision = 0.6
shown = 4
"""


def sentences(attack_id: str, n: int, *, seed: int) -> list[str]:
    """Return sentences that use the words of a technique."""
    _, *own = WORDS[attack_id]
    draw = rng(seed, f"cases/{attack_id}")
    verbs = ("opened", "broke", "sold", "painted", "hid", "copied")
    return [
        f"The actor {draw.choice(verbs)} the {draw.choice(own)} and the {draw.choice(own)} {number} times."
        for number in range(n)
    ]


def write_case(folder: Path) -> Path:
    """Write bundle, labeled sentences and recipe; return the recipe's path."""
    techniques = {
        attack_id: technique(
            attack_id,
            name,
            "execution",
            description=f"Adversaries may use a {one}. A {two} or {three} will do too.",
        )
        for attack_id, (name, one, two, three) in WORDS.items()
    }
    techniques[UNSEEN] = technique(UNSEEN, "Umbrellas", "execution", description="Adversaries may open an umbrella.")
    objects: list[dict[str, Any]] = [COLLECTION, TACTIC, BADGER, *techniques.values()]
    objects += [
        relation("subtechnique-of", one, techniques[attack_id[:5]])
        for attack_id, one in techniques.items()
        if "." in attack_id
    ]
    for attack_id in WORDS:
        for number, text in enumerate(sentences(attack_id, 16, seed=0)):
            when = f"{2021 + number % 4}-01-01T00:00:00.000Z"
            cited = f"{text}(Citation: Report {number})"
            objects.append(relation("uses", BADGER, techniques[attack_id], cited, created=when, modified=when))
    write_bundle(folder / "attack.json", objects)
    rows = [
        {"text": text, "label": attack_id, "doc_title": f"Report {number % 6}"}
        for attack_id in WORDS
        for number, text in enumerate(sentences(attack_id, 12, seed=1))
    ]
    (folder / "labeled.json").write_text(json.dumps(rows))
    path = folder / "technique.toml"
    path.write_text(f"{RECIPE}\n")
    return path


def load(path: Path, *overrides: str) -> Technique:
    """Return the recipe of `write_case`; its data lie beside it."""
    recipe: Technique = parse(Technique, read_recipe(path, [f'data.root="{path.parent}"', *overrides]), where=str(path))
    return recipe


def train_tiny_technique(path: Path, out: Path) -> dict[str, Any]:
    """Train the recipe of `write_case`."""
    with one_thread():
        return train_technique(load(path), out, resume=False, on_progress=ignore)
