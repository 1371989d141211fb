"""`train` of a group recipe: judged on held-out reports first, then fitted on everything for the bundle."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.artifacts import read_json, write_json, write_tensors
from threatclip.evaluation.metrics import accuracy, mrr, top_k
from threatclip.evaluation.summary import MetricFunction, measure
from threatclip.experiments.attribution.baselines import BASELINES, sides_of
from threatclip.experiments.attribution.bundle import save_attribution
from threatclip.experiments.attribution.card import attribution_card
from threatclip.experiments.attribution.classifier import GroupClassifier, KnownProcedure
from threatclip.experiments.attribution.encoder import recipe_encoder
from threatclip.experiments.attribution.fitting import Bench, fit_group_model
from threatclip.experiments.attribution.incidents import incident_predictions, sentence_predictions
from threatclip.experiments.attribution.recipe import Attribution
from threatclip.experiments.attribution.rows import AttackRow, AttackRows, counts_by_group, read_rows
from threatclip.experiments.attribution.splits import LEAST_ROWS, GroupSplit, split_h, split_random
from threatclip.experiments.config import as_plain
from threatclip.experiments.judging import plain_metrics
from threatclip.experiments.material import root_folder
from threatclip.experiments.progress import OnProgress, Progress
from threatclip.experiments.run_folder import BUNDLE, SUMMARY, data_hashes, open_run
from threatclip.pairs.masking import names_of
from threatclip.seeds import rng

JUDGED, JUDGED_ROWS = "judged.safetensors", "judged.json"
METRICS: dict[str, MetricFunction] = {"accuracy": accuracy, "top_5": partial(top_k, k=5), "mrr": mrr}
_LEAST = 1e-300


def train_attribution(recipe: Attribution, out: Path, *, resume: bool, on_progress: OnProgress) -> dict[str, Any]:
    """Judge the recipe on split H of its seed, fit it on all rows and save it.

    It takes minutes, so a run that was killed starts anew with `resume`.

    Raises:
        InputError: the folder is taken, or data is missing or unusable.
        StorageError: the disk refused.
    """
    root = root_folder(recipe.data.root)
    hashes = data_hashes(root, input_files(recipe, root))
    if open_run(out, as_plain(recipe), resume=resume, data=hashes):
        finished: dict[str, Any] = read_json(out / SUMMARY)
        return finished
    began = time.monotonic()
    rows = recipe_rows(recipe, root)
    bench = Bench(rows=rows, embed=recipe_encoder(recipe, root), settings=recipe.model, seed=recipe.seed)
    on_progress(Progress(stage="features", done=1, total=1))
    split = recipe_split(recipe, rows, root)
    judged = _judge(split, bench, out)
    on_progress(Progress(stage="judged", done=1, total=1))
    controls = leak_controls(rows, seed=recipe.seed)
    on_progress(Progress(stage="leak controls", done=1, total=1))
    everything = whole_split(rows)
    classifier = _classifier(everything, recipe, root, bench)
    rules = classifier.fitted.judge
    summary = {
        "run": str(out),
        "task": recipe.task,
        "seed": recipe.seed,
        "n_train": len(everything.train),
        "groups": len(everything.groups),
        **judged,
        "controls": controls,
        "rules": {"incident": rules.incident.config(), "sentence": rules.sentence.config()},
        "seconds": time.monotonic() - began,
    }
    card = attribution_card(recipe, summary, hashes, version=rows.catalogue.version)
    save_attribution(classifier, out / BUNDLE, card=card, source=str(getattr(recipe.encoder, "source", "")))
    write_json(out / SUMMARY, summary)
    on_progress(Progress(stage="model", done=1, total=1))
    return summary


def recipe_rows(recipe: Attribution, root: Path) -> AttackRows:
    """Read the rows that a recipe names.

    Raises:
        InputError: see `read_rows`.
    """
    masked = None if recipe.data.masked is None else root / recipe.data.masked
    return read_rows(root / recipe.data.bundle, masked=masked)


def recipe_split(recipe: Attribution, rows: AttackRows, root: Path) -> GroupSplit:
    """Return split H of the recipe's seed."""
    return split_h(rows, recipe.seed, file=None if recipe.data.splits is None else root / recipe.data.splits)


def whole_split(rows: AttackRows) -> GroupSplit:
    """Return all groups of ten sentences or more to learn from, and nothing to judge."""
    counts = counts_by_group(rows.of("group"))
    train = tuple(row for row in rows.of("group") if counts[row.group or ""] >= LEAST_ROWS)
    return GroupSplit(name="all", train=train, test=(), incidents=(), truth=(), dropped=0, foreign=0)


def input_files(recipe: Attribution, root: Path) -> list[str]:
    """Return every path under `root` that a recipe reads."""
    source = getattr(recipe.encoder, "source", None)
    names = [recipe.data.bundle, recipe.data.masked, recipe.data.splits]
    names += [source if isinstance(source, str) and (root / source).is_dir() else None]
    return [name for name in names if name is not None]


def _judge(split: GroupSplit, bench: Bench, out: Path) -> dict[str, Any]:
    """Fit on the training side alone, keep what is said of the other, and return its figures."""
    model = fit_group_model(split, bench)
    texts = [row.text for row in split.test]
    features = bench.embed(texts)
    verdict = model.incidents(texts, features, split.incidents)
    single = model.sentences(texts, features)
    tensors = {
        "incidents": verdict.probabilities,
        "sentences": single.probabilities,
        "answered": verdict.answered.astype(np.uint8),
    }
    write_tensors(out / JUDGED, tensors)
    write_json(out / JUDGED_ROWS, split.truths())
    return {"judged": split.name, **figures(split, tensors, seed=bench.seed)}


def figures(split: GroupSplit, tensors: dict[str, np.ndarray], *, seed: int) -> dict[str, Any]:
    """Return the metrics of incidents, of sentences, and of the answers that were given."""
    incidents = incident_predictions(split, np.log(np.maximum(tensors["incidents"], _LEAST)))
    sentences = sentence_predictions(split, np.log(np.maximum(tensors["sentences"], _LEAST)))
    answered = tensors["answered"].astype(bool)
    right = incidents.correct[answered]
    return {
        "n": len(incidents),
        "metrics": plain_metrics(measure(incidents, METRICS, rng=rng(seed, "bootstrap"))),
        "sentences": plain_metrics(measure(sentences, METRICS, rng=rng(seed, "bootstrap/sentences"))),
        "answered": {
            "coverage": float(answered.mean()),
            "named": int(answered.sum()),
            "right": int(right.sum()),
        },
    }


def leak_controls(rows: AttackRows, *, seed: int) -> dict[str, Any]:
    """Return what leaks are worth: a linear SVM on words, single sentences, a fifth of them at random held out.

    Once on raw text, in which the group's name stands; once on masked text, where sentences of one report stand on both
    sides.
    """
    split = next(split_random(rows, seed))
    found = {}
    for name, raw in (("raw", True), ("masked", False)):
        predictions = sentence_predictions(split, BASELINES["word_svc"](sides_of(split, seed=seed, raw=raw)))
        found[name] = plain_metrics(measure(predictions, METRICS, rng=rng(seed, f"bootstrap/{name}")))
    return found


def _classifier(split: GroupSplit, recipe: Attribution, root: Path, bench: Bench) -> GroupClassifier:
    model = fit_group_model(split, bench)
    catalogue = bench.rows.catalogue
    known: list[AttackRow] = [row for row in bench.rows.rows if set(row.groups) & set(split.groups)]
    features = bench.embed([row.text for row in known])
    encoder = recipe_encoder(recipe, root)
    return GroupClassifier(
        groups={group: catalogue.groups[group].name for group in split.groups},
        fitted=model,
        encoder=encoder,
        names=names_of(catalogue),
        known=tuple(
            KnownProcedure(id=row.id, groups=row.groups, technique=row.technique, text=row.text) for row in known
        ),
        known_vectors=(features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)).astype(
            np.float32
        ),
    )
