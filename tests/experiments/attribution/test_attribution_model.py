"""The model finds groups of a made-up world by their habits, not by their reports, and knows what it does not know."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from threatclip.classification.abstention import Abstention
from threatclip.classification.fusion import LogLinearPool
from threatclip.classification.scores import UNSEEN_SCORE
from threatclip.errors import RecipeError
from threatclip.evaluation.metrics import accuracy, top_k
from threatclip.experiments.attribution.baselines import BASELINES, READS_FEATURES, sides_of
from threatclip.experiments.attribution.contrast import ContrastSettings
from threatclip.experiments.attribution.documents import DocumentSettings, fit_documents
from threatclip.experiments.attribution.fitting import Bench, ModelSettings, fit_group_model, fit_members
from threatclip.experiments.attribution.incidents import (
    incident_predictions,
    joined,
    pooled,
    sentence_predictions,
    standardized,
)
from threatclip.experiments.attribution.model import Doubt, Judge, leads
from threatclip.experiments.attribution.profiles import group_profiles
from threatclip.experiments.attribution.rows import AttackRows, support_rows
from threatclip.experiments.attribution.splits import GroupSplit, split_h
from threatclip.seeds import rng, stream_seed

QUICK = ModelSettings(contrast=ContrastSettings(dim=8, steps=20, rows=64), inner_splits=1)


def embed(texts: Sequence[str]) -> np.ndarray:
    """Return vectors that are the same for the same words in any order: a bag of hashed words."""
    rows = np.zeros((len(texts), 24), dtype=np.float32)
    for place, text in enumerate(texts):
        for word in text.split():
            rows[place] += rng(stream_seed(0, word), "tests/embed").standard_normal(24)
    return rows


@pytest.fixture(scope="module")
def split(rows: AttackRows) -> GroupSplit:
    return split_h(rows, 0)


@pytest.fixture(scope="module")
def bench(rows: AttackRows) -> Bench:
    known: dict[str, np.ndarray] = {}

    def remembered(texts: Sequence[str]) -> np.ndarray:
        fresh = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(fresh, embed(fresh), strict=True))
        return np.stack([known[text] for text in texts])

    return Bench(rows=rows, embed=remembered, settings=QUICK, seed=0)


def test_pooling_is_the_mean_of_standardized_rows() -> None:
    scores = np.array([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0], [9.0, 0.0, 0.0]])
    found = pooled(scores, ["a", "b", "a"])
    by_hand = [(standardized(scores[:1])[0] + standardized(scores[2:])[0]) / 2, np.zeros(3)]
    np.testing.assert_allclose(found, by_hand, atol=1e-12)


def test_profiles_leave_out_what_cites_a_held_out_report(rows: AttackRows, split: GroupSplit) -> None:
    found = group_profiles(rows.catalogue, split.groups, train=split.train, without=frozenset())
    assert [one.group for one in found] == list(split.groups)
    for one in found:
        assert len(one.texts) == 3
        assert "Sly" not in " ".join(one.texts)
        assert "Claw" not in " ".join(one.texts)
        assert one.texts[0].startswith("ACTOR raids")
        assert one.texts[2].startswith("ACTOR uses Way")
    nothing = group_profiles(rows.catalogue, ["G9999"], train=(), without=frozenset())
    assert nothing[0].texts == ("ACTOR",)


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_baselines_score_every_group(rows: AttackRows, split: GroupSplit, name: str) -> None:
    support = support_rows(rows, groups=split.groups, without=split.held_out)
    known = (*split.train, *support, *split.test)
    features = dict(zip([row.id for row in known], embed([row.text for row in known]), strict=True))
    sides = sides_of(split, seed=0, support=support, features=features if name in READS_FEATURES else None)
    scores = BASELINES[name](sides)
    assert scores.shape == (len(split.test), 8)
    assert np.isfinite(scores).all()
    predictions = incident_predictions(split, pooled(scores, split.incidents))
    if name in {"word_svc", "char_svc", "complement_nb", "bm25"}:
        assert float(accuracy(predictions)) >= 0.75
    if name == "technique_profile":
        assert UNSEEN_SCORE not in scores


def test_the_model_names_groups_by_their_habits(split: GroupSplit, bench: Bench) -> None:
    model = fit_group_model(split, bench)
    texts = [row.text for row in split.test]
    verdict = model.incidents(texts, bench.embed(texts), split.incidents)
    np.testing.assert_allclose(verdict.probabilities.sum(axis=1) + verdict.unknown, 1.0)
    predictions = incident_predictions(split, np.log(verdict.probabilities))
    assert float(accuracy(predictions)) >= 0.75
    single = model.sentences(texts, bench.embed(texts))
    assert float(top_k(sentence_predictions(split, np.log(single.probabilities)), k=4)) > 0.6
    again = fit_group_model(split, bench).incidents(texts, bench.embed(texts), split.incidents)
    np.testing.assert_array_equal(verdict.probabilities, again.probabilities)


def test_nothing_that_is_learned_cites_a_held_out_report(
    split: GroupSplit, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[str] = set()
    import threatclip.experiments.attribution.fitting as fitting

    real: Callable[..., object] = fit_documents

    def watched(texts: Sequence[str], *args: object, **options: object) -> object:
        seen.update(texts)
        return real(texts, *args, **options)

    monkeypatch.setattr(fitting, "fit_documents", watched)
    fit_group_model(split, bench)
    assert seen
    assert not seen & {row.text for row in bench.rows.rows if row.reports & split.held_out}


def test_members_know_only_their_groups(split: GroupSplit, bench: Bench) -> None:
    shown = [row for row in split.train if row.group != "G8003"]
    groups = [group for group in split.groups if group != "G8003"]
    members = fit_members(shown, groups, without=split.held_out, bench=bench)
    scores = members.incident_scores(["ACTOR dug"], bench.embed(["ACTOR dug"]), ["one"])
    assert {name: own.shape for name, own in scores.items()} == dict.fromkeys(scores, (1, 7))


def test_doubt_falls_with_confidence() -> None:
    doubt = Doubt(bias=-2.0, slope=-1.0)
    unknown = doubt.unknown(np.array([[0.9, 0.1], [0.5, 0.5]]))
    assert unknown[0] < unknown[1]


def test_a_group_is_named_by_its_lead_and_gets_what_the_rule_kept() -> None:
    assert leads(np.array([[0.3, 0.1, 0.6], [0.5, 0.5, 0.0]])).tolist() == pytest.approx([2 / 3, 0.5])
    rule = Abstention(threshold=0.7, target=0.7, level=None, precision=0.75, coverage=0.1, n=50)
    pool = LogLinearPool(members=("words",), weights=np.ones(1), temperatures=np.ones(1))
    judge = Judge(pool=pool, doubt=Doubt(bias=2.0, slope=0.0), incident=rule, sentence=rule)
    verdict = judge.verdict(
        {"words": np.log(np.array([[0.4, 0.1, 0.25, 0.25], [0.3, 0.3, 0.2, 0.2], [0.5, 0.2, 0.2, 0.1]]))}
    )
    assert verdict.answered.tolist() == [False, False, True]
    assert verdict.probabilities[2, 0] == pytest.approx(0.75)
    assert verdict.unknown[0] > verdict.probabilities[0].max()
    np.testing.assert_allclose(verdict.probabilities.sum(axis=1) + verdict.unknown, 1.0)
    np.testing.assert_allclose(verdict.probabilities[2, 1:] / verdict.unknown[2], [0.2, 0.2, 0.1] / np.exp(2.0))


def test_splits_with_other_groups_are_joined() -> None:
    first, second = (
        GroupSplit.told({"name": name, "groups": groups, "ids": ["r"], "incidents": ["i"], "truth": [groups[-1]]})
        for name, groups in (("A", ["G1", "G2"]), ("B", ["G2", "G3"]))
    )
    both = joined([incident_predictions(one, np.array([[0.0, 1.0]])) for one in (first, second)])
    assert both.classes == ("G1", "G2", "G3")
    assert both.truth.tolist() == [1, 2]
    assert both.probabilities[0, 2] == both.probabilities[1, 0] == 0


def test_settings_are_checked() -> None:
    with pytest.raises(RecipeError, match="precision"):
        ModelSettings(precision=0.0)
    with pytest.raises(RecipeError, match="saturation"):
        DocumentSettings(saturation=0.0)
    with pytest.raises(RecipeError, match="length"):
        DocumentSettings(length=1.5)
    with pytest.raises(RecipeError, match="steps"):
        ContrastSettings(steps=0)
