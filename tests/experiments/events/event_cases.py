"""Generated posts, features that stand for them, and the smallest recipe that goes through everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from experiment_cases import one_thread

from threatclip.classification.heads import unit
from threatclip.experiments.config import parse, read_recipe
from threatclip.experiments.events.features import PostFeatures
from threatclip.experiments.events.fitting import Labeled, Plan
from threatclip.experiments.events.recipe import Answer, Events
from threatclip.experiments.events.train import train_events
from threatclip.experiments.progress import ignore
from threatclip.pairs.image_samples import sample_posts
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import write_pairs

CLASSES = ("floodwater", "buildingfire", "forrestfire")
SIDE = 16
RECIPE = f"""
task = "events"

[data]
posts = {{ path = "posts.parquet" }}
classes = {list(CLASSES)}
folds = 2
inner_folds = 2

[picture]
mirrored = false
tower = {{ kind = "resnet", side = {SIDE}, width = 8, stages = 2, blocks = 1, dim = 16 }}

[words]
ngrams = true
tower = {{ kind = "bpe", dim = 16, width = 16, layers = 1, heads = 2, vocabulary = 300, max_tokens = 16 }}

[answer]
costs = [1.0, 10.0]
precision = 0.7
"""


def posts(n: int = 60, *, seed: int = 0, side: int = SIDE) -> list[Pair]:
    """Return generated posts of three events; some lack their picture or their words."""
    return list(sample_posts(n, seed=seed, side=side, classes=CLASSES))


def write_recipe(folder: Path, *, n: int = 60) -> Path:
    """Write the recipe with its table beside it."""
    write_pairs(folder / "posts.parquet", posts(n), modality="image")
    path = folder / "events.toml"
    path.write_text(RECIPE)
    return path


def load(recipe: Path, *overrides: str) -> Events:
    """Read the recipe, its data beside it."""
    values = read_recipe(recipe, (f"data.root={str(recipe.parent)!r}", *overrides))
    return parse(Events, values, where=str(recipe))


def train_tiny_events(recipe: Path, out: Path, *overrides: str) -> dict[str, Any]:
    """Train as the recipe says."""
    with one_thread():
        return train_events(load(recipe, *overrides), out, resume=False, on_progress=ignore)


def made_features(
    labels: np.ndarray, *, seed: int = 0, picture: float = 1.0, words: float = 1.0, missing: float = 0.2
) -> PostFeatures:
    """Return features that tell the class as loudly as asked, in noise of length one; some halves are missing."""
    draw = np.random.default_rng(seed)
    n, width = len(labels), 12
    directions = np.random.default_rng(99).standard_normal((2, 8, width))
    has_picture = draw.random(n) >= missing
    has_words = (draw.random(n) >= missing) | ~has_picture
    rows = [
        unit(loud * directions[half][labels] / np.sqrt(width) + draw.standard_normal((n, width)) / np.sqrt(width))
        for half, loud in ((0, picture), (1, words))
    ]
    texts = [f"word{label} noise{draw.integers(50)} noise{draw.integers(50)}" for label in labels.tolist()]
    return PostFeatures(
        picture=(rows[0] * has_picture[:, None]).astype(np.float32),
        words=(rows[1] * has_words[:, None]).astype(np.float32),
        texts=tuple(text if there else "" for text, there in zip(texts, has_words.tolist(), strict=True)),
        has_picture=has_picture,
        has_words=has_words,
        drawn=np.zeros((n, 0, width), dtype=np.float32),
    )


def made_posts(n: int = 90, *, n_classes: int = 3, seed: int = 0, **how: float) -> Labeled:
    """Return labeled features of posts that are all of clusters of their own."""
    labels = np.arange(n) % n_classes
    return Labeled(rows=made_features(labels, seed=seed, **how), labels=labels, clusters=np.arange(n))


def plan(*, n_classes: int = 3, seed: int = 0, ngrams: bool = False, costs: tuple[float, ...] = (1.0,)) -> Plan:
    """Return how the tests' models are fitted."""
    answer = Answer(costs=costs, precision=0.8)
    return Plan(answer=answer, n_classes=n_classes, n_folds=2, ngrams=ngrams, seed=seed)
