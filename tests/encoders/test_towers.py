"""One battery of small checks over every kind of tower, and the strictness of loading."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tower_cases import CONFIGS, TEXTS, VIEWS, Make

from threatclip.encoders.bpe import BpeTower, train_bpe
from threatclip.encoders.towers import (
    TowerState,
    build_tower,
    load_tower,
    load_weights,
    module_weights,
    tower_config,
    tower_state,
)
from threatclip.errors import DamagedArtifactError, InputError

EVERY = pytest.mark.parametrize("name", CONFIGS)
HOSTILE = [
    b"",
    b"\x00" * 50,
    b"\xff\xfe\x80\x00\xed\xa0\x80",  # the last three are a lone surrogate in UTF-8 clothes
    "\U0001f9e8 ünïcode \u200b\u202e 漢字 한글".encode(),
    b"A" * 10_000_000,
    b"QUJD" * 60_000 + b"\n' OR 1=1",
    bytes(range(256)) * 4,
    b" \t\r\n" * 5_000,
]


@EVERY
def test_rows_are_unit_vectors_of_the_promised_dimension(name: str, make_tower: Make) -> None:
    tower = make_tower(name)
    vectors = tower(**tower.collate(VIEWS))
    assert vectors.shape == (len(VIEWS), tower.dim)
    assert vectors.dtype == torch.float32
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(VIEWS)), atol=1e-5, rtol=0)


@EVERY
def test_a_row_never_depends_on_its_batch(name: str, make_tower: Make) -> None:
    tower = make_tower(name)
    together = tower(**tower.collate(VIEWS))
    alone = torch.cat([tower(**tower.collate([view])) for view in VIEWS])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


@EVERY
def test_extra_padding_changes_nothing(name: str, make_tower: Make) -> None:
    tower = make_tower(name)
    batch = tower.collate(VIEWS[:3])
    wider = torch.nn.functional.pad(batch["tokens"], (0, 3), value=int(batch["tokens"][0, -1]))
    torch.testing.assert_close(tower(**batch), tower(tokens=wider, lengths=batch["lengths"]), atol=1e-5, rtol=0)


@EVERY
def test_hostile_views_are_read_like_any_other(name: str, make_tower: Make) -> None:
    tower = make_tower(name)
    vectors = tower(**tower.collate(HOSTILE))
    assert torch.isfinite(vectors).all()
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(HOSTILE)), atol=1e-5, rtol=0)


@EVERY
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(views=st.lists(st.binary(max_size=200), min_size=1, max_size=4))
def test_any_bytes_become_unit_vectors(name: str, make_tower: Make, views: list[bytes]) -> None:
    tower = make_tower(name)
    vectors = tower(**tower.collate(views))
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(views)), atol=1e-5, rtol=0)


@EVERY
def test_the_seed_decides_every_weight_and_leaves_the_global_generator_alone(name: str, make_tower: Make) -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one, same, other = make_tower(name, seed=1), make_tower(name, seed=1), make_tower(name, seed=2)
    assert torch.equal(before, torch.random.get_rng_state())
    vectors = [tower(**tower.collate(VIEWS)) for tower in (one, same, other)]
    assert torch.equal(vectors[0], vectors[1])
    if name not in {
        "pretrained",
        "pretrained-mlp",
        "clip-text",
        "clip-text-layers",
    }:  # these start as the transformer itself
        assert not torch.equal(vectors[0], vectors[2])


@EVERY
def test_state_round_trip_is_exact_and_plain(name: str, make_tower: Make) -> None:
    tower = make_tower(name)
    state = tower_state(tower)
    assert tower_config(state.config) == tower.config
    again = load_tower(state)
    assert torch.equal(again(**again.collate(VIEWS)), tower(**tower.collate(VIEWS)))
    assert again.assets() == tower.assets()
    assert not again.training


@EVERY
def test_a_rebuilt_tower_needs_neither_its_source_nor_its_texts(name: str, make_tower: Make) -> None:
    state = tower_state(make_tower(name))
    config = {**state.config, "source": "nobody/nowhere"} if "source" in state.config else state.config
    load_tower(replace(state, config=config))


@EVERY
@pytest.mark.parametrize("spoil", ["missing", "unexpected", "shape"])
def test_weights_load_strictly(name: str, spoil: str, make_tower: Make) -> None:
    tower = make_tower(name)
    weights = module_weights(tower)
    first = sorted(weights)[0]
    match spoil:
        case "missing":
            del weights[first]
        case "unexpected":
            weights["another.weight"] = np.zeros(3, dtype=np.float32)
        case "shape":
            weights[first] = np.zeros((1, 2, 3), dtype=np.float32)
    before = module_weights(tower)
    with pytest.raises(DamagedArtifactError, match=r"weight"):
        load_weights(tower, weights)
    after = module_weights(tower)
    assert all(np.array_equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("name", ["bpe", "pretrained", "clip-text"])
@pytest.mark.parametrize("spoil", [b"", b"{}", b"\x80\x04pickle"])
def test_damaged_assets_are_refused(name: str, spoil: bytes, make_tower: Make) -> None:
    state = tower_state(make_tower(name))
    for asset in state.assets:
        with pytest.raises(DamagedArtifactError, match="restore"):
            load_tower(TowerState(config=state.config, weights=state.weights, assets={**state.assets, asset: spoil}))


@EVERY
def test_training_moves_every_trainable_weight_and_no_frozen_one(name: str, make_tower: Make) -> None:
    tower = make_tower(name).train()
    batch = tower.collate(VIEWS)
    target = torch.nn.functional.normalize(torch.randn(len(VIEWS), tower.dim, generator=torch.Generator()), dim=1)
    vectors = tower(**batch)
    if name == "pretrained":
        assert not vectors.requires_grad
        return
    (vectors - target).square().sum().backward()
    for parameter_name, parameter in tower.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, parameter_name
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in tower.parameters())


@EVERY
def test_bf16_autocast_trains_near_fp32(name: str, make_tower: Make) -> None:
    tower = make_tower(name)
    batch = tower.collate(VIEWS)
    with torch.autocast("cpu", torch.bfloat16):
        rough = tower(**batch)
    assert rough.dtype == torch.float32
    assert (rough * tower(**batch)).sum(dim=1).min() > 0.99
    if rough.requires_grad:
        rough.sum().backward()
        assert all(torch.isfinite(p.grad).all() for p in tower.parameters() if p.grad is not None)


def test_unknown_kinds_and_keys_are_refused_with_the_allowed_ones() -> None:
    with pytest.raises(InputError, match=r"'word' is not one of bpe, byte, .*pretrained"):
        tower_config({"kind": "word"})
    with pytest.raises(InputError, match=r"no setting 'max_byte'; allowed: .*max_bytes"):
        tower_config({"kind": "byte", "max_byte": 3})


def test_a_bpe_tower_without_texts_is_refused() -> None:
    with pytest.raises(InputError, match="needs texts"):
        build_tower(BpeTower(), seed=0)


@pytest.mark.parametrize(
    "settings_",
    [
        {"kind": "byte", "max_bytes": 20_000},
        {"kind": "byte", "kernels": [2], "stem_stride": 4},
        {"kind": "byte", "widths": []},
        {"kind": "byte", "transformer_layers": 1, "heads": 7},
        {"kind": "byte", "heads": 0},
        {"kind": "byte", "transformer_layers": -1},
        {"kind": "byte", "embedding": 0},
        {"kind": "byte", "embedding": 10**9},
        {"kind": "byte", "widths": [10**9]},
        {"kind": "byte", "kernels": [10**9]},
        {"kind": "byte", "dilations": [1, 0]},
        {"kind": "byte", "dilations": [10**6]},
        {"kind": "byte", "dim": 0},
        {"kind": "byte", "dropout": 1.5},
        {"kind": "byte", "dropout": float("nan")},
        {"kind": "byte", "byte_dropout": -0.1},
        {"kind": "bpe", "vocabulary": 10},
        {"kind": "bpe", "heads": 0},
        {"kind": "bpe", "layers": 0},
        {"kind": "bpe", "layers": 10**6},
        {"kind": "bpe", "width": 0, "heads": 1},
        {"kind": "bpe", "dim": -1},
        {"kind": "bpe", "dropout": 1.0},
        {"kind": "pretrained", "dim": 0, "projection": "linear"},
        {"kind": "bpe", "width": 10, "heads": 4},
        {"kind": "pretrained", "dim": 12},
        {"kind": "pretrained", "n_trainable_layers": -1},
    ],
)
def test_settings_that_cannot_work_are_refused(settings_: dict[str, object]) -> None:
    with pytest.raises(InputError):
        tower_config(settings_)


def test_the_vocabulary_is_the_same_in_every_process() -> None:
    here = train_bpe(BpeTower(vocabulary=320), TEXTS).to_str()
    script = (
        "import sys, json; from threatclip.encoders.bpe import *; "
        "sys.stdout.write(train_bpe(BpeTower(vocabulary=320), json.loads(sys.stdin.read())).to_str())"
    )
    there = subprocess.run(
        [sys.executable, "-c", script], input=json.dumps(TEXTS), capture_output=True, text=True, check=True
    )
    assert there.stdout == here
