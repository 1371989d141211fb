"""`evaluate` of a run of the seed's recipe: its table of protocols anew, its bundle on another table, the baselines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.classification.baselines import LabeledViews, fit_baselines
from threatclip.errors import InputError
from threatclip.evaluation.predictions import predictions_of
from threatclip.evaluation.summary import measure
from threatclip.experiments.evaluated import keep_evaluation, recipe_of
from threatclip.experiments.group_seed.classifier import GroupSeedClassifier
from threatclip.experiments.group_seed.judging import METRICS, Outcome, outcome_of, read_outcome
from threatclip.experiments.group_seed.protocols import build_protocol, leaks_of
from threatclip.experiments.group_seed.recipe import GroupSeed, ProtocolName
from threatclip.experiments.group_seed.train import attack_rows, headline_of, plain_table
from threatclip.experiments.judging import plain_metrics
from threatclip.experiments.material import root_folder
from threatclip.experiments.progress import OnProgress, Progress
from threatclip.pairs.table import PairTable
from threatclip.pairs.wordnet import read_wordnet, wordnet_folder
from threatclip.seeds import rng

BASELINES = ("majority", "word_svc")


def evaluate_group_seed(
    run: Path, *, pairs: Path | None, baselines: bool, out: Path | None, on_progress: OnProgress
) -> dict[str, Any]:
    """Judge a run under every protocol that it was trained for, or its bundle on the table `pairs`.

    Args:
        run: the run folder.
        pairs: a table of texts; labels are G-numbers, rows without one of the bundle's are not judged.
        baselines: also a majority and a linear model of words on the same rows; needs the data of the run.
        out: where to write metrics.json and report.html; default RUN/evaluation, or RUN/evaluation-TABLE.
        on_progress: told of each part.

    Raises:
        InputError: no run, no table, or nothing to judge.
        DamagedArtifactError: the run, its bundle or the table was changed.
    """
    recipe = recipe_of(GroupSeed, run)
    classifier = GroupSeedClassifier.load(run)
    result: dict[str, Any] = {
        "run": str(run),
        "task": recipe.task,
        "seed": recipe.seed,
        "probes": {},
        "baselines": {},
    }
    if pairs is None:
        result |= _own(run, recipe, baselines=baselines, on_progress=on_progress)
    else:
        result |= {"table": str(pairs), **_foreign(pairs, classifier, recipe)}
    return keep_evaluation(result, run=run, pairs=pairs, out=out, model=classifier.model)


def _own(run: Path, recipe: GroupSeed, *, baselines: bool, on_progress: OnProgress) -> dict[str, Any]:
    found: dict[ProtocolName, Outcome] = {}
    for name in recipe.protocols:
        outcome = read_outcome(run, name)
        if outcome is not None:
            found[name] = outcome
    if not found:
        raise InputError(f"{run} has judged no protocol; go on with `threatclip train ... -o {run} --resume`")
    table, headline = plain_table(found, seed=recipe.seed), headline_of(found)
    result: dict[str, Any] = {"judged": table[headline]["title"], "protocols": table}
    result |= {key: table[headline][key] for key in ("n", "metrics")}
    if baselines:
        result["protocol_baselines"] = _baselines(recipe, tuple(found), on_progress)
        result["baselines"] = {name: one[headline]["metrics"] for name, one in result["protocol_baselines"].items()}
    return result


def _baselines(
    recipe: GroupSeed, names: tuple[ProtocolName, ...], on_progress: OnProgress
) -> dict[str, dict[ProtocolName, Any]]:
    """Return, for each baseline, its table: fitted on the very rows that the models were."""
    root = root_folder(recipe.data.root)
    rows, dictionary = attack_rows(recipe, root), read_wordnet(wordnet_folder(recipe.augmentation.wordnet))
    splits = None if recipe.data.splits is None else root / recipe.data.splits
    found: dict[str, dict[ProtocolName, Any]] = {name: {} for name in BASELINES}
    for done, name in enumerate(names, start=1):
        protocol = build_protocol(name, rows, recipe, thesaurus=dictionary.synonyms, splits=splits)
        classes = protocol.classes
        fitted = fit_baselines(
            LabeledViews(
                views=[row.text.encode() for row in protocol.train],
                truth=np.array([classes.index(row.group) for row in protocol.train]),
            ),
            n_classes=len(classes),
            seed=recipe.seed,
            names=BASELINES,
        )
        leaks = leaks_of(protocol, rows)
        for baseline, answers in fitted.probabilities([row.text.encode() for row in protocol.test]).items():
            found[baseline][name] = outcome_of(protocol, answers, leaks).as_plain(seed=recipe.seed)
        on_progress(Progress(stage="baselines", done=done, total=len(names)))
    return found


def _foreign(pairs: Path, classifier: GroupSeedClassifier, recipe: GroupSeed) -> dict[str, Any]:
    table = PairTable.open(pairs)
    if table.modality != classifier.modality:
        raise InputError(f"{pairs} holds {table.modality} pairs; this run judges texts")
    rows = [pair for pair in table.iter_pairs() if pair.label in classifier.groups]
    if not rows:
        raise InputError(f"{pairs} has no row whose label is a G-number of this run")
    predictions = predictions_of(
        labels=[pair.label for pair in rows],
        probabilities=classifier.probabilities([pair.view for pair in rows]),
        classes=tuple(classifier.groups),
        ids=[pair.id for pair in rows],
        groups=[pair.group for pair in rows],
    )
    metrics: Mapping[str, Any] = measure(predictions, METRICS, rng=rng(recipe.seed, "bootstrap"))
    return {"n": len(rows), "n_unlabeled": len(table) - len(rows), "metrics": plain_metrics(metrics)}
