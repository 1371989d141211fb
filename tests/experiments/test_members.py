"""The members of an answer: which are fitted, what they read, and what each says alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

from threatclip.classification.fusion import LogLinearPool, fit_pool
from threatclip.classification.heads import unit
from threatclip.experiments.members import Members, fit_members
from threatclip.experiments.recipe import Answer, Views
from threatclip.experiments.rows import Rows
from threatclip.pairs.pair import Pair
from threatclip.pairs.samples import sample_pairs

CLASSES = ("xss", "sql-injection", "path-traversal")
ALL = ("anchors", "linear", "neighbors", "ngrams", "ngrams_nb")


def rows(n: int = 60, *, seed: int = 3) -> Rows:
    pairs = tuple(sample_pairs(n=n, seed=seed, classes=CLASSES))
    return Rows(pairs=pairs, labels=np.array([CLASSES.index(pair.label or "") for pair in pairs]), weights=np.ones(n))


NOTHING = rows(1).take(np.zeros(0, dtype=np.int64))


def vectors(train: Rows) -> np.ndarray:
    """Return unit vectors [n, 5] that point towards the axis of their class."""
    draw = np.random.default_rng(0)
    return unit(np.eye(5)[train.labels] + 0.3 * draw.normal(size=(len(train), 5))).astype(np.float32)


def fit(train: Rows, *, extra: Rows = NOTHING, seed: int = 0, **answer: Any) -> Members:
    return fit_members(
        Answer(**answer),
        train=train,
        vectors=vectors(train),
        extra=extra,
        anchors=(np.eye(5, dtype=np.float32)[:3], np.arange(3)),
        n_classes=3,
        views=Views(),
        seed=seed,
    )


@pytest.fixture(scope="module")
def members() -> Members:
    return fit(rows())


def test_every_member_learns_the_training_rows(members: Members) -> None:
    train = rows()
    scores = members.scores(train.views, vectors(train))
    assert tuple(scores) == ALL
    for name, one in scores.items():
        assert one.shape == (60, 3)
        assert (one.argmax(axis=1) == train.labels).mean() > 0.85, name


@pytest.mark.parametrize("wanted", [("anchors",), ("neighbors", "linear"), ("ngrams_nb",), ("ngrams",)])
def test_only_the_members_that_are_named_are_fitted(wanted: tuple[str, ...], members: Members) -> None:
    train = rows()
    some = fit(train, members=wanted).scores(train.views, vectors(train))
    assert set(some) == set(wanted)
    whole = members.scores(train.views, vectors(train))
    for name in wanted:  # a member does not depend on which others there are
        assert np.array_equal(some[name], whole[name])


def test_members_repeat_and_follow_their_seed(members: Members) -> None:
    train = rows()
    again = fit(train).scores(train.views, vectors(train))
    for name, one in members.scores(train.views, vectors(train)).items():
        assert np.array_equal(one, again[name])
    other = fit(train, seed=1).scores(train.views, vectors(train))
    assert not np.array_equal(other["ngrams"], again["ngrams"])  # other noisy copies


def test_n_gram_members_read_payloads_with_their_encoding_undone(members: Members) -> None:
    plain = b"GET /?q=<script>alert(1)</script> HTTP/1.1\nHost: www.example.com"
    coded = f"GET /?q={quote('<script>alert(1)</script>', safe='')} HTTP/1.1\nHost: www.example.com".encode()
    one, two = members.scores([plain, coded], np.eye(5, dtype=np.float32)[:2])["ngrams"]
    assert np.array_equal(one, two)


def test_extras_count_as_much_as_their_weight() -> None:
    train = rows()
    word = b"GET /zzqqzz?a=zzqqzz HTTP/1.1"
    marked = tuple(Pair(id=f"m{n}", view=word) for n in range(20))
    extra = Rows(pairs=marked, labels=np.full(20, 2), weights=np.ones(20))
    answer: dict[str, Any] = {"members": ("ngrams", "ngrams_nb")}
    scores = {
        weight: fit(train, extra=replace(extra, weights=np.full(20, weight)), **answer).scores([word], np.eye(1, 5))
        for weight in (1e-6, 1.0)
    }
    for name in answer["members"]:
        assert scores[1.0][name].argmax() == 2
        assert scores[1.0][name][0, 2] > scores[1e-6][name][0, 2] + 0.1


def test_copies_of_the_rows_can_be_left_out() -> None:
    train = rows()
    bare = fit(train, members=("ngrams",), ngram_noisy=0, ngram_framed=0)
    more = fit(train, members=("ngrams",), ngram_noisy=1, ngram_framed=2)
    assert bare.ngrams is not None
    assert more.ngrams is not None
    assert len(more.ngrams.vectors.terms) > len(bare.ngrams.vectors.terms)


def test_more_neighbors_than_rows_are_all_rows() -> None:
    few = rows(6)
    found = fit(few, members=("neighbors",), neighbors=50)
    assert found.neighbors is not None
    assert found.neighbors.k == 6


def test_no_payload_no_score(members: Members) -> None:
    assert {name: one.shape for name, one in members.scores([], np.zeros((0, 5), dtype=np.float32)).items()} == (
        dict.fromkeys(ALL, (0, 3))
    )


def test_a_member_alone_says_what_it_says_at_its_own_temperature(members: Members) -> None:
    held = rows(30, seed=8)
    scores = members.scores(held.views, vectors(held))
    pool = fit_pool(scores, held.labels)
    for place, name in enumerate(pool.members):
        alone = pool.alone(name)
        assert (alone.members, alone.weights.tolist()) == ((name,), [1.0])
        logits = scores[name] / pool.temperatures[place]
        by_hand = np.exp(logits - logits.max(axis=1, keepdims=True))
        by_hand = by_hand / by_hand.sum(axis=1, keepdims=True)
        assert alone.probabilities(scores) == pytest.approx(np.maximum(by_hand, 1e-6), abs=1e-5)
        # a member that the pool does not hear still says what it says
        deaf = LogLinearPool(members=pool.members, weights=np.zeros(5), temperatures=pool.temperatures)
        assert np.array_equal(deaf.alone(name).probabilities(scores), alone.probabilities(scores))
