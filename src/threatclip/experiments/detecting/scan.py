"""Scanning a model: a score, what stands behind it for each class, and a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from threatclip.defenses.contracts import Scan, Suspect
from threatclip.defenses.scanners import SCANNERS
from threatclip.errors import InputError
from threatclip.experiments.config import as_plain
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.detecting.choice import chosen
from threatclip.experiments.detecting.inputs import trusted_pairs
from threatclip.seeds import rng

FIGURES = ("size", "index", "reached")


def scan_model(
    model: Path, trusted: Path, *, kind: str | None, settings: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """Scan a model and return what was found, as JSON.

    Args:
        model: run folder or bundle of a dual encoder.
        trusted: pair table that somebody vouches for.
        kind: scanner; None: the first that can judge the model's views.
        settings: a table of parameters for the scanner's kind.
        seed: stream "scan/KIND".

    Raises:
        InputError: an unknown scanner or parameter, the wrong modality, or too few trusted pairs.
    """
    bundle = DualBundle.load(model)
    wanted = kind if kind is not None else _fitting(bundle.modality)
    scanner = chosen(SCANNERS, [wanted], settings, modality=bundle.modality, what="scanner")[0]
    pairs = trusted_pairs(trusted, bundle)
    suspect = Suspect(dual=bundle.dual, modality=bundle.modality, prompts=bundle.prompts, trusted=pairs)
    found: Scan = scanner.scan(suspect, rng=rng(seed, f"scan/{scanner.kind}"))
    finding = found.score > scanner.verdict_above
    classes = class_figures(found.facts, list(bundle.prompts))
    first = max(classes, key=lambda one: float(one.get("index", 0.0)), default=None)
    return {
        "model": bundle.model,
        "modality": bundle.modality,
        "scanner": as_plain(scanner),
        "trusted": len(pairs),
        "score": found.score,
        "limit": scanner.verdict_above,
        "finding": finding,
        "suspect": first["label"] if finding and first is not None else None,
        "classes": classes,
        "facts": dict(found.facts),
    }


def class_figures(facts: Mapping[str, float], labels: list[str]) -> list[dict[str, Any]]:
    """Return the figures of each class, and words that move views to it, from a scan's facts `NAME.CLASS[.TEXT]`."""
    words: dict[str, dict[str, float]] = {}
    for name, share in facts.items():
        owners = [label for label in labels if name.startswith(f"word.{label}.")]
        if owners:
            owner = max(owners, key=len)  # T1059 has no word of T1059.001
            words.setdefault(owner, {})[name.removeprefix(f"word.{owner}.")] = share
    found = []
    for label in labels:
        own: dict[str, Any] = {name: facts[f"{name}.{label}"] for name in FIGURES if f"{name}.{label}" in facts}
        if label in words:
            own["words"] = words[label]
        if own:
            found.append({"label": label, **own})
    return found


def _fitting(modality: str) -> str:
    for kind, scanner in SCANNERS.items():
        if modality in scanner.modalities:
            return kind
    raise InputError(f"no scanner judges models of {modality}s; choose from {', '.join(SCANNERS)}")
