"""What no CLIP folder may do: run code, hide a pickle, promise other weights than it holds, ask for endless memory."""

from __future__ import annotations

import json
import pickle
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from clip_cases import SIDE, edit_json, random_clip, tiny_config, vocabulary
from threatclip.artifacts import read_tensors, write_tensors
from threatclip.encoders.clip_dual import dual_from_clip
from threatclip.encoders.clip_folder import load_clip
from threatclip.encoders.clip_shape import ImageShape, TextShape, clip_config, shapes_of
from threatclip.errors import DamagedArtifactError, InputError, ThreatclipError


def test_pickled_weights_are_never_read(clip_copy: Path) -> None:
    weights = {name: torch.from_numpy(array) for name, array in read_tensors(clip_copy / "model.safetensors").items()}
    torch.save(weights, clip_copy / "pytorch_model.bin")
    (clip_copy / "model.safetensors").unlink()
    with pytest.raises(InputError, match="never read"):
        load_clip(clip_copy)
    (clip_copy / "model.safetensors").write_bytes(pickle.dumps({"weights": 1}))
    with pytest.raises(DamagedArtifactError, match="not safetensors"):
        load_clip(clip_copy)


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer_config.json", "preprocessor_config.json", "processor_config.json"]
)
def test_files_that_name_code_are_refused(clip_copy: Path, name: str) -> None:
    path = clip_copy / name
    content = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps({**content, "auto_map": {"AutoModel": "evil.Model"}}))
    (clip_copy / "evil.py").write_text("raise SystemExit('code of a model ran')")
    with pytest.raises(InputError, match="auto_map"):
        load_clip(clip_copy)


@pytest.mark.parametrize("spoil", ["missing", "left over", "shape", "another layer", "infinite", "integers"])
def test_weights_that_are_not_exactly_those_promised_are_refused(clip_copy: Path, spoil: str) -> None:
    path, name = clip_copy / "model.safetensors", "text_model.encoder.layers.1.mlp.fc1.weight"
    weights = read_tensors(path)
    match spoil:
        case "missing":
            del weights[name]
        case "left over":
            weights["text_model.head.weight"] = np.zeros(3, np.float32)
        case "shape":
            weights[name] = weights[name][:5]
        case "another layer":
            edit_json(clip_copy / "config.json", vision_config__num_hidden_layers=2)
        case "infinite":
            weights[name][3, 4] = np.inf
        case "integers":
            weights[name] = weights[name].astype(np.int8)
    write_tensors(path, weights)
    error = DamagedArtifactError if spoil == "infinite" else InputError
    with pytest.raises(error, match=r"do not fit its config|not finite|not as floats"):
        load_clip(clip_copy)


def test_cut_weights_are_refused(clip_copy: Path) -> None:
    path = clip_copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DamagedArtifactError, match="not a whole safetensors file"):
        load_clip(clip_copy)


LIES: list[tuple[dict[str, Any], str]] = [
    ({"text_config__vocab_size": 10**9}, "vocabulary = 1000000000"),
    ({"text_config__vocab_size": 1_000_000}, "do not fit its config.json"),
    ({"text_config__max_position_embeddings": 10**7}, "positions = 10000000"),
    ({"text_config__num_hidden_layers": 10**6}, "layers = 1000000"),
    ({"vision_config__hidden_size": 10**9}, "over the limit"),
    ({"vision_config__hidden_size": 44}, "do not fit its config.json"),
    ({"vision_config__num_attention_heads": 7}, "not a CLIP|not a multiple|not that of a CLIP"),
    ({"vision_config__image_size": 10**6}, "side = 1000000"),
    ({"vision_config__image_size": 1024, "vision_config__patch_size": 1}, "patch = 1"),
    ({"vision_config__image_size": [32, 48]}, r"image_size is \[32, 48\]"),
    ({"vision_config__patch_size": 0}, "patch = 0"),
    ({"vision_config__image_size": 40}, "do not fit its config.json"),
    ({"vision_config__num_channels": 4}, "4 channels"),
    ({"projection_dim": 25}, "do not fit its config.json"),
    ({"projection_dim": None}, "do not fit its config.json"),
    ({"text_config__hidden_act": "exec"}, "activation 'exec'"),
    ({"text_config__eos_token_id": [1, 2]}, "eos_token_id is"),
    ({"text_config__eos_token_id": 10**6}, "not in the vocabulary"),
    ({"text_config__eos_token_id": 5}, "belong to different models"),
    ({"text_config__layer_norm_eps": -1.0}, "norm_eps = -1.0"),
    ({"text_config__hidden_size": "many"}, "not that of a CLIP model"),
    ({"model_type": "siglip"}, "'siglip', not a CLIP model"),
    ({"quantization_config": {"load_in_4bit": True}}, "quantized"),
    ({"text_config": 3}, "not that of a CLIP model"),
]


@pytest.mark.parametrize(("changes", "message"), LIES)
def test_a_config_that_lies_is_refused(clip_copy: Path, changes: dict[str, Any], message: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    edit_json(clip_copy / "config.json", **changes)
    with pytest.raises(InputError, match=message):
        load_clip(clip_copy)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KiB: nothing was made for it


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": {"longest_edge": 32}}, "resizes to"),
        ({"size": {"shortest_edge": 20}}, "cropped to 32"),
        ({"size": {"shortest_edge": 10**9}}, "resized to 1000000000"),
        ({"crop_size": {"height": 32, "width": 30}}, "no square"),
        ({"crop_size": {"height": 40, "width": 40}, "size": {"shortest_edge": 40}}, "has image_size 32"),
        ({"do_center_crop": False}, "no square"),
        ({"do_resize": False}, "does not resize"),
        ({"do_pad": True}, "pads pictures"),
        ({"image_std": [0.0, 1.0, 1.0]}, "std"),
        ({"image_mean": [float("nan"), 1.0, 1.0]}, "finite"),
        ({"image_mean": [1.0]}, "does not say how pictures are read"),
        ({"resample": 17}, "filter 17"),
        ({"rescale_factor": 0.0}, "does not say how pictures are read"),
        ({"image_processor_type": "ViTImageProcessor"}, "only CLIP's own processor"),
    ],
)
def test_pictures_that_cannot_be_read_as_asked_are_refused(
    clip_copy: Path, changes: dict[str, Any], message: str
) -> None:
    edit_json(clip_copy / "processor_config.json", **{f"image_processor__{name}": v for name, v in changes.items()})
    with pytest.raises(InputError, match=message):
        load_clip(clip_copy)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", "[]", "not a JSON object"),
        ("processor_config.json", "[]", "not a JSON object"),
        ("processor_config.json", "{}", "no preprocessor_config.json"),
        ("tokenizer.json", "{}", "no tokenizer that can be read"),
        ("adapter_config.json", "{}", "holds an adapter"),
    ],
)
def test_broken_small_files_are_named(clip_copy: Path, name: str, content: str, message: str) -> None:
    (clip_copy / name).write_text(content)
    with pytest.raises(InputError, match=message):
        load_clip(clip_copy)


@pytest.mark.parametrize("shard", ["../model.safetensors", "/etc/passwd", 3, None])
def test_an_index_that_points_elsewhere_is_refused(clip_copy: Path, shard: object) -> None:
    (clip_copy / "model.safetensors").rename(clip_copy / "other.safetensors")
    with pytest.raises(InputError, match=r"no model\.safetensors or its index"):
        load_clip(clip_copy)
    weight_map = {} if shard is None else {"logit_scale": shard}
    (clip_copy / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(InputError, match="no shards of its own folder"):
        load_clip(clip_copy)


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(clip_copy: Path) -> None:
    settings = clip_copy / "tokenizer.json"
    content = json.loads(settings.read_text())
    content["added_tokens"].append({**content["added_tokens"][0], "id": 9_999, "content": "<extra>"})
    content["model"]["vocab"]["<extra>"] = 9_999
    settings.write_text(json.dumps(content))
    with pytest.raises(InputError, match="the tokenizer has token"):
        load_clip(clip_copy)


@pytest.mark.parametrize("log_scale", [-0.5, 5.0, float("nan")])
def test_a_scale_that_would_be_clipped_is_refused(clip_copy: Path, log_scale: float) -> None:
    weights = read_tensors(clip_copy / "model.safetensors")
    weights["logit_scale"] = np.array(log_scale, np.float32)
    write_tensors(clip_copy / "model.safetensors", weights)
    with pytest.raises((InputError, DamagedArtifactError), match=r"multiplies cosines|not finite"):
        dual_from_clip(str(clip_copy))


def test_the_scale_of_openai_is_taken_as_it_is(clip_copy: Path) -> None:
    weights = read_tensors(clip_copy / "model.safetensors")
    weights["logit_scale"] = np.array(4.6052, np.float32)
    write_tensors(clip_copy / "model.safetensors", weights)
    dual = dual_from_clip(str(clip_copy))
    assert dual.log_scale.item() == pytest.approx(4.6052)
    assert 1 / dual.temperature.item() == pytest.approx(100.0)


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers(-5, 10**7) | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    ),
    part=st.sampled_from(["text_config", "vision_config"]),
    key=st.sampled_from(["hidden_size", "num_hidden_layers", "hidden_act", "eos_token_id", "image_size", "vocab_size"]),
)
def test_any_value_of_a_config_is_read_or_refused(value: object, part: str, key: str) -> None:
    from transformers import CLIPConfig

    raw = tiny_config().to_dict()
    raw[part][key] = value
    try:
        config = CLIPConfig(**raw)
    except Exception:
        return  # load_clip turns whatever the library raises into one InputError
    try:
        image, text = shapes_of(config)
    except (ThreatclipError, TypeError, ValueError):
        return
    assert 8 <= image.side <= 1024
    assert text.vocabulary <= 2_000_000


def test_a_shape_makes_the_configuration_that_it_came_from() -> None:
    config = tiny_config()
    image, text = shapes_of(config)
    assert image == ImageShape(
        dim=24,
        width=40,
        inner_width=48,
        layers=3,
        heads=4,
        activation="quick_gelu",
        norm_eps=1e-5,
        dropout=0.0,
        side=SIDE,
        patch=8,
    )
    assert isinstance(text, TextShape)
    assert text.vocabulary == len(vocabulary())
    again = random_clip(clip_config(image, text))
    names = {name: tensor.shape for name, tensor in random_clip(config).state_dict().items()}
    assert {name: tensor.shape for name, tensor in again.state_dict().items()} == names
