"""How a report writes things down: figures with their units, hostile text made harmless and visible."""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from threatclip.experiments.report_data import Estimate

DASH = "–"
MINUS = "−"
PAYLOAD_CHARACTERS = 400

Unit = Literal["percent", "number"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricInfo:
    """What a metric is called, what it says in plain words, and how its figures are written."""

    title: str
    meaning: str = ""
    unit: Unit = "number"
    higher_is_better: bool = True


_METRICS: Mapping[str, MetricInfo] = {
    "accuracy": MetricInfo(title="Accuracy", meaning="share of rows whose first answer is right", unit="percent"),
    "macro_f1": MetricInfo(
        title="Macro-F1", meaning="mean F1 over classes: a rare class counts as much as a common one", unit="percent"
    ),
    "weighted_f1": MetricInfo(
        title="Weighted F1", meaning="mean F1 over classes, each by its number of rows", unit="percent"
    ),
    "mrr": MetricInfo(title="Mean reciprocal rank", meaning="1 if the right class is always ranked first"),
    "ece": MetricInfo(
        title="Calibration error (ECE)",
        meaning="mean gap between stated confidence and share of right answers; lower is better",
        unit="percent",
        higher_is_better=False,
    ),
    "brier": MetricInfo(
        title="Brier score", meaning="squared error of the probabilities; lower is better", higher_is_better=False
    ),
    "nll": MetricInfo(
        title="Negative log-likelihood", meaning="surprise at the truth; lower is better", higher_is_better=False
    ),
    "coverage": MetricInfo(
        title="Coverage", meaning="share of rows that are answered at the abstention threshold", unit="percent"
    ),
    "selective_accuracy": MetricInfo(
        title="Accuracy of answers given",
        meaning="share of right ones among the rows that are answered",
        unit="percent",
    ),
    "roc_auc_macro": MetricInfo(title="ROC AUC, macro", meaning="area under the ROC curve, mean over classes"),
    "pr_auc_macro": MetricInfo(title="PR AUC, macro", meaning="area under precision-recall, mean over classes"),
    "pr_auc_micro": MetricInfo(title="PR AUC, micro", meaning="area under precision-recall over all decisions"),
    "base_rate": MetricInfo(title="Base rate", meaning="the PR AUC, macro, of a random ranking of many rows"),
    "matching_accuracy": MetricInfo(
        title="Matching accuracy",
        meaning="share of views whose own caption is nearer than all others of a random pool",
        unit="percent",
    ),
}


_ATTACK: Mapping[str, tuple[str, str]] = {
    "asr": ("ASR", "share of triggered views of other classes with the attacker's class in the first"),
    "asr_floor": ("ASR floor", "the same without the poison: how often a clean model says so; in the first"),
    "hit": ("Attack hit", "share of the attacker's queries with a picture of the target in the first"),
    "clean_accuracy": ("Clean accuracy", "share of clean views with the right class in the first"),
}


def metric_info(name: str) -> MetricInfo:
    """Return how a metric of that published name is shown; an unknown one keeps its name and plain numbers."""
    if name in _METRICS:
        return _METRICS[name]
    if match := re.fullmatch(r"top_(\d{1,3})", name):
        return MetricInfo(
            title=f"Top {match[1]}",
            meaning=f"share of rows with the right class in the first {match[1]}",
            unit="percent",
        )
    if match := re.fullmatch(r"(i2t|t2i)_r_(\d{1,4})", name):
        query, found = ("view", "caption") if match[1] == "i2t" else ("caption", "view")
        return MetricInfo(
            title=f"{query.capitalize()} to {found}, R@{match[2]}",
            meaning=f"share of {query}s with a {found} of their own among the {match[2]} nearest of the whole gallery",
            unit="percent",
        )
    if match := re.fullmatch(r"(?:([a-z]{1,20})\.)?(asr|asr_floor|hit|clean_accuracy)_(\d{1,3})", name):
        title, meaning = _ATTACK[match[2]]
        by = f", by {match[1]}" if match[1] else ""
        return MetricInfo(
            title=f"{title}@{match[3]}{by}",
            meaning=f"{meaning} {match[3]}",
            unit="percent",
            higher_is_better=match[2] == "clean_accuracy",
        )
    if match := re.fullmatch(r"coverage_at_precision_(\d{1,2})", name):
        meaning = f"share of rows that could be answered, surest first, with {match[1]}% of answers right"
        return MetricInfo(title=f"Coverage at {match[1]}% precision", meaning=meaning, unit="percent")
    return MetricInfo(title=name.replace("_", " "))


def figure(value: float | None, unit: Unit) -> str:
    """Write one figure: `71.2%` or `0.823`; a dash for None."""
    if value is None:
        return DASH
    text = f"{100 * value:.1f}%" if unit == "percent" else f"{value:.3f}"
    return text.replace("-", MINUS)


def interval(estimate: Estimate, unit: Unit) -> str:
    """Write the interval of an estimate without its unit: `68.1–74.2`; a dash if either end is None."""
    if estimate.low is None or estimate.high is None:
        return DASH
    low, high = (figure(end, unit).removesuffix("%") for end in (estimate.low, estimate.high))
    return f"{low} to {high}" if estimate.low < 0 else f"{low}{DASH}{high}"


def points(value: float | None) -> str:
    """Write a difference of two fractions in signed points of a percent: `+3.9`; a dash for None."""
    if value is None:
        return DASH
    text = f"{100 * value:+.1f}"
    return text[1:] if text in ("+0.0", "-0.0") else text.replace("-", MINUS)


def points_interval(estimate: Estimate) -> str:
    """Write the interval of a difference in points: `−1.2 to +3.4`; a dash if either end is None."""
    if estimate.low is None or estimate.high is None:
        return DASH
    return f"{points(estimate.low)} to {points(estimate.high)}"


def loss(value: float | None) -> str:
    """Write a difference of which only a negative sign needs saying: `3.9`, `−1.2`."""
    return points(value).removeprefix("+")


def share(value: float | None) -> str:
    """Write a fraction that people chose, in as few digits as it has: `90%`."""
    return DASH if value is None else f"{100 * value:.6g}%"


def count(value: float | None) -> str:
    """Write a number of things: `12,345`; a dash for None."""
    return DASH if value is None else f"{value:,.0f}"


def p_value(value: float | None) -> str:
    """Write a p-value with its sign of equality: `p = 0.021`, `p < 0.0001`."""
    if value is None:
        return f"p {DASH}"
    if value < 1e-4:
        return "p\u00a0<\u00a00.0001"
    return f"p\u00a0=\u00a0{value:.4f}" if value < 0.01 else f"p\u00a0=\u00a0{value:.2f}"


def joined(items: Sequence[str]) -> str:
    """Write a list in words: `a, b and c`."""
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NAMES = {"\x00": "NUL", "\t": "TAB", "\n": "LF", "\r": "CR", "\x1b": "ESC", "\x7f": "DEL"}


def visible(text: str) -> str:
    """Show what a reader could not see, or would be misled by: control, bidirectional, zero-width, lone surrogates.

    They become `‹NUL›`, `‹U+202E›` (signs that every font has); line feeds and tabs stay. Idempotent.
    """
    return "".join(_mark(c) if c not in "\n\t" and _unseen(c) else c for c in text)


def _unseen(c: str) -> bool:
    return unicodedata.category(c) in _UNSEEN_CATEGORIES


def _mark(c: str) -> str:
    return f"‹{_NAMES.get(c) or f'U+{ord(c):04X}'}›"


def defang(text: str) -> str:
    """Make web addresses unclickable: `hxxp[://]`."""
    return re.sub(r"(?i)\bhttp(s?)(?=:|%3a)", r"hxxp\1", text).replace("://", "[://]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """The start of a payload, safe to show, and how many of its characters are `hidden`.

    `pieces` are (is a mark, text): the marks stand for characters that cannot be seen, and are set apart from a
    payload that only spells them. A line feed is marked and kept.
    """

    pieces: tuple[tuple[bool, str], ...]
    hidden: int


def excerpt(payload: str, *, limit: int = PAYLOAD_CHARACTERS) -> Excerpt:
    """Return the first `limit` characters of a payload, defanged, with every control character shown."""
    pieces = []
    for unseen, run in itertools.groupby(defang(payload[:limit]), key=_unseen):
        characters = list(run)
        pieces.append((unseen, "".join(_mark(c) + "\n" * (c == "\n") if unseen else c for c in characters)))
    return Excerpt(pieces=tuple(pieces), hidden=max(0, len(payload) - limit))


def flattened(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the leaves of nested tables as (dotted key, value written as JSON); a list is a leaf."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from flattened(item, f"{path}.{key}" if path else str(key))
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        yield path, text
