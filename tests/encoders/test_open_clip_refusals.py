"""What is refused of an open_clip folder before the library sees it, and the library that is not there."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from threatclip.encoders.clip_dual import dual_from_clip
from threatclip.encoders.open_clip import OpenClipTextTower
from threatclip.encoders.open_clip_folder import checked_architecture, load_open_clip, open_clip
from threatclip.encoders.towers import TowerState, load_tower
from threatclip.errors import InputError, NotInstalledError

VISION = {"image_size": 32, "layers": 3, "width": 32, "patch_size": 8}
TEXT = {"context_length": 20, "vocab_size": 49_408, "width": 16, "heads": 2, "layers": 2}


def architecture(*, vision: dict[str, Any] | None = None, text: dict[str, Any] | None = None, **more: Any) -> Any:
    return {"embed_dim": 24, "vision_cfg": {**VISION, **(vision or {})}, "text_cfg": {**TEXT, **(text or {})}, **more}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "no model_cfg"),
        ({"embed_dim": 3}, "no model_cfg"),
        (architecture(multimodal_cfg={}), "'multimodal_cfg' is not supported"),
        (architecture(init_logit_bias=-10), "'init_logit_bias' is not supported"),
        (architecture(text={"hf_model_name": "owner/bert"}), "fetched from elsewhere"),
        (architecture(text={"hf_tokenizer_name": "owner/bert"}), "fetched from elsewhere"),
        (architecture(text={"tokenizer_kwargs": {"clean": "canonicalize"}}), "tokenizer of its own"),
        (architecture(text={"embed_cls": True}), "embed_cls"),
        (architecture(vision={"timm_model_name": "hf-hub:owner/evil"}), "not one of timm's own"),
        (architecture(vision={"timm_model_name": "local-dir:/tmp/evil"}), "not one of timm's own"),
        (architecture(vision={"timm_model_name": 3}), "not one of timm's own"),
        (architecture(vision={"layers": 10**6}), "layers = 1000000"),
        (architecture(vision={"layers": [1, 10**6, 1, 1]}), "layers = 1000000"),
        (architecture(vision={"layers": [1] * 9}), "has 9 entries"),
        (architecture(vision={"width": 10**9}), "width = 1000000000"),
        (architecture(vision={"image_size": 2_000}), "image_size = 2000"),
        (architecture(vision={"mlp_ratio": float("inf")}), "mlp_ratio = inf"),
        (architecture(text={"vocab_size": 10**9}), "vocab_size = 1000000000"),
        (architecture(text={"context_length": 10**5}), "context_length = 100000"),
        (architecture(embed_dim=10**7), "embed_dim = 10000000"),
    ],
)
def test_architectures_that_fetch_or_explode_are_refused(value: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        checked_architecture(value, where="open_clip_config.json")


def test_pretrained_weights_of_timm_are_never_asked_for() -> None:
    given = architecture(vision={"timm_model_name": "vit_tiny_patch16_224", "timm_model_pretrained": True})
    assert checked_architecture(given, where="x")["vision_cfg"]["timm_model_pretrained"] is False
    assert given["vision_cfg"]["timm_model_pretrained"] is True


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ModuleNotFoundError("No module named 'open_clip'", name="open_clip"), r"pip install 'threatclip\[openclip\]'"),
        (RuntimeError("operator torchvision::nms does not exist"), "torchvision must be built for this torch"),
    ],
)
def test_a_library_that_is_not_there_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception, message: str
) -> None:
    def fail(name: str) -> None:
        raise error

    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(NotInstalledError, match=message):
        open_clip()
    state = TowerState(config={"kind": "open_clip_text", "source": "x"}, weights={}, assets={})
    with pytest.raises(NotInstalledError, match=message):
        load_tower(state)
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": architecture()}))
    (tmp_path / "open_clip_model.safetensors").write_bytes(b"\x02\x00\x00\x00\x00\x00\x00\x00{}")
    with pytest.raises(NotInstalledError, match=message):
        dual_from_clip(str(tmp_path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "not that of an open_clip model"),
        ('{"model_cfg": {}, "preprocess_cfg": 3}', "not that of an open_clip model"),
        (json.dumps({"model_cfg": architecture()}), "never read"),
    ],
)
def test_folders_that_are_no_open_clip_models_are_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "open_clip_config.json").write_text(content)
    (tmp_path / "open_clip_pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(InputError, match=message):
        load_open_clip(tmp_path)


def test_texts_of_one_length_take_no_other(tmp_path: Path) -> None:
    (tmp_path / "open_clip_config.json").write_text("{}")
    with pytest.raises(InputError, match="leave max_tokens out"):
        dual_from_clip(str(tmp_path), max_tokens=9)
    with pytest.raises(InputError, match="max_chars"):
        OpenClipTextTower(source="x", max_chars=0)
