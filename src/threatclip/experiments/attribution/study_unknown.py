"""The part of the document on "unknown": how often a group is named, how often rightly, and what of strangers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import beta

from threatclip.experiments.attribution.model import leads
from threatclip.experiments.attribution.recipe import AttributionStudy
from threatclip.experiments.attribution.study_cells import read_cell
from threatclip.experiments.report_text import DASH
from threatclip.experiments.study_markdown import percent, table

_SHARES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Named:
    """Of incidents: the lead of the first group over the second, whether it is the right one, whether it was named."""

    confidence: np.ndarray
    right: np.ndarray
    named: np.ndarray


def unknown_blocks(study: AttributionStudy, out: Path) -> list[str]:
    """Return the blocks of the document."""
    rows, pooled = [], []
    for level in ("incident", "sentence"):
        own = [one for seed in study.seeds if (one := _named(out, f"model-H{seed}", level)) is not None]
        if own:
            rows.append((f"{level}s of split H", *_shares(own)))
            pooled += own if level == "incident" else []
    known = [one for seed in study.unseen_seeds if (one := _named(out, f"unseen-H{seed}", "known")) is not None]
    if known:
        rows.append(("incidents of the groups left, a fifth of the groups held out whole", *_shares(known)))
    strangers = [said for seed in study.unseen_seeds if (said := _strangers(out, f"unseen-H{seed}")) is not None]
    blocks = [
        "## Knowing when not to answer",
        "The model names a group only where it reached 70% precision on inner splits of the training rows, groups held "
        "out whole among them. Coverage is the share of inputs for which a group is named.",
        table(("inputs", "n", "coverage", "named", "precision (95%, exact)"), rows),
    ]
    if strangers:
        named = np.concatenate(strangers)
        blocks.append(
            f"Groups never seen in training: {len(named)} incidents of {len(strangers)} seeds, of which "
            f'{percent(float(1 - named.mean()))}% are answered "unknown" ({_exact(int((~named).sum()), len(named))}).'
        )
    if pooled:
        blocks += ["Precision, were those named in which the first group leads most:", _curve(pooled)]
    return blocks


def _named(out: Path, name: str, level: str) -> Named | None:
    split, tensors, _ = read_cell(out, name)
    if split is None:
        return None
    probabilities = tensors[f"{level} probabilities"]
    truth = split.truth if level == "sentence" else tuple(dict(zip(split.incidents, split.truth, strict=True)).values())
    best = np.array(split.groups, dtype=object)[probabilities.argmax(axis=1)]
    return Named(
        confidence=leads(probabilities),
        right=np.array(best == np.array(truth, dtype=object)),
        named=tensors[f"{level} answered"].astype(bool),
    )


def _strangers(out: Path, name: str) -> np.ndarray | None:
    split, tensors, _ = read_cell(out, name)
    return None if split is None else tensors["hidden answered"].astype(bool)


def _shares(parts: Sequence[Named]) -> tuple[str, ...]:
    named = np.concatenate([one.named for one in parts])
    right = np.concatenate([one.right for one in parts])[named]
    precision = f"{percent(float(right.mean()))} ({_exact(int(right.sum()), len(right))})" if len(right) else DASH
    return (f"{len(named):,}", percent(float(named.mean())), f"{len(right):,}", precision)


def _curve(parts: Sequence[Named]) -> str:
    confidence = np.concatenate([one.confidence for one in parts])
    right = np.concatenate([one.right for one in parts])[np.argsort(-confidence, kind="stable")]
    rows = []
    for share in _SHARES:
        n = max(1, round(share * len(right)))
        rows.append(
            (percent(share), f"{n:,}", f"{percent(float(right[:n].mean()))} ({_exact(int(right[:n].sum()), n)})")
        )
    return table(("coverage", "named", "precision (95%, exact)"), rows)


def _exact(right: int, n: int) -> str:
    """Return the Clopper-Pearson interval of a share in percent."""
    low = 0.0 if right == 0 else float(beta.ppf(0.025, right, n - right + 1))
    high = 1.0 if right == n else float(beta.ppf(0.975, right + 1, n - right))
    return f"{percent(low)}–{percent(high)}"
