"""`threatclip audit`: which pairs of a table look planted, why, and the table without them."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from threatclip.cli.options import Json, Quiet
from threatclip.cli.stopped import StoppedError
from threatclip.cli.terminal import progress, show, show_json, show_table
from threatclip.errors import InputError

FINDINGS = 1  # exit code
_SHOWN = 10
_METRICS = ("auroc", "auprc", "precision_at_n", "recall_top_10")


def audit(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="Pair table; it is left as it is.")],
    out: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for everything found.")],
    model: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help='Run or bundle of a dual encoder of these pairs, best one that never saw them; or "minilm" for texts '
            "beside texts. Without one, only filters that need no vectors run.",
        ),
    ] = None,
    vectors: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Vectors computed before, in place of a model: .safetensors or .npz with views and captions, one row "
            "a pair (and trusted_views, trusted_captions).",
        ),
    ] = None,
    trusted: Annotated[
        Path | None,
        typer.Option(metavar="TABLE", help="Pair table that somebody vouches for, with no row of the audited one."),
    ] = None,
    filters: Annotated[
        str | None,
        typer.Option(
            "--filters", metavar="A,B", help="Filters to run; default: each that can. `threatclip list filters`."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="A.B=VALUE", help="Set one parameter of a filter, as in --set dao.k=32; repeatable."
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="What ranks the pairs: a filter, strongest (default: where a pair stands out most) or agreement "
            "(mean rank).",
        ),
    ] = None,
    drop_top: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Suspect the share of pairs that rank highest, as 0.1."),
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            "--threshold", metavar="KIND=SCORE", help="Suspect pairs from this score of a filter on; repeatable."
        ),
    ] = None,
    fpr: Annotated[
        float | None,
        typer.Option(
            metavar="RATE", help="Suspect what at most this share of clean pairs would reach; needs --trusted."
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Truth of `threatclip poison`: judge the audit. No filter sees it."),
    ] = None,
    names: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What labels are called, for the leak report: JSON, or JSON Lines with id, name, aliases.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find planted pairs before training.

    Writes scores of every pair, a ranked list of suspects with reasons and nearest trusted pairs, an HTML report, and
    the table without the suspects. Nothing is deleted. Exit code 1: there are suspects. Where no threshold is
    given, one is fitted that a clean table would reach once in twenty audits. A stopped audit goes on where it was.
    """
    from threatclip.experiments.auditing.request import Audit
    from threatclip.experiments.auditing.run import run_audit

    request = Audit(
        table=table,
        out=out,
        model=model,
        vectors=vectors,
        trusted=trusted,
        filters=tuple(_kind(name) for name in filters.split(",")) if filters is not None else (),
        settings=_settings(settings or []),
        method=None if method is None else _kind(method),
        drop_top=drop_top,
        thresholds=dict(_threshold(text) for text in threshold or []),
        fpr=fpr,
        truth=truth,
        names=names,
        seed=seed,
    )
    try:
        with progress(quiet=quiet) as on_progress:
            found = run_audit(request, on_progress=on_progress)
    except KeyboardInterrupt as error:
        if not (out / "work").is_dir():
            raise
        again = shlex.join(["threatclip", *sys.argv[1:]])
        raise StoppedError(f"stopped; finished work is kept: `{again}` goes on with the rest") from error
    if as_json:
        show_json(found)
    else:
        _show(found, fitted=drop_top is None and fpr is None and not threshold)
    if found["suspects"]:
        raise typer.Exit(FINDINGS)


def _kind(name: str) -> str:
    return name.strip().replace("-", "_")


def _settings(given: list[str]) -> dict[str, dict[str, object]]:
    from threatclip.experiments.config import overridden

    values: dict[str, Any] = overridden({}, [_kind_first(text) for text in given])
    lone = next((name for name, value in values.items() if not isinstance(value, dict)), None)
    if lone is not None:
        raise InputError(f"--set {lone}=... names no parameter of a filter; write it as in --set dao.k=32")
    return values


def _kind_first(text: str) -> str:
    kind, dot, rest = text.partition(".")
    return f"{_kind(kind)}{dot}{rest}"


def _threshold(text: str) -> tuple[str, float]:
    kind, equals, score = text.partition("=")
    try:
        value = float(score)
    except ValueError:
        value = float("nan")
    if not equals or value != value:
        raise InputError(f"--threshold {text!r} is not of the form KIND=SCORE, as in --threshold relevance=0.8")
    return _kind(kind), value


def _show(found: dict[str, Any], *, fitted: bool) -> None:
    n, suspects = found["n"], found["suspects"]
    show(f"{found['table']}: {suspects:,} suspects of {n:,} {found['modality']} pairs ({suspects / n:.2%})")
    unjudged = [f"{name} {count:,}" for name, count in found["rows"].items() if count and name != "judged"]
    if unjudged:
        show(f"not judged: {', '.join(unjudged)}")
    show()
    columns = [name for name in _METRICS if name in found["metrics"]]
    rows = [
        [
            one["kind"],
            "none" if one["threshold"] is None else f"{one['threshold']:.4g}",
            f"{one['suspects']:,}",
            *(_figure(one["metrics"].get(name)) for name in columns),
        ]
        for one in found["filters"]
    ]
    if columns:
        rows.append([f"ranking: {found['method']}", "", "", *(_figure(found["metrics"][name]) for name in columns)])
    if rows:
        show_table(["filter", "threshold", "reached by", *columns], rows)
    if suspects and fitted:
        show(
            "thresholds were fitted to this table: honest pairs that are odd or repeat reach them too; read the reasons"
        )
    for kind, reason in found["left_out"].items():
        show(f"left out, {kind}: {reason}")
    _show_leaks(found["leaks"])
    show()
    if found["first"]:
        show("most suspect:")
    for one in found["first"][:_SHOWN]:
        show(f"{one['rank']:>3}  {one['id'][:80]}  {one['reason']}")
    for name, path in found["files"].items():
        show(f"{name}: {path}")


def _show_leaks(leaks: dict[str, Any] | None) -> None:
    if leaks is None:
        return
    show()
    for one in leaks["warnings"] or ["no leak worth a warning"]:
        show(f"leak: {one}")


def _figure(metric: dict[str, Any] | None) -> str:
    if metric is None or metric.get("value") is None:
        return ""
    return f"{metric['value']:.3f} ({metric['low']:.3f} to {metric['high']:.3f})"
