"""`threatclip pairs`: build, inspect, split and sample pair tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from threatclip.cli.options import Json, OutTable, Quiet, SkipBad, configured
from threatclip.cli.pair_tables import show_build, show_description, show_leakage
from threatclip.cli.terminal import progress, say, show, show_json
from threatclip.errors import BadRow, InputError

if TYPE_CHECKING:
    from threatclip.experiments.progress import OnProgress
    from threatclip.pairs.pair import Modality, Pair
    from threatclip.pairs.sources import Source
    from threatclip.pairs.sources.rows import Row, SkippedRow
    from threatclip.pairs.splits import SplitSpec

_ROWS_PER_RECORD = 500
_SHOWN_BAD_ROWS = 20

app = typer.Typer(
    help="Build, inspect, split and sample pair tables.", rich_markup_mode=None, pretty_exceptions_enable=False
)


@app.command()
def build(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="File (plain or gzip'd) or folder to read; for taxii a URL.")
    ],
    source: Annotated[
        str, typer.Option("--source", metavar="KIND", help="What the file is; `threatclip list sources` names all.")
    ],
    out: OutTable,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=COLUMN",
            help="Which column is which field (id, view or view:base64, caption, label, group, time, split, "
            "meta.NAME); repeatable. For csv, jsonl, parquet, image-parquet; image-folder, webdataset have defaults.",
        ),
    ] = None,
    modality: Annotated[
        str | None, typer.Option(metavar="NAME", help="For csv, jsonl, parquet: payload (default), text or image.")
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="NAME", help="With --map: a class that may occur; others are bad rows."),
    ] = None,
    delimiter: Annotated[str | None, typer.Option(metavar="CHARACTER", help="For csv: one character.")] = None,
    label: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS",
            help="For payload-list: the class of every payload. For stix, taxii: technique (default), "
            "parent_technique, tactic or group.",
        ),
    ] = None,
    captions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="For image-folder: the captions file, CSV or JSON Lines.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(metavar="PATH", help="For flickr8k, crisismmd: where the pictures are, if elsewhere.")
    ] = None,
    hashtags: Annotated[
        str | None,
        typer.Option(
            metavar="WAY",
            help="For posts: read hashtags as words, strip or keep them. dmd strips them by default, for they are its "
            "label; image-folder, image-parquet, webdataset read captions as posts only with this option.",
        ),
    ] = None,
    task: Annotated[
        str | None, typer.Option(metavar="NAME", help="For crisismmd, tweets, crisis-images: whose label to take.")
    ] = None,
    variant: Annotated[
        str | None, typer.Option(metavar="NAME", help="For crisismmd: agreed (default), all or annotations.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="For cifar10: of the captions (default 0).")] = None,
    names: Annotated[
        str | None,
        typer.Option(
            metavar="WAY", help="For stix, taxii: mask names (default), keep them, or raw, with citations too."
        ),
    ] = None,
    actors: Annotated[
        str | None, typer.Option(metavar="KIND", help="For stix, taxii: all (default), group, software or campaign.")
    ] = None,
    added_after: Annotated[
        str | None, typer.Option(metavar="TIME", help="For taxii: only what the server got later, ISO 8601.")
    ] = None,
    refang: Annotated[
        bool | None, typer.Option("--refang", help="For report: write defanged addresses as they were.")
    ] = None,
    skip_bad: SkipBad = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Read a foreign file into a pair table.

    A broken row is reported with file, line and reason; any at all, and nothing is written, unless --skip-bad.
    """
    from threatclip.pairs.sources import SOURCES
    from threatclip.pairs.sources.build import build_pairs
    from threatclip.pairs.sources.mapping import parse_map

    if source not in SOURCES:
        raise InputError(f"unknown source {source!r}; choose from {', '.join(SOURCES)}")
    given = {
        "columns": parse_map(columns or ()),
        "modality": modality,
        "labels": tuple(classes or ()),
        "delimiter": delimiter,
        "label": label,
        "captions": None if captions is None else str(captions),
        "images": None if images is None else str(images),
        "hashtags": hashtags,
        "task": task,
        "variant": variant,
        "seed": seed,
        "names": names,
        "actors": actors,
        "added_after": added_after,
        "refang": refang,
    }
    reader = configured(SOURCES[source], given, what=f"source {source}")
    with progress(quiet=quiet) as on_progress:
        counted = cast("Source", _Counted(source=reader, on_progress=on_progress))
        report = build_pairs(counted, path, out, skip_bad=skip_bad, on_bad=_BadRowTeller() if skip_bad else None)
    if as_json:
        show_json(report.as_dict())
    else:
        show_build(report)


@dataclass(frozen=True, slots=True)
class _Counted:
    """A source that tells how many rows it has read."""

    source: Source
    on_progress: OnProgress

    @property
    def modality(self) -> Modality:
        return self.source.modality

    def read(self, path: Path) -> Iterator[Row]:
        from threatclip.experiments.progress import Progress

        for number, row in enumerate(self.source.read(path), start=1):
            if number % _ROWS_PER_RECORD == 0:
                self.on_progress(Progress(stage="rows", done=number, total=0))
            yield row


class _BadRowTeller:
    """Says the first bad rows as they come."""

    def __init__(self) -> None:
        self._said = 0

    def __call__(self, row: BadRow | SkippedRow) -> None:
        if isinstance(row, BadRow) and self._said < _SHOWN_BAD_ROWS:
            self._said += 1
            say(f"bad row {row}")


@app.command()
def inspect(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="Pair table.")],
    near_duplicates: Annotated[
        bool | None,
        typer.Option(help="Search for near-duplicates; by default only up to 200,000 rows."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what a pair table holds.

    Classes, lengths, years, duplicates, splits and what leaks between them.
    """
    from threatclip.pairs.inspect import describe
    from threatclip.pairs.table import PairTable

    description = describe(PairTable.open(table), near_duplicates=near_duplicates)
    if as_json:
        show_json(description.as_dict())
    else:
        show_description(description)


@app.command()
def split(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="Pair table to split.")],
    kind: Annotated[str, typer.Option("--kind", metavar="KIND", help="random, group, temporal, fixed or own.")],
    out: OutTable,
    train: Annotated[float | None, typer.Option(help="random, group: share of train (default 0.8).")] = None,
    validation: Annotated[
        float | None,
        typer.Option(help="random, group: share of validation (default 0.1); fixed: taken from train (default 0)."),
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="FIELD", help="group: group (default), label or meta.NAME, as meta.vendor.")
    ] = None,
    train_until: Annotated[int | None, typer.Option(metavar="YEAR", help="temporal: last year of train.")] = None,
    validation_until: Annotated[
        int | None, typer.Option(metavar="YEAR", help="temporal: last year of validation.")
    ] = None,
    file: Annotated[Path | None, typer.Option(metavar="JSON", help="fixed: lists of ids, plain or gzip'd.")] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="fixed: where in the file, as temporal or cve_5fold/0.")
    ] = None,
    near_duplicates: Annotated[
        str | None,
        typer.Option(
            metavar="POLICY",
            help="temporal, fixed, own: report (default) or drop the earlier copy; random: together (default), ignore.",
        ),
    ] = None,
    classes: Annotated[
        list[str] | None, typer.Option("--class", metavar="NAME", help="Use rows of this class only; repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 0,
    as_json: Json = False,
) -> None:
    """Assign rows to train, validation, test.

    The split is stored with the table, and what leaks between its parts is told. Random and group splits keep
    near-duplicates together. The kind "own" takes the split that the table has, to report or drop what leaks there.
    """
    from threatclip.pairs.splits import assign_split, split_info
    from threatclip.pairs.table import PairTable, with_split
    from threatclip.seeds import rng

    given = {
        "train": train,
        "validation": validation,
        "by": by,
        "train_until": train_until,
        "validation_until": validation_until,
        "path": str(file) if file is not None else None,
        "name": name,
        "near_duplicates": near_duplicates,
        "labels": tuple(classes or ()),
    }
    spec = _split_spec(kind, given)
    opened = PairTable.open(table)
    splits, leakage = assign_split(opened, spec, rng(seed, "pairs/split"))
    account = {"seed": seed, **split_info(spec, leakage)}
    report = with_split(opened, splits, account, out)
    if as_json:
        show_json({"path": str(out), "content_hash": report.content_hash, "rows": report.rows, **account})
    else:
        show(f"{out}: {report.rows:,} rows split by {kind}")
        show_leakage(leakage.as_dict())


def _split_spec(kind: str, given: dict[str, Any]) -> SplitSpec:
    from typing import get_args

    from threatclip.pairs.splits import SplitSpec

    kinds: dict[str, Any] = {spec.__dataclass_fields__["kind"].default: spec for spec in get_args(SplitSpec)}
    if kind not in kinds:
        raise InputError(f"unknown kind of split {kind!r}; choose from {', '.join(kinds)}")
    spec: SplitSpec = configured(kinds[kind], given, what=f"a {kind} split")
    return spec


@app.command()
def samples(
    out: OutTable,
    n: Annotated[int, typer.Option("-n", "--number", min=1, help="How many pairs.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the generator: the same seed gives the same bytes.")] = 0,
    modality: Annotated[
        str, typer.Option(metavar="NAME", help="payload, image (colored shapes) or post (scenes of threat events).")
    ] = "payload",
    classes: Annotated[
        list[str] | None, typer.Option("--class", metavar="NAME", help="Make pairs of this class only; repeatable.")
    ] = None,
    benign: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="payload: share of harmless requests, without a class.")
    ] = None,
    side: Annotated[
        int | None, typer.Option(metavar="PIXELS", help="image, post: of the pictures (default 64).")
    ] = None,
    hashtags: Annotated[
        str | None, typer.Option(metavar="NAME", help="post: strip (default), words or keep; the tag is the label.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write sample pairs of embedded generators.

    Synthetic attacks with descriptions, pictures with captions, or posts about threat events, for demos and tests: the
    same number and seed give the same bytes.
    """
    from threatclip.experiments.progress import Progress
    from threatclip.pairs.table import write_pairs

    given = {"classes": classes or None, "benign_fraction": benign, "side": side, "hashtags": hashtags}
    made = _sample_pairs(modality, n, seed, {name: value for name, value in given.items() if value is not None})
    with progress(quiet=quiet) as on_progress:

        def told() -> Iterator[Any]:
            for number, pair in enumerate(made, start=1):
                if number % _ROWS_PER_RECORD == 0:
                    on_progress(Progress(stage="samples", done=number, total=n))
                yield pair

        report = write_pairs(out, told(), modality="payload" if modality == "payload" else "image")
    if as_json:
        show_json({"path": str(out), "content_hash": report.content_hash, "rows": report.rows, "seed": seed})
    else:
        show(f"{out}: {report.rows:,} sample pairs of seed {seed}, content hash {report.content_hash[:16]}")


def _sample_pairs(modality: str, n: int, seed: int, given: dict[str, Any]) -> Iterator[Pair]:
    from threatclip.pairs.image_samples import sample_pictures, sample_posts
    from threatclip.pairs.samples import sample_pairs

    options = {
        "payload": ("classes", "benign_fraction"),
        "image": ("classes", "side"),
        "post": ("classes", "side", "hashtags"),
    }
    if modality not in options:
        raise InputError(f"unknown modality of samples {modality!r}; choose from {', '.join(options)}")
    unwanted = sorted(given.keys() - set(options[modality]))
    if unwanted:
        name = unwanted[0].removesuffix("_fraction")
        raise InputError(f"--{name} is not an option of {modality} samples; leave it out")
    if modality == "payload":
        return sample_pairs(n=n, seed=seed, **given)
    return sample_pictures(n, seed=seed, **given) if modality == "image" else sample_posts(n, seed=seed, **given)
