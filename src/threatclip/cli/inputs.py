"""Where `threatclip classify` takes its payloads from: one of several kinds of input, as a stream of rows."""

from __future__ import annotations

import functools
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

from threatclip.errors import InputError

if TYPE_CHECKING:
    from threatclip.pairs.pair import Pair
    from threatclip.pairs.sources.rows import Record, Row

STDIN = Path("/dev/stdin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What the command line named; exactly one kind may be given, none means stdin."""

    stdin: str | None
    eve: list[Path]
    text: list[str]
    file: list[Path]
    pairs: Path | None
    post: list[Path]
    jsonl: bool
    report: list[Path] = field(default_factory=list)

    def rows(self) -> Iterator[Row]:
        """Return a stream of pairs, bad rows and skipped rows; its first row is read at once.

        Raises:
            InputError: no input, more than one kind of it, or one that cannot be read or is too large.
        """
        rows = self._kind()()
        first = next(rows, None)
        if first is None:
            raise InputError(f"the input holds no {'post' if self.post else 'sentence' if self.report else 'payload'}")
        return itertools.chain([first], rows)

    def check_fit(self, modality: str) -> None:
        """Refuse inputs of another modality than the model reads.

        Raises:
            InputError: see above.
        """
        if self.pairs is not None:
            from threatclip.pairs.table import PairTable

            found = PairTable.open(self.pairs).modality
            if found != modality:
                raise InputError(f"{self.pairs} holds {found} pairs; the model reads {modality}")
        elif self.post and modality != "image":
            raise InputError(f"--post gives posts of picture and words; this model reads {modality}s")
        elif modality == "text" and not self.jsonl and (path := next(filter(_is_report, self.file), None)):
            raise InputError(
                f"{path} is a report, not one text; give it by --report, which reads it sentence by sentence"
            )
        elif not self.post and modality == "image":
            raise InputError("this model reads posts of picture and words; give --post FILE, or --pairs TABLE")

    def _kind(self) -> Callable[[], Iterator[Row]]:
        if self.stdin not in (None, "-"):
            raise InputError(f"unexpected argument {self.stdin!r}; name files with --file or --eve, or - for stdin")
        given: dict[str, Callable[[], Iterator[Row]]] = {}
        if self.eve:
            given["--eve"] = self._eve
        if self.text:
            given["--text"] = self._text
        if self.file:
            given["--file"] = self._files
        if self.pairs is not None:
            given["--pairs"] = functools.partial(_table, self.pairs)
        if self.post:
            given["--post"] = self._posts
        if self.report:
            given["--report"] = self._reports
        if self.stdin == "-" or not given:
            given["stdin"] = self._stdin
        if len(given) > 1:
            raise InputError(f"{' and '.join(given)} exclude each other; give one kind of input")
        if self.jsonl and given.keys() & {"--eve", "--text", "--pairs", "--post", "--report"}:
            raise InputError(f"--jsonl says what stdin and --file hold; it does not go with {next(iter(given))}")
        if self.stdin is None and "stdin" in given and sys.stdin.isatty():
            raise InputError(
                "nothing to classify; give --eve, --text, --file, --post, --report, --pairs, or - for stdin"
            )
        return next(iter(given.values()))

    def _eve(self) -> Iterator[Row]:
        from threatclip.pairs.sources.eve import Eve

        for path in self.eve:
            yield from Eve().read(STDIN if str(path) == "-" else path)

    def _text(self) -> Iterator[Row]:
        from threatclip.pairs.pair import Pair

        for number, text in enumerate(self.text, start=1):
            if not text:
                raise InputError("--text is empty; give it a payload")
            yield Pair(id=f"text:{number}", view=os.fsencode(text))

    def _files(self) -> Iterator[Row]:
        from threatclip.pairs.pair import Pair

        for path in self.file:
            if self.jsonl:
                yield from _json_lines(path)
            else:
                with _opened(path) as stream:
                    yield Pair(id=str(path), view=_whole(stream, str(path)))

    def _posts(self) -> Iterator[Row]:
        from threatclip.pairs.sources.post_files import post_rows

        for path in self.post:
            yield from post_rows(path)

    def _reports(self) -> Iterator[Row]:
        from threatclip.pairs.pair import Pair
        from threatclip.pairs.sources.report import Report

        if len(set(self.report)) < len(self.report):
            raise InputError("--report names the same path twice; name each once")
        several = len(self.report) > 1
        for path in self.report:
            for row in Report().read(path):
                if not isinstance(row, Pair):
                    yield row
                elif path.is_file():
                    yield replace(row, group=str(path), id=f"{path}#{_number(row)}" if several else row.id)
                else:  # two files of one name in two folders are two reports
                    yield replace(row, group=f"{path}/{row.group}", id=f"{path}/{row.id}") if several else row

    def _stdin(self) -> Iterator[Row]:
        from threatclip.pairs.pair import Pair

        if self.jsonl:
            yield from _json_lines(STDIN)
        else:
            yield Pair(id="stdin", view=_whole(sys.stdin.buffer, "stdin"))


def _is_report(path: Path) -> bool:
    """Tell whether a file's name says that its words are within markup or pages."""
    return path.suffix.lower() in {".pdf", ".html", ".htm", ".xhtml", ".md", ".markdown", ".docx"}


def _number(pair: Pair) -> str:
    return pair.id.rpartition("#")[2]


def _table(path: Path) -> Iterator[Row]:
    from threatclip.pairs.table import PairTable

    yield from PairTable.open(path).iter_pairs()


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _whole(stream: IO[bytes], name: str) -> bytes:
    from threatclip.pairs.sources.lines import LINE_LIMIT_BYTES

    view = stream.read(LINE_LIMIT_BYTES + 1)
    if len(view) > LINE_LIMIT_BYTES:
        raise InputError(f"{name} is larger than {LINE_LIMIT_BYTES:,} bytes; no payload is")
    if not view:
        raise InputError(f"{name} is empty")
    return view


def _json_lines(path: Path) -> Iterator[Row]:
    from threatclip.pairs.sources.rows import json_records, rows_of

    yield from rows_of(json_records(path), _json_pair)


def _json_pair(record: Record) -> Pair:
    from threatclip.pairs.pair import Pair
    from threatclip.pairs.sources.rows import RowFault, stem_of
    from threatclip.pairs.sources.values import as_bytes, as_text

    row = record.value
    if ("view" in row) == ("view_base64" in row):
        raise RowFault("want view (text) or view_base64, one of them")
    name = "view" if "view" in row else "view_base64"
    made_up = f"{stem_of(record.path)}:{record.line}"
    return Pair(
        id=as_text(row.get("id"), what="id") or made_up,
        view=as_bytes(row[name], what=name, is_base64=name == "view_base64"),
    )
