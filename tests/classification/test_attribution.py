"""Leave-one-out attribution, held to models whose answer is known word by word."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from threatclip.classification.attribution import LIMIT_BYTES, Attribution, leave_one_out
from threatclip.errors import InputError


class Additive:
    """The oracle: the log-odds are the sum of the weights of the words that are there."""

    def __init__(self, weights: dict[bytes, float], bias: float = 0.0) -> None:
        self.weights, self.bias, self.asked = weights, bias, 0

    def log_odds(self, view: bytes) -> float:
        return self.bias + sum(weight for word, weight in self.weights.items() if word in view)

    def __call__(self, views: Sequence[bytes]) -> np.ndarray:
        self.asked += len(views)
        return np.array([1 / (1 + math.exp(-self.log_odds(view))) for view in views])


def by_text(content: bytes, found: Attribution) -> dict[bytes, float]:
    return {content[part.start : part.end].strip(): part.weight for part in found.parts}


def test_weights_of_few_words_are_those_of_the_model() -> None:
    content = b"GET /index.php?id=1 UNION SELECT password"
    model = Additive({b"UNION": 2.5, b"SELECT": 1.25, b"index": -0.75})
    weights = by_text(content, leave_one_out(content, model))
    assert weights[b"UNION"] == pytest.approx(2.5)
    assert weights[b"SELECT"] == pytest.approx(1.25)
    assert weights[b"index"] == pytest.approx(-0.75)
    assert all(weight == pytest.approx(0) for text, weight in weights.items() if text not in model.weights)


def test_an_escape_is_cut_from_the_word_behind_it() -> None:
    content = b"id=1%27%20UNION%20SELECT"
    assert {b"UNION", b"SELECT", b"%27%20"} <= set(by_text(content, leave_one_out(content, Additive({b"UNION": 1.0}))))


def test_one_word_among_thousands_is_found_within_the_budget() -> None:
    words = [b"w%d" % number for number in range(3000)]
    words[2345] = b"xp_cmdshell"
    content = b" ".join(words)[:LIMIT_BYTES]
    model = Additive({b"xp_cmdshell": 4.0}, bias=-1.0)
    found = leave_one_out(content, model)
    assert model.asked == found.questions <= 96
    heaviest = max(found.parts, key=lambda part: part.weight)
    assert content[heaviest.start : heaviest.end].strip() == b"xp_cmdshell"
    assert heaviest.without == pytest.approx(1 / (1 + math.e))


def test_what_stands_twice_stays_whole() -> None:
    """Either `evil` is enough, so only their common part carries anything."""
    content = b" ".join([b"a"] * 36 + [b"evil", b"evil"] + [b"b"] * 34)  # both in one of the 24 first parts
    found = leave_one_out(content, Additive({b"evil": 3.0}, bias=-1.0), budget=96)
    heaviest = max(found.parts, key=lambda part: part.weight)
    assert content[heaviest.start : heaviest.end].count(b"evil") == 2
    assert heaviest.weight == pytest.approx(3.0)


def test_one_word_is_cut_into_characters_and_no_character_in_two() -> None:
    content = "ärger".encode()
    found = leave_one_out(content, Additive({"ä".encode(): 2.0}))
    assert [content[part.start : part.end].decode() for part in found.parts] == list("ärger")
    assert found.parts[0].weight == pytest.approx(2.0)


@pytest.mark.parametrize("content", [b"", b"x"])
def test_what_cannot_be_cut_has_no_parts(content: bytes) -> None:
    found = leave_one_out(content, Additive({}, bias=1.0))
    assert (found.parts, found.questions) == ((), 1)
    assert found.probability == pytest.approx(1 / (1 + math.exp(-1)))


def test_a_megabyte_is_explained_by_its_start() -> None:
    found = leave_one_out(b"A" * 2**20, Additive({}))
    assert found.explained == LIMIT_BYTES
    assert found.parts[-1].end == LIMIT_BYTES


def test_certainty_has_finite_weights() -> None:
    found = leave_one_out(b"one two", lambda views: np.ones(len(views)))
    assert [part.weight for part in found.parts] == [0.0, 0.0]


def test_too_small_a_budget_is_refused() -> None:
    with pytest.raises(InputError, match="budget of 2"):
        leave_one_out(b"one two", Additive({}), budget=2)


@given(content=st.binary(max_size=400), budget=st.integers(3, 60), cut=st.binary(min_size=1, max_size=2))
def test_parts_are_in_order_without_gaps_and_exact(content: bytes, budget: int, cut: bytes) -> None:
    model = Additive({cut: 1.5}, bias=-0.5)
    found = leave_one_out(content, model, budget=budget)
    assert found.questions == model.asked <= budget
    if not found.parts:
        return
    assert found.parts[0].start == 0
    assert found.parts[-1].end == len(content)
    for part, following in zip(found.parts, found.parts[1:], strict=False):
        assert part.end == following.start
    for part in found.parts:
        rest = content[: part.start] + content[part.end :]
        assert part.weight == pytest.approx(model.log_odds(content) - model.log_odds(rest))
