"""The model card of an event classifier: what it is, what was measured, what it cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from threatclip import __version__
from threatclip.experiments.events.recipe import Events
from threatclip.experiments.events.zero_shot_recipe import EventsZeroShot


def events_card(recipe: Events, summary: Mapping[str, Any], hashes: Mapping[str, str]) -> str:
    """Return the card as Markdown with the front matter that model hubs read."""
    metrics = "\n".join(
        f"| {name} | {metric['value']:.3f} | {metric['low']:.3f} to {metric['high']:.3f} | {metric['n']} |"
        for name, metric in summary["metrics"].items()
        if metric["value"] is not None and metric["low"] is not None
    )
    data = "\n".join(f"- `{name}` (SHA-256 `{digest}`)" for name, digest in hashes.items())
    halves = ", ".join(f"{count} {what}" for what, count in summary["halves"].items())
    rules = "\n".join(_rule(way, rule) for way, rule in summary["abstention"].items())
    return f"""---
library_name: threatclip
tags: [image-text, crisis, events, social-media]
---

# Events in posts of picture and words

Trained by threatclip {__version__}, task `{recipe.task}`, seed {recipe.seed}. Input: a picture, words, or both. Output:
{len(recipe.data.classes)} events, ranked, with calibrated probabilities, and which half carried the answer.

## Data

{summary["n_train"]} posts ({halves}); hashtags: {recipe.data.hashtags}. The folder holds words and ids of these posts,
which answers show as evidence: pass it on only as you may pass on the posts.

{data}

## Measured out of fold

Every post was judged by a model that saw none of its fold ({summary["folds"]} folds, near-duplicates together). The
model here learned from all of them.

| metric | value | 95% interval | n |
|---|---|---|---|
{metrics}

{rules}

## Limits

- Labels are the hashtags that posts were collected by: an event that nobody tagged so is not known.
- Words drawn into a picture change what it is taken for: see `threatclip evaluate --probes`.
- Whoever can add posts to the training data can plant a backdoor: audit the data before training on it.
"""


def _rule(way: str, rule: Mapping[str, Any]) -> str:
    what = {"both": "With picture and words", "picture": "With a picture alone", "words": "With words alone"}[way]
    if rule["threshold"] > 1:
        return f"- {what}, no probability gave {rule['target']:.0%} precision: it always abstains."
    return f"- {what}, it abstains below {rule['threshold']:.3f}, and then answers {rule['coverage']:.1%} of posts."


def zero_shot_card(recipe: EventsZeroShot, summary: Mapping[str, Any], hashes: Mapping[str, str]) -> str:
    """Return the card of the adapted space as Markdown with the front matter that model hubs read."""
    data = "\n".join(f"- `{name}` (SHA-256 `{digest}`)" for name, digest in hashes.items())
    return f"""---
library_name: threatclip
pipeline_tag: zero-shot-image-classification
tags: [image-text, crisis, events, social-media]
---

# A space of pictures and words, adapted to posts about events

Trained by threatclip {__version__}, task `{recipe.task}`, seed {recipe.seed}: captioned pictures first, then
{summary["n_train"]} posts with CLIP's own task, no label read. `threatclip classify` asks it with prompts, which
`--catalogue` changes.

## Data

{data}

## Limits

- Its probabilities are not calibrated, and it does not abstain: nothing was labeled.
- What the prompts do not say is not found. Figures of its own posts: `threatclip evaluate`.
- Whoever can add posts to the training data can plant a backdoor: audit the data before training on it.
"""
