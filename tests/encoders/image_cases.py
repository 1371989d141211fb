"""Tiny image towers of every kind, and tiny random vision models saved in the hub's own format."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import MobileNetV2Config, MobileNetV2ForImageClassification, ViTConfig, ViTModel

from clip_cases import PICTURES
from threatclip.encoders.clip import ClipImageTower
from threatclip.encoders.image import ResnetTower, VitTower
from threatclip.encoders.image_pretrained import PretrainedImageTower
from threatclip.encoders.towers import ImageTower, ImageTowerConfig, build_tower

VIEWS = [*PICTURES, b""]
PREPROCESSOR: dict[str, Any] = {
    "image_processor_type": "MobileNetV2ImageProcessor",
    "do_resize": True,
    "size": {"shortest_edge": 40},
    "do_center_crop": True,
    "crop_size": {"height": 32, "width": 32},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.4, 0.5, 0.6],
    "image_std": [0.2, 0.25, 0.3],
}
CONFIGS: dict[str, ImageTowerConfig] = {
    "resnet": ResnetTower(dim=24, side=32, width=8, stages=2, blocks=2),
    "resnet-wide-stem": ResnetTower(dim=24, side=64, width=8, stages=2, blocks=1, fit="crop"),
    "vit": VitTower(dim=24, side=32, patch=8, width=16, layers=2, heads=2),
    "mobilenet": PretrainedImageTower(source="MOBILENET"),
    "mobilenet-linear": PretrainedImageTower(source="MOBILENET", side=48, dim=24, projection="linear"),
    "mobilenet-tuned": PretrainedImageTower(source="MOBILENET", n_trainable_layers=5, dim=24, projection="mlp"),
    "vit-folder": PretrainedImageTower(source="VIT", n_trainable_layers=4),
    "clip": ClipImageTower(source="CLIP"),
}
FROZEN = {"mobilenet"}


@pytest.fixture(scope="session")
def tiny_mobilenet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a random MobileNetV2 and its classifier, every norm with statistics of its own."""
    folder = tmp_path_factory.mktemp("vision") / "mobilenet"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = MobileNetV2Config(depth_multiplier=0.1, image_size=32, depth_divisible_by=4, min_depth=4, num_labels=3)
        model = MobileNetV2ForImageClassification(config).eval()
        # every third filter of its first initialization is next to nothing, and so would be the features
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, std=0.3)
                nn.init.normal_(module.running_mean, std=0.3)
                nn.init.uniform_(module.running_var, 0.5, 2.0)
        model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR))
    return folder


@pytest.fixture(scope="session")
def tiny_vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a random vision transformer without a pooler."""
    folder = tmp_path_factory.mktemp("vision") / "vit"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        shape = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32}
        model = ViTModel(ViTConfig(**shape, image_size=32, patch_size=8), add_pooling_layer=False)
        model.save_pretrained(folder)
    settings = {**PREPROCESSOR, "do_center_crop": False, "size": {"height": 32, "width": 32}}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


@pytest.fixture
def mobilenet_copy(tiny_mobilenet: Path, tmp_path: Path) -> Path:
    """Return a copy of the tiny MobileNetV2 that a test may spoil."""
    return Path(shutil.copytree(tiny_mobilenet, tmp_path / "model"))


MakeImage = Callable[..., ImageTower]


@pytest.fixture
def make_image_tower(tiny_mobilenet: Path, tiny_vit: Path, tiny_clip: Path) -> MakeImage:
    """Return a function from a name of CONFIGS to a fresh tower in evaluation mode."""
    folders = {"MOBILENET": tiny_mobilenet, "VIT": tiny_vit, "CLIP": tiny_clip}

    def make(name: str, *, seed: int = 0, **changes: Any) -> ImageTower:
        config = replace(CONFIGS[name], **changes)
        if isinstance(config, PretrainedImageTower | ClipImageTower):
            config = replace(config, source=str(folders[config.source]))
        tower = build_tower(config, seed=seed).eval()
        assert isinstance(tower, ImageTower)
        for module in tower.modules():  # a fresh residual block passes its input on, and would prove nothing
            if isinstance(module, nn.BatchNorm2d) and name.startswith("resnet"):
                with torch.random.fork_rng(devices=[]):
                    torch.manual_seed(seed)
                    nn.init.uniform_(module.weight, 0.5, 1.5)
                    nn.init.uniform_(module.running_var, 0.5, 2.0)  # type: ignore[arg-type]
                    nn.init.normal_(module.running_mean, std=0.3)  # type: ignore[arg-type]
        return tower

    return make
