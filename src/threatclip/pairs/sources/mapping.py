"""The column map of the generic sources: which column of a foreign table is which field of a pair."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from threatclip.errors import BadRow, InputError
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.sources.rows import Record, Row, RowFault, rows_of, stem_of
from threatclip.pairs.sources.values import MISSING, as_bytes, as_text, as_time, look_up

FIELDS = ("id", "view", "view:base64", "caption", "label", "group", "time", "split")


def parse_map(items: Iterable[str]) -> dict[str, str]:
    """Return `{"view": "payload", ...}` from `["view=payload", ...]`, as `--map` gives them.

    Raises:
        InputError: an item without "=", or a field mapped twice.
    """
    columns: dict[str, str] = {}
    for item in items:
        name, equals, column = item.partition("=")
        if not equals or not column:
            raise InputError(f"--map {item!r} is not FIELD=COLUMN, such as view=payload")
        if name in columns:
            raise InputError(f"--map names {name!r} twice; one column per field")
        columns[name] = column
    return columns


def check_map(columns: Mapping[str, str]) -> None:
    """Refuse a map that cannot work.

    Raises:
        InputError: an unknown field, or no view.
    """
    for name in columns:
        if name not in FIELDS and not (name.startswith("meta.") and len(name) > len("meta.")):
            raise InputError(f"unknown field {name!r} in the column map; fields are {', '.join(FIELDS)}, meta.NAME")
    if ("view" in columns) == ("view:base64" in columns):
        raise InputError("the column map must name the view's column once: view=COLUMN or view:base64=COLUMN")


@dataclass(slots=True, kw_only=True)
class Mapper:
    """Turns records of one file into pairs by a checked column map.

    A row without an id column gets `FILE:LINE`. A column that is absent from some rows is None there; one that is
    absent from all is a mistake in the map, which `check_columns` tells once the file is read.
    """

    columns: Mapping[str, str]
    modality: Modality
    labels: tuple[str, ...] = ()
    _seen: set[str] = field(default_factory=set)
    _offered: set[str] = field(default_factory=set)

    def __call__(self, record: Record) -> Pair:
        values = {name: self._find(record.value, name) for name in self.columns}
        coded = "view:base64" in values
        view = values.pop("view:base64" if coded else "view")
        bare = self.modality == "image" and (view is None or view == "")  # a post without a picture
        label = as_text(values.get("label"), what="the label")
        if self.labels and label is not None and label not in self.labels:
            raise RowFault(f"unknown class {label[:40]!a}; known are {', '.join(self.labels)}")
        meta = {
            name.removeprefix("meta."): text
            for name, value in values.items()
            if name.startswith("meta.") and (text := as_text(value, what=name)) is not None
        }
        made_up = f"{stem_of(record.path)}:{record.line}"
        return Pair(
            id=as_text(values["id"], what="the id") or "" if "id" in values else made_up,
            view=b"" if bare else as_bytes(view, what="the view", is_base64=coded),
            caption=as_text(values.get("caption"), what="the caption"),
            label=label,
            group=as_text(values.get("group"), what="the group"),
            time=as_time(values.get("time"), what="the time"),
            split=as_text(values.get("split"), what="the split"),
            meta=meta,
        )

    def check_columns(self, path: Path) -> None:
        """Refuse a map that names a column which no row of the file had.

        Raises:
            InputError: see above; it names the columns there are.
        """
        for name, column in self.columns.items():
            if name not in self._seen and self._offered:
                offered = ", ".join(sorted(self._offered)[:40])
                raise InputError(f"no column {column!r} (for {name}) in {path}; columns are {offered}")

    def _find(self, value: Mapping[str, Any], name: str) -> Any:
        found = look_up(value, self.columns[name])
        if found is not MISSING:
            self._seen.add(name)
            return found
        if len(self._offered) < 1000:
            self._offered.update(map(str, value))
        if name == "id" or (name.startswith("view") and self.modality != "image"):
            raise RowFault(f"no column {self.columns[name]!r} for the {name.partition(':')[0]}")
        return None


class MappedSource(Protocol):
    """What reading by a column map asks of a source."""

    @property
    def columns(self) -> Mapping[str, str]:
        """Field of a pair -> column."""

    @property
    def modality(self) -> Modality:
        """What the views are."""

    @property
    def labels(self) -> tuple[str, ...]:
        """When not empty, the only classes allowed."""


def mapped_rows(source: MappedSource, path: Path, records: Iterable[Record | BadRow]) -> Iterator[Row]:
    """Yield a pair or the reason why there is none for every record of a file, as a column map says.

    Raises:
        InputError: an unusable column map, or what `records` raises.
    """
    check_map(source.columns)
    mapper = Mapper(columns=source.columns, modality=source.modality, labels=source.labels)
    yield from rows_of(records, mapper, modality=source.modality)
    mapper.check_columns(path)
