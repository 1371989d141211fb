"""What the cells of a study wrote, read back: probabilities, truth and facts of every variation and seed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from threatclip.artifacts import read_json, read_tensors
from threatclip.classification.baselines import BASELINES
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.evaluation.predictions import Predictions, predictions_of
from threatclip.experiments.recipe import Member
from threatclip.experiments.study import Study, Variation

POOL, ANCHORS, LINEAR = "model", "member anchors", "member linear"
SVC = "word_svc"
TEST = "test"
TRAIN_ONLY = "train-only"
_ZERO_SHOT = "zero-shot-"
_ORDER = (POOL, *(f"member {name}" for name in get_args(Member)), *BASELINES)
_OTHER_ROWS = ("data.split", "data.single_requests", "data.held_out_classes", "data.pairs", "data.classes")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellResult:
    """One finished cell: its JSON, its probabilities by "<model>/<rows>", and the truth of each set of rows."""

    facts: Mapping[str, Any]
    tensors: Mapping[str, np.ndarray]
    rows: Mapping[str, Mapping[str, Any]]

    def predictions(self, model: str, rows: str) -> Predictions | None:
        """Return what a model answered on `rows` ("test", "test@<probe>", a table); None if it did not read them."""
        probabilities = self.tensors.get(f"{model}/{rows}")
        truth = self.rows.get(rows.partition("@")[0])
        if probabilities is None or truth is None:
            return None
        return predictions_of(probabilities=probabilities, **truth)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StudyCells:
    """The cells of a study by variation and seed; `missing` are those it asks for and the folder does not hold."""

    study: Study
    found: Mapping[tuple[str, int], CellResult]
    missing: tuple[tuple[str, int], ...]

    @property
    def reference(self) -> str:
        """Name of the variation that others are compared with."""
        return self.study.reference

    @property
    def baselines(self) -> str | None:
        """Name of the variation that holds the built-in baselines, if there is one."""
        return next((one.name for one in self.study.variations if one.model == "baselines"), None)

    def of(self, variation: str) -> list[CellResult]:
        """Return the finished cells of a variation, by seed as the study lists them."""
        return [cell for (name, _), cell in self.found.items() if name == variation]

    def seeds(self, variation: str) -> list[int]:
        """Return the seeds of the finished cells of a variation."""
        return [seed for name, seed in self.found if name == variation]

    def predictions(self, variation: str | None, model: str, rows: str) -> list[Predictions]:
        """Return what a model answered on `rows`, one for each finished seed that read them."""
        answers = [cell.predictions(model, rows) for cell in self.of(variation or "")]
        return [one for one in answers if one is not None]

    def models(self, variation: str | None) -> list[str]:
        """Return the models of a variation: the pool, its members, or the baselines."""
        names = {name.partition("/")[0] for cell in self.of(variation or "") for name in cell.tensors}
        return [name for name in _ORDER if name in names] + sorted(names - set(_ORDER))

    def probes(self, variation: str) -> list[str]:
        """Return the probes a variation was read under, in the order of the study's own list of probes."""
        from threatclip.pairs.probes import PROBES, STRESS_PROBES

        prefix = f"{POOL}/{TEST}@"
        names = {name.removeprefix(prefix) for cell in self.of(variation) for name in cell.tensors if prefix in name}
        known = [name for name in (*PROBES, *STRESS_PROBES) if name in names]
        return known + sorted(names - set(known))

    def named(self, variation: str) -> Variation:
        """Return a variation by its name."""
        return next(one for one in self.study.variations if one.name == variation)

    def label(self, variation: str) -> str:
        """Return a variation's name, with how many of its seeds there are where some are missing."""
        found, asked = len(self.seeds(variation)), len(self.named(variation).seeds)
        return variation if found == asked else f"{variation} ({found} of {asked} seeds)"


def read_cells(study: Study, out: Path) -> StudyCells:
    """Read every finished cell of a study.

    Raises:
        DamagedArtifactError: a cell's files are not what the study wrote.
    """
    found, missing = {}, []
    for variation in study.variations:
        for seed in variation.seeds:
            stem = out / "cells" / f"{variation.name}-{seed}"
            try:
                found[variation.name, seed] = _read(stem)
            except InputError:
                missing.append((variation.name, seed))
    return StudyCells(study=study, found=found, missing=tuple(missing))


def _read(stem: Path) -> CellResult:
    # not with_suffix: a variation may have a dot in its name
    cell = CellResult(
        facts=read_json(stem.with_name(f"{stem.name}.json")),
        tensors=read_tensors(stem.with_name(f"{stem.name}.safetensors")),
        rows=read_json(stem.with_name(f"{stem.name}-rows.json")),
    )
    for name in cell.tensors:
        try:
            cell.predictions(*name.split("/", 1))
        except (InputError, TypeError, AttributeError) as error:
            raise DamagedArtifactError(
                f"{stem}: {name!r} does not fit its rows ({error}); run the cell anew"
            ) from error
    return cell


def is_zero_shot(variation: Variation) -> bool:
    """Return whether a variation holds a class out, to be found by its anchors alone."""
    return variation.name.startswith(_ZERO_SHOT)


def held_out_class(variation: Variation) -> str:
    """Return the class that a zero-shot variation holds out."""
    return variation.name.removeprefix(_ZERO_SHOT)


def fold_families(variations: Sequence[Variation]) -> dict[str, list[Variation]]:
    """Return the variations named "<family>-<number>", by family: the folds of one split."""
    families: dict[str, list[Variation]] = {}
    for variation in variations:
        if match := re.fullmatch(r"(.+)-\d+", variation.name):
            families.setdefault(match[1], []).append(variation)
    return families


def on_same_rows(variation: Variation) -> bool:
    """Return whether a variation is judged on the split's own rows, all classes known: an ablation."""
    touched = [text.partition("=")[0].strip() for text in variation.set]
    other = any(name == key or name.startswith(f"{key}.") for name in touched for key in _OTHER_ROWS)
    return variation.model == "recipe" and not other and not is_zero_shot(variation)
