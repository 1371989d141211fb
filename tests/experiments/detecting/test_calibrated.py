"""Calibrated detectors: the stated rate, half of the trusted views for it, and verdicts that say what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest

from detecting_cases import backdoored_suspect, triggered
from pair_cases import picture_pairs
from threatclip.defenses.contracts import Suspect
from threatclip.defenses.detectors.masking import Masking
from threatclip.defenses.detectors.outlier import Outlier
from threatclip.errors import InputError
from threatclip.experiments.detecting.calibrated import calibrate, judge
from threatclip.pairs.pair import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A detector whose score is written in the view; notes what it was given."""

    kind: str = "noted"
    sign: float = 1.0
    finding: ClassVar[str] = "is noted"

    def scores(self, suspect: Suspect, views: Sequence[bytes], *, rng: np.random.Generator) -> np.ndarray:
        """Return the number in each view, never one of those looked at."""
        assert rng.random() == np.random.default_rng(rng.bit_generator.seed_seq).random()  # type: ignore[attr-defined]
        assert not {pair.view for pair in suspect.trusted} & set(views)
        return self.sign * np.array([float(view) for view in views])


def case_of(numbers: Sequence[float]) -> Any:
    pairs = [Pair(id=str(place), view=repr(float(number)).encode()) for place, number in enumerate(numbers)]
    return replace(backdoored_suspect(), trusted=pairs, modality="text")


def test_the_stated_rate_holds_for_all_detectors_together() -> None:
    draw = np.random.default_rng(0)
    flagged = []
    for seed in range(150):
        numbers = draw.normal(size=240)
        case = case_of(numbers[:200])
        found = calibrate([Noted(), Noted(kind="other", sign=-1.0)], case, fpr=0.1, seed=seed)
        verdicts = judge(found, ["x"] * 40, [repr(float(number)).encode() for number in numbers[200:]])
        flagged.append(np.mean([verdict.flagged for verdict in verdicts]))
    assert 0.07 < np.mean(flagged) <= 0.105  # at most 0.1, and 0.0990 for continuous scores and disjoint tails


def test_half_of_the_trusted_views_is_looked_at() -> None:
    case = case_of(range(100))
    (one,) = calibrate([Noted()], case, fpr=0.1, seed=3)
    looked_at = {float(pair.view) for pair in one.suspect.trusted}
    assert len(looked_at) == len(one.trusted) == 50
    assert looked_at | set(one.trusted.tolist()) == set(map(float, range(100)))
    (again,) = calibrate([Noted()], case, fpr=0.1, seed=3)
    assert again.trusted.tolist() == one.trusted.tolist()


def test_too_few_trusted_views_say_how_many_are_needed() -> None:
    with pytest.raises(InputError, match=r"100 trusted views cannot keep .* of 0.01 with 1 detector; give 198"):
        calibrate([Noted()], case_of(range(100)), fpr=0.01, seed=0)
    with pytest.raises(InputError, match=r"with 2 detectors; give 398"):
        calibrate([Noted(), Noted(kind="other")], case_of(range(300)), fpr=0.01, seed=0)


def test_a_verdict_names_the_detector_that_finds_it_strangest() -> None:
    found = calibrate([Noted(), Noted(kind="other", sign=-1.0)], case_of(range(100)), fpr=0.1, seed=0)
    high, low, usual = judge(found, ["high", "low", "usual"], [b"1000", b"-1000", b"50"])
    assert [(one.id, one.detector, one.flagged) for one in (high, low)] == [
        ("high", "noted", True),
        ("low", "other", True),
    ]
    assert not usual.flagged
    assert high.scores == {"noted": 1000.0, "other": -1000.0}
    assert high.p_value == 1 / 51
    assert high.reason == "is noted; at most 1.96% of clean views would score as high"
    assert usual.reason.startswith("nothing unusual; up to ")
    assert usual.score <= usual.threshold


def test_real_detectors_flag_a_real_trigger_and_spare_clean_views() -> None:
    pairs = picture_pairs(100, seed=11, captions=1)
    clean, bad = [pair.view for pair in pairs], [triggered(pair.view) for pair in pairs]
    found = calibrate([Masking(), Outlier()], backdoored_suspect(), fpr=0.05, seed=0)
    verdicts = judge(found, [str(place) for place in range(200)], [*clean, *bad])
    assert np.mean([one.flagged for one in verdicts[:100]]) < 0.12
    assert np.mean([one.flagged for one in verdicts[100:]]) > 0.9
