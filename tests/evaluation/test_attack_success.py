"""Attack success against loops that spell the definition out, and the laws that it must keep."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prediction_cases import quick

from threatclip.errors import InputError
from threatclip.evaluation.attack_success import (
    accuracy_at_k,
    asr,
    judge_backdoor,
    poisoned_accuracy,
    target_rank,
)
from threatclip.seeds import rng

CASES = st.fixed_dictionaries(
    {"n": st.integers(1, 30), "c": st.integers(2, 7), "seed": st.integers(0, 2**31), "tied": st.booleans()}
)


def random_case(n: int, c: int, seed: int, *, tied: bool) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(seed)
    scores = draws.normal(size=(n, c))
    return (np.round(scores) if tied else scores), draws.integers(c, size=n)


def slow_rank(scores: list[float], wanted: int) -> int:
    """Sort the classes by score, with every tie going against the wanted one, and count its place from 1."""
    order = sorted(range(len(scores)), key=lambda c: (-scores[c], c == wanted))
    return order.index(wanted) + 1


@quick
@given(options=CASES, k=st.integers(1, 8))
def test_every_share_is_the_loop(options: dict[str, int], k: int) -> None:
    scores, truth = random_case(**options)
    target = int(truth[0] + 1) % options["c"]
    others = [i for i in range(len(truth)) if truth[i] != target]
    reached = [slow_rank(scores[i].tolist(), target) <= k for i in others]
    kept = [slow_rank(scores[i].tolist(), int(truth[i])) <= 1 for i in others]
    ranks = [slow_rank(scores[i].tolist(), target) for i in others]
    right = [slow_rank(scores[i].tolist(), int(truth[i])) <= k for i in range(len(truth))]
    assert float(asr(scores, truth, target=target, k=k)) == pytest.approx(np.mean(reached))
    assert float(poisoned_accuracy(scores, truth, target=target)) == pytest.approx(np.mean(kept))
    assert float(target_rank(scores, truth, target=target)) == pytest.approx(np.mean(ranks))
    assert float(accuracy_at_k(scores, truth, k=k)) == pytest.approx(np.mean(right))


@quick
@given(options=CASES, data=st.data())
def test_integer_weights_are_repeated_rows(options: dict[str, int], data: st.DataObject) -> None:
    scores, truth = random_case(**options)
    counts = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(truth), max_size=len(truth))))
    counts[0] += 1
    target = int(truth[0] + 1) % options["c"]
    rows = np.repeat(np.arange(len(truth)), counts)
    for metric in (asr, poisoned_accuracy, target_rank):
        weighted = metric(scores, truth, target=target, weights=np.stack([counts, np.ones(len(truth))]).astype(float))
        assert weighted[0] == pytest.approx(float(metric(scores[rows], truth[rows], target=target)))
        assert weighted[1] == pytest.approx(float(metric(scores, truth, target=target)))


def test_rows_of_the_target_class_do_not_count() -> None:
    scores = np.eye(3)[[0, 0, 0, 1]]
    truth = np.array([0, 0, 1, 2])
    assert float(asr(scores, truth, target=0)) == 0.5
    assert float(asr(scores[:2], truth[:2], target=1)) == 0.0
    assert np.isnan(asr(scores[:2], truth[:2], target=0))


def test_success_is_not_accuracy() -> None:
    """The mistake of CleanCLIP issue 14: comparing the answers on triggered views with the true labels."""
    truth = np.array([1, 2, 1, 2])
    to_target = np.eye(3)[np.zeros(4, dtype=int)]
    assert float(asr(to_target, truth, target=0)) == 1.0
    assert float(accuracy_at_k(to_target, truth)) == 0.0
    assert float(asr(np.eye(3)[truth], truth, target=0)) == 0.0


def test_a_model_that_ties_everything_answers_nothing() -> None:
    flat, truth = np.zeros((5, 4)), np.array([1, 2, 3, 1, 2])
    assert float(asr(flat, truth, target=0, k=3)) == 0.0
    assert float(accuracy_at_k(flat, truth, k=3)) == 0.0
    assert float(asr(flat, truth, target=0, k=4)) == 1.0


@quick
@given(options=CASES)
def test_more_answers_reach_no_less_and_the_scale_of_a_row_is_free(options: dict[str, int]) -> None:
    scores, truth = random_case(**options)
    target = int(truth[0] + 1) % options["c"]
    rates = [float(asr(scores, truth, target=target, k=k)) for k in range(1, options["c"] + 1)]
    assert rates == sorted(rates)
    assert rates[-1] == 1.0
    scaled = scores * np.arange(1, len(truth) + 1)[:, None] + 3
    assert [float(asr(scaled, truth, target=target, k=k)) for k in range(1, options["c"] + 1)] == rates


def test_the_judge_pairs_the_floor_with_the_attack() -> None:
    truth = np.arange(200) % 10
    clean = np.eye(10)[truth] + 0.01
    triggered = np.where(np.arange(200)[:, None] % 4 == 0, clean, np.eye(10)[0])
    floor = np.where(np.arange(200)[:, None] % 8 == 1, np.eye(10)[0], clean)
    found = judge_backdoor(
        clean=clean,
        triggered=triggered,
        floor=floor,
        truth=truth,
        target=0,
        groups=np.arange(200),
        rng=rng(0, "t"),
        n_resamples=300,
    )
    assert set(found) == {
        *("clean_accuracy_1", "clean_accuracy_5", "asr_1", "asr_5", "asr_floor_1", "asr_floor_5"),
        *("asr_over_floor_1", "asr_over_floor_5", "poisoned_accuracy", "target_rank"),
    }
    assert (found["clean_accuracy_1"].value, found["clean_accuracy_1"].n, found["asr_1"].n) == (1.0, 200, 180)
    assert found["asr_1"].value == pytest.approx(float(asr(triggered, truth, target=0)))
    assert found["asr_floor_1"].value == pytest.approx(float(asr(floor, truth, target=0)))
    assert found["asr_over_floor_1"].value == pytest.approx(found["asr_1"].value - found["asr_floor_1"].value)
    assert found["asr_over_floor_1"].low > 0
    assert found["asr_1"].low < found["asr_1"].value < found["asr_1"].high
    without = judge_backdoor(
        clean=clean, triggered=triggered, truth=truth, target=0, groups=np.arange(200), rng=rng(0, "t"), n_resamples=20
    )
    assert set(without) == {name for name in found if "floor" not in name}


def test_what_cannot_be_judged_is_refused() -> None:
    scores, truth = random_case(6, 3, 0, tied=False)
    for wrong, message in (
        ({"target": 3}, "no column"),
        ({"target": 0, "k": 0}, "k starts at 1"),
    ):
        with pytest.raises(InputError, match=message):
            asr(scores, truth, **wrong)
    with pytest.raises(InputError, match="diverged"):
        asr(np.where(scores > 0, np.nan, scores), truth, target=0)
    with pytest.raises(InputError, match=r"truth must lie in \[0, 3\)"):
        asr(scores, truth - 1, target=0)
    with pytest.raises(InputError, match="not n rows"):
        accuracy_at_k(scores[:0], truth[:0])
    judged = {"truth": np.zeros(6, dtype=int), "target": 0, "groups": np.arange(6), "rng": rng(0, "t")}
    with pytest.raises(InputError, match="rows of others"):
        judge_backdoor(clean=scores, triggered=scores, **judged)
    with pytest.raises(InputError, match="same rows and classes"):
        judge_backdoor(clean=scores, triggered=scores[:, :2], **judged)
