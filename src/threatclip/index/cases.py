"""Known cases as rows of a LanceDB table: a unit vector, and what a reader wants to see of the pair behind it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from threatclip.errors import InputError
from threatclip.pairs.pair import Modality, Pair, view_text

Half = Literal["view", "caption"]
HALVES: tuple[Half, ...] = ("view", "caption")
SHOWN_CHARS = 2_000  # kept of a view and of a caption
NAME_CHARS = 200  # of a source
MAX_DIM = 8_192


class CaseEncoder(Protocol):
    """What makes vectors of cases: both halves of pairs as unit rows of one space."""

    @property
    def model(self) -> str:
        """The hash that names it: two encoders of one name give the same vectors."""
        ...

    @property
    def kind(self) -> str:
        """The kind of its bundle, for people."""
        ...

    @property
    def modality(self) -> Modality:
        """What views it reads."""
        ...

    @property
    def dim(self) -> int:
        """Components of a vector."""
        ...

    @property
    def precision(self) -> str:
        """What it computed its vectors in, "" before the first."""
        ...

    def views(self, views: Sequence[bytes]) -> Float[np.ndarray, "n d"]:
        """Return one unit row a view."""
        ...

    def captions(self, captions: Sequence[str]) -> Float[np.ndarray, "n d"]:
        """Return one unit row a caption."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseTable:
    """A pair table whose rows become known cases of `source`."""

    path: Path
    source: str

    def __post_init__(self) -> None:
        fine = self.source == self.source.strip() and 0 < len(self.source) <= NAME_CHARS
        if not fine or not self.source.isprintable():
            raise InputError(f"source {self.source[:80]!a}; name it in 1 to {NAME_CHARS} printable characters")


def case_tables(paths: Sequence[Path], *, source: str | None = None) -> list[CaseTable]:
    """Return tables with their sources: the file's name without its ending, or `source` for one table.

    Raises:
        InputError: no table, a source for several, or two tables of one source.
    """
    if not paths:
        raise InputError("no pair table; name at least one")
    if source is not None and len(paths) > 1:
        raise InputError(f"one source {source!r} for {len(paths)} tables; add them one by one, each with its own")
    tables = [CaseTable(path=path, source=source if source is not None else path.stem) for path in paths]
    names = [table.source for table in tables]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(
            f"two tables would be the source {twice!r}; rename a file, or add one with a source of its own"
        )
    return tables


def case_schema(dim: int) -> pa.Schema:
    """Return the columns of cases whose vectors have `dim` components."""
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("source", pa.string(), nullable=False),
            pa.field("content", pa.string(), nullable=False),
            pa.field("label", pa.string()),
            pa.field("group", pa.string()),
            pa.field("time", pa.timestamp("ms", tz="UTC")),
            pa.field("text", pa.string()),
            pa.field("caption", pa.string()),
            pa.field("vector", pa.list_(pa.float32(), dim), nullable=False),
        ]
    )


def has_half(pair: Pair, half: Half) -> bool:
    """Tell whether a pair has the half that an index holds: a post may lack its picture, any pair its caption."""
    return bool(pair.view) if half == "view" else bool(pair.caption and pair.caption.strip())


def content_of(pair: Pair) -> str:
    """Return 128 bits as hex that tell a case from others by all that it is: id, halves, label, group and time."""
    hasher = hashlib.blake2b(digest_size=16)
    time = None if pair.time is None else pair.time.astimezone(UTC).isoformat()
    for part in (pair.id, pair.view, pair.caption, pair.label, pair.group, time):
        content = part.encode() if isinstance(part, str) else part
        hasher.update(b"-" if content is None else b"%d:%b" % (len(content), content))
    return hasher.hexdigest()


def case_rows(pairs: Sequence[Pair], vectors: Float[np.ndarray, "n d"], *, source: str, modality: Modality) -> pa.Table:
    """Return pairs as rows of `case_schema`; text and caption are cut, a picture's bytes are left out.

    Raises:
        InputError: a vector that is not finite, or of no length.
    """
    lengths = np.linalg.norm(vectors, axis=1)
    bad = np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))
    if bad.size:
        raise InputError(f"case {pairs[int(bad[0])].id[:80]!a} of {source} has no finite vector; is the model whole?")
    unit = (vectors / lengths[:, None]).astype(np.float32)
    dim = int(vectors.shape[1])
    return pa.table(
        {
            "id": [pair.id for pair in pairs],
            "source": [source] * len(pairs),
            "content": [content_of(pair) for pair in pairs],
            "label": [pair.label for pair in pairs],
            "group": [pair.group for pair in pairs],
            "time": [None if pair.time is None else pair.time.astimezone(UTC) for pair in pairs],
            "text": [None if modality == "image" else _cut(view_text(pair.view)) for pair in pairs],
            "caption": [None if pair.caption is None else _cut(pair.caption) for pair in pairs],
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(unit.reshape(-1)), dim),
        },
        schema=case_schema(dim),
    )


def _cut(text: str) -> str:
    return text[:SHOWN_CHARS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A known case near a query.

    Attributes:
        score: cosine to the query, in [-1, 1].
        text: the start of the view where it is a payload or a text, else None.
        caption: its start; may be None.
    """

    id: str
    score: float
    source: str
    label: str | None
    group: str | None
    time: datetime | None
    text: str | None
    caption: str | None

    def as_dict(self) -> dict[str, object]:
        """Return plain JSON values; the time as ISO 8601."""
        return {
            "id": self.id,
            "score": self.score,
            "source": self.source,
            "label": self.label,
            "group": self.group,
            "time": None if self.time is None else self.time.isoformat(),
            "text": self.text,
            "caption": self.caption,
        }
