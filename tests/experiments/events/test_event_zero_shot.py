"""Zero-shot answers: how halves are joined, missing ones, weights; and transfer between the halves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threatclip.classification.heads import unit
from threatclip.errors import InputError
from threatclip.experiments.events.space import PostVectors
from threatclip.experiments.events.transfer import CELLS, SUPERVISED, transferred
from threatclip.experiments.events.zero_shot import JOINED, Logits, Weighing, alone, fit_weighing, joined, prompt_logits


def made_logits(n: int = 200, *, picture: float = 2.0, words: float = 2.0, missing: float = 0.0) -> Logits:
    """Return logits of three classes that tell the class, row number modulo three, as loudly as asked."""
    draw = np.random.default_rng(0)
    truth = np.eye(3)[np.arange(n) % 3]
    seen, said = draw.random(n) >= missing, draw.random(n) >= missing
    rows = [loud * truth + draw.standard_normal((n, 3)) for loud in (picture, words)]
    return Logits(picture=rows[0], words=rows[1], has_picture=seen, has_words=said)


def softmax(row: np.ndarray) -> np.ndarray:
    values = np.exp(row - row.max())
    return np.asarray(values / values.sum())


@given(st.floats(0.1, 3), st.floats(0.1, 3))
@settings(max_examples=25, deadline=None)
def test_joined_halves_are_those_of_a_plain_loop(a: float, b: float) -> None:
    logits, weighing = made_logits(12, missing=0.3), Weighing(picture=a, words=b)
    for how in JOINED:
        found = joined(logits, how=how, weighing=weighing)
        for row in range(12):
            picture, words = softmax(a * logits.picture[row]), softmax(b * logits.words[row])
            expected = {
                "product": picture * words / (picture * words).sum(),
                "sum": (picture + words) / 2,
                "max": np.maximum(picture, words) / np.maximum(picture, words).sum(),
            }[how]
            if not logits.has_words[row]:
                expected = picture
            if not logits.has_picture[row]:
                expected = words if logits.has_words[row] else np.full(3, 1 / 3)
            np.testing.assert_allclose(found[row], expected, rtol=1e-9)


def test_a_half_alone_is_uniform_where_it_is_missing() -> None:
    logits = made_logits(30, missing=0.5)
    found = alone(logits, "picture")
    np.testing.assert_allclose(found[~logits.has_picture], 1 / 3)
    assert found[logits.has_picture].max() > 0.5


@pytest.mark.parametrize(("picture", "words"), [(3.0, 0.0), (0.0, 3.0)])
def test_a_fitted_weighing_listens_to_the_half_that_knows(picture: float, words: float) -> None:
    logits = made_logits(picture=picture, words=words)
    truth = np.arange(200) % 3
    weighing = fit_weighing(logits, truth)
    assert (weighing.picture > 2 * weighing.words) is (picture > words)
    right = (joined(logits, how="product", weighing=weighing).argmax(axis=1) == truth).mean()
    assert right >= (joined(logits, how="product").argmax(axis=1) == truth).mean()


def test_a_weighing_out_of_range_or_without_posts_is_refused() -> None:
    with pytest.raises(InputError, match="above 0"):
        Weighing(words=0.0)
    logits = made_logits(10)
    with pytest.raises(InputError, match="both halves"):
        fit_weighing(replace(logits, has_words=np.zeros(10, dtype=bool)), np.zeros(10, dtype=int))


def test_logits_are_cosines_to_the_mean_direction_of_a_class() -> None:
    draw = np.random.default_rng(0)
    vectors, prompts = unit(draw.standard_normal((4, 6))), unit(draw.standard_normal((3, 6)))
    found = prompt_logits(vectors, prompts, {"a": ["one", "two"], "b": ["three"]}, temperature=0.1)
    both = prompts[0] + prompts[1]
    np.testing.assert_allclose(found[:, 0], vectors @ both / np.linalg.norm(both) / 0.1, rtol=1e-5)
    np.testing.assert_allclose(found[:, 1], vectors @ prompts[2] / 0.1, rtol=1e-5)


def made_vectors(n: int, *, aligned: bool, seed: int = 0, gap: float = 0.0) -> tuple[PostVectors, np.ndarray]:
    """Return vectors of posts in a space where both halves of a class point the same way, or do not."""
    draw = np.random.default_rng(seed)
    directions = np.random.default_rng(7).standard_normal((2, 3, 10))
    labels = np.arange(n) % 3
    rows = [
        unit(2 * directions[0 if aligned else half][labels] + draw.standard_normal((n, 10)) + gap * half)
        for half in (0, 1)
    ]
    there = np.ones(n, dtype=bool)
    there[::7] = False
    rows[1] = rows[1] * there[:, None]
    vectors = PostVectors(
        picture=rows[0], words=rows[1], sentence=rows[1], has_picture=np.ones(n, dtype=bool), has_words=there
    )
    return vectors, labels


@pytest.mark.parametrize("gap", [0.0, 5.0])
def test_labels_cross_over_in_a_shared_space_whatever_the_gap(gap: float) -> None:
    learned, labels = made_vectors(90, aligned=True, gap=gap)
    judged, truth = made_vectors(60, aligned=True, seed=1, gap=gap)
    found = transferred(learned, labels, judged, n_classes=3, seed=0)
    assert set(found) == {*CELLS, SUPERVISED}
    for name, answers in found.items():
        both = judged.has_words if "words" in name else np.ones(60, dtype=bool)
        np.testing.assert_allclose(answers.sum(axis=1), 1)
        assert (answers.argmax(axis=1) == truth)[both].mean() > 0.8, name


def test_labels_do_not_cross_where_nothing_is_shared() -> None:
    learned, labels = made_vectors(90, aligned=False)
    judged, truth = made_vectors(60, aligned=False, seed=1)
    found = transferred(learned, labels, judged, n_classes=3, seed=0)
    right = {name: (one.argmax(axis=1) == truth)[judged.has_words].mean() for name, one in found.items()}
    assert min(right["picture_to_picture"], right["words_to_words"]) > 0.8
    assert max(right["picture_to_words"], right["words_to_picture"]) < 0.75
