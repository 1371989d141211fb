"""Reports of incidents as their sentences: text, Markdown, HTML or PDF, a file or a folder of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from threatclip.errors import BadRow, InputError
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.reports.document import ReportFault
from threatclip.pairs.reports.reading import KINDS, read_report
from threatclip.pairs.reports.sentences import shown
from threatclip.pairs.sources.rows import Record, Row, SkippedRow, rows_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Reports in text, Markdown, HTML or PDF, one file or a folder: a pair for each sentence, without a caption.

    Group: the report. `meta.start` and `meta.end` are characters of the report's text, `meta.page` counts from 1.

    Attributes:
        refang: write defanged indicators as they were: hxxp://a[.]b becomes http://a.b.
        n_words: the least words of a sentence; headings and cells of tables are often shorter.
    """

    kind: Literal["report"] = "report"
    modality: ClassVar[Modality] = "text"
    refang: bool = False
    n_words: int = 3

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair for every sentence; a report that cannot be read is a bad row.

        Raises:
            InputError: no such file, or a folder without a report.
            NotInstalledError: without the extra `reports`.
        """
        if path.is_dir():
            files = [file for file in sorted(path.rglob("*")) if _is_visible(file.relative_to(path)) and file.is_file()]
            reports = [file for file in files if file.suffix.lower() in KINDS]
            if not reports:
                raise InputError(f"{path} holds no report; readable are {', '.join(KINDS)}")
            for file in files:
                if file.suffix.lower() not in KINDS:
                    yield SkippedRow(path=str(file), line=1, reason="a file that is no report by its name")
        else:
            reports = [path]
        yield from rows_of(self._records(reports, path), self._pair)

    def _records(self, reports: list[Path], path: Path) -> Iterator[Record | BadRow]:
        for file in reports:
            name = file.relative_to(path).as_posix() if path.is_dir() else file.name
            try:
                document, sentences = read_report(file)
            except ReportFault as fault:
                yield BadRow(path=str(file), line=1, reason=str(fault))
                continue
            for number, one in enumerate(sentences, start=1):
                text = shown(document.text[one.start : one.end], refang=self.refang)
                if len(text.split()) >= self.n_words:
                    yield Record(path=file, line=number, value=(name, number, one, text))

    def _pair(self, record: Record) -> Pair:
        name, number, one, text = record.value
        facts = {"source": "report", "report": name, "start": str(one.start), "end": str(one.end)}
        return Pair(
            id=f"{name}#{number}",
            view=text.encode(),
            group=name,
            meta=facts | ({} if one.page is None else {"page": str(one.page)}),
        )


def _is_visible(relative: Path) -> bool:
    return not any(part.startswith(".") for part in relative.parts)
