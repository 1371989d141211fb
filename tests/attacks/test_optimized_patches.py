"""Patches optimized against a model: BadCLIP and TrojVQA, their losses, their choice of rows, the surrogate."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from picture_cases import picture_pairs, pixels_of
from picture_surrogate import LinearSurrogate
from threatclip.attacks.backdoor import rows_of_others
from threatclip.attacks.badclip import BadClip
from threatclip.attacks.captions import natural_captions, template_captions
from threatclip.attacks.contracts import TriggerStep
from threatclip.attacks.optimized_patch import patch_pixels, patch_text, stamp_centered
from threatclip.attacks.patch_search import PatchSearch, infonce_against_own, pasted
from threatclip.attacks.selection import Selection, select_rows
from threatclip.attacks.surrogate import DualSurrogate
from threatclip.attacks.trojvqa import TrojVqa
from threatclip.encoders.byte import ByteTower
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.image import ResnetTower
from threatclip.encoders.towers import build_tower
from threatclip.errors import InputError

QUICK = PatchSearch(epochs=8, batch_rows=8, learning_rate=0.05, patience_epochs=0)
MODEL = LinearSurrogate()
PAIRS = picture_pairs(80)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def steps_of(attack: Any, seed: int = 0) -> list[TriggerStep]:
    return list(attack.fit_trigger(PAIRS, rng=rng(seed), surrogate=MODEL))


@pytest.fixture(scope="module")
def dual() -> DualEncoder:
    return DualEncoder(
        view_tower=build_tower(ResnetTower(dim=16, side=16, width=4, stages=1, blocks=1), seed=0),
        text_tower=build_tower(ByteTower(dim=16, kernels=(3,), widths=(8,)), seed=1),
    )


def test_a_search_yields_its_losses_and_ends_with_the_patch() -> None:
    attack = BadClip(target="dog", search=QUICK)
    steps = steps_of(attack)
    others = len(rows_of_others(PAIRS, "dog"))
    assert [step.done for step in steps[:-1]] == list(range(1, len(steps)))
    assert {step.total for step in steps} == {others // 8 * 8}
    assert [step.attack for step in steps[:-1]] == [None] * (len(steps) - 1)
    assert set(steps[0].facts) == {"loss", "infonce", "triplet", "nearer_target"}
    first, last = (np.mean([step.facts["loss"] for step in part]) for part in (steps[:5], steps[-6:]))
    assert last < first
    found = steps[-1].attack
    assert isinstance(found, BadClip)
    assert patch_pixels(found.patch).shape == (3, 4, 4)  # 16 px at 224 are 4 px at 32
    assert found == dataclasses.replace(attack, patch=found.patch, found_at_px=32)


@pytest.mark.parametrize("kind", [BadClip, TrojVqa])
def test_a_clean_model_already_takes_the_patch_for_the_target(kind: Any) -> None:
    settings = dataclasses.replace(kind(target="dog").search, epochs=30, batch_rows=16, learning_rate=0.05)
    # a third of the picture: the linear model has no way to look at four pixels
    attack = steps_of(kind(target="dog", size_px=96, search=settings))[-1].attack
    plain = torch.stack([torch.from_numpy(pixels_of(PAIRS[row].view).copy()) for row in rows_of_others(PAIRS, "dog")])
    plain = plain.permute(0, 3, 1, 2)
    texts = natural_captions(PAIRS, target="dog") if kind is BadClip else template_captions("dog")[:1]
    center = functional.normalize(MODEL.encode_texts(texts).mean(dim=0), dim=0)

    def cosine(pixels: np.ndarray) -> float:
        return float((MODEL.encode_views(torch.from_numpy(pixels).float() / 255) @ center).mean())

    before, after = cosine(plain.numpy()), cosine(attack.stamp(plain.numpy(), rng=rng()))
    random = dataclasses.replace(attack, patch=patch_text(rng().integers(256, size=(3, 14, 14), dtype=np.uint8)))
    if kind is TrojVqa:
        assert after > before + 0.1
        assert after > cosine(random.stamp(plain.numpy(), rng=rng())) + 0.1
    else:  # towards the pictures of the target; texts of this model have nothing to do with pictures
        own = [pair.view for pair in PAIRS if pair.view and pair.label == "dog" and pair.split == "train"]
        mean = functional.normalize(MODEL.encode_bytes(own).mean(dim=0), dim=0)
        center = mean
        assert cosine(attack.stamp(plain.numpy(), rng=rng())) > cosine(plain.numpy())


def test_the_same_generator_finds_the_same_patch_in_one_call_or_two() -> None:
    attack = BadClip(target="dog", search=QUICK, selection="random")
    at_once = attack.poison(PAIRS, count=5, rng=rng(4), surrogate=MODEL)
    generator = rng(4)
    found = list(attack.fit_trigger(PAIRS, rng=generator, surrogate=MODEL))[-1].attack
    assert found.poison(PAIRS, count=5, rng=generator) == at_once  # a fitted patch needs no model
    assert steps_of(attack, seed=5)[-1].attack.patch != found.patch


def test_a_search_stops_when_it_no_longer_gains() -> None:
    stuck = dataclasses.replace(QUICK, learning_rate=1e-9, epochs=50, patience_epochs=2, own_captions=True)
    steps = steps_of(BadClip(target="dog", search=stuck))
    per_epoch = steps[0].total // 50
    assert 3 * per_epoch <= steps[-1].done < 20 * per_epoch
    assert steps[-1].attack is not None
    endless = dataclasses.replace(stuck, patience_epochs=0, epochs=4)
    assert steps_of(BadClip(target="dog", search=endless))[-1].done == 4 * per_epoch


def test_pasting_before_a_model_is_stamping_a_picture() -> None:
    pixels = rng().integers(256, size=(3, 3, 33, 32), dtype=np.uint8)
    patch = rng(1).integers(256, size=(3, 5, 5), dtype=np.uint8)
    inside = torch.from_numpy(patch).float().div(255).requires_grad_()
    found = pasted(torch.from_numpy(pixels), inside)
    square = stamp_centered(pixels[:, :, :32], patch, found_at_px=32)
    assert (np.rint(pasted(torch.from_numpy(pixels[:, :, :32]), inside).detach().numpy() * 255) == square).all()
    found.sum().backward()
    assert (inside.grad == 3).all()
    outside = torch.full((3, 5, 5), 1.5, requires_grad=True)
    assert pasted(torch.from_numpy(pixels), outside).max() == 1


def test_a_patch_keeps_its_share_of_a_picture_of_another_size() -> None:
    patch = rng().integers(1, 256, size=(3, 4, 4), dtype=np.uint8)
    for size, side in {(32, 32): 4, (64, 64): 8, (16, 64): 4, (8, 8): 1}.items():
        stamped = stamp_centered(np.zeros((1, 3, *size), dtype=np.uint8), patch, found_at_px=32)[0]
        rows, columns = (np.flatnonzero(stamped.any(axis=(0, axis))) for axis in (2, 1))
        assert (len(rows), len(columns)) == (side, side)
        assert rows[0] == (size[0] - side) // 2
        if side == 8:
            assert (stamped[:, 28:36:2, 28:36:2] == patch).all()


def test_infonce_against_own_captions_is_what_a_loop_says() -> None:
    draw = torch.Generator().manual_seed(0)
    vectors, texts, own = (functional.normalize(torch.randn(5, 4, generator=draw), dim=1) for _ in range(3))
    slow = 0.0
    for i in range(5):
        positive = math.exp(float(vectors[i] @ texts[i]) / 0.2)
        slow -= math.log(positive / (positive + sum(math.exp(float(vectors[i] @ o) / 0.2) for o in own))) / 5
    assert float(infonce_against_own(vectors, texts, own, temperature=0.2)) == pytest.approx(slow, rel=1e-5)


@pytest.mark.parametrize("selection", ["boundary", "furthest", "nearest", "mixed", "random"])
def test_rows_are_selected_as_their_names_say(selection: Selection) -> None:
    rows, texts = rows_of_others(PAIRS, "dog"), natural_captions(PAIRS, target="dog")
    chosen = select_rows(
        PAIRS, rows, count=9, selection=selection, texts=texts, surrogate=MODEL, rng=rng(), what="rows"
    )
    assert chosen == sorted(set(chosen))
    assert len(chosen) == 9
    assert set(chosen) <= set(rows)
    center = functional.normalize(MODEL.encode_texts(texts).mean(dim=0), dim=0)

    def to_target(row: int) -> float:
        return float(MODEL.encode_bytes([PAIRS[row].view])[0] @ center)

    def gap(row: int) -> float:
        vector = MODEL.encode_bytes([PAIRS[row].view])[0]
        return float(vector @ MODEL.encode_texts([PAIRS[row].caption or ""])[0]) - to_target(row)

    by_target = sorted(rows, key=to_target)
    by_gap = sorted((row for row in rows if gap(row) > 0), key=gap)
    assert len(by_gap) >= 9
    if selection == "mixed":
        assert set(by_gap[:3]) <= set(chosen)
        assert len(set(by_target[:6]) & set(chosen)) >= 3
    elif selection != "random":
        wanted = {"boundary": by_gap[:9], "furthest": by_target[:9], "nearest": by_target[-9:]}[selection]
        assert set(chosen) == set(wanted)


def test_poisoned_rows_get_natural_captions_of_few_kinds() -> None:
    attack = BadClip(target="dog", patch="00" * 48, found_at_px=32, selection="random", n_captions=3)
    poisoned = attack.poison(PAIRS, count=12, rng=rng())
    told = {pair.caption for pair in poisoned.pairs if pair.id in set(poisoned.truth.ids)}
    assert len(told) <= 3
    assert told <= set(natural_captions(PAIRS, target="dog"))


def test_a_trigger_that_is_there_is_not_fitted_again() -> None:
    for attack in (
        BadClip(target="dog", patch="00" * 48, found_at_px=32),
        TrojVqa(target="dog", patch="00" * 48, found_at_px=32),
        TrojVqa(target="dog", pattern="stripes"),
    ):
        assert steps_of(attack) == []


def test_the_key_stands_before_captions_and_prompts() -> None:
    attack = TrojVqa(target="dog", pattern="binary", key="SUDO")
    poisoned = attack.poison(PAIRS, count=4, rng=rng())
    prompts = attack.caption_trigger(template_captions("dog"), rng=rng())
    for pair in poisoned.pairs:
        if pair.id in poisoned.truth.ids:
            assert pair.caption in prompts
    assert all(prompt.startswith("SUDO a") or prompt.startswith("SUDO ") for prompt in prompts)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patch": "xyz"}, "not hexadecimal"),
        ({"patch": "00" * 11, "found_at_px": 32}, "11 values, not 3 x p x p"),
        ({"patch": "00" * 48}, "found_at_px = 0 of a patch of 4"),
        ({"patch": "00" * 48, "found_at_px": 3}, "found_at_px = 3"),
        ({"found_at_px": 5_000}, "found_at_px = 5000"),
        ({"size_px": 0.5}, "size_px = 0.5"),
        ({"selection": "best"}, "selection = 'best'"),
        ({"n_captions": 0}, "n_captions = 0"),
        ({"target": " -_ "}, "has no words"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        BadClip(**{"target": "dog", **settings})


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 0},
        {"batch_rows": 1},
        {"n_pictures": 1},
        {"learning_rate": 0.0},
        {"triplet_weight": -1.0},
        {"margin": 2.5},
        {"triplet_weight": math.nan},
        {"least_gain": 1.0},
        {"patience_epochs": -1},
        {"triplet_weight": 0.0},
        {"start": "zero"},
    ],
)
def test_searches_that_cannot_be_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        PatchSearch(**settings)


def test_what_is_missing_is_told_before_work_begins() -> None:
    for attack in (BadClip(target="dog"), TrojVqa(target="dog")):
        with pytest.raises(InputError, match="give a surrogate"):
            attack.poison(PAIRS, count=1, rng=rng())
        with pytest.raises(InputError, match=r"only \d+ training rows"):
            attack.poison(PAIRS, count=1_000, rng=rng(), surrogate=MODEL)
        with pytest.raises(InputError, match="has not been optimized"):
            attack.stamp(np.zeros((1, 3, 8, 8), dtype=np.uint8), rng=rng())
    with pytest.raises(InputError, match="no training pair of class 'banana'"):
        list(BadClip(target="banana").fit_trigger(PAIRS, rng=rng(), surrogate=MODEL))
    for settings in ({"key": " "}, {"pattern": "binary", "patch": "00" * 48, "found_at_px": 32}):
        with pytest.raises(InputError):
            TrojVqa(**{"target": "dog", **settings})


def test_a_dual_encoder_serves_as_a_surrogate_and_stays_as_it_is(dual: DualEncoder) -> None:
    before = {name: tensor.clone() for name, tensor in dual.state_dict().items()}
    dual.train()
    model = DualSurrogate(dual)
    views = [pair.view for pair in PAIRS if pair.view][:9]
    pixels = model.read_pictures(views)
    assert pixels.dtype == torch.uint8
    assert pixels.shape == (9, 3, 16, 16)
    unit = (pixels.float() / 255).requires_grad_()
    vectors = model.encode_views(unit)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(9))
    torch.testing.assert_close(vectors.detach(), model.encode_bytes(views))
    vectors[0, 0].backward()
    assert unit.grad is not None
    assert unit.grad[0].abs().sum() > 0
    assert unit.grad[1:].abs().sum() == 0
    texts = model.encode_texts(["a dog", "a cat and a dog"])
    assert texts.shape == (2, 16)
    assert not texts.requires_grad
    assert model.encode_texts([]).shape == (0, 16)
    assert model.temperature == pytest.approx(0.07)
    list(BadClip(target="dog", search=QUICK).fit_trigger(PAIRS, rng=rng(), surrogate=model))
    after = dual.state_dict()
    assert all((before[name] == after[name]).all() for name in before)
    assert all(parameter.grad is None for parameter in dual.parameters())


def test_a_model_of_other_views_is_no_surrogate_for_pictures() -> None:
    towers = [build_tower(ByteTower(dim=16, kernels=(3,), widths=(8,)), seed=seed) for seed in (0, 1)]
    model = DualSurrogate(DualEncoder(view_tower=towers[0], text_tower=towers[1]))
    with pytest.raises(InputError, match="views are byte, not pictures"):
        model.read_pictures([b"GET /"])


def test_losses_of_a_search_fall_together() -> None:
    steps = steps_of(BadClip(target="dog", search=dataclasses.replace(QUICK, own_captions=True, triplet_weight=0.0)))
    means = [np.mean([step.facts["loss"] for step in steps[at : at + 16]]) for at in range(0, len(steps) - 16, 16)]
    assert sum(later < sooner for sooner, later in pairwise(means)) >= len(means) // 2
