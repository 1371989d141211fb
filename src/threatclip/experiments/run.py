"""`train`: from a recipe to a run folder with a calibrated classifier."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.artifacts import read_json, write_json
from threatclip.classification.abstention import NEVER, Abstention, fit_abstention
from threatclip.classification.fusion import LogLinearPool, fit_pool
from threatclip.errors import InputError
from threatclip.evaluation.predictions import UNLABELED, predictions_of
from threatclip.evaluation.summary import measure
from threatclip.experiments.card import model_card
from threatclip.experiments.classifier import PayloadClassifier, known_case
from threatclip.experiments.config import as_plain
from threatclip.experiments.fitting import Fitted, Pass, Saving, fit
from threatclip.experiments.material import Material, data_root, load_material
from threatclip.experiments.progress import OnProgress, ignore
from threatclip.experiments.recipe import PayloadWeakness
from threatclip.experiments.rows import Rows
from threatclip.experiments.run_folder import BUNDLE, CHECKPOINTS, PAIRS, STEPS, SUMMARY, StepLog, data_hashes, open_run
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import write_pairs
from threatclip.seeds import rng
from threatclip.training.contracts import Step
from threatclip.training.distributed import number_from_main, this_accelerator, world_of


def train_run(recipe: PayloadWeakness, out: Path, *, resume: bool, on_progress: OnProgress) -> dict[str, Any]:
    """Train, calibrate and save; a killed run goes on from its last whole checkpoint with `resume`.

    Raises:
        InputError: the folder is taken, or data is missing or unusable.
        StorageError: the disk refused.
    """
    world = world_of(this_accelerator())
    main = world.index == 0
    hashes = data_hashes(data_root(recipe.data), input_files(recipe))
    done = open_run(out, as_plain(recipe), resume=resume, data=hashes) if main else False
    if number_from_main(int(done), world=world):
        finished: dict[str, Any] = read_json(out / SUMMARY)
        return finished
    began = time.monotonic()
    material = load_material(recipe.data, seed=recipe.seed)
    saving = Saving(checkpoints=out / CHECKPOINTS, resume=resume, on_step=StepLog(out / STEPS) if main else _unheard)
    if main:
        _write_split(recipe, material, out)
    classifier, validation = learn(recipe, material, saving=saving, on_progress=on_progress if main else ignore)
    summary = {
        "run": str(out),
        "task": recipe.task,
        "seed": recipe.seed,
        "n_train": len(classifier.known),
        "n_extra": len(material.extra),
        "n_validation": len(material.validation),
        "n_test": len(material.test),
        "metrics": validation,
        "abstention": classifier.abstention.config(),
        "pool": dict(zip(classifier.pool.members, classifier.pool.weights.tolist(), strict=True)),
        "seconds": time.monotonic() - began,
    }
    if main:
        classifier.save(out / BUNDLE, card=model_card(recipe, summary, hashes))
        write_json(out / SUMMARY, summary)
        shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)
    return summary


def _write_split(recipe: PayloadWeakness, material: Material, out: Path) -> None:
    """Keep the labeled rows and their split in the run folder, so that it can be judged without the data."""
    parts = (("train", material.train), ("validation", material.validation), ("test", material.test))
    write_pairs(
        out / PAIRS,
        [replace(pair, split=name) for name, rows in parts for pair in rows.pairs],
        modality="payload",
        split_info={"spec": as_plain(recipe.data.split), "leakage": material.leakage.as_dict()},
    )


def _unheard(_: str, __: Step) -> None:
    """Only the main process keeps records."""


def learn(
    recipe: PayloadWeakness, material: Material, *, saving: Saving, on_progress: OnProgress
) -> tuple[PayloadClassifier, dict[str, Any]]:
    """Fit on train, calibrate on validation, and, with `answer.refit`, fit again on both.

    Returns:
        The classifier, and the metrics on validation of the fit that has not seen it.

    Raises:
        InputError: no validation rows to calibrate on.
    """
    validation = material.validation
    if not len(validation):
        raise InputError("the split has no validation rows to calibrate on; give it some (split.validation = 0.1)")
    judged: list[Pair] = [*validation.pairs, *material.test.pairs]
    work = Pass(
        name="first",
        recipe=recipe,
        material=material,
        train=material.train,
        judged=judged,
        saving=saving,
        on_progress=on_progress,
    )
    first = fit(work)
    classifier = _assembled(material.classes, first)
    scores = classifier.member_scores(validation.views)
    # a class held out must not weigh the members either
    held_out = np.array([pair.label in recipe.data.held_out_classes for pair in validation.pairs])
    classifier = replace(classifier, pool=fit_pool(scores, np.where(held_out, UNLABELED, validation.labels)))
    probabilities = classifier.pool.probabilities(scores)
    correct = probabilities.argmax(axis=1) == validation.labels
    abstention = fit_abstention(
        probabilities.max(axis=1)[~held_out], correct[~held_out], target=recipe.answer.precision
    )
    metrics = _validation_metrics(material.classes, validation, probabilities, seed=recipe.seed)
    if recipe.answer.refit:
        both = material.train.joined(validation)
        both = both.take(np.array([pair.label not in recipe.data.held_out_classes for pair in both.pairs]))
        final = fit(replace(work, name="final", train=both, judged=material.test.pairs))
        classifier = replace(_assembled(material.classes, final), pool=classifier.pool)
    return replace(classifier, abstention=abstention), metrics


def _assembled(classes: tuple[str, ...], fitted: Fitted) -> PayloadClassifier:
    """Return a classifier whose pool and abstention are still to be chosen."""
    names = tuple(
        name for name in ("anchors", "linear", "neighbors", "ngrams", "ngrams_nb") if getattr(fitted.members, name)
    )
    return PayloadClassifier(
        classes=classes,
        text_tower=fitted.text_tower,
        payload_tower=fitted.payload_tower,
        anchor_texts=fitted.anchors.texts,
        anchor_owners=fitted.anchors.owners,
        anchor_vectors=fitted.anchor_vectors,
        members=fitted.members,
        pool=LogLinearPool(members=names, weights=np.ones(len(names)) / len(names), temperatures=np.ones(len(names))),
        abstention=Abstention(threshold=NEVER, target=1.0, level=None, precision=0.0, coverage=0.0, n=0),
        known=tuple(known_case(pair.id, pair.label or "", pair.group, pair.caption) for pair in fitted.known.pairs),
        known_vectors=fitted.known_vectors,
    )


def _validation_metrics(
    classes: tuple[str, ...], rows: Rows, probabilities: np.ndarray, *, seed: int
) -> dict[str, Any]:
    predictions = predictions_of(
        labels=[pair.label for pair in rows.pairs],
        probabilities=probabilities,
        classes=classes,
        ids=[pair.id for pair in rows.pairs],
        groups=[pair.group for pair in rows.pairs],
    )
    found = measure(predictions, rng=rng(seed, "bootstrap/validation"))
    return {name: metric.as_dict() for name, metric in found.items()}


def input_files(recipe: PayloadWeakness) -> list[str]:
    """Return every path under `data.root` that a recipe reads."""
    data = recipe.data
    files = [data.pairs, data.descriptions, *(extra.file for extra in data.extra)]
    split = [data.split.path] if data.split.kind == "fixed" else []
    return [file.path for file in files if file is not None] + split
