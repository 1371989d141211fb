"""Heads, pools and what they promise when a half is missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from event_cases import made_features, made_posts, plan
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from threatclip.classification.abstention import NEVER
from threatclip.errors import InputError
from threatclip.experiments.events.features import PICTURE, WORDS
from threatclip.experiments.events.fitting import fit_model, out_of_fold
from threatclip.experiments.events.heads import NeighborVotes, fit_heads
from threatclip.experiments.events.model import BOTH, EventModel, carried_by, carrier
from threatclip.experiments.events.recipe import Answer


@pytest.fixture(scope="module")
def model() -> EventModel:
    return fit_model(made_posts(), plan())


def test_probabilities_are_probabilities_whatever_is_missing(model: EventModel) -> None:
    rows = made_posts(seed=1).rows
    for shown in (rows, rows.without(PICTURE), rows.without(WORDS)):
        found = model.probabilities(shown)
        np.testing.assert_allclose(found.sum(axis=1), 1)
        assert (found >= 0).all()


def test_every_way_has_a_pool_of_the_heads_that_can_be_heard(model: EventModel) -> None:
    assert {way: pool.members for way, pool in model.pools.items()} == {
        "both": ("picture", "words", "neighbors"),
        "picture": ("picture", "neighbors"),
        "words": ("words", "neighbors"),
    }
    rows = made_posts(seed=1).rows
    ways = model.ways(rows)
    assert set(ways[rows.has_picture & ~rows.has_words]) == {"picture"}
    assert set(ways[rows.has_words & ~rows.has_picture]) == {"words"}


def test_what_a_missing_half_would_have_said_changes_nothing(model: EventModel) -> None:
    rows = made_posts(missing=0.0).rows.without(WORDS)
    loud = replace(rows, words=made_posts(seed=5, missing=0.0).rows.words)
    np.testing.assert_array_equal(model.probabilities(loud), model.probabilities(rows))


def test_a_post_does_not_depend_on_the_others_asked_with_it(model: EventModel) -> None:
    rows = made_posts(seed=2).rows
    one = model.probabilities(rows.take(np.array([7])))
    np.testing.assert_allclose(one[0], model.probabilities(rows)[7], rtol=1e-6)


def test_a_post_with_neither_half_gets_the_shares_of_the_classes_and_no_answer(model: EventModel) -> None:
    nothing = made_posts().rows.without(WORDS).without(PICTURE)
    found = model.probabilities(nothing)
    np.testing.assert_allclose(found, np.tile(model.shares, (len(nothing), 1)))
    assert not model.answers(nothing, found).any()


def test_both_halves_are_better_than_one() -> None:
    posts = made_posts(120, missing=0.0)
    found = out_of_fold(posts, plan(), n_folds=2)
    right = {way: (one.argmax(axis=1) == posts.labels).mean() for way, one in found.probabilities.items()}
    assert right[BOTH] > max(right[PICTURE], right[WORDS]) > 0.5
    assert found.answered.dtype == bool


def test_labels_without_a_cause_are_not_found_out_of_fold() -> None:
    posts = made_posts(90, picture=0.0, words=0.0, missing=0.0)
    found = out_of_fold(posts, plan(), n_folds=2)
    assert (found.probabilities[BOTH].argmax(axis=1) == posts.labels).mean() < 0.5


def test_a_copy_in_another_fold_would_give_the_label_away() -> None:
    """Posts of one cluster are judged together, so that a copy never sits among the learned ones."""
    copies = np.repeat(np.arange(45), 2)
    labels = (np.random.default_rng(0).permutation(45) % 3)[copies]
    rows = made_posts(45, picture=0.0, words=0.0, missing=0.0).rows.take(copies)
    posts = replace(made_posts(90), rows=rows, labels=labels)
    leaky = out_of_fold(posts, plan(), n_folds=2).probabilities[BOTH]
    honest = out_of_fold(replace(posts, clusters=copies), plan(), n_folds=2).probabilities[BOTH]
    assert (leaky.argmax(axis=1) == labels).mean() > (honest.argmax(axis=1) == labels).mean() + 0.2


def test_the_same_seed_gives_the_same_bytes() -> None:
    posts = made_posts()
    first, second = (out_of_fold(posts, plan(costs=(1.0, 10.0)), n_folds=2) for _ in range(2))
    for name, one in first.probabilities.items():
        np.testing.assert_array_equal(one, second.probabilities[name])


def test_changed_posts_are_judged_by_the_models_that_judged_the_plain_ones() -> None:
    posts = made_posts()
    found = out_of_fold(posts, plan(), n_folds=2, also={"same": posts.rows, "mute": posts.rows.without(WORDS)})
    np.testing.assert_array_equal(found.probabilities["same"], found.probabilities[BOTH])
    np.testing.assert_array_equal(found.probabilities["same_picture"], found.probabilities[PICTURE])
    np.testing.assert_array_equal(found.probabilities["mute"], found.probabilities[PICTURE])


def test_posts_of_words_alone_make_a_model_that_hears_words() -> None:
    posts = made_posts(missing=0.0)
    spoken = replace(posts, rows=posts.rows.without(PICTURE))
    model = fit_model(spoken, plan(ngrams=True))
    assert set(model.pools) == {WORDS}
    asked = made_posts(seed=1, missing=0.0).rows
    assert (model.probabilities(asked.without(PICTURE)).argmax(axis=1) == posts.labels).mean() > 0.8
    assert (model.ways(asked.without(WORDS)) == "").all()


def test_posts_without_any_half_make_no_model() -> None:
    posts = made_posts()
    empty = replace(posts, rows=posts.rows.without(PICTURE).without(WORDS))
    with pytest.raises(InputError, match="neither pictures nor words"):
        fit_model(empty, plan())


def test_copies_with_drawn_words_share_the_weight_of_their_picture() -> None:
    posts = made_posts(missing=0.0)
    same = replace(posts.rows, drawn=np.repeat(posts.rows.picture[:, None], 2, axis=1))
    heads = [
        fit_heads(
            rows,
            posts.labels,
            Answer(),
            n_classes=3,
            ngrams=False,
            costs={PICTURE: (3.0,), WORDS: (3.0,)},
            rng=np.random.default_rng(0),
        )[0].linear[PICTURE]
        for rows in (posts.rows, same)
    ]
    np.testing.assert_allclose(heads[1].weight, heads[0].weight, atol=2e-3)


@given(st.integers(0, 2**31), st.floats(0.05, 2))
@settings(max_examples=20, deadline=None)
def test_votes_are_those_of_a_plain_loop(seed: int, temperature: float) -> None:
    draw = np.random.default_rng(seed)
    known, labels, asked = draw.standard_normal((9, 4)), draw.integers(0, 3, 9), draw.standard_normal((5, 4))
    votes = NeighborVotes(known=known, labels=labels, n_classes=3, temperature=temperature)
    for row, found in zip(asked, votes.scores(asked), strict=True):
        shares = [0.0, 0.0, 0.0]
        for one, label in zip(known, labels.tolist(), strict=True):
            shares[label] += float(np.exp(float(row @ one) / temperature - float((known @ row).max()) / temperature))
        np.testing.assert_allclose(found, np.log(np.array(shares) / sum(shares) + 1e-3), rtol=1e-6)


@given(arrays(np.float64, (3, 4, 3), elements=st.floats(1e-6, 1)))
@settings(max_examples=50, deadline=None)
def test_shares_of_the_halves_are_shares(values: np.ndarray) -> None:
    both, picture, words = values / values.sum(axis=2, keepdims=True)
    shares = carried_by(both, picture, words, both.argmax(axis=1))
    np.testing.assert_allclose(shares[0] + shares[1], 1)
    assert (np.array(shares) >= 0).all()


def test_the_half_without_which_the_answer_falls_carries_it() -> None:
    both, sure, unsure = np.array([[0.9, 0.1]]), np.array([[0.9, 0.1]]), np.array([[0.4, 0.6]])
    chosen = np.array([0])
    picture, words = carried_by(both, sure, unsure, chosen)
    assert (picture[0], words[0]) == (1.0, 0.0)
    assert carrier(True, True, float(picture[0]), float(words[0]))["half"] == "picture"
    picture, words = carried_by(both, both, both, chosen)
    assert (picture[0], words[0]) == (0.5, 0.5)
    assert carrier(True, True, 0.5, 0.5)["half"] == "both"
    assert carrier(False, True, 0.5, 0.5) == {"half": "words", "picture": 0.0, "words": 1.0}
    assert carrier(False, False, 0.5, 0.5)["half"] == "nothing"


def test_a_way_that_training_never_saw_is_not_answered(model: EventModel) -> None:
    silent = replace(model, pools={BOTH: model.pools[BOTH]})
    rows = made_features(np.zeros(4, dtype=int), missing=0.0).without(WORDS)
    assert (silent.ways(rows) == "").all()
    assert not silent.answers(rows, silent.probabilities(rows)).any()
    assert NEVER > 1


def test_a_half_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="no 'sound'"):
        made_posts().rows.without("sound")
