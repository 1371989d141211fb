"""JSON Lines of any shape, by a column map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from threatclip.pairs.pair import Modality
from threatclip.pairs.sources.mapping import mapped_rows
from threatclip.pairs.sources.rows import Row, json_records


@dataclass(frozen=True, slots=True, kw_only=True)
class Jsonl:
    """One JSON object a line, plain or gzip'd; a column is a key or a dotted path such as `http.url`.

    Attributes:
        columns: field of a pair -> column; see `mapping.FIELDS`.
        modality: what the views are.
        labels: when not empty, the only classes allowed.
    """

    kind: Literal["jsonl"] = "jsonl"
    columns: Mapping[str, str]
    modality: Modality = "payload"
    labels: tuple[str, ...] = ()

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair or the reason why there is none for every line.

        Raises:
            InputError: an unusable file or column map.
        """
        return mapped_rows(self, path, json_records(path))
