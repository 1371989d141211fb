"""A folder of runs made of the project's own generated samples only: what the screenshots of the pages show."""

from __future__ import annotations

from pathlib import Path

from threatclip.attacks.badnets import BadNets
from threatclip.experiments.auditing.request import Audit
from threatclip.experiments.auditing.run import run_audit
from threatclip.experiments.config import load_recipe
from threatclip.experiments.poison_table import poison_table
from threatclip.experiments.progress import ignore
from threatclip.experiments.tasks import evaluate_run, train_run
from threatclip.pairs.image_samples import sample_posts
from threatclip.pairs.samples import sample_pairs
from threatclip.pairs.table import write_pairs

CLASSES = ("floodwater", "buildingfire", "forrestfire", "hurricanesandy")
PAYLOADS = """
task = "payload-weakness"

[data]
root = "ROOT"
pairs = { path = "requests.parquet" }
split = { kind = "temporal", train_until = 2019, validation_until = 2021 }

[text_tower]
kind = "bpe"
dim = 64
width = 64
layers = 1
vocabulary = 2000
max_tokens = 48

[payload_tower]
kind = "byte"
dim = 64
max_bytes = 512
widths = [48, 64]

[stage1]
epochs = 2
rows_per_class = 6

[stage2]
steps = 120
batch_rows = 48

[answer]
refit = false
"""
EVENTS = f"""
task = "events"

[data]
root = "ROOT"
posts = {{ path = "posts.parquet" }}
classes = {list(CLASSES)}
folds = 2
inner_folds = 2

[picture]
mirrored = false
tower = {{ kind = "resnet", side = 32, width = 12, stages = 2, blocks = 1, dim = 32 }}

[words]
ngrams = true
tower = {{ kind = "bpe", dim = 32, width = 32, layers = 1, heads = 2, vocabulary = 800, max_tokens = 24 }}

[answer]
costs = [1.0, 10.0]
precision = 0.8
"""
DUAL = """
task = "contrastive"

[data]
root = "ROOT"

[view_tower]
kind = "resnet"
side = 32
width = 16
stages = 3
blocks = 1
dim = 64

[text_tower]
kind = "bpe"
dim = 64
width = 64
layers = 1
vocabulary = 1000
max_tokens = 32

[[stages]]
name = "posts"

[[stages.tables]]
file = { path = "clean.parquet" }
split = { kind = "random", train = 0.9, validation = 0.05 }

[stages.fit]
epochs = 25
batch_rows = 64
learning_rate = 1e-3
precision = "fp32"
"""
_SIDE = 128


def make_runs(folder: Path) -> Path:
    """Train, evaluate, poison and audit generated pairs below `folder`; return the folder of runs."""
    data, runs = folder / "data", folder / "runs"
    data.mkdir(parents=True)
    write_pairs(data / "requests.parquet", sample_pairs(n=1500, seed=0), modality="payload")
    posts = sample_posts(240, seed=0, side=_SIDE, classes=CLASSES)
    write_pairs(data / "posts.parquet", posts, modality="image")
    whole = [pair for pair in sample_posts(900, seed=1, side=_SIDE, classes=CLASSES) if pair.view and pair.caption]
    write_pairs(data / "clean.parquet", whole[:420], modality="image")
    write_pairs(data / "scraped-clean.parquet", whole[420:700], modality="image")
    for name, recipe in (("payload-weakness", PAYLOADS), ("events", EVENTS), ("posts-clip", DUAL)):
        path = data / f"{name}.toml"
        path.write_text(recipe.replace("ROOT", str(data)))
        train_run(load_recipe(path, []), runs / name, resume=False, on_progress=ignore)
    evaluate_run(runs / "payload-weakness", pairs=None, probes=True, baselines=False, out=None, on_progress=ignore)
    _audit(data, runs)
    return runs


def _audit(data: Path, runs: Path) -> None:
    """Plant a backdoor among the scraped posts, and audit them with a model of other posts."""
    attack = BadNets(target="floodwater", pattern="stripes", place="corner", size_px=32)
    scraped = data / "scraped.parquet"
    poison_table(attack, data / "scraped-clean.parquet", scraped, count=9, seed=3, on_progress=ignore)
    out = runs / "audits" / "scraped-posts"
    request = Audit(
        table=scraped, out=out, model=str(runs / "posts-clip"), trusted=data / "clean.parquet", drop_top=0.08
    )
    run_audit(request, on_progress=ignore)
