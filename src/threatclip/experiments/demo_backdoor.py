"""The second half of the demo: plant a backdoor in sample payloads, show the damage, filter, train again, repair."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.artifacts import read_json, write_json
from threatclip.attacks.payload_backdoor import PayloadBackdoor
from threatclip.attacks.threat_captions import BENIGN
from threatclip.attacks.truth import Truth
from threatclip.defenses.contracts import Evidence, Suspect
from threatclip.defenses.filters.agreement import Agreement
from threatclip.defenses.repairs import Repair
from threatclip.defenses.repairs.clean_clip import CleanClip
from threatclip.defenses.repairs.fine_tuning import FineTuning
from threatclip.encoders.bpe import BpeTower
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.towers import build_tower
from threatclip.evaluation.detection import detection_metrics
from threatclip.evaluation.retrieval import mean_over_groups
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.poisoning.judge import Judge
from threatclip.experiments.poisoning.material import SweepPairs
from threatclip.experiments.progress import OnProgress, Progress
from threatclip.pairs.pair import Pair, view_text
from threatclip.pairs.samples import sample_pairs
from threatclip.pairs.weaknesses import WEAKNESSES
from threatclip.seeds import rng, stream_seed
from threatclip.training.contracts import Step
from threatclip.training.dual.fit import fit_dual
from threatclip.training.dual.prepared import prepare_pairs
from threatclip.training.dual.settings import Fit

RESULT = "backdoor.json"
CLASSES = ("command-injection", "path-traversal", "sql-injection", "ssrf", "xss")
ATTACK = PayloadBackdoor(target=BENIGN, style="parameter")
FILTER = Agreement()
REPAIRS = (FineTuning(), CleanClip())
_SHOWN = ("clean_accuracy_1", "asr_1", "asr_floor_1")
_PAYLOAD_TOWER = BpeTower(dim=48, width=48, layers=1, heads=2, vocabulary=1000, max_tokens=96, dropout=0.0)
_TEXT_TOWER = BpeTower(dim=48, width=32, layers=1, heads=2, vocabulary=300, max_tokens=16, dropout=0.0)
_FIT = Fit(epochs=8, batch_rows=32, learning_rate=3e-3, precision="fp32", visits="pair")
_REPAIR_FIT = replace(_FIT, epochs=10)
_SUSPECTS = 8  # of the filter, shown in the report
_SHOWN_CHARACTERS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of everything: small enough for minutes on two cores."""

    pool: int = 800
    trusted: int = 256
    test: int = 300
    planted: int = 30
    removed: float = 0.1  # share of the pool that the filter takes out
    fit: Fit = _FIT
    repair_fit: Fit = _REPAIR_FIT


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Demo:
    """What every model of the demo is made from and asked."""

    sizes: Sizes
    pool: tuple[Pair, ...]
    trusted: tuple[Pair, ...]
    poisoned: tuple[Pair, ...]
    truth: Truth
    judge: Judge
    on_progress: OnProgress

    @property
    def prompts(self) -> Mapping[str, Sequence[str]]:
        return self.judge.prompts


def run_backdoor(folder: Path, on_progress: OnProgress, *, sizes: Sizes | None = None) -> dict[str, Any]:
    """Train a clean and a poisoned model, a third on filtered pairs, repair the second, and judge all of them.

    What an earlier call found in `folder` is only read again.

    Returns:
        {"rows": [{"model", "metrics", "seconds"}], "attack", "planted", "filter": {"kind", "metrics", "removed",
        "found", "suspects"}, "repairs", "n"}; figures are `clean_accuracy_1`, `asr_1` and `asr_floor_1`.

    Raises:
        StorageError: the disk refused.
    """
    path = folder / RESULT
    if path.is_file():
        found: dict[str, Any] = read_json(path)
        return found
    demo = _prepared(Sizes() if sizes is None else sizes, on_progress)
    clean, clean_seconds = _trained(demo, demo.pool, "clean")
    attacked, attacked_seconds = _trained(demo, demo.poisoned, "poisoned")
    began = time.monotonic()
    filtered = _filtered(demo, attacked)
    scored = time.monotonic() - began
    kept = [pair for pair in demo.poisoned if pair.id not in filtered["removed_ids"]]
    retrained, retrained_seconds = _trained(demo, kept, "filtered")
    models = {
        "clean": (clean, clean_seconds),
        "poisoned": (attacked, attacked_seconds),
        f"{FILTER.kind} filter, trained again": (retrained, scored + retrained_seconds),
    } | {f"{repair.kind} repair": _repaired(demo, repair, attacked) for repair in REPAIRS}
    result = {
        "rows": [
            {"model": name, "metrics": _judged(demo, model, clean), "seconds": seconds}
            for name, (model, seconds) in models.items()
        ],
        "attack": ATTACK.kind,
        "target": ATTACK.target,
        "filter": {name: value for name, value in filtered.items() if name != "removed_ids"},
        "repairs": [repair.kind for repair in REPAIRS],
        "n": {"pool": len(demo.pool), "trusted": len(demo.trusted), "test": len(demo.judge.rows)},
        "planted": len(demo.truth.changes),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_json(path, result)
    return result


def _prepared(sizes: Sizes, on_progress: OnProgress) -> _Demo:
    classes = tuple(sorted((*CLASSES, BENIGN)))
    n = sizes.pool + sizes.trusted + sizes.test
    made = list(sample_pairs(n=n, seed=0, classes=CLASSES, benign_fraction=1 / len(classes)))
    pairs = [_described(made[row]) for row in rng(0, "demo/split").permutation(n)]
    pool = [replace(pair, split="train") for pair in pairs[: sizes.pool]]
    trusted = [replace(pair, split="train") for pair in pairs[sizes.pool : sizes.pool + sizes.trusted]]
    test = [replace(pair, split="test") for pair in pairs[sizes.pool + sizes.trusted :]]
    poisoned = ATTACK.poison(pool, count=sizes.planted, rng=rng(0, "demo/poison"))
    return _Demo(
        sizes=sizes,
        pool=_grouped(pool),
        trusted=_grouped(trusted),
        poisoned=_grouped(poisoned.pairs),
        truth=poisoned.truth,
        judge=Judge(
            pairs=SweepPairs(pool=tuple(pool), test=tuple(test), classes=classes),
            prompts={name: (_words(name),) for name in classes},
            seed=0,
            heads=False,
        ),
        on_progress=on_progress,
    )


def _described(pair: Pair) -> Pair:
    """Return a pair whose caption says its kind and nothing else: towers this small learn that in seconds."""
    label = pair.label or BENIGN
    return replace(pair, label=label, caption=_words(label))


def _words(label: str) -> str:
    return "ordinary traffic" if label == BENIGN else f"an attack: {WEAKNESSES[label].title.lower()}"


def _grouped(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Return pairs of which equal captions are each other's right answers: what a caption says, planted or not."""
    return tuple(replace(pair, group=pair.caption) for pair in pairs)


def _trained(demo: _Demo, pairs: Sequence[Pair], name: str) -> tuple[DualEncoder, float]:
    """Return a model trained from scratch on pairs, and the seconds it took."""
    began = time.monotonic()
    dual = _new(demo)
    prepared = prepare_pairs(pairs, dual)
    fit_dual(dual, prepared, demo.sizes.fit, seed=0, on_step=_teller(demo, name, demo.sizes.fit, len(pairs)))
    return dual, time.monotonic() - began


def _repaired(demo: _Demo, repair: Repair, attacked: DualEncoder) -> tuple[DualEncoder, float]:
    began = time.monotonic()
    fit = demo.sizes.repair_fit
    suspect = Suspect(dual=deepcopy(attacked), modality="payload", prompts=demo.prompts, trusted=demo.trusted)
    dual = repair.repair(suspect, fit, seed=0, on_step=_teller(demo, repair.kind, fit, len(demo.trusted)))
    return dual, time.monotonic() - began


def _new(demo: _Demo) -> DualEncoder:
    """Return untrained towers; all models start from the same."""
    texts = [pair.caption or "" for pair in demo.pool]
    texts += [text for prompts in demo.prompts.values() for text in prompts]
    payloads = [view_text(pair.view) for pair in demo.pool]
    return DualEncoder(
        view_tower=build_tower(_PAYLOAD_TOWER, seed=0, texts=payloads),
        text_tower=build_tower(_TEXT_TOWER, seed=stream_seed(0, "text"), texts=texts),
    )


def _teller(demo: _Demo, name: str, fit: Fit, n_pairs: int) -> Callable[[Step], None]:
    total = fit.epochs * (n_pairs // fit.batch_rows)

    def tell(step: Step) -> None:
        demo.on_progress(Progress(stage=f"backdoor/{name}", done=step.step, total=total, facts=step.losses))

    return tell


def _filtered(demo: _Demo, attacked: DualEncoder) -> dict[str, Any]:
    """Score the poisoned pairs by the model that learned them; tell what the filter takes out, and what was planted."""
    pairs = demo.poisoned
    model, trusted = _bundle(demo, attacked), demo.trusted
    evidence = Evidence(
        pairs=pairs,
        modality="payload",
        views=model.view_vectors([pair.view for pair in pairs]),
        captions=model.text_vectors([pair.caption or "" for pair in pairs]),
        trusted_views=model.view_vectors([pair.view for pair in trusted]),
        trusted_captions=model.text_vectors([pair.caption or "" for pair in trusted]),
    )
    scores = FILTER.scores(evidence, rng=rng(0, "demo/filter"))
    order = np.argsort(-scores, kind="stable")
    removed = order[: round(demo.sizes.removed * len(pairs))]
    planted = np.array(demo.truth.mask([pair.id for pair in pairs]), dtype=bool)
    metrics = detection_metrics(scores, planted, rng=rng(0, "demo/detection"))
    first = order[:_SUSPECTS].tolist()
    reasons = FILTER.reasons(evidence, scores, first)
    return {
        "kind": FILTER.kind,
        "metrics": {name: metric.as_dict() for name, metric in metrics.items()},
        "removed": len(removed),
        "found": int(planted[removed].sum()),
        "removed_ids": {pairs[row].id for row in removed.tolist()},
        "suspects": [
            {
                "id": pairs[row].id,
                "caption": pairs[row].caption,
                "planted": bool(planted[row]),
                "reason": reason,
                "payload": view_text(pairs[row].view)[:_SHOWN_CHARACTERS],
            }
            for row, reason in zip(first, reasons, strict=True)
        ],
    }


def _judged(demo: _Demo, model: DualEncoder, clean: DualEncoder) -> dict[str, Any]:
    asked, floor = _bundle(demo, model), _bundle(demo, clean)
    scores = demo.judge.utility(asked) | demo.judge.backdoor(asked, floor, ATTACK)
    found = mean_over_groups({name: scores[name] for name in _SHOWN}, rng=rng(0, "demo/bootstrap"))
    return {name: metric.as_dict() for name, metric in found.items()}


def _bundle(demo: _Demo, dual: DualEncoder) -> DualBundle:
    return DualBundle(dual=dual, modality="payload", prompts=demo.prompts)
