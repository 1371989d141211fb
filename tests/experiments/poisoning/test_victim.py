"""The victim: what its towers are made from, what poisoned pairs may move, what classes are called, what is kept."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from judged_cases import SHAPES, pictures, request_pairs

from sweep_cases import TINY
from threatclip.attacks.captions import template_captions
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.towers import tower_state
from threatclip.errors import InputError
from threatclip.experiments.config import overridden, parse
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.poisoning.recipe import Sweep
from threatclip.experiments.poisoning.victim import (
    class_texts,
    is_kept,
    is_text,
    line_model,
    new_towers,
    save_model,
    trained,
)
from threatclip.pairs.pair import Pair
from threatclip.pairs.weaknesses import WEAKNESSES


def sweep_of(*overrides: str) -> Sweep:
    return parse(Sweep, overridden(tomllib.loads(TINY), overrides), where="tiny")


def weights(dual: DualEncoder) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in dual.state_dict().items()}


def moved(before: dict[str, torch.Tensor], dual: DualEncoder) -> set[str]:
    """The towers of which a weight changed."""
    after = dual.state_dict()
    return {name.split("_")[0] for name, tensor in before.items() if not torch.equal(tensor, after[name])} - {"log"}


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("victim") / "bundle"
    sweep = sweep_of()
    dual = trained(new_towers(sweep, pictures().pool, seed=0), pictures().pool, sweep.victim.fit, seed=0)
    save_model(dual, folder, modality="image", prompts={"a": ("b",)}, about="victim")
    return folder


def changed(pairs: Sequence[Pair]) -> list[Pair]:
    return [replace(pair, caption="zebra quartz") if place < 8 else pair for place, pair in enumerate(pairs)]


def test_new_towers_follow_from_the_clean_pool_and_the_seed() -> None:
    sweep, pool = sweep_of(), pictures().pool
    first, again, other = (weights(new_towers(sweep, pool, seed=seed)) for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)
    poisoned = tower_state(new_towers(sweep, changed(pool), seed=0).text_tower).assets
    assert poisoned != tower_state(new_towers(sweep, pool, seed=0).text_tower).assets, "a vocabulary tells of its texts"


@pytest.mark.parametrize(("trains", "expected"), [("both", {"view", "text"}), ("view", {"view"}), ("text", {"text"})])
def test_only_the_towers_that_train_move(victim: Path, trains: str, expected: set[str]) -> None:
    sweep = sweep_of()
    line = replace(sweep.lines[1], trains=trains)  # type: ignore[arg-type]
    before = weights(DualBundle.load(victim).dual)
    dual = line_model(sweep, line, pictures().pool, changed(pictures().pool), victim, seed=0)
    assert moved(before, dual) == expected


def test_from_scratch_the_vocabulary_is_still_that_of_clean_pairs(victim: Path) -> None:
    sweep = sweep_of()
    line = replace(sweep.lines[1], start="scratch")
    pool = pictures().pool
    dual = line_model(sweep, line, pool, changed(pool), victim, seed=0)
    clean = line_model(sweep, line, pool, pool, victim, seed=0)
    assert tower_state(dual.text_tower).assets == tower_state(clean.text_tower).assets
    assert moved(weights(clean), dual) == {"view", "text"}
    assert moved(weights(DualBundle.load(victim).dual), dual) == {"view", "text"}


def test_towers_that_read_texts_learn_words_from_both_sides() -> None:
    text = """
kind = "bpe"
vocabulary = 300
max_tokens = 16
width = 16
layers = 1
heads = 2
dim = 16
"""
    values = tomllib.loads(TINY)
    values["victim"]["view_tower"] = tomllib.loads(text)
    sweep = parse(Sweep, values, where="tiny")
    assert is_text(sweep)
    assert not is_text(sweep_of())
    pool = [Pair(id=f"{n}", view=b"zebra quartz wolf", caption="a plain caption", label="x") for n in range(20)]
    dual = new_towers(sweep, pool, seed=0)
    views, captions = (tower_state(tower).assets for tower in (dual.view_tower, dual.text_tower))
    assert views != captions, "one vocabulary from the views, one from the captions"


def test_classes_are_called_by_templates_captions_or_the_catalogue() -> None:
    pool = pictures().pool
    templates = class_texts(sweep_of('prompts="templates"'), pool, SHAPES)
    assert templates == {name: tuple(template_captions(name)) for name in SHAPES}
    captions = class_texts(sweep_of(), pool, SHAPES)
    for name in SHAPES:
        own = [pair.caption for pair in pool if pair.label == name]
        assert captions[name] == tuple(dict.fromkeys(own))[:32]
    many = [Pair(id=f"{n}", view=b"x", caption=f"{n % 50}", label="a") for n in range(100)]
    assert class_texts(sweep_of(), many, ("a",)) == {"a": tuple(str(n) for n in range(32))}
    named = class_texts(sweep_of('prompts="weaknesses"'), request_pairs().pool, ("xss", "ssrf"))
    assert named == {name: WEAKNESSES[name].anchors for name in ("xss", "ssrf")}


@pytest.mark.parametrize(("prompts", "label"), [("captions", "absent"), ("weaknesses", "red-star")])
def test_a_class_without_prompts_is_refused(prompts: str, label: str) -> None:
    with pytest.raises(InputError, match=f"class '{label}' has no prompts of kind '{prompts}'; choose another kind"):
        class_texts(sweep_of(f'prompts="{prompts}"'), pictures().pool, (label,))


def test_a_whole_model_is_kept_and_a_damaged_one_written_anew(victim: Path, tmp_path: Path) -> None:
    sweep, folder = sweep_of(), tmp_path / "model"
    assert not is_kept(folder)
    first, second = (new_towers(sweep, pictures().pool, seed=seed) for seed in (0, 1))
    save_model(first, folder, modality="image", prompts={"a": ("b",)}, about="first")
    assert is_kept(folder)
    save_model(second, folder, modality="image", prompts={"a": ("b",)}, about="second")
    assert moved(weights(first), DualBundle.load(folder).dual) == set(), "a finished one stays"
    content = (folder / "weights.safetensors").read_bytes()
    (folder / "weights.safetensors").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert not is_kept(folder)
    save_model(second, folder, modality="image", prompts={"a": ("b",)}, about="second")
    assert moved(weights(second), DualBundle.load(folder).dual) == set()
    assert (folder / "README.md").read_text().startswith("# second\n")
