"""CVE descriptions with their CWE numbers: texts that carry a weakness class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.sources.rows import Record, Row, RowFault, json_records, rows_of
from threatclip.pairs.sources.values import as_bytes, as_text, as_time
from threatclip.pairs.weaknesses import weakness_of_cwes


@dataclass(frozen=True, slots=True, kw_only=True)
class Cve:
    """JSON Lines with `cve_id`, `description`, and `cwe_id` or `cwe_all`; `threat_class`, when there, is the label.

    The view is the description, the group the CVE, the time January 1 of `year` (or of the year in the id).
    """

    kind: Literal["cve"] = "cve"
    modality: ClassVar[Modality] = "text"

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair or the reason why there is none for every line.

        Raises:
            InputError: an unusable file.
        """
        yield from rows_of(json_records(path), _pair)


def _pair(record: Record) -> Pair:
    row = record.value
    cve = as_text(row.get("cve_id"), what="cve_id")
    if cve is None:
        raise RowFault("no cve_id")
    cwes = row.get("cwe_all") or [row.get("cwe_id") or ""]
    if not isinstance(cwes, list) or not all(isinstance(cwe, str | int) for cwe in cwes):
        raise RowFault("cwe_all is not a list of CWE ids")
    facts = {"cve": cve, "cwe": " ".join(map(str, cwes)), "product": row.get("product"), "source": row.get("source")}
    year = row["year"] if row.get("year") is not None else cve.split("-")[1:2]
    return Pair(
        id=cve,
        view=as_bytes(row.get("description"), what="description", is_base64=False),
        label=as_text(row.get("threat_class"), what="threat_class") or weakness_of_cwes(cwes),
        group=cve,
        time=as_time(year[0] if isinstance(year, list) and year else year or None, what="year"),
        meta={name: text for name, value in facts.items() if (text := as_text(value, what=name))},
    )
