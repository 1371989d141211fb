"""The fit that recipes, sweeps and repairs share: what it learns, what it leaves alone, and that it repeats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from pair_cases import picture_pairs, tiny_case, tiny_dual
from threatclip.encoders.byte import ByteTower
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.encode import encode
from threatclip.encoders.image import VitTower
from threatclip.encoders.towers import module_weights
from threatclip.errors import InputError
from threatclip.evaluation.retrieval import recall_at_k
from threatclip.pairs.pair import Pair
from threatclip.training.contracts import Batch
from threatclip.training.dual import features as feature_reading
from threatclip.training.dual.fit import Keeping, fit_dual, fit_steps
from threatclip.training.dual.objective import ContrastiveObjective
from threatclip.training.dual.prepared import Encoded, Features, Pixels, PreparedPairs, prepare_pairs
from threatclip.training.dual.settings import Augmentation, Fit

QUICK = Fit(epochs=2, batch_rows=16, precision="fp32")
LOOKS = Augmentation(crop=0.6, flip=0.5, brightness=0.2, contrast=0.2, token_dropout=0.2)


def weights(dual: DualEncoder) -> dict[str, np.ndarray]:
    return module_weights(dual)


def same(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> bool:
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def test_it_learns_which_words_belong_to_which_picture() -> None:
    pairs = picture_pairs(256, captions=3)
    dual = tiny_dual([pair.caption or "" for pair in pairs])
    losses: list[float] = []
    fit_dual(
        dual,
        prepare_pairs(pairs, dual),
        Fit(epochs=20, batch_rows=64, learning_rate=3e-3, precision="fp32"),
        seed=0,
        on_step=lambda step: losses.append(step.losses["loss"]),
    )
    assert losses[-1] < losses[0] - 0.6
    # held-out pictures: a caption of the same color and place is a right answer, eight of them in all
    test = picture_pairs(80, seed=1, captions=1)
    meaning = np.array([pair.caption for pair in test])
    views = encode(dual.view_tower, [pair.view for pair in test])
    captions = encode(dual.text_tower, [(pair.caption or "").encode() for pair in test])
    assert recall_at_k(views, captions, meaning, meaning, ks=(1,))[1] > 0.6
    assert not dual.training


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    results = []
    for seed in (0, 0, 1):
        dual, pairs = tiny_case()
        fit_dual(dual, pairs, replace(QUICK, augmentation=LOOKS), seed=seed)
        results.append(weights(dual))
    assert same(results[0], results[1])
    assert not same(results[0], results[2])


def test_a_stopped_fit_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    settings = replace(QUICK, augmentation=LOOKS, checkpoint_every_steps=3)
    whole, pairs = tiny_case()
    fit_dual(whole, pairs, settings, seed=0)
    stopped, pairs = tiny_case()
    steps = fit_steps(stopped, pairs, settings, seed=0, keeping=Keeping(checkpoints=tmp_path))
    for step in steps:
        if step.step == 4:
            break
    steps.close()  # type: ignore[attr-defined]
    resumed, pairs = tiny_case()
    fit_dual(resumed, pairs, settings, seed=0, keeping=Keeping(checkpoints=tmp_path, resume=True))
    assert same(weights(whole), weights(resumed))


def test_chunks_change_nothing_but_memory() -> None:
    # a ViT: a BatchNorm would see other statistics in each chunk, which the loop refuses
    told: list[list[float]] = []
    for chunk in (None, 5):
        pairs = picture_pairs(48)
        tower = VitTower(side=16, patch=8, width=16, layers=1, heads=2, dim=16)
        dual = tiny_dual([pair.caption or "" for pair in pairs], view=tower)
        settings = replace(QUICK, augmentation=LOOKS, chunk_rows=chunk)
        steps = list(fit_steps(dual, prepare_pairs(pairs, dual), settings, seed=0))
        told.append([*(step.losses["loss"] for step in steps), *(step.grad_norm for step in steps)])
    np.testing.assert_allclose(told[1], told[0], rtol=1e-4)


@pytest.mark.parametrize("side", ["view", "text"])
def test_a_frozen_tower_keeps_every_weight_and_may_learn_afterwards(side: str) -> None:
    dual, pairs = tiny_case()
    before = weights(dual)
    fit_dual(dual, pairs, replace(QUICK, freeze=side), seed=0)  # type: ignore[arg-type]
    after = weights(dual)
    for name in before:
        if name.startswith(side):
            np.testing.assert_array_equal(after[name], before[name])
    other = "text" if side == "view" else "view"
    assert any(not np.array_equal(after[name], before[name]) for name in before if name.startswith(other))
    assert all(parameter.requires_grad for parameter in dual.parameters())


def test_bodies_keep_every_weight_while_projections_learn() -> None:
    pairs = picture_pairs(48)
    dual = tiny_dual([pair.caption or "" for pair in pairs])
    before = weights(dual)
    fit_dual(dual, prepare_pairs(pairs, dual, freeze="bodies"), replace(QUICK, freeze="bodies"), seed=0)
    after = weights(dual)
    for name in before:
        learned = ".projection." in name or name == "log_scale"
        assert np.array_equal(after[name], before[name]) != learned, name
    assert all(parameter.requires_grad for parameter in dual.parameters())


def test_features_of_a_frozen_body_are_read_once_and_train_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The short cut through features gives what running the frozen tower every time gives."""
    told: list[list[float]] = []
    for cached in (True, False):
        dual, pairs = tiny_case()
        if not cached:
            monkeypatch.setattr("threatclip.training.dual.fit.body_is_frozen", lambda _: False)
        steps = list(fit_steps(dual, pairs, replace(QUICK, freeze="view"), seed=0))
        told.append([*(step.losses["loss"] for step in steps), *(step.grad_norm for step in steps)])
    np.testing.assert_allclose(told[1], told[0], rtol=1e-4)


def test_a_frozen_body_may_see_a_picture_in_several_ways() -> None:
    dual, pairs = tiny_case()
    dual.eval()
    found = feature_reading.read_features(dual.view_tower, pairs.views, LOOKS, readings=3, seed=0)
    assert found.values.shape == (len(pairs.views), 3, 32)
    assert isinstance(pairs.views, Pixels)
    with torch.no_grad():
        plain = dual.view_tower.features(pixels=torch.from_numpy(pairs.views.values)).numpy()
    np.testing.assert_allclose(found.values[:, 0], plain, atol=1e-5)
    assert np.abs(found.values[:, 1] - found.values[:, 2]).max() > 1e-3
    settings = replace(QUICK, freeze="view", frozen_readings=3, augmentation=replace(LOOKS, token_dropout=0.0))
    fit_dual(dual, pairs, settings, seed=0)
    with pytest.raises(InputError, match="frozen_readings"):
        fit_dual(dual, pairs, replace(QUICK, freeze="view", frozen_readings=2), seed=0)


@pytest.mark.parametrize("side", ["view", "text"])
def test_what_a_frozen_tower_reads_is_left_as_it_is_until_it_is_read(side: str) -> None:
    told: list[list[float]] = []
    for prepared_for in (None, side):
        pairs = picture_pairs(48)
        dual = tiny_dual([pair.caption or "" for pair in pairs])
        prepared = prepare_pairs(pairs, dual, freeze=prepared_for)
        left = isinstance(prepared.views if side == "view" else prepared.captions, Encoded)
        assert left == (prepared_for is not None)
        looks = replace(LOOKS, token_dropout=0.0) if side == "view" else Augmentation()
        settings = replace(QUICK, freeze=side, augmentation=looks, frozen_readings=2 if side == "view" else 1)
        told.append([step.losses["loss"] for step in fit_steps(dual, prepared, settings, seed=0)])
        # and where nothing is frozen after all, it is read as ever
        losses = [step.losses["loss"] for step in fit_steps(dual, prepared, QUICK, seed=0)]
        told[-1] += losses
    np.testing.assert_allclose(told[1], told[0], rtol=1e-5)


def test_token_dropout_needs_tokens() -> None:
    dual, pairs = tiny_case()
    with pytest.raises(InputError, match="token_dropout"):
        fit_dual(dual, pairs, replace(QUICK, freeze="text", augmentation=LOOKS), seed=0)


@dataclass(frozen=True)
class AlsoTheSecondLook:
    """InfoNCE, and the agreement of each picture with itself shown once more."""

    base: ContrastiveObjective

    def represent(self, batch: Batch) -> dict[str, Tensor]:
        second = self.base.views(batch, prefix="second_view_")
        return {**self.base.represent(batch), "second": second}

    def loss(self, reps: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        terms = self.base.loss(reps, batch)
        itself = 1 - (reps["view"] * reps["second"]).sum(dim=1).mean()
        return {**terms, "itself": itself.detach(), "loss": terms["loss"] + itself}


def test_another_objective_may_see_every_row_twice() -> None:
    dual, pairs = tiny_case()
    told: list[dict[str, float]] = []
    fit_dual(
        dual,
        pairs,
        replace(QUICK, augmentation=LOOKS),
        seed=0,
        objective=lambda model: AlsoTheSecondLook(base=ContrastiveObjective(dual=model)),
        second=True,
        on_step=lambda step: told.append(dict(step.losses)),
    )
    assert set(told[0]) == {"loss", "temperature", "itself"}
    assert told[0]["itself"] > 0


def test_payloads_and_texts_are_views_too() -> None:
    draw = np.random.default_rng(0)
    words = ["select", "script", "passwd", "whoami"]
    pairs = [
        Pair(id=str(n), view=f"GET /?q={word}&r={draw.integers(99)}".encode(), caption=f"attack with {word} {n % 5}")
        for n, word in enumerate(draw.choice(words, size=48).tolist())
    ]
    captions = [pair.caption or "" for pair in pairs]
    for view in (ByteTower(dim=16, max_bytes=64, embedding=8, widths=(8, 12), kernels=(3, 5)), None):
        dual = tiny_dual(captions, view=view or tiny_dual(captions).text_tower.config)
        steps = list(fit_steps(dual, prepare_pairs(pairs, dual), QUICK, seed=0))
        assert all(step.grad_norm > 0 for step in steps)


def test_an_epoch_visits_views_or_pairs() -> None:
    dual, pairs = tiny_case(32)
    by_view = list(fit_steps(dual, pairs, replace(QUICK, epochs=1), seed=0))
    by_pair = list(fit_steps(dual, pairs, replace(QUICK, epochs=1, visits="pair"), seed=0))
    assert (len(by_view), len(by_pair)) == (2, 4)


def test_rates_of_bodies() -> None:
    dual, pairs = tiny_case()
    before = weights(dual)
    fit_dual(dual, pairs, replace(QUICK, view_body_rate=1e-6, epochs=1, weight_decay=0.0), seed=0)
    after = weights(dual)
    moved = {name: float(np.abs(after[name] - before[name]).max()) for name in before if "running" not in name}
    assert moved["view_tower.stem.weight"] < 1e-7
    assert moved["view_tower.projection.weight"] > 1e-4


def test_too_few_rows_and_nothing_to_train_are_refused() -> None:
    dual, pairs = tiny_case(8)
    with pytest.raises(InputError, match="batch of 16"):
        fit_dual(dual, pairs, QUICK, seed=0)
    dual.requires_grad_(False)
    with pytest.raises(InputError, match="no trainable parameter"):
        fit_dual(dual, pairs, replace(QUICK, batch_rows=4), seed=0)


def test_features_given_are_used_as_they_are() -> None:
    dual, pairs = tiny_case()
    width = 32
    given = replace(pairs, views=Features(values=np.ones((len(pairs.views), 1, width), dtype=np.float32)))
    assert isinstance(given, PreparedPairs)
    dual.view_tower.requires_grad_(False)
    fit_dual(dual, given, replace(QUICK, epochs=1), seed=0)
