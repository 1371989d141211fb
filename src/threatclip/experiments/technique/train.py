"""`train` of a technique labeler: rows by year and report, members, calibration, and one bundle of it all."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.artifacts import read_json, write_json
from threatclip.encoders.towers import Tower
from threatclip.experiments.config import as_plain
from threatclip.experiments.contrastive.places import make_tower
from threatclip.experiments.material import root_folder
from threatclip.experiments.progress import OnProgress, Progress
from threatclip.experiments.rows import Rows
from threatclip.experiments.run_folder import BUNDLE, PAIRS, SUMMARY, data_hashes, open_run
from threatclip.experiments.technique.bundle import save_classifier
from threatclip.experiments.technique.card import technique_card
from threatclip.experiments.technique.classifier import TechniqueClassifier, known_sentence
from threatclip.experiments.technique.judging import answered, figures
from threatclip.experiments.technique.model import fit_model
from threatclip.experiments.technique.recipe import Technique
from threatclip.experiments.technique.rows import Material, Techniques, load_material
from threatclip.experiments.technique.space import tune
from threatclip.pairs.table import write_pairs
from threatclip.seeds import stream_seed


def train_technique(recipe: Technique, out: Path, *, resume: bool, on_progress: OnProgress) -> dict[str, Any]:
    """Fit a labeler, calibrate it on later sentences, fit it again on all but the test rows, and save it.

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
    material = load_material(recipe.data, root, seed=recipe.seed)
    techniques = material.attack.techniques
    _write_rows(material, out)
    rows = material.train.joined(material.validation)
    inner = [(np.arange(len(material.train)), np.arange(len(material.train), len(rows)))]
    seen: list[np.ndarray] = []
    model = fit_model(
        rows,
        techniques,
        recipe.answer,
        inner=inner,
        make_tower=tower_maker(recipe, techniques, root, on_progress=on_progress),
        seed=recipe.seed,
        on_held_out=seen.append,
    )
    held_out = seen[0]
    known = rows.pairs if model.members.neighbors is not None else ()
    classifier = TechniqueClassifier(
        fitted=model,
        known=tuple(known_sentence(pair) for pair in known),
        attack_version=material.attack.catalogue.version,
        shown=recipe.answer.shown,
    )
    summary = {
        "run": str(out),
        "task": recipe.task,
        "seed": recipe.seed,
        "attack_version": material.attack.catalogue.version,
        "n_techniques": len(techniques.all),
        "n_techniques_seen": len(set(rows.labels.tolist())),
        "n_train": len(rows),
        "n_validation": len(material.validation),
        "n_test": {name: len(part) for name, part in material.tests.items()},
        "metrics": figures(material.validation, techniques, held_out, seed=recipe.seed)
        | answered(model, material.validation, held_out, seed=recipe.seed),
        "abstention": {"technique": model.technique.config(), "parent": model.parent.config()},
        "pool": dict(zip(model.pool.members, model.pool.weights.tolist(), strict=True)),
        "seconds": time.monotonic() - began,
    }
    save_classifier(classifier, out / BUNDLE, card=technique_card(recipe, summary, hashes))
    write_json(out / SUMMARY, summary)
    return summary


def tower_maker(
    recipe: Technique, techniques: Techniques, root: Path, *, on_progress: OnProgress
) -> Callable[[Rows], Tower]:
    """Return what makes the tower of a model that learns from some rows: a new one, tuned on these alone."""

    def made(rows: Rows) -> Tower:
        texts = [view.decode("utf-8", "replace") for view in rows.views]
        texts += [caption for one in techniques.all for caption in one.captions]
        tower = make_tower(recipe.space.tower, root, seed=stream_seed(recipe.seed, "technique/tower"), texts=texts)
        tune(
            tower,
            rows,
            techniques,
            recipe.space,
            seed=stream_seed(recipe.seed, "technique/space"),
            on_step=lambda step: on_progress(Progress(stage="space", done=step.step, total=0, facts=step.losses)),
        )
        return tower.eval()

    return made


def input_files(recipe: Technique, root: Path) -> list[str]:
    """Return every path under `root` that a recipe reads."""
    source = getattr(recipe.space.tower, "source", None)
    models = [source] if source and (root / source).exists() else []
    return [recipe.data.attack, *(one.file.path for one in recipe.data.sentences), *models]


def _write_rows(material: Material, out: Path) -> None:
    """Keep the rows with their parts, so that the run can be judged without the data."""
    parts = [("train", material.train), ("validation", material.validation)]
    parts += [("test", rows) for rows in material.tests.values()]
    write_pairs(
        out / PAIRS,
        [replace(pair, split=name) for name, rows in parts for pair in rows.pairs],
        modality="text",
    )
