"""One audit from table to report; a stopped one goes on where it was, another look at the same table costs little."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from threatclip import __version__
from threatclip.artifacts import read_json, reading_errors, sha256_file, storage_errors, write_json
from threatclip.attacks.truth import read_truth
from threatclip.defenses.contracts import Evidence
from threatclip.defenses.filters import FILTERS
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.experiments.auditing.encoders import PairEncoder, open_encoder
from threatclip.experiments.auditing.filtering import Scored, chosen_filters, score_pairs
from threatclip.experiments.auditing.given_vectors import PAIR_NAMES, TRUSTED_NAMES, given_vectors, unit_rows
from threatclip.experiments.auditing.judge import judged_metrics
from threatclip.experiments.auditing.leaks import Leaks, find_leaks
from threatclip.experiments.auditing.names import names_of
from threatclip.experiments.auditing.outputs import suspect_rows, write_cleaned, write_scores
from threatclip.experiments.auditing.page import write_page
from threatclip.experiments.auditing.request import Audit
from threatclip.experiments.auditing.rows import TablePairs
from threatclip.experiments.auditing.summary import Findings, summary
from threatclip.experiments.auditing.survey import NOTHING, Survey, survey_table
from threatclip.experiments.auditing.suspects import list_suspects, write_suspects
from threatclip.experiments.auditing.verdict import METHODS, judge_pairs, nothing_judged
from threatclip.experiments.progress import OnProgress, Progress
from threatclip.pairs.inspect import NEAR_DUPLICATE_ROWS
from threatclip.pairs.table import PairTable

WORK, REQUEST, SUMMARY = "work", "request.json", "audit.json"
SCORES, CLEANED, REPORT = "scores.parquet", "cleaned.parquet", "report.html"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """What an audit works on: its tables, what encodes them, and where its own files lie."""

    table: PairTable
    trusted: PairTable | None
    encoder: PairEncoder | None
    encoder_name: str | None
    work: Path

    @property
    def key(self) -> dict[str, Any]:
        """What names the evidence: with the same key the same vectors and scores come out."""
        return {
            "table": self.table.content_hash,
            "trusted": None if self.trusted is None else self.trusted.content_hash,
            "encoder": self.encoder_name,
            "version": __version__,
        }


def run_audit(request: Audit, *, on_progress: OnProgress) -> dict[str, Any]:
    """Audit a table and return what `threatclip audit --json` prints; the table itself is never changed.

    A table of texts or payloads without captions is looked through for leaks alone.

    Raises:
        InputError: the table, the model, the filters or the folder do not fit.
        StorageError: the disk refused; what was finished stays, and the same call goes on from there.
        DamagedArtifactError: a table, model or file of an earlier audit is not what was written.
    """
    names = names_of(request.names)
    truth = None if request.truth is None else read_truth(request.truth)
    filters = chosen_filters(
        {kind: one for kind, one in FILTERS.items() if kind not in METHODS}, request.filters, request.settings
    )
    material = _material(request)
    survey, evidence, trusted_rows = _evidence(request, material, on_progress)
    if not len(survey.rows):
        kinds = [one.kind for one in filters]
        return _written(request.out, _leaks_alone(request, material, survey, kinds, names, on_progress), on_progress)
    scored, left_out = score_pairs(
        filters,
        evidence,
        named=bool(request.filters),
        folder=material.work / "scores",
        key=str(sorted(material.key.items())),
        seed=request.seed,
        on_progress=on_progress,
    )
    verdict = judge_pairs(scored, request, trusted=_trusted_scores(request, material, scored, evidence, on_progress))
    suspects = list_suspects(
        verdict,
        evidence,
        survey,
        material.table,
        trusted=material.trusted,
        trusted_rows=trusted_rows,
        seed=request.seed,
    )
    findings = Findings(
        table=material.table,
        model=request.model or (None if request.vectors is None else str(request.vectors)),
        trusted=material.trusted,
        survey=survey,
        verdict=verdict,
        suspects=tuple(suspects),
        left_out=left_out,
        leaks=_leaks(material.table, names, on_progress),
        metrics={} if truth is None else judged_metrics(truth, material.table, survey, verdict, seed=request.seed),
        drop_top=request.drop_top,
    )
    return _written(request.out, findings, on_progress)


def _leaks_alone(
    request: Audit,
    material: Material,
    survey: Survey,
    kinds: Sequence[str],
    names: Mapping[str, tuple[str, ...]],
    on_progress: OnProgress,
) -> Findings:
    """Return what can be said of a table of which no pair has both a view and a caption.

    Raises:
        InputError: nothing can, or suspects were asked for.
    """
    asked = (request.truth, request.drop_top, request.fpr, request.method, *request.filters, *request.thresholds)
    leaks = _leaks(material.table, names, on_progress)
    if leaks is None or any(one is not None for one in asked):
        raise InputError(f"no pair of {request.table} has both a view and a caption; there is nothing to judge")
    return Findings(
        table=material.table,
        model=None,
        trusted=material.trusted,
        survey=survey,
        verdict=nothing_judged(),
        suspects=(),
        left_out=dict.fromkeys(kinds, "no pair has both a view and a caption"),
        leaks=leaks,
        metrics={},
        drop_top=None,
    )


def _written(out: Path, findings: Findings, on_progress: OnProgress) -> dict[str, Any]:
    """Write every output, the summary last: where it stands, all of it belongs together."""
    steps = 4
    with storage_errors(out):
        (out / SUMMARY).unlink(missing_ok=True)
    on_progress(Progress(stage="write", done=0, total=steps))
    write_suspects(out, findings.suspects)
    write_scores(out / SCORES, findings.table, findings.survey, findings.verdict)
    on_progress(Progress(stage="write", done=1, total=steps))
    cleaned = write_cleaned(out / CLEANED, findings.table, suspect_rows(findings.survey, findings.verdict))
    on_progress(Progress(stage="write", done=2, total=steps))
    write_page(out / REPORT, findings)
    on_progress(Progress(stage="write", done=3, total=steps))
    files = {
        "scores": SCORES,
        "suspects": "suspects.jsonl",
        "report": REPORT,
        **({} if cleaned is None else {"cleaned": CLEANED}),
    }
    told = summary(findings, files={name: str(out / file) for name, file in files.items()}, cleaned=cleaned)
    write_json(out / SUMMARY, told)
    on_progress(Progress(stage="write", done=steps, total=steps))
    return told


def _material(request: Audit) -> Material:
    table = PairTable.open(request.table)
    trusted = None if request.trusted is None else PairTable.open(request.trusted)
    if trusted is not None and trusted.modality != table.modality:
        raise InputError(
            f"{request.trusted} holds {trusted.modality} pairs, {request.table} {table.modality} pairs; "
            "trusted pairs must be of the same modality"
        )
    if trusted is not None and trusted.content_hash == table.content_hash:
        raise InputError(f"{request.trusted} is the audited table itself; trusted pairs must come from elsewhere")
    encoder = None
    name = None
    if request.model is not None:
        encoder = open_encoder(request.model, modality=table.modality, table=request.table)
        name = encoder.name
    elif request.vectors is not None:
        with reading_errors(request.vectors):
            name = f"vectors {sha256_file(request.vectors)}"
    material = Material(table=table, trusted=trusted, encoder=encoder, encoder_name=name, work=request.out / WORK)
    _open_folder(request.out, material.key)
    return material


def _open_folder(out: Path, key: Mapping[str, Any]) -> None:
    """Make the folder of an audit, or find the one that an earlier audit of the same things left.

    Raises:
        InputError: it holds something else, or the audit of something else.
    """
    path = out / WORK / REQUEST
    if path.is_file():
        stored = read_json(path)
        if not isinstance(stored, dict):
            raise DamagedArtifactError(f"{path} is not of an audit; remove the folder {out / WORK}")
        differing = next((name for name in key if stored.get(name) != key[name]), None)
        if differing is not None:
            raise InputError(
                f"{out} holds an audit with another {differing}; choose another folder, or remove that one"
            )
        return
    if out.exists():
        with reading_errors(out):
            if not out.is_dir() or not _only_begun(out):
                raise InputError(f"{out} is no folder, or holds something that is no audit; choose another folder")
    write_json(path, dict(key))


def _only_begun(out: Path) -> bool:
    """Tell whether a folder holds nothing, or what an audit leaves that is stopped before its request is written."""
    unfinished = f".{REQUEST}."
    return all(
        entry.name == WORK and entry.is_dir() and all(part.name.startswith(unfinished) for part in entry.iterdir())
        for entry in out.iterdir()
    )


def _evidence(request: Audit, material: Material, on_progress: OnProgress) -> tuple[Survey, Evidence, np.ndarray]:
    """Return what a pass over the table found, what filters see, and the rows of the trusted table that they see."""
    stage = "read" if material.encoder is None else "encode"
    survey = survey_table(
        material.table,
        material.work / "table",
        encoder=material.encoder,
        stage=stage,
        on_progress=on_progress,
    )
    trusted = None
    if material.trusted is not None:
        trusted = survey_table(
            material.trusted,
            material.work / "trusted",
            encoder=material.encoder,
            stage="encode trusted",
            on_progress=on_progress,
        )
    if request.vectors is not None and len(survey.rows):
        survey, trusted = _with_given(request.vectors, material, survey, trusted)
    evidence = Evidence(
        pairs=TablePairs(material.table, survey.rows),
        modality=material.table.modality,
        views=survey.views,
        captions=survey.captions,
        trusted_views=NOTHING if trusted is None else trusted.views,
        trusted_captions=NOTHING if trusted is None else trusted.captions,
    )
    return survey, evidence, np.empty(0, np.int64) if trusted is None else trusted.rows


def _with_given(path: Path, material: Material, survey: Survey, trusted: Survey | None) -> tuple[Survey, Survey | None]:
    """Return both surveys with the vectors of a file."""
    with given_vectors(path) as given:
        if trusted is None and not given.keys().isdisjoint(TRUSTED_NAMES):
            raise InputError(f"{path} holds vectors of trusted pairs; give their table too")
        views, captions = unit_rows(
            given, PAIR_NAMES, path=path, n_rows=len(survey.states), rows=survey.rows, folder=material.work / "table"
        )
        survey = dataclasses.replace(survey, views=views, captions=captions)
        if trusted is not None:
            views, captions = unit_rows(
                given,
                TRUSTED_NAMES,
                path=path,
                n_rows=len(trusted.states),
                rows=trusted.rows,
                folder=material.work / "trusted",
            )
            if views.shape[1] != survey.views.shape[1]:
                raise InputError(f"{path}: vectors of trusted pairs are of another space; compute both with one model")
            trusted = dataclasses.replace(trusted, views=views, captions=captions)
    return survey, trusted


def _trusted_scores(
    request: Audit, material: Material, scored: list[Scored], evidence: Evidence, on_progress: OnProgress
) -> dict[str, np.ndarray]:
    """Return scores of trusted pairs, by the filters that ran, where a false-positive rate is asked for.

    Every other trusted pair is scored, the rest stay trusted: a pair must not find itself among them.
    """
    if request.fpr is None or material.trusted is None:
        return {}
    rows = np.flatnonzero(np.fromfile(material.work / "trusted" / "states.u8", np.uint8) == 0)
    views, captions = evidence.trusted_views, evidence.trusted_captions
    half = Evidence(
        pairs=TablePairs(material.trusted, rows[::2]),
        modality=evidence.modality,
        views=views[::2],
        captions=captions[::2],
        trusted_views=views[1::2],
        trusted_captions=captions[1::2],
    )
    found, _ = score_pairs(
        [one.filter for one in scored],
        half,
        named=True,
        folder=material.work / "trusted-scores",
        key=str(sorted(material.key.items())),
        seed=request.seed,
        on_progress=on_progress,
    )
    return {one.kind: one.scores for one in found}


def _leaks(table: PairTable, names: Mapping[str, tuple[str, ...]], on_progress: OnProgress) -> Leaks | None:
    """Return what leaks in a table of texts or payloads that is small enough to be searched for near-duplicates."""
    if table.modality == "image" or len(table) > NEAR_DUPLICATE_ROWS:
        return None
    on_progress(Progress(stage="leaks", done=0, total=len(table)))
    leaks = find_leaks(list(table.iter_pairs()), modality=table.modality, names=names)
    on_progress(Progress(stage="leaks", done=len(table), total=len(table)))
    return leaks
