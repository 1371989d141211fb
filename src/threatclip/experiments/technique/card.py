"""The model card of a technique labeler: what it is, what was measured, what it cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from threatclip import __version__
from threatclip.experiments.technique.recipe import Technique


def technique_card(recipe: Technique, summary: Mapping[str, Any], hashes: Mapping[str, str]) -> str:
    """Return the card as Markdown with the front matter that model hubs read."""
    metrics = "\n".join(
        f"| {name} | {metric['value']:.3f} | {metric['low']:.3f} to {metric['high']:.3f} | {metric['n']} |"
        for name, metric in summary["metrics"].items()
        if metric["value"] is not None and metric["low"] is not None
    )
    data = "\n".join(f"- `{name}` (SHA-256 `{digest}`)" for name, digest in hashes.items())
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in summary["pool"].items())
    rules = "\n".join(_rule(what, rule) for what, rule in summary["abstention"].items())
    return f"""---
library_name: threatclip
tags: [security, mitre-attack, text-classification]
---

# Techniques of ATT&CK in sentences

Trained by threatclip {__version__}, task `{recipe.task}`, seed {recipe.seed}. Input: a sentence. Output: techniques of
ATT&CK {summary["attack_version"] or "(version not told)"}, ranked, with calibrated probabilities, or their parent, or
"don't know".

## Data

{summary["n_train"]} sentences; {summary["n_techniques_seen"]} of {summary["n_techniques"]} techniques have some, the
others are known by their descriptions alone. The folder holds these sentences, which answers show as evidence: pass it
on only as you may pass on the sentences.

{data}

## Measured on {summary["n_validation"]} sentences that chose weights and thresholds

By the same members fitted without them; the model here learned from them too. Figures of rows that chose nothing:
`threatclip evaluate`.

| metric | value | 95% interval | n |
|---|---|---|---|
{metrics}

Weights of the members: {weights}.

{rules}

## Limits

- ATT&CK's own sentences are short and clean; sentences of reports are not. One technique is named for each sentence,
  though some tell of several, and a sentence that tells of none gets low probabilities at best: nothing here learned
  from sentences without a technique.
- Whoever can add sentences to the training data can plant a backdoor: audit the data before training on it.
"""


def _rule(what: str, rule: Mapping[str, Any]) -> str:
    if rule["threshold"] > 1:
        return f"- No probability of a {what} gave {rule['target']:.0%} precision: it is never named."
    return (
        f"- A {what} is named from {rule['threshold']:.3f} on: {rule['coverage']:.1%} of these sentences, "
        f"{rule['precision']:.1%} of them rightly."
    )
