"""`bench`: many variations of one recipe, each over seeds, judged on the same rows; resumable, one JSON a cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import numpy as np

from threatclip.artifacts import write_json, write_tensors, write_text
from threatclip.errors import InputError, RecipeError
from threatclip.experiments.cells import Cell, run_cells
from threatclip.experiments.classifier import PayloadClassifier
from threatclip.experiments.config import load_recipe, parse, read_recipe
from threatclip.experiments.fitting import Saving
from threatclip.experiments.judging import Judged, under_probes
from threatclip.experiments.material import Material, data_root, load_material, read_file
from threatclip.experiments.progress import OnProgress, ignore
from threatclip.experiments.recipe import File, PayloadWeakness
from threatclip.experiments.run import learn
from threatclip.experiments.run_folder import environment
from threatclip.experiments.study_baselines import baseline_answers
from threatclip.pairs.pair import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """One line of the study: overrides of the base recipe, run once for each seed."""

    name: str
    title: str
    set: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0,)
    probes: bool = False
    tables: bool = False  # also judge on the study's other tables
    model: Literal["recipe", "baselines"] = "recipe"


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherTable:
    """Rows from elsewhere: labeled ones for cross-source accuracy, unlabeled ones for false positives."""

    name: str
    file: File
    where: dict[str, str] | None = None  # keep rows whose meta has these values
    labels: tuple[str, ...] | None = None  # keep rows with these classes
    framed: bool = False  # bare values: put into one fixed GET request
    per_class: int | None = None  # at most so many of each class, the first ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A base recipe, its variations, and the tables beside the split's own test rows."""

    task: Literal["study"]
    base: str
    title: str
    variations: tuple[Variation, ...]
    tables: tuple[OtherTable, ...] = ()
    reference: str = "full"  # the variation that others are compared with
    document: str | None = None  # the Markdown file to write, relative to the working folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One variation with one seed: all that decides a cell's figures."""

    variation: str
    recipe: PayloadWeakness
    tables: tuple[OtherTable, ...]
    probes: bool
    model: Literal["recipe", "baselines"]


def run_study(path: Path, overrides: Sequence[str], out: Path, *, jobs: int, on_progress: OnProgress) -> dict[str, Any]:
    """Run every cell that `out` does not hold yet, then write the tables.

    Args:
        path: the study's TOML.
        overrides: `a.b=c` for the base recipe of every cell.
        out: folder of the cells.
        jobs: worker processes, one torch thread each.
        on_progress: told of every finished cell.

    Raises:
        RecipeError: the study or a variation is wrong.
        InputError: data is missing.
    """
    from threatclip.experiments.study_tables import study_document

    study: Study = parse(Study, read_recipe(path), where=str(path))
    cells = list(_cells(study, path, tuple(overrides), out))  # also checks every recipe before any work
    results = run_cells(cells, run_cell, jobs=jobs, on_progress=on_progress)
    write_json(out / "environment.json", environment())
    text = study_document(study, out, command=f"threatclip bench {path} -o {out}")
    document = Path(study.document) if study.document else out / "results.md"
    write_text(document, text)
    return {"cells": results, "document": str(document)}


def _cells(study: Study, path: Path, overrides: tuple[str, ...], out: Path) -> Iterator[Cell]:
    names = [variation.name for variation in study.variations]
    if len(set(names)) != len(names) or study.reference not in names:
        raise RecipeError(f"{path}: variations need distinct names, {study.reference!r} (reference) among them")
    for variation in study.variations:
        for seed in variation.seeds:
            recipe = load_recipe(path.parent / study.base, [*overrides, *variation.set, f"seed={seed}"])
            if not isinstance(recipe, PayloadWeakness):
                raise RecipeError(f"{path}: base {study.base!r} is of task {recipe.task!r}, not payload-weakness")
            asked = Asked(
                variation=variation.name,
                recipe=recipe,
                tables=study.tables if variation.tables else (),
                probes=variation.probes,
                model=variation.model,
            )
            yield Cell(name=f"{variation.name}-{seed}", spec=asked, folder=out)


def run_cell(cell: Cell) -> dict[str, Any]:
    """Train one variation with one seed, judge it, write its probabilities, and return its figures.

    `metrics` are those of the pool on the test rows (of the strongest baseline where baselines are fitted), under the
    name that `model` gives; `by_model` has every model on every set of rows.
    """
    asked: Asked = cell.spec
    recipe = asked.recipe
    material = load_material(recipe.data, seed=recipe.seed)
    views = {"test": _judged(material.test.pairs, material, recipe)}
    views |= {table.name: _judged(_other_rows(table, recipe), material, recipe) for table in asked.tables}
    if asked.model == "baselines":
        answers = baseline_answers(material, views, probes=asked.probes, seed=recipe.seed)
        facts: dict[str, Any] = {}
    else:
        saving = Saving(checkpoints=None, resume=False, on_step=lambda *_: None)
        classifier, validation = learn(recipe, material, saving=saving, on_progress=ignore)
        answers = _answers(classifier, views, probes=asked.probes)
        facts = _facts(classifier, validation)
    tensors = {
        f"{model}/{rows}": one.astype(np.float32) for model, by_rows in answers.items() for rows, one in by_rows.items()
    }
    measured = {
        model: {
            rows: views[_rows_of(rows)].measure(one) for rows, one in by_rows.items() if views[_rows_of(rows)].labeled
        }
        for model, by_rows in answers.items()
    }
    subject = "model" if "model" in measured else max(measured, key=lambda model: _macro_f1(measured[model]))
    write_tensors(cell.file(".safetensors"), tensors)
    write_json(cell.file("-rows.json"), {name: one.as_plain() for name, one in views.items()})
    return {
        "task": recipe.task,
        "attack": "none",
        "rate": 0.0,
        "defense": "none",
        "variation": asked.variation,
        "seed": recipe.seed,
        "trained_probes": list(recipe.trained_probes),
        "model": subject,
        "metrics": measured[subject]["test"],
        "by_model": measured,
        "n_train": len(material.train),
        "n_extra": len(material.extra),
        "leakage": material.leakage.as_dict(),
        **facts,
    }


def _macro_f1(measured: Mapping[str, Any]) -> float:
    return float(measured["test"]["macro_f1"]["value"])


def _rows_of(name: str) -> str:
    return name.partition("@")[0]


def _answers(
    classifier: PayloadClassifier, views: Mapping[str, Judged], *, probes: bool
) -> dict[str, dict[str, np.ndarray]]:
    """Return probabilities by model (the pool and each member alone) and rows (`test`, `test@probe`, a table)."""
    answers: dict[str, dict[str, np.ndarray]] = {}

    def note(rows: str, payloads: Sequence[bytes]) -> None:
        scores = classifier.member_scores(payloads)
        answers.setdefault("model", {})[rows] = classifier.pool.probabilities(scores)
        for name in scores:
            alone = classifier.pool.alone(name)
            answers.setdefault(f"member {name}", {})[rows] = alone.probabilities(scores)

    for name, judged in views.items():
        note(name, judged.views)
    if probes:
        for probe, payloads in under_probes(views["test"].views).items():
            note(f"test@{probe}", payloads)
    return answers


def _facts(classifier: PayloadClassifier, validation: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "validation": validation,
        "abstention": classifier.abstention.config(),
        "pool": dict(zip(classifier.pool.members, classifier.pool.weights.tolist(), strict=True)),
    }


def _judged(pairs: Sequence[Pair], material: Material, recipe: PayloadWeakness) -> Judged:
    return Judged(pairs=tuple(pairs), classes=material.classes, seed=recipe.seed)


def _other_rows(table: OtherTable, recipe: PayloadWeakness) -> list[Pair]:
    """Return the rows of another table; bare values stand in one fixed GET request."""
    kept: list[Pair] = []
    counts: dict[str | None, int] = {}
    for pair in read_file(table.file, data_root(recipe.data)):
        if table.where and any(pair.meta.get(name) != value for name, value in table.where.items()):
            continue
        if table.labels is not None and pair.label not in table.labels:
            continue
        counts[pair.label] = counts.get(pair.label, 0) + 1
        if table.per_class is not None and counts[pair.label] > table.per_class:
            continue
        kept.append(in_fixed_request(pair) if table.framed else pair)
    if not kept:
        raise InputError(f"table {table.name!r} of the study keeps no row of {table.file.path}")
    return kept


def in_fixed_request(pair: Pair) -> Pair:
    """Return a bare value as the one parameter of a fixed GET request, the value URL-encoded."""
    request = b"GET /index.php?q=" + quote(pair.view).encode() + b" HTTP/1.1\nHost: www.example.com"
    return replace(pair, view=request)
