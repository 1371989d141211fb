"""What each repair does beyond the contract: its loss, its frozen copies, second looks, adversarial pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pair_cases import picture_pairs, tiny_dual
from threatclip.defenses.contracts import Suspect
from threatclip.defenses.repairs.abd import Abd
from threatclip.defenses.repairs.adversarial import Crafting, adversarial_pictures
from threatclip.defenses.repairs.clean_clip import CleanClip, clean_clip_looks
from threatclip.defenses.repairs.fine_tuning import FineTuning
from threatclip.defenses.repairs.fitting import frozen_copy, prepared_trusted, without_running_statistics
from threatclip.defenses.repairs.par import Par, PerturbAndRecover
from threatclip.defenses.repairs.second import SecondLooks, shown_pictures
from threatclip.defenses.repairs.self_supervision import SelfSupervised
from threatclip.defenses.repairs.shrink_perturb import ShrinkPerturb, shrink_and_perturb
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.towers import module_weights
from threatclip.errors import RecipeError
from threatclip.losses.clip import symmetric_infonce
from threatclip.losses.selfsup import look_infonce
from threatclip.training.dual.batches import PairBatches
from threatclip.training.dual.prepared import Pixels
from threatclip.training.dual.settings import Fit

FIT = Fit(epochs=1, batch_rows=16, learning_rate=1e-2, precision="fp32")
LOOKS = "autoaugment"


def suspect(n: int = 32, *, captions: int = 1) -> Suspect:
    pairs = picture_pairs(n, captions=captions)
    dual = tiny_dual([pair.caption or "" for pair in pairs])
    return Suspect(dual=dual.eval(), modality="image", prompts={}, trusted=pairs)


def batches(case: Suspect, *, redraw: bool = False) -> PairBatches:
    pairs = prepared_trusted(CleanClip(), case, FIT)
    looks = clean_clip_looks(case, pairs, policy=LOOKS, redraw=redraw, seed=0)
    return PairBatches(pairs=pairs, dual=case.dual, settings=FIT, seed=0, second=looks)


def same(first: DualEncoder, second: DualEncoder) -> bool:
    one, other = module_weights(first), module_weights(second)
    return all(np.array_equal(one[name], other[name]) for name in one)


def test_second_looks_are_of_the_same_rows_in_the_same_order() -> None:
    case = suspect(captions=2)
    made = batches(case)
    batch, rows = made.batch(3, 0), made.indices(3, 0)
    pixels = made.pairs.views
    assert isinstance(pixels, Pixels)
    assert torch.equal(batch["second_view_pixels"], batch["view_pixels"])
    assert np.array_equal(batch["view_pixels"].numpy(), pixels.values[made.pairs.view_of[rows]])
    assert batch["same_view_"].tolist() == made.pairs.view_of[rows].tolist()
    assert batch["same_caption_"].tolist() == made.pairs.caption_of[rows].tolist()
    assert batch["second_view_look"].shape == (16, 2, 4)
    assert {len(value) for value in batch.values()} == {16}
    again = made.batch(3, 0)
    assert all(torch.equal(batch[name], again[name]) for name in batch)
    assert not torch.equal(made.batch(4, 0)["second_view_look"], batch["second_view_look"])


@pytest.mark.parametrize("redraw", [False, True])
def test_captions_are_changed_once_unless_they_are_to_be_redrawn(redraw: bool) -> None:
    case = suspect(16)
    made = batches(case, redraw=redraw)
    seen: dict[int, set[tuple[int, ...]]] = {}
    for epoch in range(6):
        batch = made.batch(epoch, 0)
        rows = zip(batch["same_caption_"].tolist(), batch["second_caption_tokens"], strict=True)
        for row, (caption, tokens) in enumerate(rows):
            length = int(batch["second_caption_lengths"][row])
            seen.setdefault(caption, set()).add(tuple(tokens[:length].tolist()))
    assert (max(map(len, seen.values())) > 1) == redraw


def test_clean_clip_adds_the_losses_of_both_modalities() -> None:
    case = suspect()
    batch = batches(case).batch(0, 0)
    objective = SelfSupervised(dual=case.dual, clip_weight=0.5, self_weight=2.0)
    reps = objective.represent(batch)
    terms = objective.loss(reps, batch)
    temperature = case.dual.temperature
    groups = batch["group"]
    clip = symmetric_infonce(
        reps["view"], reps["caption"], temperature=temperature, positives=groups[:, None] == groups[None, :]
    )
    words = batch["same_caption_"]
    of_views = look_infonce(reps["view"], reps["second_view"], temperature=temperature)
    of_captions = look_infonce(
        reps["caption"],
        reps["second_caption"],
        temperature=temperature,
        positives=words[:, None] == words[None, :],
    )
    wanted = 0.5 * clip + 2.0 * (of_views + of_captions) / 2
    assert terms["loss"].item() == pytest.approx(wanted.item(), abs=1e-5)
    assert not torch.allclose(reps["view"], reps["second_view"])
    assert not torch.allclose(reps["caption"], reps["second_caption"])


def test_without_self_supervision_clean_clip_is_fine_tuning() -> None:
    plain, without, with_it = suspect(), suspect(), suspect()
    FineTuning().repair(plain, FIT, seed=0)
    CleanClip(self_weight=0.0).repair(without, FIT, seed=0)
    CleanClip().repair(with_it, FIT, seed=0)
    assert same(plain.dual, without.dual)
    assert not same(plain.dual, with_it.dual)


def test_second_looks_leave_running_statistics_alone() -> None:
    tower = suspect().dual.view_tower.train()
    pixels = torch.randint(0, 256, (8, 3, 16, 16), dtype=torch.uint8)
    before = {name: value.clone() for name, value in tower.named_buffers() if "norm" in name}
    with without_running_statistics(tower):
        tower(pixels=pixels)
    assert before
    assert all(torch.equal(value, before[name]) for name, value in tower.named_buffers() if name in before)
    tower(pixels=pixels)
    assert not all(torch.equal(value, before[name]) for name, value in tower.named_buffers() if name in before)


def test_a_frozen_copy_shares_no_weight_and_never_learns() -> None:
    case = suspect()
    twin = frozen_copy(case.dual)
    assert same(twin, case.dual)
    assert not any(parameter.requires_grad for parameter in twin.parameters())
    kept = frozen_copy(case.dual)
    FineTuning().repair(case, FIT, seed=0)
    assert same(twin, kept)
    assert not same(twin, case.dual)


def par_terms(tau: float, *, moved: bool = False) -> tuple[dict[str, torch.Tensor], DualEncoder, DualEncoder]:
    case = suspect()
    frozen = frozen_copy(case.dual)
    if moved:
        shrink_and_perturb(case.dual, shrink=1.0, perturb=0.5, seed=0)
    pairs = prepared_trusted(Par(), case, FIT)
    looks = SecondLooks(pairs=pairs, views=shown_pictures(pairs, case.trusted, case.dual, "cutout"), captions=None)
    batch = PairBatches(pairs=pairs, dual=case.dual, settings=FIT, seed=0, second=looks).batch(0, 0)
    objective = PerturbAndRecover(dual=case.dual, frozen=frozen, tau=tau, noise=0.02, looked=True)
    before = frozen_copy(frozen)
    reps = objective.represent(batch)
    assert not reps["frozen_view"].requires_grad
    terms = objective.loss(reps, batch)
    terms["loss"].backward()  # type: ignore[no-untyped-call]
    assert same(before, frozen)
    assert all(parameter.grad is None for parameter in frozen.parameters())
    return terms, case.dual, frozen


def test_par_pushes_until_tau_and_not_beyond() -> None:
    still, _, _ = par_terms(2.15)
    assert still["drift_view"].item() == pytest.approx(0, abs=1e-6)  # of the same noisy pictures, both ways
    moved, _, _ = par_terms(4.0, moved=True)
    assert moved["drift_view"] > 0.01
    assert moved["drift_caption"] > 0.01
    pushed = moved["clip"] - (moved["drift_view"] + moved["drift_caption"]) / 2
    assert moved["loss"].item() == pytest.approx(pushed.item(), abs=1e-5)
    off, _, _ = par_terms(0.001, moved=True)
    assert off["drift_view"] == off["drift_caption"] == 0
    assert torch.equal(off["loss"], off["clip"])


def test_par_moves_farther_than_fine_tuning() -> None:
    distances = []
    for repair in (FineTuning(), Par(noise=0.0, cutout=False)):
        case = suspect(64)
        texts = [pair.caption or "" for pair in case.trusted]
        before = case.text_vectors(texts)
        repair.repair(case, replace(FIT, epochs=3, learning_rate=1e-3), seed=0)
        distances.append(float(((case.text_vectors(texts) - before) ** 2).sum(axis=1).mean()))
    assert distances[1] > 1.2 * distances[0]


def test_weights_shrink_and_the_temperature_does_not() -> None:
    dual = suspect().dual
    before = module_weights(dual)
    dual.view_tower.projection.weight.requires_grad_(False)
    shrink_and_perturb(dual, shrink=0.5, perturb=0.0, seed=0)
    after = module_weights(dual)
    kept = {"log_scale", "view_tower.projection.weight"}
    for name, _ in dual.named_parameters():
        factor = 1.0 if name in kept else 0.5
        assert np.allclose(after[name], factor * before[name]), name
    shrink_and_perturb(dual, shrink=1.0, perturb=0.1, seed=0)
    noise = module_weights(dual)["text_tower.projection.weight"] - after["text_tower.projection.weight"]
    assert noise.std() == pytest.approx(0.1, rel=0.2)


def test_adversarial_pictures_lie_near_and_lead_away() -> None:
    case = suspect()
    kept = frozen_copy(case.dual)
    pixels = prepared_trusted(Abd(), case, FIT).views
    assert isinstance(pixels, Pixels)
    captions = case.text_vectors([pair.caption or "" for pair in case.trusted])
    crafting = Crafting(radius=8 / 255, steps=4)
    found = adversarial_pictures(case.dual, pixels.values, captions, crafting, seed=0)
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - pixels.values.astype(int)).max() <= 8
    assert np.array_equal(found, adversarial_pictures(case.dual, pixels.values, captions, crafting, seed=0))
    assert same(kept, case.dual)

    def loss(values: np.ndarray) -> float:
        with torch.no_grad():
            views = case.dual.view_tower(pixels=torch.from_numpy(values))
        return symmetric_infonce(views, torch.from_numpy(captions), temperature=0.07).item()

    assert loss(found) > loss(pixels.values) + 0.01


@pytest.mark.parametrize(
    "make",
    [
        lambda: CleanClip(self_weight=-1.0),
        lambda: CleanClip(pictures="random"),  # type: ignore[arg-type]
        lambda: Par(tau=5.0),
        lambda: Par(noise=-0.1),
        lambda: ShrinkPerturb(shrink=1.5),
        lambda: Crafting(radius=0.0),
        lambda: Crafting(steps=0),
    ],
)
def test_wrong_parameters_are_refused(make: object) -> None:
    with pytest.raises(RecipeError):
        make()  # type: ignore[operator]
