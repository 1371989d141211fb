"""`threatclip classify`: ranked, calibrated answers for payloads from anywhere."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from threatclip.cli.answer_lines import for_people
from threatclip.cli.inputs import Inputs
from threatclip.cli.options import Json, Quiet, SkipBad
from threatclip.cli.terminal import json_line, progress, say, show_json
from threatclip.errors import BadRow, BadRowsError, InputError

if TYPE_CHECKING:
    from threatclip.experiments.progress import OnProgress
    from threatclip.experiments.tasks import Classifier
    from threatclip.pairs.pair import Pair
    from threatclip.pairs.sources.rows import Row

_BATCH_ROWS, _BATCH_BYTES = 256, 2**24
_SHOWN_BAD_ROWS = 20
_KEPT_BAD_ROWS = 1000

Write = Callable[[str], object]


def classify(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of `threatclip train`, or a bundle.")],
    stdin: Annotated[
        str | None, typer.Argument(metavar="[-]", show_default=False, help="Read one raw payload from stdin.")
    ] = None,
    eve: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Suricata EVE JSON, plain or gzip'd; repeatable.")
    ] = None,
    text: Annotated[list[str] | None, typer.Option(metavar="STRING", help="One payload; repeatable.")] = None,
    file: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="One payload per file, raw bytes; repeatable.")
    ] = None,
    post: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="Posts: JSON of id, text and picture (a file's name, or base64), JSON Lines, Parquet, or a folder of "
            "posts or pictures; repeatable.",
        ),
    ] = None,
    pairs: Annotated[Path | None, typer.Option(metavar="TABLE", help="The views of a pair table.")] = None,
    report: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="Reports in text, Markdown, HTML or PDF, or a folder of them: one answer for all sentences of each "
            "(models of groups), or one for each sentence (other models of texts); repeatable.",
        ),
    ] = None,
    catalogue: Annotated[
        Path | None,
        typer.Option(metavar="TOML", help="Events and their prompts in place of the model's own (zero-shot models)."),
    ] = None,
    jsonl: Annotated[
        bool,
        typer.Option("--jsonl", help="stdin and --file hold JSON Lines: id, and view (text) or view_base64."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write JSON Lines here, whole or not at all.")
    ] = None,
    skip_bad: SkipBad = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Name weaknesses, events, groups, techniques.

    For each: all classes ranked with calibrated probabilities, "don't know" where the model should, and evidence.

    With --json, one JSON line per input on stdout; with -o and --json, one JSON object that counts them.
    """
    from threatclip.experiments.tasks import load_classifier

    inputs = Inputs(
        stdin=stdin,
        eve=eve or [],
        text=text or [],
        file=file or [],
        pairs=pairs,
        post=post or [],
        jsonl=jsonl,
        report=report or [],
    )
    rows = inputs.rows()  # tells what is wrong with the command before the model is loaded
    classifier = load_classifier(run, catalogue=catalogue)
    inputs.check_fit(classifier.modality)
    tally = _Tally()

    def refuse(row: BadRow) -> None:
        tally.refuse(row)
        if not skip_bad:
            raise _bad_rows(tally, out)

    pooled = _pooled(classifier, run, refuse) if report else None
    answered = pooled or classifier.classify_pairs
    unseen = quiet or (out is None and sys.stdout.isatty())  # bars and answers would write over each other
    with progress(quiet=unseen) as on_progress, _written(out) as write:
        line = json_line if as_json or out is not None else for_people
        for pair_batch in (_reports if pooled else _batches)(tally.pairs(rows, skip_bad=skip_bad)):
            answers = answered(pair_batch)
            for answer in answers:
                write(line(answer))
            tally.count(answers, on_progress)
        if tally.bad and not skip_bad:
            raise _bad_rows(tally, out)
    tally.say()
    if out is not None and as_json:
        show_json({"answers": str(out), "model": classifier.model, **tally.as_dict()})


@dataclass(slots=True)
class _Tally:
    n: int = 0
    abstained: int = 0
    bad: int = 0
    bad_rows: list[BadRow] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    def pairs(self, rows: Iterable[Row], *, skip_bad: bool) -> Iterator[Pair]:
        """Yield the pairs among `rows`; after the first bad row, unless it may be skipped, rows are only counted."""
        from threatclip.pairs.sources.rows import SkippedRow

        for row in rows:
            if isinstance(row, SkippedRow):
                self.skipped[row.reason] += 1
            elif isinstance(row, BadRow):
                self.refuse(row)
            elif skip_bad or not self.bad:
                yield row

    def refuse(self, row: BadRow) -> None:
        """Count a row that gets no answer."""
        self.bad += 1
        if len(self.bad_rows) < _KEPT_BAD_ROWS:
            self.bad_rows.append(row)

    def count(self, answers: list[dict[str, Any]], on_progress: OnProgress) -> None:
        """Count one batch of answers."""
        from threatclip.experiments.progress import Progress

        self.n += len(answers)
        self.abstained += sum(bool(answer["abstained"]) for answer in answers)
        on_progress(Progress(stage="answers", done=self.n, total=0))

    def say(self) -> None:
        """Tell of rows without an answer, on stderr."""
        for row in self.bad_rows[:_SHOWN_BAD_ROWS]:
            say(f"bad row {row}")
        if self.bad:
            say(f"bad rows left out: {self.bad:,}")
        for reason, count in self.skipped.most_common():
            say(f"skipped {count:,}: {reason}")

    def as_dict(self) -> dict[str, Any]:
        """Return the counts as plain JSON values."""
        return {"n": self.n, "abstained": self.abstained, "bad": self.bad, "skipped": dict(self.skipped)}


def _bad_rows(tally: _Tally, out: Path | None) -> InputError:
    if out is not None:
        return BadRowsError(tally.bad_rows, total=tally.bad)
    more = f" (and {tally.bad - 1:,} more)" if tally.bad > 1 else ""
    return InputError(f"{tally.bad_rows[0]}{more}; the answers end there; mend the rows or pass --skip-bad")


def _batches(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    batch: list[Pair] = []
    n_bytes = 0
    for pair in pairs:
        batch.append(pair)
        n_bytes += len(pair.view)
        if len(batch) == _BATCH_ROWS or n_bytes >= _BATCH_BYTES:
            yield batch
            batch, n_bytes = [], 0
    if batch:
        yield batch


def _reports(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    for _, own in groupby(pairs, key=lambda pair: pair.group):
        yield list(own)


def _pooled(
    classifier: Classifier, run: Path, refuse: Callable[[BadRow], None]
) -> Callable[[list[Pair]], list[dict[str, Any]]] | None:
    """Return what answers all sentences of one report at once; None where the model answers each by itself.

    A report that is too long for the model is a bad row: the others get their answers.
    """
    pool = getattr(classifier, "classify_report", None)
    if pool is not None:
        most = getattr(classifier, "most_sentences", None)

        def answered(pairs: list[Pair]) -> list[dict[str, Any]]:
            name = pairs[0].group or "report"
            if most is None or len(pairs) <= most:
                return [pool(name, pairs)]
            refuse(BadRow(path=name, line=1, reason=f"it has {len(pairs):,} sentences, more than {most:,}; split it"))
            return []

        return answered
    if classifier.modality != "text":
        raise InputError(f"--report gives sentences; {run} reads {classifier.modality}s; give a model of texts")
    return None


@contextmanager
def _written(out: Path | None) -> Iterator[Write]:
    if out is None:
        yield sys.stdout.write
        return
    from threatclip.artifacts import atomic_path

    with atomic_path(out) as part, part.open("w", encoding="utf-8") as handle:
        yield handle.write
