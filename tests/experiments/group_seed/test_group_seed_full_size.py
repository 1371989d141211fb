"""The recipe for full-size MPNet on a tiny model under its hub id: cache, pinned commit, last 10 of 12 layers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from language_cases import save_mpnet
from seed_world import seed_recipe, write_seed_world
from threatclip.artifacts import read_tensors
from threatclip.encoders import hub
from threatclip.errors import InputError
from threatclip.experiments.config import parse, read_recipe
from threatclip.experiments.group_seed.classifier import GroupSeedClassifier
from threatclip.experiments.group_seed.protocols import build_protocol, leaks_of
from threatclip.experiments.group_seed.recipe import GroupSeed, ProtocolName
from threatclip.experiments.group_seed.train import attack_rows
from threatclip.experiments.progress import ignore
from threatclip.experiments.tasks import train_run
from threatclip.pairs.pair import Pair

RECIPE = Path(__file__).resolve().parents[3] / "recipes" / "attack-group-seed-mpnet.toml"


@pytest.fixture
def recipe(tmp_path: Path) -> GroupSeed:
    """The recipe as it ships, but with a made-up world to learn from and little time."""
    world = write_seed_world(tmp_path / "world")
    cve = {"cve_id": "CVE-2020-0001", "description": "The malware opened things.", "cwe_id": "CWE-79"}
    (world / "cve.jsonl").write_text(json.dumps(cve) + "\n")
    values, small = read_recipe(RECIPE), seed_recipe(world)
    values |= {"data": small["data"], "augmentation": small["augmentation"], "protocols": ["augmented"]}
    values["language"] |= {"epochs": 1, "max_steps": 1, "texts": {"path": "cve.jsonl", "source": {"kind": "cve"}}}
    values["head"] |= {"epochs": 1}
    values["base"] |= {"max_tokens": 24}
    found: GroupSeed = parse(GroupSeed, values, where=str(RECIPE))
    return found


def test_it_is_read_from_the_hubs_cache_and_its_last_ten_layers_are_tuned(
    recipe: GroupSeed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = recipe.base
    owner, name = base.source.split("/")
    snapshot = tmp_path / "cache" / f"models--{owner}--{name}" / "snapshots" / str(base.revision)
    shutil.copytree(save_mpnet(tmp_path / "tiny", layers=12), snapshot)
    monkeypatch.setattr(hub, "_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    train_run(recipe, tmp_path / "run", resume=False, on_progress=ignore)
    tuned = read_tensors(tmp_path / "run" / "language" / "model.safetensors")
    whole = read_tensors(tmp_path / "run" / "bundle" / "weights.safetensors")
    same = {
        name: np.array_equal(tensor, whole[f"tower.transformer.{name.removeprefix('mpnet.')}"])
        for name, tensor in tuned.items()
        if name.startswith("mpnet.encoder.layer.") and name.endswith("weight")
    }
    layers = {int(name.split(".")[3]) for name, kept in same.items() if not kept}
    assert layers == set(range(2, 12))
    (answer,) = GroupSeedClassifier.load(tmp_path / "run").classify_pairs([Pair(id="1", view=b"things moved")])
    assert answer["answers"][0]["label"].startswith("G8")


def test_without_the_weights_it_says_what_to_do(
    recipe: GroupSeed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "_CACHE", str(tmp_path / "nothing"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="copy the folder here and give its path"):
        train_run(recipe, tmp_path / "run", resume=False, on_progress=ignore)


@pytest.mark.data
@pytest.mark.parametrize(("name", "named"), [("raw", 0.99), ("reports", 0.0), ("campaigns", 0.0)])
def test_real_sentences_leak_as_the_table_says(data_dir: Path, name: ProtocolName, named: float) -> None:
    values = read_recipe(RECIPE)
    values["data"]["root"] = str(data_dir)
    values["augmentation"] = {"honest_too": False}
    recipe: GroupSeed = parse(GroupSeed, values, where=str(RECIPE))
    rows = attack_rows(recipe, data_dir)
    splits = data_dir / str(recipe.data.splits)
    leaks = leaks_of(build_protocol(name, rows, recipe, thesaurus=lambda _: (), splits=splits), rows)
    assert leaks.copied == 0
    assert leaks.named >= named
    if name != "raw":
        assert leaks.named < 0.01
        assert leaks.reported == 0
