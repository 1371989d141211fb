"""A tiny model of posts."""

from __future__ import annotations

from pathlib import Path

from threatclip.experiments.config import load_recipe
from threatclip.experiments.progress import ignore
from threatclip.experiments.tasks import train_run
from threatclip.pairs.image_samples import sample_posts
from threatclip.pairs.table import write_pairs

CLASSES = ("floodwater", "buildingfire")
EVENTS = f"""
task = "events"
[data]
root = "ROOT"
posts = {{ path = "posts.parquet" }}
classes = {list(CLASSES)}
folds = 2
inner_folds = 2
[picture]
tower = {{ kind = "resnet", side = 16, width = 8, stages = 2, blocks = 1, dim = 16 }}
[words]
tower = {{ kind = "bpe", dim = 16, width = 16, layers = 1, heads = 2, vocabulary = 300, max_tokens = 16 }}
[answer]
costs = [1.0]
"""


def train_posts(data: Path, run: Path) -> None:
    """Train a model of two events on drawn posts, in the folder `data`, as `run`."""
    write_pairs(data / "posts.parquet", sample_posts(40, seed=1, side=16, classes=CLASSES), modality="image")
    (data / "events.toml").write_text(EVENTS.replace("ROOT", str(data)))
    train_run(load_recipe(data / "events.toml", []), run, resume=False, on_progress=ignore)
