"""`train` of an event recipe: features, an honest judgment out of fold, and a model of all posts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.artifacts import read_json, read_tensors, write_json, write_tensors
from threatclip.encoders.towers import ImageTower
from threatclip.errors import RecipeError
from threatclip.experiments.config import as_plain
from threatclip.experiments.contrastive.places import make_tower
from threatclip.experiments.events.bundle import save_classifier
from threatclip.experiments.events.card import events_card
from threatclip.experiments.events.catalogue import Catalogue, read_catalogue
from threatclip.experiments.events.classifier import EventClassifier, known_post
from threatclip.experiments.events.features import PostFeatures, Reader
from threatclip.experiments.events.fitting import Labeled, OutOfFold, Plan, fit_model, out_of_fold
from threatclip.experiments.events.judging import judged_posts, model_metrics
from threatclip.experiments.events.model import BOTH
from threatclip.experiments.events.posts import Posts, half_counts, load_posts
from threatclip.experiments.events.recipe import Events
from threatclip.experiments.events.typography import PROBES, drawn_copies
from threatclip.experiments.material import root_folder
from threatclip.experiments.progress import OnProgress, Progress
from threatclip.experiments.run_folder import BUNDLE, PAIRS, SUMMARY, data_hashes, open_run
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import write_pairs
from threatclip.seeds import stream_seed

OUT_OF_FOLD = "out-of-fold.safetensors"
_ANSWERED = "answered"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Study:
    """What a recipe learns from, read once: posts, towers, features."""

    recipe: Events
    posts: Posts
    reader: Reader
    features: PostFeatures

    @property
    def plan(self) -> Plan:
        """How models are fitted."""
        return plan_of(self.recipe)

    @property
    def labeled(self) -> Labeled:
        """The posts as fits take them."""
        return Labeled(rows=self.features, labels=self.posts.labels, clusters=self.posts.clusters)


def plan_of(recipe: Events) -> Plan:
    """Return how a recipe's models are fitted."""
    return Plan(
        answer=recipe.answer,
        n_classes=len(recipe.data.classes),
        n_folds=recipe.data.inner_folds,
        ngrams=recipe.words.ngrams,
        seed=recipe.seed,
    )


def train_events(recipe: Events, out: Path, *, resume: bool, on_progress: OnProgress) -> dict[str, Any]:
    """Judge the recipe out of fold, fit it on all posts and save it.

    It takes minutes, so a run that was killed starts anew with `resume`.

    Raises:
        InputError: the folder is taken, or data is missing or unusable.
        StorageError: the disk refused.
    """
    root = root_folder(recipe.data.root)
    catalogue = recipe_catalogue(recipe)
    hashes = data_hashes(root, input_files(recipe, root))
    if open_run(out, as_plain(recipe), resume=resume, data=hashes):
        finished: dict[str, Any] = read_json(out / SUMMARY)
        return finished
    began = time.monotonic()
    study = read_study(recipe, root)
    also = probed_features(study.reader, study.posts.pairs, seed=recipe.seed)
    _say(on_progress, "features", 1, 1)
    judged = out_of_fold(
        study.labeled,
        study.plan,
        n_folds=recipe.data.folds,
        also=also,
        on_fold=lambda done, total: _say(on_progress, "folds", done, total),
    )
    classifier = EventClassifier(
        classes=recipe.data.classes,
        reader=study.reader,
        fitted=fit_model(study.labeled, study.plan),
        catalogue=catalogue,
        hashtags=recipe.data.hashtags,
        known=tuple(known_post(pair) for pair in study.posts.pairs),
    )
    _write_judged(study, judged, out)
    summary = _summary(study, judged, classifier, out) | {"seconds": time.monotonic() - began}
    save_classifier(classifier, out / BUNDLE, card=events_card(recipe, summary, hashes))
    write_json(out / SUMMARY, summary)
    _say(on_progress, "model", 1, 1)
    return summary


def recipe_catalogue(recipe: Events) -> Catalogue:
    """Return the names and prompts of a recipe's classes.

    Raises:
        InputError: the file cannot be read, or lacks a class.
    """
    return read_catalogue(None if recipe.catalogue is None else Path(recipe.catalogue)).only(recipe.data.classes)


def probed_features(reader: Reader, pairs: Sequence[Pair], *, seed: int) -> dict[str, PostFeatures]:
    """Return, for every typographic probe, the features of posts whose pictures it changed; their words stay."""
    views = [pair.view for pair in pairs]
    found = {}
    for name, probe in PROBES.items():
        changed = zip(pairs, probe(views, seed), strict=True)
        found[name] = reader.features([replace(pair, view=view) for pair, view in changed], cached=True)
    return found


def read_study(recipe: Events, root: Path, *, cached: bool = True) -> Study:
    """Read posts, make towers, compute features.

    Raises:
        InputError: data is missing or unusable.
    """
    posts = load_posts(recipe.data, root)
    reader = make_reader(recipe, root, texts=posts.captions)
    drawn = drawn_copies(posts.views, n_copies=recipe.picture.drawn_copies, seed=recipe.seed)
    return Study(
        recipe=recipe,
        posts=posts,
        reader=reader,
        features=reader.features(posts.pairs, drawn=drawn, cached=cached),
    )


def make_reader(recipe: Events, root: Path, *, texts: Sequence[str]) -> Reader:
    """Make the towers of a recipe.

    Raises:
        InputError: a source that cannot be read.
        RecipeError: towers that cannot be what they are used for.
    """
    picture = make_tower(recipe.picture.tower, root, seed=recipe.seed, texts=[])
    if not isinstance(picture, ImageTower):
        raise RecipeError(f"picture.tower: kind {recipe.picture.tower.kind!r} reads no pictures")
    words = make_tower(
        recipe.words.tower, root, seed=stream_seed(recipe.seed, "words"), texts=[text for text in texts if text]
    )
    return Reader(
        picture=picture.eval(), words=words.eval(), sides=recipe.picture.sides, mirrored=recipe.picture.mirrored
    )


def input_files(recipe: Events, root: Path) -> list[str]:
    """Return every path under `root` that a recipe reads."""
    sources = [getattr(tower, "source", None) for tower in (recipe.picture.tower, recipe.words.tower)]
    return [recipe.data.posts.path, *(name for name in sources if name and (root / name).exists())]


def read_out_of_fold(run: Path) -> OutOfFold:
    """Return what a run made of its own posts, out of fold.

    Raises:
        InputError: the run did not finish.
        DamagedArtifactError: the file is not what was written.
    """
    tensors = read_tensors(run / OUT_OF_FOLD)
    answered = tensors.pop(_ANSWERED)
    return OutOfFold(probabilities=tensors, answered=answered.astype(bool))


def _write_judged(study: Study, judged: OutOfFold, out: Path) -> None:
    """Keep the posts and their out-of-fold answers, so that the run can be judged without the data."""
    rows = zip(study.posts.pairs, study.posts.clusters.tolist(), strict=True)
    pairs = [replace(pair, split="train", group=f"cluster {number}") for pair, number in rows]
    write_pairs(out / PAIRS, pairs, modality="image")
    write_tensors(out / OUT_OF_FOLD, {**judged.probabilities, _ANSWERED: judged.answered.astype(np.uint8)})


def _summary(study: Study, judged: OutOfFold, classifier: EventClassifier, out: Path) -> dict[str, Any]:
    recipe, posts = study.recipe, study.posts
    rows = judged_posts(posts.pairs, classes=recipe.data.classes, seed=recipe.seed, clusters=posts.clusters)
    return {
        "run": str(out),
        "task": recipe.task,
        "seed": recipe.seed,
        "n_train": len(posts),
        "n_left_out": {"empty": posts.n_empty, "unlabeled": posts.n_unlabeled, "test": posts.n_test},
        "halves": half_counts(posts.pairs),
        "folds": recipe.data.folds,
        "metrics": model_metrics(rows, judged.probabilities[BOTH], judged.answered),
        "abstention": {way: rule.config() for way, rule in classifier.fitted.abstentions.items()},
        "pool": {
            way: dict(zip(pool.members, pool.weights.tolist(), strict=True))
            for way, pool in classifier.fitted.pools.items()
        },
    }


def _say(on_progress: OnProgress, stage: str, done: int, total: int) -> None:
    on_progress(Progress(stage=stage, done=done, total=total))
