"""The model card of a dual encoder: what it is, what it was trained on, what it cannot do."""

from __future__ import annotations

from collections.abc import Mapping

from threatclip import __version__
from threatclip.experiments.contrastive.material import Material
from threatclip.experiments.contrastive.recipe import Contrastive

_VIEWS = {"image": "a picture", "payload": "the bytes of a payload", "text": "a text"}


def dual_card(recipe: Contrastive, stage: str, material: Material, hashes: Mapping[str, str]) -> str:
    """Return the card of the model after `stage` as Markdown, with the front matter that model hubs read."""
    trained = []
    for rows in material.stages:
        if stage == "start":
            break
        trained.append(rows)
        if rows.name == stage:
            break
    learned = "\n".join(f"| {rows.name} | {len(rows.train):,} | {len(rows.test):,} |" for rows in trained)
    data = "\n".join(f"- `{name}` (SHA-256 `{digest}`)" for name, digest in hashes.items())
    reads = _VIEWS[material.modality]
    return f"""---
library_name: threatclip
pipeline_tag: {"zero-shot-image-classification" if material.modality == "image" else "feature-extraction"}
tags: [contrastive-learning, dual-encoder, {material.modality}-text]
---

# Dual encoder of {material.modality} and text

Trained by threatclip {__version__}, task `{recipe.task}`, seed {recipe.seed}, after stage `{stage}`. Two towers: one
reads {reads}, the other its caption; unit vectors whose cosine tells how well they belong together.

## Data

| stage | training pairs | held-out test pairs |
|---|---|---|
{learned or "| none: as it was before training | 0 | 0 |"}

Read by the whole run:

{data}

## Limits

- Measured figures are in the run's evaluation: `threatclip evaluate RUN --baselines`.
- Cosines are no probabilities: compare them within one model only.
- Whoever can add pairs to the training data can plant a backdoor: audit the data before training on it.
- Words drawn into a picture can change what it is taken for.
"""
