"""Masked-language tuning by transformers' own trainer: what it writes, what it refuses, what it leaves alone."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from transformers import AutoModelForMaskedLM, MPNetConfig, MPNetModel

from language_cases import save_mpnet
from threatclip.artifacts import verify_manifest
from threatclip.encoders.pretrained import PretrainedTower, build_pretrained
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.training.contracts import Step
from threatclip.training.masked_language import KIND, LanguageSettings, TunedLanguage, tune_language

TEXTS = ["the malware opened things near the way", "ACTOR fetched things", "kept by the malware"] * 4
SETTINGS = LanguageSettings(max_steps=6, batch_rows=4, max_tokens=16, learning_rate=1e-2, precision="fp32", seed=3)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_mpnet(tmp_path_factory.mktemp("base") / "mpnet")


def tune(base: Path, out: Path, settings: LanguageSettings = SETTINGS) -> tuple[TunedLanguage, list[tuple[Step, int]]]:
    told: list[tuple[Step, int]] = []
    return tune_language(base, TEXTS, settings, out, on_step=lambda step, total: told.append((step, total))), told


def test_the_tuned_model_is_a_whole_folder_that_towers_and_transformers_read(base: Path, tmp_path: Path) -> None:
    found, told = tune(base, tmp_path / "tuned")
    assert found.new_weights == ()
    assert [(step.step, total) for step, total in told] == [(number, 6) for number in range(1, 7)]
    assert found.loss == pytest.approx(np.mean([step.losses["loss"] for step, _ in told]))
    assert told[-1][0].losses["loss"] < told[0][0].losses["loss"]
    assert verify_manifest(tmp_path / "tuned")["kind"] == KIND
    assert not list(tmp_path.rglob("*.pt")) + list(tmp_path.rglob("*.bin"))
    tower = build_pretrained(PretrainedTower(source=str(tmp_path / "tuned")))
    assert tower.reading == build_pretrained(PretrainedTower(source=str(base))).reading
    model = AutoModelForMaskedLM.from_pretrained(tmp_path / "tuned", local_files_only=True)
    before = AutoModelForMaskedLM.from_pretrained(base, local_files_only=True)
    assert not torch.equal(model.lm_head.dense.weight, before.lm_head.dense.weight)


def test_one_seed_gives_one_model_and_no_global_generator_moves(base: Path, tmp_path: Path) -> None:
    torch.manual_seed(5)
    random.seed(5)
    states = (torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy())  # noqa: NPY002
    for name in ("one", "two"):
        tune(base, tmp_path / name)
    assert torch.equal(states[0], torch.get_rng_state())
    assert states[1] == random.getstate()
    assert np.array_equal(states[2], np.random.get_state()[1])  # noqa: NPY002
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    assert all(np.array_equal(one[name], two[name]) for name in one)


def test_a_sentence_encoder_gets_a_fresh_head_and_keeps_its_way_of_reading(base: Path, tmp_path: Path) -> None:
    encoder = Path(shutil.copytree(base, tmp_path / "encoder"))
    shape = MPNetConfig.from_pretrained(base)
    MPNetModel(shape).save_pretrained(encoder)
    (encoder / "1_Pooling").mkdir()
    (encoder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode": "cls"}))
    (encoder / "modules.json").write_text(
        json.dumps(
            [
                {"path": "", "type": "sentence_transformers.models.Transformer"},
                {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            ]
        )
    )
    found, _ = tune(encoder, tmp_path / "tuned")
    assert "lm_head.dense.weight" in found.new_weights
    assert build_pretrained(PretrainedTower(source=str(tmp_path / "tuned"))).reading.pooling == "cls"


def test_batches_in_which_chance_hides_nothing_are_drawn_again(base: Path, tmp_path: Path) -> None:
    settings = LanguageSettings(max_steps=5, batch_rows=1, max_tokens=16, mask_share=0.02, precision="fp32")
    found = tune_language(base, ["way things"] * 5, settings, tmp_path / "out", on_step=lambda *_: None)
    assert np.isfinite(found.loss)
    with pytest.raises(InputError, match="no word to hide"):
        tune_language(base, [" "] * 5, settings, tmp_path / "empty", on_step=lambda *_: None)


def test_what_cannot_be_tuned_is_refused(base: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no text to learn from"):
        tune_language(base, [], SETTINGS, tmp_path / "out", on_step=lambda *_: None)
    broken = Path(shutil.copytree(base, tmp_path / "broken"))
    config = json.loads((broken / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "code.Model"}}))
    with pytest.raises(InputError, match="names code to run"):
        tune(broken, tmp_path / "out")
    (broken / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 4}))
    with pytest.raises(InputError, match="lacks weights"):
        tune(broken, tmp_path / "out")
    (broken / "model.safetensors").write_bytes(b"\x80\x04 a pickle")
    with pytest.raises(DamagedArtifactError, match="not safetensors"):
        tune(broken, tmp_path / "out")
    assert not (tmp_path / "out").exists()
