"""The model card of the seed's group classifier: the table of protocols, and why most of it is leaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from threatclip import __version__
from threatclip.experiments.group_seed.recipe import HONEST, SEED_PROTOCOL, GroupSeed

_COLUMNS = ("accuracy", "macro_f1", "weighted_f1", "top_5", "mrr")


def caution_of(table: Mapping[str, Any]) -> str:
    """Return what every answer says of itself: what its probabilities are, and the honest figure."""
    told = "Not calibrated, and it never abstains."
    if HONEST not in table:
        return f"{told} No honest split was judged."
    share, seeds = (table[name]["metrics"]["accuracy"]["value"] for name in (HONEST, SEED_PROTOCOL))
    return (
        f"{told} Names masked, on sentences from reports that were held out, a model trained this way is right in "
        f"{share:.1%} of cases; the {seeds:.1%} of its own test are a leak."
    )


def protocol_table(table: Mapping[str, Any]) -> str:
    """Return the table as Markdown: figures in percent with 95% intervals, and what gives answers away."""
    lines = [
        "| protocol | trained on | judged on | accuracy | macro-F1 | weighted-F1 | top-5 | MRR | own name in text | "
        "copy in training | report in training |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in table.values():
        figures = [_figure(row["metrics"][name]) for name in _COLUMNS]
        leaks = [f"{row['leaks'][name]:.0%}" for name in ("named", "copied", "reported")]
        size = f"{row['n']:,} of {row['n_tested_groups']} groups"
        cells = [row["title"], f"{row['n_train']:,}", size, *figures, *leaks]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def group_seed_card(
    recipe: GroupSeed, summary: Mapping[str, Any], hashes: Mapping[str, str], *, version: str | None
) -> str:
    """Return the card as Markdown with the front matter that model hubs read."""
    data = "\n".join(f"- `{name}` (SHA-256 `{digest}`)" for name, digest in hashes.items())
    return f"""---
library_name: threatclip
pipeline_tag: text-classification
tags: [threat-intelligence, mitre-attack, attribution]
---

# Threat groups from sentences, as AttackGroup-MPNET does it

Trained by threatclip {__version__}, task `{recipe.task}`, seed {recipe.seed}, on ATT&CK {version or "of no version"}.
Input: one sentence; names of groups, campaigns and software are masked before it is read. Output:
{summary["protocols"][SEED_PROTOCOL]["n_groups"]} groups, ranked. Probabilities are those of the softmax: not
calibrated, and the model never abstains.

## Measured

One model for each protocol, with the same settings; the weights here are those of the third row. In percent, 95%
bootstrap intervals: copies of one sentence, and sentences of one incident, are drawn together.

{protocol_table(summary["protocols"])}

**Only the last two rows tell what to expect of a new report.** The others are leaks:

- *as written*: ATT&CK's sentences begin with the name of the group. A model of them reads names.
- *random split*: sentences of one report stand on both sides, and tell the report.
- *augmented, then split*: copies of a sentence with a synonym or two stand on both sides. The test set was trained on.

## How it was made

{_made(recipe, summary)}

## Data

{data}

## Limits

- A single sentence without names hardly identifies a group. Never act on one answer.
- A group that ATT&CK has few sentences on, or did not know, is not an answer; the model names another one instead.
- Whoever can add sentences to the training data can plant a backdoor: audit the data before training on it.
"""


def _made(recipe: GroupSeed, summary: Mapping[str, Any]) -> str:
    base, head, augment = recipe.base, recipe.head, recipe.augmentation
    revision = "" if base.revision is None else f" at `{base.revision}`"
    size = "the largest group's number" if augment.rows_per_group is None else f"{augment.rows_per_group}"
    honest = "after the split, for the other protocols too" if augment.honest_too else "in no other protocol"
    lines = [f"- Base: `{base.source}`{revision}, at most {base.max_tokens} tokens."]
    language = summary["language"]
    if language is None:
        lines.append("- No masked-language tuning.")
    else:
        fresh = ", with a fresh head, which the base has not" if language["new_weights"] else ""
        lines.append(
            f"- Masked-language tuning{fresh}: {language['n_texts']:,} texts, {language['steps']:,} updates, last loss "
            f"{language['loss']:.2f}. No sentence on a group, a campaign or software was among them."
        )
    lines.append(
        f"- Balance: synonyms from WordNet in {augment.share:.0%} of a sentence's words, up to {size} of sentences a "
        f"group; {honest}."
    )
    lines.append(
        f"- Classifier: {head.hidden} hidden units over the last {base.n_trainable_layers} layers (or all there are), "
        f"{head.epochs} epochs, batch {head.batch_rows}, learning rate {head.learning_rate:g} (head: "
        f"{head.learning_rate * head.head_rate:g})."
    )
    return "\n".join(lines)


def _figure(metric: Mapping[str, Any]) -> str:
    return f"{metric['value']:.1%} ({metric['low']:.1%} to {metric['high']:.1%})".replace("%", "")
