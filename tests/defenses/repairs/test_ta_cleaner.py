"""TA-Cleaner: CleanCLIP to the last bit without sub-captions, and exactly the terms of its specification with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pair_cases import picture_pairs
from threatclip.defenses.contracts import Suspect
from threatclip.defenses.repairs.clean_clip import CleanClip, clean_clip_looks
from threatclip.defenses.repairs.self_supervision import SelfSupervised
from threatclip.defenses.repairs.subcaption_looks import (
    DRAWN,
    KNOWN,
    SUB,
    SubcaptionLooks,
    parts_of,
    subcaption_vectors,
)
from threatclip.defenses.repairs.ta_cleaner import SubcaptionObjective, TaCleaner
from threatclip.defenses.subcaptions.generate import Generator
from threatclip.defenses.subcaptions.lexicons import lexicon_of
from threatclip.encoders.bpe import BpeTower
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.image import ResnetTower
from threatclip.encoders.towers import build_tower, module_weights
from threatclip.errors import RecipeError
from threatclip.losses.subcaption import subcaption_i2t, subcaption_t2i
from threatclip.pairs.pair import Pair
from threatclip.seeds import rng
from threatclip.training.dual.prepared import prepare_pairs
from threatclip.training.dual.settings import Fit

FIT = Fit(epochs=2, batch_rows=16, learning_rate=1e-3, precision="fp32")
WORDS = (
    "a photo of a red car on a gray background",
    "a dark dog on a green background",
    "this is a ship in a bright scene",
)


@cache
def trusted() -> list[Pair]:
    pairs = picture_pairs(36, captions=1)
    return [dataclasses.replace(pair, caption=WORDS[at % 3], label=None) for at, pair in enumerate(pairs)]


def suspect() -> Suspect:
    caption_tower = BpeTower(dim=16, width=16, layers=1, heads=2, vocabulary=300, max_tokens=24, dropout=0.0)
    dual = DualEncoder(
        view_tower=build_tower(ResnetTower(side=16, width=4, stages=2, blocks=1, dim=16), seed=0),
        text_tower=build_tower(caption_tower, seed=1, texts=WORDS),
    )
    return Suspect(dual=dual.eval(), modality="image", prompts={}, trusted=trusted())


def looks(case: Suspect, *, share: float = 0.5, negatives: int = 3) -> SubcaptionLooks:
    generator = Generator(lexicon=lexicon_of("image"))
    inner = clean_clip_looks(case, prepare_pairs(case.trusted, case.dual), policy="strong", redraw=True, seed=0)
    return SubcaptionLooks(
        inner=inner,
        tower=case.dual.text_tower,
        generator=generator,
        parts=parts_of(case.trusted, generator),
        share=share,
        negatives=negatives,
    )


def whole_batch(case: Suspect, **options: Any) -> dict[str, Tensor]:
    rows = np.arange(16)
    pairs = prepare_pairs(case.trusted, case.dual)
    batch: dict[str, Tensor] = dict(looks(case, **options).batch(rows, rng(0, "looks")))
    batch |= {f"caption_{name}": value for name, value in captions(case, [WORDS[row % 3] for row in rows]).items()}
    pixels = getattr(pairs.views, "values")[pairs.view_of[rows]]  # noqa: B009
    return batch | {"view_pixels": torch.from_numpy(pixels), "group": torch.arange(16)}


def captions(case: Suspect, texts: list[str]) -> dict[str, Tensor]:
    return case.dual.text_tower.collate([text.encode() for text in texts])


def repaired(repair: TaCleaner | CleanClip) -> Mapping[str, np.ndarray]:
    return module_weights(repair.repair(suspect(), FIT, seed=3))


def same(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in one)


def test_without_pairs_it_is_clean_clip_to_the_last_bit() -> None:
    options: dict[str, Any] = {"pictures": "strong", "redraw": True, "self_weight": 0.5}
    plain = repaired(CleanClip(**options))
    assert same(plain, repaired(TaCleaner(k=0, **options)))
    assert not same(plain, repaired(TaCleaner(k="all", **options)))


def test_without_weight_sub_captions_change_nothing_that_is_learned() -> None:
    plain, weightless = repaired(CleanClip()), repaired(TaCleaner(sub_weight=0.0))
    assert all(np.allclose(plain[name], weightless[name], atol=1e-6) for name in plain)


@pytest.mark.parametrize(
    "options",
    [{"using": "positives"}, {"using": "negatives"}, {"directions": "i2t"}, {"directions": "t2i"}]
    + [{"q": 1}, {"vocabulary": "all"}]
    + [{"negatives": kind} for kind in ("noun", "attribute", "relation")],
)
def test_every_option_changes_what_is_learned(options: dict[str, Any]) -> None:
    assert not same(repaired(TaCleaner()), repaired(TaCleaner(**options)))


def test_the_tensors_of_clean_clip_are_those_that_it_draws_alone() -> None:
    made = looks(suspect())
    rows = np.arange(5, 21)
    alone, beside = made.inner.batch(rows, rng(1, "x")), made.batch(rows, rng(1, "x"))
    assert all(torch.equal(value, beside[name]) for name, value in alone.items())
    assert {name for name in beside if name not in alone} == {DRAWN, KNOWN, f"{SUB}tokens", f"{SUB}lengths"}
    again = looks(suspect()).batch(rows, rng(1, "x"))
    assert all(torch.equal(value, again[name]) for name, value in beside.items())


@pytest.mark.parametrize(("share", "least", "most"), [(1.0, 16, 16), (0.5, 8, 8), (0.1, 1, 2), (0.01, 0, 1)])
def test_the_share_of_rows_is_kept_on_average(share: float, least: int, most: int) -> None:
    made = looks(suspect(), share=share)
    counts = [int(made.batch(np.arange(16), rng(seed, "x"))[DRAWN].sum()) for seed in range(60)]
    assert least <= min(counts)
    assert max(counts) <= most
    assert abs(np.mean(counts) - 16 * share) < 0.25


@pytest.mark.parametrize(("k", "share"), [("all", 1.0), (0, 0.0), (9, 0.25), (36, 1.0), (1000, 1.0)])
def test_k_is_a_share_of_the_trusted_pairs(k: Any, share: float) -> None:
    assert TaCleaner(k=k).share_of(36) == share


def test_vectors_are_those_of_the_texts_and_nothing_else_is_read() -> None:
    case = suspect()
    batch = whole_batch(case)
    positives, negatives = subcaption_vectors(case.dual.text_tower, batch)
    assert positives.shape == (16, 16)
    assert negatives.shape == (16, 3, 16)
    for row in range(16):
        for place in range(4):
            found = positives[row] if place == 0 else negatives[row, place - 1]
            there = batch[DRAWN][row] if place == 0 else batch[KNOWN][row, place - 1]
            tokens, lengths = batch[f"{SUB}tokens"][row, place], batch[f"{SUB}lengths"][row, place]
            wanted = case.dual.text_tower(tokens=tokens[None], lengths=lengths[None])[0]
            assert torch.allclose(found, wanted if there else torch.zeros(16), atol=1e-6)


def test_no_row_drawn_is_no_error() -> None:
    case = suspect()
    batch = whole_batch(case, share=1e-9)
    assert not batch[DRAWN].any()
    objective = SubcaptionObjective(inner=SelfSupervised(dual=case.dual))
    terms = objective.loss(objective.represent(batch), batch)
    assert terms["sub_i2t"].item() == terms["sub_t2i"].item() == 0
    terms["loss"].backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is None or p.grad.isfinite().all() for p in case.dual.parameters())


@pytest.mark.parametrize("using", ["both", "negatives"])
@pytest.mark.parametrize("directions", ["both", "i2t", "t2i"])
def test_the_loss_is_its_specification(using: Any, directions: Any) -> None:
    case = suspect()
    batch = whole_batch(case)
    inner = SelfSupervised(dual=case.dual, self_weight=0.7)
    objective = SubcaptionObjective(inner=inner, sub_weight=0.3, using=using, directions=directions)
    reps = objective.represent(batch)
    terms = objective.loss(reps, batch)
    rows = torch.arange(16)[batch[DRAWN]]
    positives = (reps["caption"] if using == "negatives" else reps["positive"])[rows]
    temperature = case.dual.temperature
    i2t = subcaption_i2t(
        reps["view"][rows],
        positives,
        reps["negatives"][rows],
        temperature=temperature,
        known=batch[KNOWN][rows],
    )
    t2i = subcaption_t2i(positives, reps["view"], rows, temperature=temperature)
    both = {"both": (i2t + t2i) / 2, "i2t": i2t, "t2i": t2i}[directions]
    wanted = inner.loss(reps, batch)["loss"] + 0.3 * both
    assert terms["loss"].item() == pytest.approx(wanted.item(), abs=1e-6)
    assert torch.isfinite(terms["loss"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": -1}, "k is -1"),
        ({"k": "some"}, "k is 'some'"),
        ({"q": -1}, "q is -1"),
        ({"sub_weight": -1.0}, "sub_weight is -1"),
        ({"using": "none"}, "using is 'none'"),
        ({"negatives": "verb"}, "negatives is 'verb'"),
        ({"vocabulary": "few"}, "vocabulary is 'few'"),
        ({"directions": "left"}, "directions is 'left'"),
        ({"drop": 0.0}, "drop is 0"),
        ({"pictures": "blur"}, "pictures is 'blur'"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        TaCleaner(**options)
