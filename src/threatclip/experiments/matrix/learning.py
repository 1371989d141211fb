"""Cells that make a model and judge it: repairs, what later training makes of those, and other trainings."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from threatclip.encoders.dual import DualEncoder
from threatclip.errors import DivergedError
from threatclip.evaluation.retrieval import mean_over_groups
from threatclip.experiments.cells import Cell
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.matrix.desk import Desk
from threatclip.experiments.matrix.methods import method
from threatclip.experiments.matrix.plan import Encoding, Guarded, Rebounding, Repairing, Retraining, work_name
from threatclip.experiments.poisoning.row_scores import RowScores, keep_scores
from threatclip.experiments.poisoning.sweep import model_folder
from threatclip.experiments.poisoning.victim import line_model, new_towers, trained
from threatclip.pairs.pair import Pair
from threatclip.seeds import rng


def judged(desk: Desk) -> dict[str, Any]:
    """Return the figures of the attacked model as it is."""
    return _told(desk, desk.scores(desk.bundle), defense="none", method="none")


def repaired(desk: Desk, work: Repairing) -> dict[str, Any]:
    """Repair the attacked model at one learning rate, keep the result, and return its figures."""
    repair = method("repairs", work.table, where=work.defense)
    return _made(
        desk,
        lambda: repair.repair(desk.suspect(), work.fit, seed=desk.seed),
        defense=work.defense,
        method=repair.kind,
        learning_rate=work.fit.learning_rate,
    )


def rebounded(desk: Desk, work: Rebounding) -> dict[str, Any]:
    """Train a repaired model on the trusted pairs, as an owner does who adapts it later, and return its figures."""
    repairing = work.repairing
    before = repaired_model(desk.cell, f"{_model_name(desk)}--{work_name(repairing)}")
    return _made(
        desk,
        lambda: trained(before.dual, desk.material.trusted, work.later, seed=desk.seed),
        defense=repairing.defense,
        method=str(repairing.table["kind"]),
        learning_rate=repairing.fit.learning_rate,
    )


def guarded(desk: Desk, work: Guarded) -> dict[str, Any]:
    """Train on the poisoned pairs in a way that heeds them less, and return the figures."""
    training = method("trainings", work.table, where=work.defense)

    def make() -> DualEncoder:
        pairs, line, sweep = desk.planted().pairs, desk.attacked.line, desk.attacked.sweep
        scratch = line is not None and line.start == "scratch"
        victim = DualBundle.load(model_folder(desk.folder, f"victim-{desk.seed}"))
        dual = new_towers(sweep, desk.material.pairs.pool, seed=desk.seed) if scratch else victim.dual
        found: DualEncoder = training.train(dual, pairs, work.fit, seed=desk.seed)
        return found

    return _made(desk, make, defense=work.defense, method=training.kind, learning_rate=work.fit.learning_rate)


def encoder(desk: Desk, work: Encoding) -> dict[str, Any]:
    """Train towers on the trusted pairs alone, for the filters of this seed, and return their figures."""
    sweep = desk.attacked.sweep

    def make() -> DualEncoder:
        towers = new_towers(sweep, desk.material.trusted, seed=desk.seed)
        return trained(towers, desk.material.trusted, sweep.victim.fit, seed=desk.seed)

    return _made(desk, make, defense="encoder", method=work.work)


def retrained(desk: Desk, work: Retraining, kept: Callable[[Desk, Retraining], list[Pair]]) -> dict[str, Any]:
    """Train as the attack's line does, on the pairs that `kept` leaves, and return the figures."""
    line, filtering = desk.attacked.line, work.filtering
    if line is None:
        raise ValueError("the victim was not attacked")

    def make() -> DualEncoder:
        victim = model_folder(desk.folder, f"victim-{desk.seed}")
        pool = desk.material.pairs.pool
        return line_model(desk.attacked.sweep, line, pool, kept(desk, work), victim, seed=desk.seed)

    told = _made(desk, make, defense=filtering.defense, method=str(filtering.table["kind"]))
    return {**told, "by": filtering.by, "without": work.without}


def repaired_model(cell: Cell, name: str) -> DualBundle:
    """Return the model that a cell of the same matrix made."""
    return DualBundle.load(model_folder(cell.folder, name))


def _model_name(desk: Desk) -> str:
    return desk.cell.name.partition("--")[0]


def _made(desk: Desk, make: Callable[[], DualEncoder], **facts: Any) -> dict[str, Any]:
    """Make a model, keep it, and return its figures; of one that left the finite numbers, only that it did."""
    began = time.monotonic()
    try:
        dual = make()
    except DivergedError as error:
        return {**_told(desk, {}, **facts), "diverged": str(error)}
    seconds = time.monotonic() - began
    bundle = desk.answering(dual)
    card = f"# {desk.cell.name}\n\nA model of a defense matrix, kept for later cells.\n"
    bundle.save(model_folder(desk.cell.folder, desk.cell.name), card=card)
    return {**_told(desk, desk.scores(bundle), **facts), "defense_seconds": seconds}


def _told(desk: Desk, scores: RowScores, **facts: Any) -> dict[str, Any]:
    keep_scores(desk.cell, scores)
    metrics = mean_over_groups(scores, rng=rng(desk.seed, "bootstrap")) if scores else {}
    return {**desk.about(), **facts, "metrics": {name: metric.as_dict() for name, metric in metrics.items()}}
