"""Judging views: every detector calibrated on trusted pairs, and a verdict on each view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from threatclip.defenses.contracts import Suspect
from threatclip.defenses.detectors import DETECTORS
from threatclip.errors import ImageFaultError, InputError
from threatclip.experiments.config import as_plain
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.detecting.calibrated import Calibrated, Verdict, calibrate, judge
from threatclip.experiments.detecting.choice import chosen
from threatclip.experiments.detecting.inputs import trusted_pairs, view_chunks
from threatclip.experiments.progress import OnProgress, Progress
from threatclip.pairs.images import image_fault

DEFAULT = ("masking", "outlier")  # one sees what lies in one place, the other what lies apart; neither needs prompts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Watch:
    """Calibrated detectors of one model."""

    calibrated: Sequence[Calibrated]
    bundle: DualBundle
    fpr: float
    trusted: int

    def verdicts(self, path: Path, on_progress: OnProgress) -> Iterator[Verdict]:
        """Yield a verdict on each view of a table, folder or file, in order.

        Raises:
            InputError: see `view_chunks`; a picture that cannot be read is named.
        """
        done = 0
        for chunk in view_chunks(path, self.bundle.modality):
            ids, views = [name for name, _ in chunk], [view for _, view in chunk]
            try:
                found = judge(self.calibrated, ids, views)
            except ImageFaultError as error:
                raise _named(ids, views) or error from error
            yield from found
            done += len(chunk)
            on_progress(Progress(stage="views", done=done, total=0))

    def about(self) -> dict[str, Any]:
        """Return how the detectors were set, as JSON."""
        return {
            "model": self.bundle.model,
            "modality": self.bundle.modality,
            "fpr": self.fpr,
            "trusted": self.trusted,
            "detectors": {
                one.detector.kind: {"threshold": one.threshold, "parameters": as_plain(one.detector)}
                for one in self.calibrated
            },
        }


def watch(
    model: Path,
    trusted: Path,
    *,
    kinds: Sequence[str] | None,
    settings: Mapping[str, Any],
    fpr: float,
    seed: int,
    on_progress: OnProgress,
) -> Watch:
    """Calibrate detectors of a model.

    Args:
        model: run folder or bundle of a dual encoder.
        trusted: pair table that somebody vouches for.
        kinds: detectors; None: those of `DEFAULT`.
        settings: a table of parameters for each kind.
        fpr: rate at which clean views are flagged, at most.
        seed: of everything drawn.
        on_progress: told of the steps.

    Raises:
        InputError: an unknown detector or parameter, or too few trusted views.
    """
    bundle = DualBundle.load(model)
    detectors = chosen(
        DETECTORS, DEFAULT if kinds is None else kinds, settings, modality=bundle.modality, what="detector"
    )
    pairs = trusted_pairs(trusted, bundle)
    suspect = Suspect(dual=bundle.dual, modality=bundle.modality, prompts=bundle.prompts, trusted=pairs)
    on_progress(Progress(stage="trusted views", done=0, total=len(pairs)))
    try:
        calibrated = calibrate(detectors, suspect, fpr=fpr, seed=seed)
    except ImageFaultError as error:
        raise _named([pair.id for pair in pairs], [pair.view for pair in pairs]) or error from error
    on_progress(Progress(stage="trusted views", done=len(pairs), total=len(pairs)))
    return Watch(calibrated=calibrated, bundle=bundle, fpr=fpr, trusted=len(pairs))


def _named(ids: Sequence[str], views: Sequence[bytes]) -> InputError | None:
    """Return the fault of the first picture that has one, with its id."""
    for name, view in zip(ids, views, strict=True):
        fault = image_fault(view)
        if fault is not None:
            return ImageFaultError(f"view {name!a:.120}: {fault}")
    return None
