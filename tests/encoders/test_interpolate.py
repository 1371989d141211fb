"""WiSE-FT: the line between two models, its ends bit for bit, and nothing mixed that does not belong together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tower_cases import CONFIGS, TEXTS, VIEWS

from clip_cases import PICTURES
from threatclip.encoders.bpe import BpeTower
from threatclip.encoders.byte import ByteTower
from threatclip.encoders.clip_dual import dual_from_clip
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.image import ResnetTower
from threatclip.encoders.interpolate import interpolate
from threatclip.encoders.towers import build_tower
from threatclip.errors import InputError

BYTES = ByteTower(dim=24, max_bytes=96, embedding=8, widths=(12, 16))
BPE = BpeTower(dim=24, vocabulary=300, max_tokens=24, width=16, layers=1, heads=2)


def dual(*, seed: int, view: ByteTower = BYTES, texts: list[str] = TEXTS) -> DualEncoder:
    return DualEncoder(
        view_tower=build_tower(view, seed=seed), text_tower=build_tower(BPE, seed=seed, texts=texts)
    ).eval()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(alpha=st.floats(0, 1))
def test_every_weight_lies_on_the_line(alpha: float) -> None:
    original, tuned = dual(seed=0), dual(seed=1)
    tuned.log_scale.data.fill_(4.0)
    first, last = original.state_dict(), tuned.state_dict()
    mixed = interpolate(original, tuned, alpha=alpha).state_dict()
    for name in first:
        wanted = (1 - alpha) * first[name].double() + alpha * last[name].double()
        torch.testing.assert_close(mixed[name].double(), wanted, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("end", [0, 1])
def test_the_ends_are_the_models_themselves(end: int) -> None:
    models = dual(seed=0), dual(seed=1)
    mixed = interpolate(*models, alpha=float(end))
    for name, tensor in models[end].state_dict().items():
        assert torch.equal(mixed.state_dict()[name], tensor), name


def test_both_models_stay_as_they_are(tiny_clip: Path) -> None:
    original, tuned = dual_from_clip(str(tiny_clip)), dual_from_clip(str(tiny_clip), n_trainable_view_layers=1)
    tuned.view_tower.projection.weight.data.mul_(2.0)
    before = {name: tensor.clone() for model in (original, tuned) for name, tensor in model.state_dict().items()}
    kept = tuned.view_tower.projection.weight.clone()
    mixed = interpolate(original, tuned, alpha=0.5)
    mixed.view_tower.projection.weight.data.zero_()
    assert torch.equal(tuned.view_tower.projection.weight, kept)
    assert all(torch.equal(before[name], tensor) for name, tensor in tuned.state_dict().items())
    frozen = {name for name, parameter in tuned.named_parameters() if not parameter.requires_grad}
    assert frozen == {name for name, parameter in mixed.named_parameters() if not parameter.requires_grad}


def test_a_mixture_reads_and_answers_like_any_model(tiny_clip: Path) -> None:
    original, tuned = dual_from_clip(str(tiny_clip)), dual_from_clip(str(tiny_clip))
    tuned.text_tower.projection.weight.data.add_(0.3)
    mixed = interpolate(original, tuned, alpha=0.5)
    assert not mixed.training
    rows = mixed.text_tower.tokenize([b"fire <|endoftext|> safe"])
    assert rows[0].tolist() == tuned.text_tower.tokenize([b"fire <|endoftext|> safe"])[0].tolist()
    outputs = [model.text_tower(**model.text_tower.collate(VIEWS)) for model in (original, mixed, tuned)]
    assert (outputs[1] * outputs[0]).sum() > (outputs[2] * outputs[0]).sum()
    views = mixed.view_tower(**mixed.view_tower.collate(PICTURES))
    torch.testing.assert_close(views, tuned.view_tower(**tuned.view_tower.collate(PICTURES)))


def test_batch_statistics_are_mixed_and_counters_kept() -> None:
    towers = [build_tower(ResnetTower(side=16, width=4, blocks=1, stages=2, dim=24), seed=seed) for seed in (0, 1)]
    models = [DualEncoder(view_tower=tower, text_tower=build_tower(BPE, seed=0, texts=TEXTS)) for tower in towers]
    towers[1].stem_norm.running_var.fill_(3.0)
    towers[1].stem_norm.num_batches_tracked.fill_(7)
    mixed = interpolate(*models, alpha=0.5).view_tower
    assert mixed.stem_norm.running_var.tolist() == [2.0] * 4
    assert mixed.stem_norm.num_batches_tracked.item() == 7


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_an_alpha_outside_of_the_line_is_refused(alpha: float) -> None:
    with pytest.raises(InputError, match="choose 0"):
        interpolate(dual(seed=0), dual(seed=1), alpha=alpha)


def test_models_that_do_not_belong_together_are_refused(tiny_clip: Path) -> None:
    with pytest.raises(InputError, match="view towers of kinds 'clip_image' and 'byte'"):
        interpolate(dual_from_clip(str(tiny_clip)), dual(seed=0), alpha=0.5)
    with pytest.raises(InputError, match="view towers of other shapes"):
        interpolate(dual(seed=0), dual(seed=0, view=replace(BYTES, widths=(12, 20))), alpha=0.5)
    with pytest.raises(InputError, match=r"text towers (that read differently|of other shapes)"):
        interpolate(dual(seed=0), dual(seed=0, texts=["quite other words", *TEXTS[:2]]), alpha=0.5)
    shorter = dual_from_clip(str(tiny_clip), max_tokens=9)
    with pytest.raises(InputError, match=r"text towers that read differently \(marks.json\)"):
        interpolate(dual_from_clip(str(tiny_clip)), shorter, alpha=0.5)


@pytest.mark.parametrize("which", [0, 1])
def test_weights_that_are_not_finite_are_refused(which: int) -> None:
    models = dual(seed=0), dual(seed=1)
    next(models[which].parameters()).data.view(-1)[0] = float("nan")
    with pytest.raises(InputError, match="is not finite"):
        interpolate(*models, alpha=0.0 if which else 1.0)


def test_every_kind_of_tower_can_be_mixed(make_tower) -> None:  # type: ignore[no-untyped-def]
    for name in CONFIGS:
        tower, other = make_tower(name, seed=0), make_tower(name, seed=1)
        models = [DualEncoder(view_tower=one, text_tower=one) for one in (tower, other)]
        mixed = interpolate(*models, alpha=1.0)
        assert torch.equal(mixed.view_tower(**mixed.view_tower.collate(VIEWS)), other(**other.collate(VIEWS)))
