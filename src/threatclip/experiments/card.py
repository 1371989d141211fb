"""The model card of a bundle: what it is, what it was trained on, what was measured, what it cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from threatclip import __version__
from threatclip.experiments.recipe import PayloadWeakness


def model_card(recipe: PayloadWeakness, summary: Mapping[str, Any], hashes: Mapping[str, str]) -> str:
    """Return the card as Markdown with the front matter that model hubs read."""
    metrics = "\n".join(
        f"| {name} | {metric['value']:.3f} | {metric['low']:.3f} to {metric['high']:.3f} | {metric['n']} |"
        for name, metric in summary["metrics"].items()
        if metric["value"] is not None and metric["low"] is not None
    )
    data = "\n".join(f"- `{name}` (SHA-256 `{digest}`)" for name, digest in hashes.items())
    extras = ", ".join(f"{extra.name} (weight {extra.weight})" for extra in recipe.data.extra) or "none"
    return f"""---
library_name: threatclip
pipeline_tag: text-classification
tags: [cybersecurity, contrastive-learning, payload, cwe]
---

# Weakness of a network payload

Trained by threatclip {__version__}, task `{recipe.task}`, seed {recipe.seed}. Input: the bytes of one or more HTTP
requests. Output: {len(recipe.data.classes)} weakness classes, ranked, with calibrated probabilities.

## Data

{summary["n_train"]} labeled payloads of the split, {summary["n_extra"]} extra rows: {extras}.

{data}

## Measured on validation, before the last fit

| metric | value | 95% interval | n |
|---|---|---|---|
{metrics}

{_abstention(summary["abstention"])} On later years expect less precision: run `threatclip evaluate` on rows of your
own.

## Limits

- It ranks weakness classes; it does not tell attacks from harmless requests. Use the abstention, and a detector first.
- Whoever can add rows to the training data can plant a backdoor: audit the data before training on it.
- Classes whose evidence is not in the request (missing authorization, exposed information) are often confused.
"""


def _abstention(rule: Mapping[str, Any]) -> str:
    if rule["threshold"] > 1:
        return f"No probability gave {rule['target']:.0%} precision on validation, so it abstains from every payload."
    return (
        f"It abstains below a probability of {rule['threshold']:.3f}, chosen for {rule['target']:.0%} precision on "
        f"validation, where it then answers {rule['coverage']:.1%} of payloads."
    )
