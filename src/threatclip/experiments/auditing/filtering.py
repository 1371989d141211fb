"""Every filter over one table: scores that are kept on disk, so that another look costs nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from threatclip import __version__
from threatclip.artifacts import read_tensors, write_tensors
from threatclip.defenses.contracts import Evidence, Filter
from threatclip.errors import InputError
from threatclip.experiments.config import as_plain, parse
from threatclip.experiments.progress import OnProgress, Progress
from threatclip.seeds import rng

_SCORES = "scores"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """A filter and its score of every judged pair, float64 [n], the higher the more suspect."""

    filter: Filter
    scores: Float[np.ndarray, " n"]

    @property
    def kind(self) -> str:
        """What the filter is called."""
        return self.filter.kind


def chosen_filters(
    known: Mapping[str, Any], kinds: Sequence[str], settings: Mapping[str, Mapping[str, object]]
) -> list[Filter]:
    """Return the filters of these kinds with their parameters; all that judge by themselves when none is named.

    Args:
        known: the classes of filters by kind.
        kinds: names, with - or _.
        settings: parameters by kind.

    Raises:
        InputError: an unknown kind, one named twice, or parameters of a filter that does not run.
    """
    wanted = [kind.replace("-", "_") for kind in kinds] or list(known)
    unknown = [kind for kind in (*wanted, *settings) if kind not in known]
    if unknown:
        raise InputError(f"unknown filter {unknown[0]!r}; choose from {', '.join(known)}")
    if len(set(wanted)) < len(wanted):
        raise InputError(f"filters {', '.join(wanted)}: name each once")
    idle = sorted(settings.keys() - set(wanted))
    if idle:
        raise InputError(f"parameters of {idle[0]} are set, but it is not among the filters {', '.join(wanted)}")
    return [parse(known[kind], {**settings.get(kind, {}), "kind": kind}, where=f"filter {kind}") for kind in wanted]


def score_pairs(
    filters: Sequence[Filter],
    evidence: Evidence,
    *,
    named: bool,
    folder: Path,
    key: str,
    seed: int,
    on_progress: OnProgress,
) -> tuple[list[Scored], dict[str, str]]:
    """Score every pair with every filter; return the scores, and by kind why a filter could not run.

    Args:
        filters: in the order of the report.
        evidence: what they see.
        named: the user asked for each of them: one that cannot run is an error.
        folder: where scores are kept.
        key: names the evidence: table, encoder, trusted pairs.
        seed: streams "audit/KIND".
        on_progress: told of every filter.

    Raises:
        InputError: a named filter cannot run, or none of them can.
        StorageError: the disk refused.
    """
    scored, left_out = list[Scored](), dict[str, str]()
    for place, one in enumerate(filters):
        on_progress(Progress(stage="filters", done=place, total=len(filters)))
        try:
            scores = _scores(one, evidence, folder=folder, key=key, seed=seed)
        except InputError as error:
            if named:
                raise InputError(f"filter {one.kind}: {error}") from error
            left_out[one.kind] = str(error)
            continue
        scored.append(Scored(filter=one, scores=scores))
    on_progress(Progress(stage="filters", done=len(filters), total=len(filters)))
    if not scored:
        kind, reason = next(iter(left_out.items()))
        raise InputError(f"no filter can judge this table; {kind}: {reason}")
    return scored, left_out


def _scores(one: Filter, evidence: Evidence, *, folder: Path, key: str, seed: int) -> np.ndarray:
    if evidence.modality not in one.modalities:
        raise InputError(f"it judges {', '.join(one.modalities)} pairs, not {evidence.modality} pairs")
    facts = json.dumps([__version__, key, seed, as_plain(one)], sort_keys=True)
    path = folder / f"{one.kind}-{hashlib.sha256(facts.encode()).hexdigest()[:24]}.safetensors"
    if path.is_file():
        kept = read_tensors(path).get(_SCORES)
        if kept is not None and kept.shape == (len(evidence.pairs),):
            return kept
    scores = np.asarray(one.scores(evidence, rng=rng(seed, f"audit/{one.kind}")), dtype=np.float64)
    write_tensors(path, {_SCORES: scores})
    return scores
