"""A real CLIP from end to end: continue its training on posts, mix it with the original, export it."""

from __future__ import annotations

import io
from pathlib import Path

import torch
from commands import Command
from PIL import Image

from clip_cases import peer_outputs, save_clip
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.pairs.image_samples import sample_posts
from threatclip.pairs.table import write_pairs

RECIPE = """
task = "contrastive"
start = {{ kind = "clip", source = "model", n_trainable_view_layers = 1, n_trainable_text_layers = 0 }}
data = {{ root = "{folder}" }}

[prompts]
flood = ["a photo of a flood"]
fire = ["a photo of a fire"]

[[stages]]
name = "posts"
interpolate = 0.5
tables = [{{ file = {{ path = "posts.parquet" }}, split = {{ kind = "random", train = 0.6, validation = 0.2 }} }}]

[stages.fit]
epochs = 2
batch_rows = 8
learning_rate = 1e-3
precision = "fp32"
"""


def test_a_clip_is_adapted_mixed_and_exported(tmp_path: Path, threatclip: Command) -> None:
    save_clip(tmp_path / "model")
    posts = [pair for pair in sample_posts(60, seed=0, side=32) if pair.view and pair.caption]
    write_pairs(tmp_path / "posts.parquet", posts, modality="image")
    (tmp_path / "recipe.toml").write_text(RECIPE.format(folder=tmp_path))
    done = threatclip("train", tmp_path / "recipe.toml", "-o", tmp_path / "run", "--quiet")
    assert done.code == 0, done.errors
    (tmp_path / "model").rename(tmp_path / "gone")
    first, last = (DualBundle.load(tmp_path / "run" / name).dual for name in ("stages/start", "bundle"))
    moved = {name for name, tensor in last.state_dict().items() if not torch.equal(tensor, first.state_dict()[name])}
    assert {"text_tower.projection.weight", "view_tower.projection.weight", "log_scale"} < moved
    assert not any(name.startswith("text_tower.transformer") or ".layers.1." in name for name in moved)
    assert threatclip("export-clip", tmp_path / "run", "-o", tmp_path / "out").code == 0
    views, texts = [pair.view for pair in posts[:6]], [str(pair.caption) for pair in posts[:6]]
    assert all(Image.open(io.BytesIO(view)).mode == "RGB" for view in views)
    peer = peer_outputs(tmp_path / "out", views, texts)
    with torch.no_grad():
        ours = (
            last.view_tower(**last.view_tower.collate(views))
            @ last.text_tower(**last.text_tower.collate([text.encode() for text in texts])).T
        )
    torch.testing.assert_close(ours / last.temperature.detach(), peer.logits_per_image, atol=1e-5, rtol=0)
