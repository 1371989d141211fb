"""What detectors make of a model that really holds a backdoor."""

from __future__ import annotations

import numpy as np
import pytest

from detecting_cases import PROMPTS, TARGET, backdoored_suspect, triggered
from pair_cases import picture_pairs
from threatclip.defenses.contracts import Suspect
from threatclip.defenses.detectors import DETECTORS
from threatclip.defenses.detectors.bdetclip import BDetClip
from threatclip.defenses.detectors.blending import Blending
from threatclip.defenses.detectors.masking import Masking
from threatclip.defenses.detectors.outlier import Outlier
from threatclip.errors import InputError
from threatclip.evaluation.zero_shot import class_prototypes, prompt_list


@pytest.fixture(scope="module")
def case() -> Suspect:
    return backdoored_suspect()


@pytest.fixture(scope="module")
def views() -> tuple[list[bytes], list[bytes]]:
    """Clean and triggered pictures."""
    pairs = picture_pairs(120, seed=9, captions=1)
    return [pair.view for pair in pairs], [triggered(pair.view) for pair in pairs if pair.label != TARGET]


def answers(case: Suspect, views: list[bytes]) -> list[str]:
    classes, texts, owners = prompt_list(PROMPTS)
    prototypes = class_prototypes(case.text_vectors(texts), owners)
    return [classes[place] for place in (case.view_vectors(views) @ prototypes.T).argmax(axis=1)]


def auroc(higher: np.ndarray, lower: np.ndarray) -> float:
    """Return the share of (higher, lower) that are in that order, ties half: every pair counted."""
    differences = higher[:, None] - lower[None]
    return float((differences > 0).mean() + (differences == 0).mean() / 2)


def test_the_backdoor_is_one(case: Suspect, views: tuple[list[bytes], list[bytes]]) -> None:
    truth = [pair.label for pair in picture_pairs(120, seed=9, captions=1)]
    assert np.mean([a == b for a, b in zip(answers(case, views[0]), truth, strict=True)]) > 0.95
    assert answers(case, views[1]).count(TARGET) / len(views[1]) > 0.95


@pytest.mark.parametrize(("kind", "least"), [("masking", 0.99), ("outlier", 0.99), ("blending", 0.85)])
def test_a_patch_is_found(kind: str, least: float, case: Suspect, views: tuple[list[bytes], list[bytes]]) -> None:
    clean, bad = (DETECTORS[kind]().scores(case, own, rng=np.random.default_rng(0)) for own in views)
    assert auroc(bad, clean) > least


@pytest.mark.parametrize("measure", ["k_dist", "slof", "dao"])
def test_outliers_are_outliers_by_every_measure(
    measure: str, case: Suspect, views: tuple[list[bytes], list[bytes]]
) -> None:
    detector = Outlier(measure=measure)  # type: ignore[arg-type]
    clean, bad = (detector.scores(case, own, rng=np.random.default_rng(0)) for own in views)
    assert auroc(bad, clean) > 0.95


def test_masking_more_finely_costs_more_and_finds_it_too(case: Suspect, views: tuple[list[bytes], list[bytes]]) -> None:
    detector = Masking(across=5)
    clean, bad = (detector.scores(case, own[:40], rng=np.random.default_rng(0)) for own in views)
    assert auroc(bad, clean) > 0.95


@pytest.mark.parametrize("ruin", ["words", "letters"])
def test_omega_is_the_sum_over_classes(ruin: str, case: Suspect, views: tuple[list[bytes], list[bytes]]) -> None:
    """The direction is one sum; it is recovered from scores of many views by least squares."""
    detector = BDetClip(ruin=ruin, per_class=2)  # type: ignore[arg-type]
    own = views[0][:60]
    scores = detector.scores(case, own, rng=np.random.default_rng(0))
    vectors = case.view_vectors(own)
    direction, *_ = np.linalg.lstsq(vectors, scores, rcond=None)
    np.testing.assert_allclose(vectors @ direction, scores, atol=1e-5)
    assert np.linalg.norm(direction) <= 2 * len(PROMPTS) + 1e-6


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("bdetclip", {"ruin": "vowels"}),
        ("bdetclip", {"per_class": 0}),
        ("masking", {"across": 1}),
        ("masking", {"parts": 0}),
        ("blending", {"blends": 0}),
        ("blending", {"share": 1.0}),
        ("outlier", {"measure": "lof"}),
        ("outlier", {"k": 0}),
    ],
)
def test_settings_that_cannot_be_are_refused(kind: str, settings: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(settings))):
        DETECTORS[kind](**settings)


def test_blending_asks_for_as_many_trusted_views_as_it_mixes(case: Suspect) -> None:
    with pytest.raises(InputError, match="mixes 5000 trusted views, got 400"):
        Blending(blends=5000).scores(case, [b""], rng=np.random.default_rng(0))
