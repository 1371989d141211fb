"""The table of protocols: every figure with its interval, and what gives answers away under each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.artifacts import read_json, read_tensors, write_json, write_tensors
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.evaluation.metrics import accuracy, macro_f1, mrr, top_k, weighted_f1
from threatclip.evaluation.predictions import Predictions, predictions_of
from threatclip.evaluation.summary import MetricFunction, measure
from threatclip.experiments.group_seed.protocols import Leaks, Protocol
from threatclip.experiments.group_seed.recipe import ProtocolName
from threatclip.experiments.judging import plain_metrics
from threatclip.seeds import rng

METRICS: Mapping[str, MetricFunction] = {
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "weighted_f1": weighted_f1,
    "top_5": partial(top_k, k=5),
    "mrr": mrr,
}
TITLES: Mapping[ProtocolName, str] = {
    "raw": "text as written, random split",
    "masked": "names masked, random split",
    "augmented": "names masked, augmented, then random split (the seed's)",
    "reports": "names masked, reports held out (split H)",
    "campaigns": "names masked, campaigns held out (split K)",
}
FOLDER = "protocols"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What the model of one protocol made of its test sentences; no text."""

    name: ProtocolName
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    groups: tuple[str, ...]
    together: tuple[str, ...]
    probabilities: np.ndarray
    n_train: int
    leaks: Leaks

    def predictions(self) -> Predictions:
        """Return the judge's view."""
        return predictions_of(
            labels=self.groups,
            probabilities=self.probabilities,
            classes=self.classes,
            ids=self.ids,
            groups=self.together,
        )

    def as_plain(self, *, seed: int) -> dict[str, Any]:
        """Return metrics with intervals, sizes and leaks."""
        return {
            "title": TITLES[self.name],
            "n": len(self.ids),
            "n_train": self.n_train,
            "n_groups": len(self.classes),
            "n_tested_groups": len(set(self.groups)),
            "n_drawn_together": len(set(self.together)),
            "leaks": asdict(self.leaks),
            "metrics": plain_metrics(measure(self.predictions(), METRICS, rng=rng(seed, "bootstrap"))),
        }


def outcome_of(protocol: Protocol, probabilities: np.ndarray, leaks: Leaks) -> Outcome:
    """Return what is kept of a protocol's judgment."""
    return Outcome(
        name=protocol.name,
        classes=protocol.classes,
        ids=tuple(row.id for row in protocol.test),
        groups=tuple(row.group for row in protocol.test),
        together=tuple(row.together for row in protocol.test),
        probabilities=probabilities,
        n_train=len(protocol.train),
        leaks=leaks,
    )


def write_outcome(run: Path, outcome: Outcome) -> None:
    """Keep an outcome in the run; the JSON comes last, so that a protocol with one is whole."""
    plain = {key: getattr(outcome, key) for key in ("name", "n_train")}
    plain |= {key: list(getattr(outcome, key)) for key in ("classes", "ids", "groups", "together")}
    write_tensors(_file(run, outcome.name, ".safetensors"), {"probabilities": outcome.probabilities.astype(np.float32)})
    write_json(_file(run, outcome.name, ".json"), {**plain, "leaks": asdict(outcome.leaks)})


def read_outcome(run: Path, name: ProtocolName) -> Outcome | None:
    """Return a protocol's outcome; None where the run has not come to it.

    Raises:
        DamagedArtifactError: the files are not what was written.
    """
    path = _file(run, name, ".json")
    if not path.is_file():
        return None
    plain = read_json(path)
    try:
        found = Outcome(
            name=name,
            classes=tuple(map(str, plain["classes"])),
            ids=tuple(map(str, plain["ids"])),
            groups=tuple(map(str, plain["groups"])),
            together=tuple(map(str, plain["together"])),
            probabilities=read_tensors(_file(run, name, ".safetensors"))["probabilities"].astype(np.float64),
            n_train=int(plain["n_train"]),
            leaks=Leaks(**plain["leaks"]),
        )
        found.predictions()
    except (KeyError, TypeError, ValueError, InputError) as error:
        raise DamagedArtifactError(f"{path} and its probabilities do not fit ({error}); train anew") from error
    return found


def _file(run: Path, name: str, ending: str) -> Path:
    return run / FOLDER / f"{name}{ending}"
