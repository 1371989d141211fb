"""The model card of a group classifier: what it reads, what was measured, and what must not be concluded from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from threatclip import __version__
from threatclip.experiments.attribution.recipe import Attribution


def attribution_card(
    recipe: Attribution, summary: Mapping[str, Any], hashes: Mapping[str, str], *, version: str | None
) -> str:
    """Return the card as Markdown with the front matter that model hubs read."""
    data = "\n".join(f"- `{name}` (SHA-256 `{digest}`)" for name, digest in hashes.items())
    answered, rule = summary["answered"], summary["rules"]["incident"]
    named = (
        f"Of these incidents it named a group for {answered['named']} ({answered['coverage']:.1%}), "
        f"{answered['right']} of them rightly; for the others it says that it does not know."
    )
    return f"""---
library_name: threatclip
pipeline_tag: text-classification
tags: [cybersecurity, threat-intelligence, mitre-attack, contrastive-learning]
---

# Threat group of a sentence or a report

Trained by threatclip {__version__}, task `{recipe.task}`, seed {recipe.seed}, on MITRE ATT&CK {version or ""}. Input:
sentences of what was done. Output: {summary["groups"]} groups and "unknown", ranked, with the known procedures behind
each claim. Names of groups, campaigns and software are masked before anything is read.

## Data

{summary["n_train"]:,} sentences on groups, and those on software and campaigns that are theirs.

{data}

## Measured on reports held out ({summary["judged"]}), before the last fit

| level | metric | value | 95% interval | n |
|---|---|---|---|---|
{_rows("incident", summary["metrics"])}
{_rows("sentence", summary["sentences"])}

{named} The rule was chosen on inner splits for {rule["target"]:.0%} precision.

## Limits

- Sentences without names hardly tell a group; sets of behaviors do a little. Read the ranking with its evidence, and
  never as proof: attribution needs more than words.
- Figures are of sentences that ATT&CK's editors wrote. Sentences of a report as it comes are worded otherwise.
- Groups that ATT&CK tells little of (fewer than ten sentences) are not known, and answered "unknown" at best.
- Whoever can add sentences to the training data can point at a group: audit the data before training on it.
"""


def _rows(level: str, metrics: Mapping[str, Any]) -> str:
    return "\n".join(
        f"| {level} | {name} | {metric['value']:.3f} | {metric['low']:.3f} to {metric['high']:.3f} | {metric['n']} |"
        for name, metric in metrics.items()
        if metric["value"] is not None and metric["low"] is not None
    )
