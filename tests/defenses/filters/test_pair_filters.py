"""Filters of pairs: relevance, mixture, spectral, bursts and agreement find what they are made for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from filter_cases import evidence, unit, with_parts
from threatclip.defenses.filters.agreement import Agreement, rank_shares, surprise
from threatclip.defenses.filters.bursts import Bursts
from threatclip.defenses.filters.mixture import Mixture, mixture_log_odds
from threatclip.defenses.filters.novelty import Novelty
from threatclip.defenses.filters.relevance import Relevance
from threatclip.defenses.filters.spectral import Spectral, signature
from threatclip.errors import InputError, RecipeError
from threatclip.evaluation.detection import auroc


def draw() -> np.random.Generator:
    return np.random.default_rng(0)


def test_relevance_is_the_cosine_distance_of_a_pair() -> None:
    case = evidence()
    scores = Relevance().scores(case, rng=draw())
    expected = [1 - float(view @ caption) for view, caption in zip(case.views, case.captions, strict=True)]
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert auroc(scores, np.arange(120) < 6) > 0.99
    assert scores.min() >= 0


def test_a_mixture_finds_two_kinds_as_scikit_learn_does() -> None:
    low, high = draw().normal(0.1, 0.08, size=200), draw().normal(0.7, 0.1, size=800)
    cosines = np.concatenate([low, high])
    scores = mixture_log_odds(cosines, iterations=500)
    peer = GaussianMixture(2, random_state=0, means_init=[[0.1], [0.7]]).fit(cosines[:, None])
    inside = (cosines > peer.means_[0, 0]) & (cosines < peer.means_[1, 0])
    expected = np.log(peer.predict_proba(cosines[inside][:, None]) + 1e-300)
    np.testing.assert_allclose(scores[inside], expected[:, 0] - expected[:, 1], rtol=0.1, atol=0.3)
    assert ((scores > 0) == (np.arange(1_000) < 200)).mean() > 0.99


def test_a_better_match_is_never_more_suspect() -> None:
    # a wide low kind beside a narrow high one: log-odds of the densities turn back up at both ends
    cosines = np.concatenate([draw().normal(0.0, 0.3, size=300), draw().normal(0.6, 0.02, size=700)])
    order = np.argsort(cosines)
    assert (np.diff(mixture_log_odds(cosines, iterations=200)[order]) <= 1e-12).all()


def test_a_mixture_of_too_few_pairs_is_refused() -> None:
    with pytest.raises(InputError, match="3"):
        mixture_log_odds(np.zeros(3), iterations=5)
    with pytest.raises(RecipeError, match="iterations"):
        Mixture(iterations=0)


def test_the_signature_is_the_squared_projection_on_the_first_singular_vector() -> None:
    rows = draw().normal(size=(50, 6))
    centered = rows - rows.mean(axis=0)
    projected = (centered @ np.linalg.svd(centered)[2][0]) ** 2
    np.testing.assert_allclose(signature(rows), projected / projected.mean(), rtol=1e-6)


def test_a_spectral_signature_finds_poison_among_pairs_of_like_captions() -> None:
    chance = draw()
    centers = chance.normal(size=(5, 16)) * 2
    planted = np.arange(400) < 40
    kinds = np.where(planted, 0, chance.integers(4, size=400))
    views = unit(centers[np.where(planted, 4, kinds)] + 0.5 * chance.normal(size=(400, 16)))
    captions = unit(centers[kinds] + 0.2 * chance.normal(size=(400, 16)))
    case = with_parts(evidence(400), views=views, captions=captions)
    by_kind = auroc(Spectral(kinds=4).scores(case, rng=draw()), planted)
    assert by_kind > 0.85
    assert by_kind > auroc(Spectral(kinds=1).scores(case, rng=draw()), planted)


def test_bursts_count_captions_and_views_in_doublings() -> None:
    case = evidence(16, planted=8)
    pairs = list(case.pairs)
    pairs[8] = dataclasses.replace(pairs[8], caption="ONE   Template")
    pairs[9] = dataclasses.replace(pairs[9], view=pairs[0].view)
    pairs[10] = dataclasses.replace(pairs[10], caption=None)
    pairs[11] = dataclasses.replace(pairs[11], caption=" ")
    scores = Bursts(near=False).scores(with_parts(case, pairs=pairs), rng=draw())
    assert scores[1] == scores[8] == pytest.approx(np.log2(9))
    assert scores[0] == pytest.approx(np.log2(9) + 1)
    assert scores[9] == 1
    assert (scores[10:] == 0).all()
    assert Bursts().reasons(with_parts(case, pairs=pairs), scores, [0]) == [
        "9 pairs have its caption; 2 have the same view or a near-duplicate of it"
    ]


def test_near_duplicate_views_count_as_one_burst() -> None:
    long = b"GET /index.php?id=1%20union%20select%20name,password%20from%20users HTTP/1.1\r\nHost: a.example\r\n" * 3
    case = evidence(6, planted=0)
    pairs = [
        dataclasses.replace(pair, view=long + str(row).encode()) if row < 4 else pair
        for row, pair in enumerate(case.pairs)
    ]
    near = Bursts().scores(with_parts(case, pairs=pairs), rng=draw())
    assert near.tolist() == [2, 2, 2, 2, 0, 0]
    assert (Bursts(near=False).scores(with_parts(case, pairs=pairs), rng=draw()) == 0).all()


def test_agreement_is_the_mean_of_ranks() -> None:
    case = evidence()
    members = (Relevance(), Novelty())
    scores = Agreement(members=members).scores(case, rng=draw())
    expected = np.mean([rank_shares(member.scores(case, rng=draw())) for member in members], axis=0)
    np.testing.assert_allclose(scores, expected)
    assert scores.min() >= 0
    assert scores.max() <= 1
    assert auroc(scores, np.arange(120) < 6) > 0.9


def test_surprise_puts_what_one_member_finds_most_suspect_before_what_all_find_somewhat() -> None:
    first = np.arange(400.0)
    second = first.copy()
    second[[399, 149]] = second[[149, 399]]  # row 399 is the most suspect of one, and below the middle of the other
    means, surprises = (combined(first) + combined(second) for combined in (rank_shares, surprise))
    assert means[320] > means[399]
    assert surprises[320] < surprises[399]
    case = evidence()
    scores = Agreement(how="surprise").scores(case, rng=draw())
    assert scores.min() >= 0
    assert scores.max() <= np.log(240)
    assert "among the first" in Agreement(how="surprise").reasons(case, scores, [0])[0]


def test_surprise_is_the_logarithm_of_the_share_above() -> None:
    found = surprise(np.array([5.0, 7.0, 5.0, 9.0]))
    np.testing.assert_allclose(found, -np.log([3 / 4, 1.5 / 4, 3 / 4, 0.5 / 4]))


def test_ranks_share_ties() -> None:
    assert rank_shares(np.array([3.0, 1.0, 3.0, 9.0, 1.0])).tolist() == [0.625, 0.125, 0.625, 1.0, 0.125]
    assert rank_shares(np.array([5.0])).tolist() == [0]


def test_an_agreement_of_one_or_of_the_same_twice_is_refused() -> None:
    for members in ((Relevance(),), (Relevance(), Relevance())):
        with pytest.raises(RecipeError, match="members"):
            Agreement(members=members)
    Agreement(members=(Novelty(k=4), Novelty(k=8)))
