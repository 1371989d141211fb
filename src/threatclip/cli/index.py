"""`threatclip index`: nearest known cases, built from pair tables and searched by a text, a payload or a picture."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from threatclip.cli.options import Json, Quiet
from threatclip.cli.terminal import progress, show, show_json, show_table
from threatclip.errors import InputError

if TYPE_CHECKING:
    from threatclip.experiments.progress import OnProgress
    from threatclip.experiments.searching import Query, QueryKind
    from threatclip.index.build import BuildReport, Steps
    from threatclip.index.cases import Hit
    from threatclip.index.generations import Generation
    from threatclip.index.search import Index
    from threatclip.index.where import Where

_SHOWN_CHARS = 160

app = typer.Typer(help="Find the nearest known cases.", rich_markup_mode=None, pretty_exceptions_enable=False)

Model = Annotated[
    str, typer.Option("--model", metavar="RUN", help="Run or bundle whose towers make the vectors, or minilm.")
]
Place = Annotated[
    str, typer.Argument(metavar="INDEX", help="Folder of the index, or s3://, gs:// or az:// as LanceDB.")
]
Tables = Annotated[list[Path], typer.Argument(metavar="TABLE...", help="Pair tables whose rows become known cases.")]
Source = Annotated[
    str | None, typer.Option("--source", metavar="NAME", help="Source of one table's cases; default: its file's name.")
]
Precision = Annotated[
    str,
    typer.Option("--precision", metavar="NAME", help="Of the vectors: fp32, bf16, fp16, or auto (the fastest exact)."),
]


@app.command("build")
def build(
    tables: Tables,
    model: Model,
    out: Annotated[str, typer.Option("--output", "-o", metavar="INDEX", help="Folder or URI of the index.")],
    half: Annotated[
        str, typer.Option("--half", metavar="HALF", help="What is embedded of each pair: view or caption.")
    ] = "view",
    source: Source = None,
    exact_rows: Annotated[
        int | None, typer.Option("--exact-rows", metavar="N", help="Search exactly up to this many cases.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="Index beyond that: IVF_HNSW_SQ or IVF_PQ.")
    ] = None,
    recall: Annotated[
        float | None, typer.Option("--recall", metavar="SHARE", help="Share of the exact nearest that it must find.")
    ] = None,
    precision: Precision = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Build an index of known cases.

    From pair tables; an index that is there already is built anew, while others read the one before.
    """
    from threatclip.experiments.searching import open_case_encoder
    from threatclip.index.build import build_index
    from threatclip.index.cases import case_tables
    from threatclip.index.generations import half_of

    named, chosen, settings = case_tables(tables, source=source), half_of(half), _settings(exact_rows, kind, recall)
    encoder = open_case_encoder(model, precision=_precision(precision))
    with progress(quiet=quiet) as on_progress:
        report = _finished(build_index(out, named, encoder=encoder, half=chosen, settings=settings), on_progress)
    _tell(out, report, as_json=as_json)


@app.command("add")
def add(
    index: Place,
    tables: Tables,
    model: Model,
    source: Source = None,
    exact_rows: Annotated[
        int | None, typer.Option("--exact-rows", metavar="N", help="Search exactly up to this many cases.")
    ] = None,
    precision: Precision = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Add known cases to an index.

    From pair tables, while others read it. A row that it holds already is no second case. The cases of a source that it
    has already are replaced.
    """
    from threatclip.experiments.searching import open_case_encoder
    from threatclip.index.build import add_cases
    from threatclip.index.cases import case_tables

    named, settings = case_tables(tables, source=source), _settings(exact_rows, None, None)
    encoder = open_case_encoder(model, precision=_precision(precision))
    with progress(quiet=quiet) as on_progress:
        report = _finished(add_cases(index, named, encoder=encoder, settings=settings), on_progress)
    _tell(index, report, as_json=as_json)


@app.command("search")
def search(
    index: Place,
    model: Annotated[
        str | None, typer.Option("--model", metavar="RUN", help="What the index was built with; not for --id.")
    ] = None,
    text: Annotated[list[str] | None, typer.Option(metavar="STRING", help="A text or description; repeatable.")] = None,
    caption: Annotated[
        list[str] | None, typer.Option(metavar="STRING", help="A description, read by the text tower; repeatable.")
    ] = None,
    payload: Annotated[list[str] | None, typer.Option(metavar="STRING", help="A payload; repeatable.")] = None,
    file: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="One payload per file, raw bytes; repeatable.")
    ] = None,
    image: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="A picture; repeatable.")] = None,
    case_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="A case of the index: what else is like it?")
    ] = None,
    id_source: Annotated[
        str | None, typer.Option("--id-source", metavar="NAME", help="The source of --id, where several have that id.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only cases of this label; repeatable.")
    ] = None,
    source: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only of this source; repeatable.")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Only known since: 2024, 2024-05-31, ...")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Only known before.")] = None,
    k: Annotated[int, typer.Option("-k", metavar="N", help="Cases for each query.")] = 10,
    as_json: Json = False,
) -> None:
    """Find the nearest known cases.

    Of texts, payloads or pictures, or of a case itself; best first, with the cosine as score.
    """
    from threatclip.index.search import open_index
    from threatclip.index.where import Where, parse_time

    where = Where(
        labels=tuple(label or ()),
        sources=tuple(source or ()),
        since=None if since is None else parse_time(since, what="--since"),
        until=None if until is None else parse_time(until, what="--until"),
    )
    given = _Given(text=text or [], caption=caption or [], payload=payload or [], file=file or [], image=image or [])
    if (case_id is None) == (not any(given)):
        raise InputError("nothing to search for; give --text, --caption, --payload, --file or --image, or --id alone")
    if case_id is not None:
        opened, names = open_index(index), [f"id:{case_id}"]
        found = [opened.like(case_id, source=id_source, k=k, where=where)]
    elif model is None:
        raise InputError("--model is missing; name the run that the index was built with, or minilm")
    else:
        opened, names, found = _searched(index, model, given, k, where)
    if as_json:
        show_json(_answers(index, opened.generation, names, found))
        return
    for name, hits in zip(names, found, strict=True):
        _show_hits(name, hits)


@app.command("show")
def show_index(index: Place, as_json: Json = False) -> None:
    """Show what an index holds.

    The model that made its vectors, its sources, and how it is searched.
    """
    from threatclip.index.generations import current, open_database

    generation = current(open_database(index, writing=False), index)
    if as_json:
        show_json({"index": index, **generation.as_dict()})
    else:
        _describe(index, generation)


def _settings(exact_rows: int | None, kind: str | None, recall: float | None) -> Any:
    from threatclip.index.settings import IndexSettings

    given = {"exact_rows": exact_rows, "kind": kind, "recall": recall}
    return IndexSettings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


def _precision(name: str) -> Any:
    from typing import get_args

    from threatclip.encoders.encode import Precision as Allowed

    if name not in get_args(Allowed):
        raise InputError(f"--precision {name!r} is not one of {', '.join(get_args(Allowed))}")
    return name


def _finished(steps: Steps, on_progress: OnProgress) -> BuildReport:
    from threatclip.experiments.progress import Progress

    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            report: BuildReport = end.value
            return report
        on_progress(Progress(stage=step.stage, done=step.done, total=step.total, facts=step.facts))


def _tell(index: str, report: BuildReport, *, as_json: bool) -> None:
    if as_json:
        names = ("added", "held", "removed", "left_out")
        counts = {name: getattr(report, name) for name in names}
        show_json({"index": index, **counts, **report.generation.as_dict()})
        return
    _describe(index, report.generation)
    if report.held:
        show(f"added {report.added:,} cases; {report.held:,} were there already")
    if report.left_out:
        show(f"left out {report.left_out:,} pairs without a {report.generation.half}")


def _describe(index: str, generation: Generation) -> None:
    g = generation
    show(f"{index}: {g.rows:,} cases, generation {g.number} of {g.written_at}")
    show(f"{g.half}s as {g.dim} components by {g.model} ({g.kind}, {g.precision})")
    one = g.approximate
    if one is None:
        show("search: exact")
    else:
        measured = f"recall@{one.k} {one.recall:.3f} of {one.n_queries:,} stored cases"
        show(f"search: {one.kind}, effort {one.effort}, {measured}")
    show_table(["source", "cases", "content hash"], [[s.name, f"{s.rows:,}", s.content_hash[:16]] for s in g.sources])


class _Given(NamedTuple):
    """What was sought by, one field for each option."""

    text: list[str]
    caption: list[str]
    payload: list[str]
    file: list[Path]
    image: list[Path]


def _searched(index: str, model: str, given: _Given, k: int, where: Where) -> tuple[Index, list[str], list[list[Hit]]]:
    from threatclip.experiments.searching import open_case_search

    queries = _queries(given)
    searching = open_case_search(index, model)
    return searching.index, [query.id for query in queries], searching.search(queries, k=k, where=where)


def _queries(given: _Given) -> list[Query]:
    from threatclip.experiments.searching import Query

    queries: list[Query] = []
    typed: list[tuple[QueryKind, list[str]]] = [
        ("text", given.text),
        ("caption", given.caption),
        ("payload", given.payload),
    ]
    for kind, values in typed:
        for number, value in enumerate(values, start=1):
            queries.append(Query(id=f"{kind}:{number}", kind=kind, content=os.fsencode(value)))
    read: list[tuple[QueryKind, list[Path]]] = [("payload", given.file), ("image", given.image)]
    for kind, paths in read:
        queries.extend(Query(id=str(path), kind=kind, content=_bytes(path)) for path in paths)
    return queries


def _bytes(path: Path) -> bytes:
    from threatclip.experiments.searching import MAX_QUERY_BYTES

    try:
        with path.open("rb") as stream:
            return stream.read(MAX_QUERY_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _answers(index: str, generation: Generation, names: list[str], found: list[list[Hit]]) -> dict[str, Any]:
    return {
        "index": index,
        "generation": generation.number,
        "model": generation.model,
        "exact": generation.approximate is None,
        "answers": [
            {"query": name, "hits": [hit.as_dict() for hit in hits]} for name, hits in zip(names, found, strict=True)
        ],
    }


def _show_hits(name: str, hits: list[Hit]) -> None:
    show(f"{name}: {len(hits)} known cases" if hits else f"{name}: no known case passes the filter")
    for hit in hits:
        known = "" if hit.time is None else f", {hit.time:%Y-%m-%d}"
        show(f"  {hit.score:.3f}  {hit.id} ({hit.label or 'no label'}{known}, {hit.source})")
        for part in (hit.text, hit.caption):
            if part:
                shown = part[:_SHOWN_CHARS]
                show(f"         {shown}{'...' if len(part) > _SHOWN_CHARS else ''}")
