"""A made-up world of groups, each with habits of its own: eight groups, four reports each, software, campaigns."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from stix_cases import COLLECTION, TACTIC, bundle, item, relation, technique
from threatclip.experiments.attribution.rows import BUNDLE, MASKED, AttackRows, read_rows
from threatclip.seeds import rng

N_GROUPS, N_TECHNIQUES, N_REPORTS, N_ROWS = 8, 40, 4, 16
_ANIMALS = "Badger Heron Otter Lynx Marten Stoat Raven Viper".split()
_HABITS = "barges quarries orchards foundries harbors granaries tanneries vineyards".split()
_MEANS = "spades nets reeds ropes lanterns kites drums bellows".split()
_COMMON = "opened wrote fetched moved packed sent read kept".split()


def attack_world(*, groups: int = N_GROUPS, seed: int = 0) -> list[dict[str, Any]]:
    """Return STIX objects in which every group writes of its own habit in about half of its sentences."""
    generator = rng(seed, "tests/world")
    techniques = [
        technique(f"T8{number:03d}", f"Way {number}", "execution", description=f"Way {number} is taken. Often.")
        for number in range(N_TECHNIQUES)
    ]
    objects: list[dict[str, Any]] = [COLLECTION, TACTIC, *techniques]
    for number in range(groups):
        name, habit = f"Sly {_ANIMALS[number % 8]} {number}", _HABITS[number % 8]
        group = item("intrusion-set", f"G8{number:03d}", name, aliases=[name], description=f"{name} raids {habit}.")
        tool = item("malware", f"S8{number:03d}", f"Claw{number:03d}", description=f"Digs in {habit}.")
        raid = item("campaign", f"C8{number:03d}", f"Raid {number}", description=f"A raid on {habit}.")
        objects += [group, tool, raid, relation("uses", group, tool), relation("attributed-to", raid, group)]
        chosen = generator.permutation(N_TECHNIQUES)
        for place in range(N_ROWS):
            text = _sentence(generator, name, number, cited=f"Den {number}-{place % N_REPORTS}")
            objects.append(relation("uses", group, techniques[chosen[place]], text))
        for place in range(6):
            cited = f"Lab {number}" if place < 4 else f"Den {number}-0"
            text = _sentence(generator, f"Claw{number:03d}", number, cited=cited)
            objects.append(relation("uses", tool, techniques[chosen[place + 20]], text))
            text = _sentence(generator, f"Raid {number}", number, cited=f"Raid report {number}")
            objects.append(relation("uses", raid, techniques[chosen[place + 28]], text))
    return objects


def _sentence(generator: Any, who: str, number: int, *, cited: str) -> str:
    words = [_COMMON[generator.integers(8)], f"things{generator.integers(30)}", f"by way of {generator.integers(90)}"]
    if generator.random() < 0.6:
        words.append(f"near {_HABITS[number % 8]} with {_MEANS[number % 8]}")
    return f"{who} {' '.join(words)}.(Citation: {cited})"


def write_world(path: Path, **options: Any) -> Path:
    """Write the world's bundle and return its path."""
    path.write_text(json.dumps(bundle(attack_world(**options))))
    return path


@functools.cache
def real_rows(data_dir: Path) -> AttackRows:
    """Return the rows of the real bundle, masked as the protocol's table has them, read once."""
    return read_rows(data_dir / BUNDLE, masked=data_dir / MASKED)
