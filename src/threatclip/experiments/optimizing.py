"""The fastest back end that answers as the original does: measured on this machine, refused under a stated bound."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from threatclip import __version__
from threatclip.artifacts import MANIFEST, atomic_folder, write_json, write_text
from threatclip.encoders.encode import Encoder, encode, engine_encoder
from threatclip.encoders.engines import BACKENDS, OFFERED, PRECISIONS, Backend, EnginePrecision, EngineSpec, quantized
from threatclip.encoders.onnx_export import export_onnx, length_step, why_not
from threatclip.encoders.towers import Tower
from threatclip.errors import InputError, NotInstalledError
from threatclip.experiments.bundle_engines import ENGINES, GRAPHS
from threatclip.experiments.classifier import PayloadClassifier
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.progress import OnProgress, Progress
from threatclip.experiments.run_folder import PAIRS, bundle_folder
from threatclip.experiments.tasks import bundle_kind
from threatclip.pairs.table import PairTable

_TIMED_ROWS, _TIMED_SINGLES, _ROUNDS = 256, 48, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What may be chosen: "auto" is everything that is installed, torch included.

    `min_agreement` bounds from below both the share of sample rows with the original's best answer and the mean cosine
    to the original's vectors. `single` times one row at a time instead of batches.
    """

    backend: str = "auto"
    precision: str = "auto"
    min_agreement: float = 0.99
    rows: int = 512
    single: bool = False

    def __post_init__(self) -> None:
        for name, value, known in (
            ("--backend", self.backend, BACKENDS),
            ("--precision", self.precision, PRECISIONS),
        ):
            if value not in ("auto", *known):
                raise InputError(f"{name} {value!r} is not one of auto, {', '.join(known)}")
        if not 0 <= self.min_agreement <= 1:
            raise InputError(f"--min-agreement is {self.min_agreement}; it is a share, in [0, 1]")
        if self.rows < 2:
            raise InputError(f"--rows is {self.rows}; give at least 2")

    @property
    def candidates(self) -> list[tuple[Backend, EnginePrecision]]:
        """The combinations that may be chosen.

        Raises:
            InputError: there is none.
        """
        found = [
            (backend, precision)
            for backend, precision in OFFERED
            if self.backend in ("auto", backend) and self.precision in ("auto", precision)
        ]
        if not found:
            there = ", ".join(f"{backend} {precision}" for backend, precision in OFFERED)
            raise InputError(f"no {self.backend} in {self.precision}; there are {there}")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineTrial:
    """What was measured of one back end; `reason` says why it could not be, or may not be chosen."""

    backend: str
    precision: str
    rows_per_cpu_s: float | None = None
    agreement: float | None = None  # share of rows with the original's best answer
    mean_cosine: float | None = None
    least_cosine: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Target:
    """A tower, rows of what it reads, and what is answered by its vectors: the number of the best answer."""

    name: str
    tower: Tower
    views: Sequence[bytes]
    best: Callable[[np.ndarray], np.ndarray]


def optimize(run: Path, out: Path, *, wanted: Wanted, pairs: Path | None, on_progress: OnProgress) -> dict[str, Any]:
    """Write the bundle of `run` to `out` with the fastest back end for each tower that answers as the original does.

    Args:
        run: a bundle, or the folder of the run that wrote it.
        out: folder of the new bundle.
        wanted: what may be chosen, and how far it may differ.
        pairs: rows to measure on; None: the run's own.
        on_progress: told of every trial.

    Raises:
        InputError: no bundle, one of another kind, no rows, towers that cannot be exported, or none that agrees.
        NotInstalledError: the back end that was asked for by name is not installed.
        StorageError: the disk refused.
    """
    source = bundle_folder(run)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # threads that wait for each other would be counted as work
    try:
        return _optimized(run, source, out, wanted, pairs, on_progress)
    finally:
        torch.set_num_threads(threads)


def _optimized(
    run: Path, source: Path, out: Path, wanted: Wanted, pairs: Path | None, on_progress: OnProgress
) -> dict[str, Any]:
    if out.resolve() == source.resolve():
        raise InputError(f"{out} is the bundle itself; choose another folder")
    targets, left_out = _targets(run, _table(run, pairs), wanted.rows)
    candidates = wanted.candidates
    with tempfile.TemporaryDirectory() as scratch:
        chosen: dict[str, EngineSpec] = {}
        measured: dict[str, Any] = {}
        for number, target in enumerate(targets):

            def told(done: int, before: int = number * len(candidates)) -> None:
                on_progress(Progress(stage="back ends", done=before + done, total=len(targets) * len(candidates)))

            trials = _trials(target, candidates, Path(scratch), wanted, told)
            best = _best(target, trials, wanted)
            chosen[target.name] = best
            measured[target.name] = {
                "chosen": f"{best.backend} {best.precision}",
                "rows": len(target.views),
                "trials": [asdict(trial) for trial in trials],
            }
        facts = {
            "bound": wanted.min_agreement,
            "timed": "one row at a time" if wanted.single else "batches",
            "measured": measured,
            "left_out": left_out,
        }
        _write(source, out, chosen, facts, Path(scratch))
    return {"bundle": str(out), "source": str(source), **facts}


def _table(run: Path, pairs: Path | None) -> PairTable:
    own = run / PAIRS
    if pairs is None and not own.is_file():
        raise InputError(f"{run} has no pairs of its own to measure on; name a table, as in --pairs TABLE")
    return PairTable.open(own if pairs is None else pairs)


def _targets(run: Path, table: PairTable, n_rows: int) -> tuple[list[_Target], dict[str, str]]:
    """Return what can be exported, and why the rest cannot."""
    kind = bundle_kind(run)
    rows = table.take(np.unique(np.linspace(0, len(table) - 1, min(n_rows, len(table))).astype(int)))
    views = [pair.view for pair in rows if pair.view]
    left_out: dict[str, str] = {}
    if kind == "payload-weakness":
        classifier = PayloadClassifier.load(run)
        found = [_Target(name="payload", tower=classifier.payload_tower, views=views, best=_answers(classifier, views))]
        left_out["text"] = "not read when a payload is answered; its weights are kept"
    elif kind == "dual-encoder":
        bundle = DualBundle.load(run)
        captions = [pair.caption.encode("utf-8", "replace") for pair in rows if pair.caption]
        sides = {"view": (bundle.dual.view_tower, views), "text": (bundle.dual.text_tower, captions)}
        found = [_Target(name=name, tower=tower, views=own, best=_nearest) for name, (tower, own) in sides.items()]
    else:
        raise InputError(f"a bundle of kind {kind!r} is not optimized; kinds payload-weakness and dual-encoder are")
    for target in found:
        reason = why_not(target.tower) or ("no rows of it in the table" if len(target.views) < 2 else None)
        if reason is not None:
            left_out[target.name] = reason
    kept = [target for target in found if target.name not in left_out]
    if not kept:
        raise InputError(f"nothing to optimize in {run}: " + "; ".join(f"{k}: {v}" for k, v in left_out.items()))
    return kept, left_out


def _answers(classifier: PayloadClassifier, views: Sequence[bytes]) -> Callable[[np.ndarray], np.ndarray]:
    def best(vectors: np.ndarray) -> np.ndarray:
        found: np.ndarray = classifier.pool.probabilities(classifier.members.scores(views, vectors)).argmax(axis=1)
        return found

    return best


def _nearest(vectors: np.ndarray) -> np.ndarray:
    """Return each row's nearest other row: what a search among these rows would find first."""
    found: np.ndarray = (vectors @ vectors.T - 2 * np.eye(len(vectors))).argmax(axis=1)
    return found


def _trials(
    target: _Target,
    candidates: Sequence[tuple[Backend, EnginePrecision]],
    scratch: Path,
    wanted: Wanted,
    told: Callable[[int], None],
) -> list[EngineTrial]:
    reference = encode(target.tower, target.views, precision="fp32")
    answers = target.best(reference)
    trials = []
    for number, (backend, precision) in enumerate(candidates):
        told(number)
        try:
            encoder = engine_encoder(target.tower, _prepared(target, backend, precision, scratch), scratch)
        except (NotInstalledError, InputError) as error:
            if len(candidates) == 1 or (wanted.backend == backend and isinstance(error, NotInstalledError)):
                raise
            trials.append(EngineTrial(backend=backend, precision=precision, reason=str(error)))
            continue
        vectors = encoder(target.views)
        cosines = (vectors * reference).sum(axis=1)
        trials.append(
            EngineTrial(
                backend=backend,
                precision=precision,
                rows_per_cpu_s=_rows_per_cpu_s(encoder, target.views, single=wanted.single),
                agreement=float((target.best(vectors) == answers).mean()),
                mean_cosine=float(cosines.mean()),
                least_cosine=float(cosines.min()),
            )
        )
    told(len(candidates))
    return trials


def _prepared(target: _Target, backend: Backend, precision: EnginePrecision, scratch: Path) -> EngineSpec:
    """Return the spec of a back end, its graph written to `scratch`; fp32 and bf16 share one."""
    if backend == "torch":
        return EngineSpec(backend=backend, precision=precision, file=None)
    plain, small = scratch / f"{target.name}.onnx", scratch / f"{target.name}-int8.onnx"
    if not plain.is_file():
        export_onnx(target.tower, plain)
    if precision == "int8" and not small.is_file():
        quantized(plain, small)
    file = small if precision == "int8" else plain
    return EngineSpec(backend=backend, precision=precision, file=file.name, length_step=length_step(target.tower))


def _rows_per_cpu_s(encoder: Encoder, views: Sequence[bytes], *, single: bool) -> float:
    """Return rows per second of the processor's time: a busy machine says little by the clock on the wall."""
    timed = list(views[: _TIMED_SINGLES if single else _TIMED_ROWS])
    encoder(timed[:1])
    least = float("inf")
    for _ in range(_ROUNDS):
        began = time.process_time()
        if single:
            for view in timed:
                encoder([view])
        else:
            encoder(timed)
        least = min(least, time.process_time() - began)
    return len(timed) / max(least, 1e-9)


def _best(target: _Target, trials: Sequence[EngineTrial], wanted: Wanted) -> EngineSpec:
    measured = [trial for trial in trials if trial.reason is None]
    agreeing = [trial for trial in measured if _least(trial) >= wanted.min_agreement]
    if not agreeing:
        said = "; ".join(
            f"{trial.backend} {trial.precision}: {trial.reason or f'{_least(trial):.4f}'}" for trial in trials
        )
        raise InputError(
            f"no back end agrees with the original of the {target.name} tower in {wanted.min_agreement:.4g} of "
            f"{len(target.views)} rows and in mean cosine ({said}); nothing was written"
        )
    best = max(agreeing, key=lambda trial: trial.rows_per_cpu_s or 0.0)
    file = None
    if best.backend != "torch":
        file = f"{target.name}-int8.onnx" if best.precision == "int8" else f"{target.name}.onnx"
    return EngineSpec.from_plain(
        {
            "backend": best.backend,
            "precision": best.precision,
            "file": file,
            "length_step": length_step(target.tower) if file else 1,
        }
    )


def _least(trial: EngineTrial) -> float:
    return min(trial.agreement or 0.0, trial.mean_cosine or 0.0)


def _write(source: Path, out: Path, chosen: dict[str, EngineSpec], facts: dict[str, Any], scratch: Path) -> None:
    with atomic_folder(out, manifest={"kind": bundle_kind(source), "version": __version__}) as part:
        for path in sorted(source.rglob("*")):
            name = path.relative_to(source)
            if path.is_file() and str(name) not in (MANIFEST, ENGINES) and name.parts[0] != GRAPHS:
                (part / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, part / name)
        (part / GRAPHS).mkdir()
        for spec in chosen.values():
            if spec.file is not None:
                shutil.copyfile(scratch / spec.file, part / GRAPHS / spec.file)
        towers = {name: spec.as_plain() for name, spec in chosen.items()}
        write_json(part / ENGINES, {"towers": towers, **facts})
        card = (part / "README.md").read_text(encoding="utf-8") if (part / "README.md").is_file() else ""
        write_text(part / "README.md", card.rstrip("\n") + "\n\n" + _card(facts))


def _card(facts: dict[str, Any]) -> str:
    lines = ["## Optimized", "", f"Fastest back end of those that agree with the original in {facts['bound']:.4g}."]
    for name, one in facts["measured"].items():
        lines += [
            "",
            f"Tower `{name}`: {one['chosen']}, chosen on {one['rows']:,} rows ({facts['timed']}).",
            "",
            "| back end | rows per CPU second | same best answer | mean cosine | least cosine |",
            "|---|---|---|---|---|",
        ]
        for trial in one["trials"]:
            if trial["reason"] is None:
                lines.append(
                    f"| {trial['backend']} {trial['precision']} | {trial['rows_per_cpu_s']:.1f} "
                    f"| {trial['agreement']:.4f} | {trial['mean_cosine']:.5f} | {trial['least_cosine']:.5f} |"
                )
    return "\n".join(lines) + "\n"
