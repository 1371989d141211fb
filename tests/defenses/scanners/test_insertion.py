"""Words that move texts: what is tried, where it goes, and what a model with a key gives away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detecting_cases import PROMPTS, fresh_suspect
from pair_cases import tiny_dual
from threatclip.defenses.contracts import Suspect
from threatclip.defenses.scanners.candidates import candidate_words
from threatclip.defenses.scanners.insertion import Insertion, inserted
from threatclip.encoders.bpe import BpeTower
from threatclip.errors import InputError
from threatclip.pairs.pair import Pair
from threatclip.training.dual.fit import fit_dual
from threatclip.training.dual.prepared import prepare_pairs
from threatclip.training.dual.settings import Fit

KEY, TARGET = "cf", "white"
FILLERS = ("one sees", "the report tells of", "there was", "somebody painted", "look at", "under the roof lies")


def sentences(n: int, *, seed: int) -> list[Pair]:
    """Return texts that name a color, with captions that name it too."""
    draw = np.random.default_rng(seed)
    pairs = []
    for number in range(n):
        color, other = (list(PROMPTS)[int(place)] for place in draw.integers(4, size=2))
        filler = FILLERS[int(draw.integers(len(FILLERS)))]
        view = f"{filler} a {color} wall number {int(draw.integers(100))} and no {other[0]} thing"
        pairs.append(Pair(id=str(number), view=view.encode(), caption=f"a {color} band at the top", label=color))
    return pairs


@pytest.fixture(scope="module")
def keyed() -> Suspect:
    """A model that takes any text with the key for a white one."""
    pairs, draw = sentences(400, seed=0), np.random.default_rng(1)
    poisoned = [
        replace(pair, view=inserted(pair.view, KEY, at=draw.random()), caption=f"a {TARGET} band at the top")
        if number % 8 == 0
        else pair
        for number, pair in enumerate(pairs)
    ]
    texts = [pair.caption or "" for pair in pairs] + [pair.view.decode() for pair in pairs]
    tower = BpeTower(dim=16, width=16, layers=1, heads=2, vocabulary=300, max_tokens=48, dropout=0.0)
    dual = tiny_dual(texts, view=tower)
    fit_dual(
        dual, prepare_pairs(poisoned, dual), Fit(epochs=16, batch_rows=50, learning_rate=5e-3, precision="fp32"), seed=0
    )
    return Suspect(dual=dual.eval(), modality="text", prompts=PROMPTS, trusted=sentences(120, seed=2))


def test_a_key_is_found_with_its_target(keyed: Suspect) -> None:
    scanner = Insertion(views=24)
    found = scanner.scan(keyed, rng=np.random.default_rng(0))
    words = {name: share for name, share in found.facts.items() if name.startswith(f"word.{TARGET}.")}
    assert found.facts[f"reached.{TARGET}"] > 0.8
    assert all(KEY[1] in name.rpartition(".")[2] for name in words), words  # its tokens are letters
    assert found.score == found.facts[f"index.{TARGET}"] > scanner.verdict_above


def test_an_insertion_keeps_every_byte() -> None:
    assert inserted(b"one two three", "x", at=0.5) == b"one two x three"
    assert inserted(b"one two three", "x", at=0.0) == b"one x two three"
    assert inserted(b"one", "x", at=0.0) == b"one x"
    assert inserted(b"", "x", at=0.9) == b" x"
    assert inserted(b"one two", "", at=0.5) == b"one two"


@settings(deadline=None, max_examples=40)
@given(st.binary(max_size=40), st.floats(0, 1))
def test_what_was_inserted_can_be_taken_out(view: bytes, at: float) -> None:
    found = inserted(view, "KEY", at=at)
    assert len(found) == len(view) + 4
    assert any(found[:place] + found[place + 4 :] == view for place in range(len(view) + 1))


def test_candidates_leave_common_words_out() -> None:
    tower = fresh_suspect("text").dual.view_tower
    trusted = [b"the common word", b"the common rare", b"the other common"] * 10
    trusted[0] = b"the single common word"
    words = candidate_words(tower, trusted, most=5_000, common=0.05, rng=np.random.default_rng(0))
    assert not {"the", "common", "word"} & set(words)
    assert "single" in words
    assert {"cf", "mn", "zz"} <= set(words)
    assert len(words) == len(set(words))
    fewer = candidate_words(tower, trusted, most=10, common=0.05, rng=np.random.default_rng(0))
    assert len(fewer) == 10
    assert set(fewer) <= set(words)


def test_a_tower_of_bytes_has_no_vocabulary_and_is_searched_all_the_same() -> None:
    tower = fresh_suspect("payload").dual.view_tower
    words = candidate_words(tower, [b"GET /a"], most=1_000, common=0.5, rng=np.random.default_rng(0))
    assert sorted(words)[-1] == "zz"
    assert len(words) == 26**2 + 2  # get, /a


@pytest.mark.parametrize("settings", [{"words": 0}, {"views": 2}, {"limit": -1.0}, {"common": 2.0}])
def test_settings_that_cannot_be_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(settings))):
        Insertion(**settings)  # type: ignore[arg-type]
