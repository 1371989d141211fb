"""`train` of zero-shot events: the space, what it makes of posts before and after adapting, and the adapted model."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from threatclip.artifacts import read_json, write_json, write_tensors
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.interpolate import interpolate
from threatclip.evaluation.retrieval import Judgment, query_scores
from threatclip.experiments.config import as_plain
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.contrastive.material import load_stages
from threatclip.experiments.contrastive.places import input_files as files_of_space
from threatclip.experiments.contrastive.train import start_dual
from threatclip.experiments.events.card import zero_shot_card
from threatclip.experiments.events.catalogue import Catalogue, read_catalogue
from threatclip.experiments.events.features import PICTURE
from threatclip.experiments.events.judging import judged_posts, plain_judgment
from threatclip.experiments.events.posts import Posts, folds_of, half_counts, load_posts
from threatclip.experiments.events.space import PostVectors, Space
from threatclip.experiments.events.transfer import transferred
from threatclip.experiments.events.zero_shot import JOINED, alone, fit_weighing, joined
from threatclip.experiments.events.zero_shot_recipe import EventsZeroShot
from threatclip.experiments.material import root_folder
from threatclip.experiments.progress import OnProgress, Progress
from threatclip.experiments.run_folder import BUNDLE, PAIRS, SUMMARY, data_hashes, open_run
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import write_pairs
from threatclip.seeds import stream_seed
from threatclip.training.dual.fit import fit_dual
from threatclip.training.dual.prepared import prepare_pairs

JUDGED, MATCHING, CATALOGUE = "judged.safetensors", "matching.json", "catalogue.json"
BEFORE, AFTER = "before", "after"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """What models made of posts of folds that they did not see.

    Attributes:
        probabilities: "WHEN NAME" -> [n, c].
        matching: "WHEN" -> {metric: (values, groups)} of held-out posts with both halves, a gallery for each fold.
    """

    probabilities: Mapping[str, np.ndarray]
    matching: Mapping[str, Mapping[str, tuple[list[float], list[str]]]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Work:
    recipe: EventsZeroShot
    posts: Posts
    catalogue: Catalogue
    before: Space


def train_zero_shot(recipe: EventsZeroShot, out: Path, *, resume: bool, on_progress: OnProgress) -> dict[str, Any]:
    """Learn the space, judge it on posts before and after adapting, adapt it to all of them and save it.

    It takes minutes, so a run that was killed starts anew with `resume`.

    Raises:
        InputError: the folder is taken, or data is missing or unusable.
        StorageError: the disk refused.
    """
    root = root_folder(recipe.data.root)
    catalogue = read_catalogue(None if recipe.catalogue is None else Path(recipe.catalogue)).only(recipe.data.classes)
    hashes = data_hashes(root, [*files_of_space(recipe.space, root), recipe.data.posts.path])
    if open_run(out, as_plain(recipe), resume=resume, data=hashes):
        finished: dict[str, Any] = read_json(out / SUMMARY)
        return finished
    began = time.monotonic()
    work = _Work(
        recipe=recipe,
        posts=load_posts(recipe.data, root),
        catalogue=catalogue,
        before=Space(dual=_general(recipe, root, on_progress)),
    )
    judged = _judged(work, on_progress)
    rows = zip(work.posts.pairs, work.posts.clusters.tolist(), strict=True)
    pairs = [replace(pair, split="train", group=f"cluster {number}") for pair, number in rows]
    write_pairs(out / PAIRS, pairs, modality="image")
    write_tensors(out / JUDGED, judged.probabilities)
    write_json(out / CATALOGUE, catalogue.as_plain())
    write_json(out / MATCHING, {when: as_plain(scores) for when, scores in judged.matching.items()})
    adapted = _adapted(work, work.posts.pairs, stream="all")
    own = judged_posts(pairs, classes=recipe.data.classes, seed=recipe.seed)
    summary = {
        "run": str(out),
        "task": recipe.task,
        "seed": recipe.seed,
        "n_train": len(pairs),
        "n_left_out": {
            "empty": work.posts.n_empty,
            "unlabeled": work.posts.n_unlabeled,
            "test": work.posts.n_test,
        },
        "halves": half_counts(pairs),
        "metrics": plain_judgment(own, judged.probabilities[f"{AFTER} {recipe.joined}"]),
        "seconds": time.monotonic() - began,
    }
    bundle = DualBundle(dual=adapted.dual, modality="image", prompts=catalogue.prompts(PICTURE))
    bundle.save(out / BUNDLE, card=zero_shot_card(recipe, summary, hashes))
    write_json(out / SUMMARY, summary)
    return summary


def _general(recipe: EventsZeroShot, root: Path, on_progress: OnProgress) -> DualEncoder:
    """Return the space before it has seen a post: the first stage of `event-adapt.toml` with these settings."""
    space = recipe.space
    material = load_stages(space, root)
    dual = start_dual(space, material.texts, root).eval()
    pairs = prepare_pairs(material.stages[0].train, dual)
    fit_dual(
        dual,
        pairs,
        recipe.general.fit,
        seed=stream_seed(recipe.seed, "stage/general"),
        on_step=lambda step: on_progress(Progress(stage="general", done=step.step, total=0, facts=step.losses)),
    )
    return dual.to(torch.device("cpu"))


def _adapted(work: _Work, pairs: tuple[Pair, ...], *, stream: str) -> Space:
    """Return the space adapted to posts."""
    adapt = work.recipe.adapt
    tuned = copy.deepcopy(work.before.dual)
    fit_dual(tuned, prepare_pairs(pairs, tuned), adapt.fit, seed=stream_seed(work.recipe.seed, f"adapt/{stream}"))
    tuned.to(torch.device("cpu"))
    return Space(dual=interpolate(work.before.dual, tuned, alpha=adapt.interpolate).eval())


def _judged(work: _Work, on_progress: OnProgress) -> Judged:
    """Judge every post by a space that was adapted without its fold, and by the one before."""
    recipe, posts = work.recipe, work.posts
    folds = folds_of(posts.labels, posts.clusters, n_folds=recipe.data.folds, seed=recipe.seed, stream="events/folds")
    probabilities: dict[str, np.ndarray] = {}
    matching: dict[str, dict[str, tuple[list[float], list[str]]]] = {BEFORE: {}, AFTER: {}}
    before = work.before.vectors(posts.pairs)
    for number, (learned, judged) in enumerate(folds):
        adapted = _adapted(work, tuple(posts.pairs[row] for row in learned.tolist()), stream=str(number))
        spaces = {BEFORE: (work.before, before), AFTER: (adapted, adapted.vectors(posts.pairs))}
        for when, (space, vectors) in spaces.items():
            for name, answers in _answers(work, space, vectors, learned, judged).items():
                found = probabilities.setdefault(f"{when} {name}", np.zeros((len(posts), len(recipe.data.classes))))
                found[judged] = answers
            for name, (values, groups) in _matched(vectors, posts, judged).items():
                kept = matching[when].setdefault(name, ([], []))
                kept[0].extend(values.astype(float).tolist())
                kept[1].extend(groups.tolist())
        on_progress(Progress(stage="folds", done=number + 1, total=len(folds)))
    return Judged(probabilities=probabilities, matching=matching)


def _answers(
    work: _Work, space: Space, vectors: PostVectors, learned: np.ndarray, judged: np.ndarray
) -> dict[str, np.ndarray]:
    """Return every zero-shot answer, and the answers of heads that learned from the labels of the other folds."""
    logits = space.logits(vectors, work.catalogue)
    in_joint = space.logits(vectors, work.catalogue, in_joint=True)
    weighing = fit_weighing(logits.take(learned), work.posts.labels[learned])
    asked = logits.take(judged)
    found: dict[str, np.ndarray] = {how: joined(asked, how=how) for how in JOINED}
    found["picture"], found["words"] = alone(asked, "picture"), alone(asked, "words")
    found["words_in_joint_space"] = alone(in_joint.take(judged), "words")
    found["weighed"] = joined(asked, how="product", weighing=weighing)
    labels = work.posts.labels[learned]
    heads = transferred(
        _some(vectors, learned),
        labels,
        _some(vectors, judged),
        n_classes=len(work.catalogue.events),
        seed=work.recipe.seed,
    )
    return {**found, **heads}


def _matched(vectors: PostVectors, posts: Posts, judged: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the matching of judged posts with both halves, which are each other's gallery."""
    rows = judged[vectors.has_picture[judged] & vectors.has_words[judged]]
    groups = np.array([f"cluster {number}" for number in posts.clusters[rows].tolist()], dtype=object)
    judgment = Judgment(
        views=vectors.picture[rows], captions=vectors.words[rows], view_groups=groups, caption_groups=groups
    )
    scores, _ = query_scores(judgment, pool=_POOL)
    return dict(scores)


def _some(vectors: PostVectors, rows: np.ndarray) -> PostVectors:
    return PostVectors(
        picture=vectors.picture[rows],
        words=vectors.words[rows],
        sentence=vectors.sentence[rows],
        has_picture=vectors.has_picture[rows],
        has_words=vectors.has_words[rows],
    )


_POOL = 50  # captions that one is chosen from: every fold has as many
