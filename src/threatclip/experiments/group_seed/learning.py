"""The two stages of the seed's pipeline: tuning the base's language, and a classifier of groups over it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.artifacts import read_json, verify_manifest, write_json
from threatclip.classification.tuned import TunedClassifier, fit_classifier, new_classifier
from threatclip.encoders.hub import resolve_source
from threatclip.encoders.pretrained import PretrainedTower, build_pretrained
from threatclip.errors import InputError, ThreatclipError
from threatclip.experiments.attribution.rows import AttackRows
from threatclip.experiments.group_seed.protocols import Protocol
from threatclip.experiments.group_seed.recipe import GroupSeed
from threatclip.experiments.material import read_file
from threatclip.experiments.run_folder import CHECKPOINTS
from threatclip.pairs.masking import mask_names, names_of
from threatclip.pairs.pair import view_text
from threatclip.seeds import rng
from threatclip.training.contracts import Step
from threatclip.training.masked_language import LanguageSettings, tune_language
from threatclip.training.settings import TrainSettings

LANGUAGE = "language"

OnStep = Callable[[str, Step, int], None]
"""Told of a stage, an update of it, and how many it will have."""


def tuned_base(recipe: GroupSeed, rows: AttackRows, root: Path, out: Path, *, on_step: OnStep) -> tuple[Path, Any]:
    """Return the folder of the base, tuned on cyber text if the recipe says so, and what that tuning did.

    Raises:
        InputError: the base or the texts cannot be used.
    """
    source = base_folder(recipe, root)
    settings = recipe.language
    if settings is None:
        return source, None
    folder, facts = out / LANGUAGE, out / f"{LANGUAGE}.json"
    if facts.is_file() and _is_whole(folder):
        return folder, read_json(facts)
    texts = language_texts(recipe, rows, root)
    found = tune_language(
        source,
        texts,
        LanguageSettings(
            epochs=settings.epochs,
            max_steps=settings.max_steps,
            learning_rate=settings.learning_rate,
            batch_rows=settings.batch_rows,
            mask_share=settings.mask_share,
            max_tokens=recipe.base.max_tokens,
            precision=recipe.head.precision,
            seed=recipe.seed,
        ),
        folder,
        on_step=lambda step, total: on_step(LANGUAGE, step, total),
    )
    told = {"n_texts": len(texts), "steps": found.steps, "loss": found.loss, "new_weights": list(found.new_weights)}
    write_json(facts, told)
    return folder, told


def language_texts(recipe: GroupSeed, rows: AttackRows, root: Path) -> list[str]:
    """Return what the base's language is tuned on: no sentence on what a group, a campaign or software did.

    Raises:
        InputError: the file of texts cannot be read, or there is no text.
    """
    settings, texts = recipe.language, list[str]()
    if settings is None:
        return texts
    if settings.texts is not None:
        found = [pair.caption or view_text(pair.view) for pair in read_file(settings.texts, root)]
        if settings.n_texts is not None and len(found) > settings.n_texts:
            chosen = rng(recipe.seed, "group-seed/language").choice(len(found), settings.n_texts, replace=False)
            found = [found[i] for i in np.sort(chosen)]
        texts += found
    if settings.techniques:
        names = names_of(rows.catalogue)
        texts += [mask_names(one.description, names) for one in rows.catalogue.techniques.values()]
    return [text for text in texts if text.strip()]


def base_folder(recipe: GroupSeed, root: Path) -> Path:
    """Return the folder of the base as it came: a path under the data's root, or what `resolve_source` finds.

    Raises:
        InputError: there is none.
    """
    source = recipe.base.source
    under = root / source
    return resolve_source(str(under) if under.is_dir() else source, recipe.base.revision)


def fit_protocol(
    protocol: Protocol, recipe: GroupSeed, base: Path, out: Path, *, resume: bool, on_step: OnStep
) -> TunedClassifier:
    """Return a classifier tuned on a protocol's training rows, from its last whole checkpoint if there is one.

    Raises:
        InputError: the base cannot be used, or there are too few groups.
        DivergedError: the loss is not finite.
        StorageError: the disk refused a checkpoint.
    """
    head, classes = recipe.head, protocol.classes
    numbers = {group: number for number, group in enumerate(classes)}
    tower = build_pretrained(
        PretrainedTower(
            source=str(base),
            max_tokens=recipe.base.max_tokens,
            n_trainable_layers=min(recipe.base.n_trainable_layers, n_layers_of(base)),
        )
    )
    network = new_classifier(tower, hidden=head.hidden, n_classes=len(classes), dropout=head.dropout, seed=recipe.seed)
    checkpoints = out / CHECKPOINTS / protocol.name
    steps = fit_classifier(
        network,
        [row.text for row in protocol.train],
        np.array([numbers[row.group] for row in protocol.train], dtype=np.int64),
        batch_rows=head.batch_rows,
        settings=TrainSettings(
            epochs=head.epochs,
            learning_rate=head.learning_rate,
            weight_decay=head.weight_decay,
            warmup_fraction=head.warmup_fraction,
            rate_multipliers={"head": head.head_rate},
            checkpoint_every_steps=head.checkpoint_every_steps,
            keep_checkpoints=1,
            precision=head.precision,
            seed=recipe.seed,
        ),
        checkpoints=checkpoints,
        resume=resume and checkpoints.is_dir(),
        identity={"protocol": protocol.name, "groups": ",".join(classes)},
    )
    total = head.epochs * -(-len(protocol.train) // head.batch_rows)
    for step in steps:
        on_step(protocol.name, step, total)
    return network


def forget_checkpoints(out: Path, name: str) -> None:
    """Remove the checkpoints of a protocol that was judged: they are several times a model's size."""
    shutil.rmtree(out / CHECKPOINTS / name, ignore_errors=True)


def n_layers_of(folder: Path) -> int:
    """Return how many layers a base has.

    Raises:
        InputError: its config does not say.
    """
    config = read_json(folder / "config.json")
    found = config.get("num_hidden_layers") if isinstance(config, dict) else None
    if not isinstance(found, int) or found < 1:
        raise InputError(f"{folder / 'config.json'} names no num_hidden_layers; use an encoder such as MPNet or BERT")
    return found


def texts_of(protocol: Protocol) -> Sequence[str]:
    """Return the test sentences of a protocol."""
    return [row.text for row in protocol.test]


def _is_whole(folder: Path) -> bool:
    try:
        verify_manifest(folder)
    except ThreatclipError:
        return False
    return True
