"""Building an index and adding to it: pair tables in, a new generation out, readers undisturbed."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from threatclip.errors import InputError
from threatclip.index.approximate import fit_approximate, measure
from threatclip.index.cases import CaseEncoder, CaseTable, Half, case_rows, case_schema, content_of, has_half
from threatclip.index.generations import (
    Approximate,
    Generation,
    Source,
    current,
    new_table_name,
    open_database,
    publish,
    read_generations,
    remove_unused,
)
from threatclip.index.held import Held
from threatclip.index.settings import LEAST_APPROXIMATE_ROWS, IndexSettings
from threatclip.index.storage import lance_errors
from threatclip.pairs.columns import pairs_of
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import PairTable

if TYPE_CHECKING:
    from lancedb.db import DBConnection
    from lancedb.table import Table

_NEVER = timedelta(days=36_500)
_OLD = timedelta(days=1)  # versions that a reader may still have open


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildStep:
    """`done` of `total` units of `stage` are finished; `facts` are its latest figures."""

    stage: str
    done: int
    total: int
    facts: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """What readers see now.

    Attributes:
        added: cases that were written; `held`: that the index had already, of the same content.
        removed: cases of sources that were given anew without them.
        left_out: pairs that lack the half.
    """

    generation: Generation
    added: int
    held: int
    removed: int
    left_out: int


Steps = Generator[BuildStep, None, BuildReport]


@dataclass(slots=True)
class _Count:
    added: int = 0
    held: int = 0
    left_out: int = 0
    sources: list[Source] = field(default_factory=list)


def build_index(
    uri: str,
    tables: Sequence[CaseTable],
    *,
    encoder: CaseEncoder,
    half: Half = "view",
    settings: IndexSettings | None = None,
) -> Steps:
    """Make an index of `tables`, or make one anew; yield steps, and return what readers see once the last is taken.

    An index that is there already stays readable, and stays if this fails or is stopped.

    Raises:
        InputError: no tables, views that the model does not read, no case, or another process built meanwhile.
        StorageError: the disk or the store refused.
        DamagedArtifactError: a table or the index is not what was written.
    """
    settings = settings or IndexSettings()
    opened = _opened(tables, encoder, half)
    database = open_database(uri, writing=True)
    earlier = read_generations(database, uri)
    name, count = new_table_name(), _Count()
    with lance_errors(uri):
        table = database.create_table(name, schema=case_schema(encoder.dim))
    try:
        yield from _write(uri, table, opened, encoder, half, settings, count, Held())
        if not count.added:
            raise InputError(f"no pair of {', '.join(str(one.path) for one in tables)} has a {half}; nothing was built")
        approximate = yield from _finish(uri, table, settings, encoder.dim)
        generation = publish(
            database,
            uri,
            Generation(
                number=earlier[-1].number + 1 if earlier else 1,
                table=name,
                version=int(table.version),
                model=encoder.model,
                kind=encoder.kind,
                modality=encoder.modality,
                half=half,
                dim=encoder.dim,
                precision=encoder.precision,
                rows=count.added,
                sources=tuple(count.sources),
                approximate=approximate,
            ),
        )
    except BaseException:
        _drop(database, name)
        raise
    remove_unused(database, uri, generation)
    return _report(generation, count)


def add_cases(
    uri: str, tables: Sequence[CaseTable], *, encoder: CaseEncoder, settings: IndexSettings | None = None
) -> Steps:
    """Add the rows of `tables` to an index; those of a source that it has already take the place of the old ones.

    A row that the index holds already, of whatever source, is no second case and is not embedded again. Readers see
    all of it at once, or nothing if this fails or is stopped.

    Raises:
        InputError: no index, another model than its own, views that it does not read, or no case.
        StorageError: the disk or the store refused.
        DamagedArtifactError: a table or the index is not what was written.
    """
    settings = settings or IndexSettings()
    database = open_database(uri, writing=False)
    before = current(database, uri)
    check_model(uri, before, encoder.model)
    opened = _opened(tables, encoder, before.half)
    given = {one.source for one in tables}
    count, held = _Count(), Held(given & {source.name for source in before.sources})
    with lance_errors(uri):
        table = database.open_table(before.table)
        table.checkout(before.version)
        table.restore()  # what a killed addition left behind is forgotten
        held.read(table)
    yield from _write(uri, table, opened, encoder, before.half, settings, count, held)
    if not count.added and not count.held:
        raise InputError(
            f"no pair of {', '.join(str(one.path) for one in tables)} has a {before.half}; nothing was added"
        )
    removed = held.drop_gone(table, uri)
    sources = (*(source for source in before.sources if source.name not in given), *count.sources)
    if not count.added and not removed and set(sources) == set(before.sources):
        return _report(before, count)
    approximate = yield from _finish(uri, table, settings, before.dim, fitted=before.approximate)
    with lance_errors(uri):
        rows, version = int(table.count_rows()), int(table.version)
    generation = publish(
        database,
        uri,
        replace(
            before,
            number=before.number + 1,
            version=version,
            precision=encoder.precision or before.precision,
            rows=rows,
            sources=sources,
            approximate=approximate,
        ),
    )
    with lance_errors(uri):
        table.optimize(cleanup_older_than=_OLD)
    remove_unused(database, uri, generation)
    return _report(generation, count, removed=removed)


def _report(generation: Generation, count: _Count, *, removed: int = 0) -> BuildReport:
    return BuildReport(
        generation=generation, added=count.added, held=count.held, removed=removed, left_out=count.left_out
    )


def check_model(uri: str, generation: Generation, model: str) -> None:
    """Refuse a model that did not make the vectors of a generation.

    Raises:
        InputError: see above.
    """
    if model != generation.model:
        raise InputError(
            f"the index {uri} was built with the model {generation.model[:80]} ({generation.kind}), this one is "
            f"{model[:80]}; give the model that it was built with, or build it anew"
        )


def _opened(tables: Sequence[CaseTable], encoder: CaseEncoder, half: Half) -> list[tuple[CaseTable, PairTable]]:
    if not tables:
        raise InputError("no pair table; name at least one")
    opened = [(one, PairTable.open(one.path)) for one in tables]
    for one, table in opened:
        if half == "view" and table.modality != encoder.modality:
            raise InputError(
                f"{one.path} holds {table.modality} pairs; the model reads {encoder.modality}s: give one that reads "
                "these views, or index the captions (--half caption)"
            )
    return opened


def _write(
    uri: str,
    table: Table,
    opened: Sequence[tuple[CaseTable, PairTable]],
    encoder: CaseEncoder,
    half: Half,
    settings: IndexSettings,
    count: _Count,
    held: Held,
) -> Iterator[BuildStep]:
    done, total = 0, sum(len(pairs) for _, pairs in opened)
    for one, pairs in opened:
        added_before = count.added
        for batch in pairs.iter_batches(batch_size=settings.batch_rows):
            every = list(pairs_of(batch))
            fit = [pair for pair in every if has_half(pair, half)]
            new = [pair for pair in fit if held.is_new(content_of(pair), one.source)]
            if new:
                rows = case_rows(new, _encoded(encoder, new, half), source=one.source, modality=pairs.modality)
                with lance_errors(uri):
                    table.add(rows)
            count.added += len(new)
            count.held += len(fit) - len(new)
            count.left_out += len(every) - len(fit)
            done += len(every)
            yield BuildStep(stage="cases", done=done, total=total)
        n_rows = count.added - added_before + held.n_kept(one.source)
        if n_rows:
            count.sources.append(Source(name=one.source, rows=n_rows, content_hash=pairs.content_hash))


def _encoded(encoder: CaseEncoder, pairs: Sequence[Pair], half: Half) -> np.ndarray:
    if half == "view":
        return encoder.views([pair.view for pair in pairs])
    return encoder.captions([pair.caption or "" for pair in pairs])


def _finish(
    uri: str, table: Table, settings: IndexSettings, dim: int, *, fitted: Approximate | None = None
) -> Generator[BuildStep, None, Approximate | None]:
    """Join the many small files of a build, make or extend the approximate index, and measure it."""
    with lance_errors(uri):
        # no version is removed here: the one that readers see is among them until the new one is published
        table.optimize(cleanup_older_than=_NEVER)
        n_rows = int(table.count_rows())
    if n_rows <= settings.exact_rows or n_rows < LEAST_APPROXIMATE_ROWS:
        return None
    if fitted is None or fitted.kind != settings.kind:
        yield BuildStep(stage="approximate index", done=0, total=1)
        with lance_errors(uri):
            fit_approximate(table, settings, dim=dim)
        yield BuildStep(stage="approximate index", done=1, total=1)
    kept: Approximate | None = None
    with lance_errors(uri):
        for number, one in enumerate(measure(table, settings, dim=dim), start=1):
            kept = one
            yield BuildStep(stage="recall", done=number, total=0, facts={f"recall@{one.k}": one.recall})
    return kept


def _drop(database: DBConnection, name: str) -> None:
    """Remove the table of a build that failed; where even that fails, a later build does."""
    try:
        database.drop_table(name)
    except (ValueError, RuntimeError, OSError):
        return
