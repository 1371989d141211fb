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
    kept = f"{rule['coverage']:.1%} of {rule['n']} incidents" if rule.get("n") else "no incident"
    named = (
        f"Of these incidents it named a group for {answered['named']} ({answered['coverage']:.1%}), "
        f"{answered['right']} of them rightly; for the others it says that it does not know."
    )
    attack = f"MITRE ATT&CK {version}" if version else "MITRE ATT&CK"
    return f"""---
library_name: threatclip
pipeline_tag: text-classification
tags: [cybersecurity, threat-intelligence, mitre-attack, contrastive-learning]
---

# Threat group of a sentence or a report

Trained by threatclip {__version__}, task `{recipe.task}`, seed {recipe.seed}, on {attack}. Input:
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

Whole reports were held out, group by group; rows that cite both sides, and all others that cite a held-out report, were
left out of training. An incident is all that a group's held-out reports tell of it. The model in this bundle was fitted
afterwards, on those reports too, and is itself not judged.

## "Unknown"

{named}
The rule asks for {rule["target"]:.0%} precision on inner splits, a quarter of the groups held out whole; there it
answers {kept}.

## What a leak would be worth

Single sentences, a fifth held out at random, a linear SVM on words:

| text | accuracy | top_5 | what gives the answer away |
|---|---|---|---|
| as written | {_pair(summary, "raw")} | the group's name stands in its sentences |
| names masked | {_pair(summary, "masked")} | sentences of one report stand on both sides |

Neither figure says anything about attribution. Beside them belong the sentences of held-out reports above.

## Limits

- Sentences without names hardly tell a group; sets of behaviors do a little. Read the ranking with its evidence, and
  never as proof: attribution needs more than words.
- Figures are of sentences that ATT&CK's editors wrote. Sentences of a report as it comes are worded otherwise.
- Groups that ATT&CK tells little of (fewer than ten sentences) are not known, and answered "unknown" at best.
- Whoever can add sentences to the training data can point at a group: audit the data before training on it.
"""


def _pair(summary: Mapping[str, Any], name: str) -> str:
    own = summary["controls"][name]
    return f"{own['accuracy']['value']:.3f} | {own['top_5']['value']:.3f}"


def _rows(level: str, metrics: Mapping[str, Any]) -> str:
    return "\n".join(
        f"| {level} | {name} | {metric['value']:.3f} | {metric['low']:.3f} to {metric['high']:.3f} | {metric['n']} |"
        for name, metric in metrics.items()
        if metric["value"] is not None and metric["low"] is not None
    )
