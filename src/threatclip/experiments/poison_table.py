"""Poisoning a pair table on disk: the table for everyone, the truth in a file of its own for the judge."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from threatclip.artifacts import atomic_path
from threatclip.attacks import Attack
from threatclip.attacks.contracts import TriggerStep
from threatclip.attacks.running import check_modality, count_of, looks_into_models, run_attack
from threatclip.attacks.truth import Truth, write_truth
from threatclip.errors import InputError
from threatclip.experiments.progress import OnProgress, Progress
from threatclip.pairs.table import PairTable, write_pairs
from threatclip.seeds import rng

TRUTH_SUFFIX = ".truth.json"


def poison_table(
    attack: Attack,
    table: Path,
    out: Path,
    *,
    count: int | None = None,
    rate: float | None = None,
    seed: int = 0,
    truth: Path | None = None,
    surrogate: Path | None = None,
    on_progress: OnProgress,
) -> dict[str, Any]:
    """Poison `count` rows, or a `rate` of the training rows, of a table and return what was done, without ids.

    The truth is whole on disk before the table appears: a poisoned table never lies there without it.

    Args:
        attack: any of the union.
        table: the clean pair table.
        out: the poisoned one, another file.
        count: rows to poison; either this or `rate`.
        rate: of the rows that a victim trains on.
        seed: stream "poison".
        truth: where the truth goes; beside `out`, with the suffix .truth.json, when None.
        surrogate: run folder or bundle of a dual encoder, for attacks that look into one.
        on_progress: told of the steps.

    Raises:
        InputError: unusable tables, counts or models; the truth exists already.
        StorageError: the disk refused.
    """
    if (count is None) == (rate is None):
        raise InputError("give either a count of rows or a rate of the training rows, not both")
    truth = out.with_suffix(TRUTH_SUFFIX) if truth is None else truth
    _check_places(table, out, truth)
    opened = PairTable.open(table)
    check_modality(attack, opened.modality)
    if surrogate is not None and not looks_into_models(attack):
        raise InputError(f"attack {attack.kind} looks into no model; leave the surrogate out")
    clean = list(opened.iter_pairs())
    wanted = count if count is not None else count_of(clean, rate or 0.0)
    on_progress(Progress(stage="poison", done=0, total=wanted))
    poisoned = run_attack(
        attack,
        clean,
        count=wanted,
        rng=rng(seed, "poison"),
        surrogate=None if surrogate is None else _surrogate(surrogate),
        on_step=lambda step: on_progress(_progress(step)),
    )
    on_progress(Progress(stage="poison", done=wanted, total=wanted))
    with atomic_path(out) as part:
        report = write_pairs(part, poisoned.pairs, modality=opened.modality, split_info=opened.split_info)
        facts = dataclasses.replace(
            poisoned.truth, seed=seed, clean_hash=opened.content_hash, poisoned_hash=report.content_hash
        )
        write_truth(truth, facts)
    return {"path": str(out), "truth": str(truth), "rows": report.rows, **_account(facts, report.rows)}


def _account(truth: Truth, rows: int) -> dict[str, Any]:
    """Return what may be told of a poisoning without telling which rows it is."""
    return {
        "attack": truth.attack["kind"],
        "targets": list(truth.targets),
        "clean_rows": truth.clean_rows,
        "poisoned": len(truth.changes),
        "added": sum(change.added for change in truth.changes),
        "dropped": len(truth.dropped),
        "rate": len(truth.changes) / rows,
        "facts": dict(truth.facts),
        "seed": truth.seed,
        "clean_hash": truth.clean_hash,
        "content_hash": truth.poisoned_hash,
    }


def _check_places(table: Path, out: Path, truth: Path) -> None:
    if truth.exists():
        raise InputError(f"{truth} exists; truth is never overwritten: choose another file or remove it")
    if out.is_dir():
        raise InputError(f"{out} is a folder; name a file for the poisoned table")
    places = {"the clean table": table, "the poisoned table": out, "the truth": truth}
    resolved = [path.resolve() for path in places.values()]
    if len(set(resolved)) < len(resolved):
        raise InputError(f"{', '.join(places)} must be three files; {out} is named twice")


def _surrogate(folder: Path) -> Any:
    from threatclip.attacks.surrogate import DualSurrogate
    from threatclip.experiments.contrastive.bundle import DualBundle

    return DualSurrogate(DualBundle.load(folder).dual)


def _progress(step: TriggerStep) -> Progress:
    return Progress(stage="trigger", done=step.done, total=step.total, facts=step.facts)
