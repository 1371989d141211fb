"""Pictures and captions in tar shards, as WebDataset and img2dataset write them.

Read with the standard library, nothing unpacked to disk: the webdataset package itself runs `pipe:` addresses as
commands and unpickles members by their ending.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, ClassVar, Literal, cast

import orjson

from threatclip.errors import BadRow, InputError
from threatclip.pairs.images import LIMITS
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.posts import Hashtags
from threatclip.pairs.sources.lines import open_bytes
from threatclip.pairs.sources.mapping import Mapper, check_map
from threatclip.pairs.sources.picture_files import SUFFIXES
from threatclip.pairs.sources.post_words import with_post_words
from threatclip.pairs.sources.rows import Record, Row, RowFault, rows_of

_TEXT_LIMIT_BYTES = 2**20
_READ_LIMIT_BYTES = LIMITS.max_bytes + 2**20  # a header may claim any size, and tarfile reads what it claims
_PICTURES = tuple(suffix[1:] for suffix in SUFFIXES)
_TEXTS = ("json", "txt", "text", "caption", "cls", "label", "id", "split")
_COLUMNS: Mapping[str, str] = {"id": "key", "view": "picture", "caption": "txt"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebDataset:
    """Tar shards of WebDataset (one file, plain or gzip'd, or a folder of them): members of one key are one sample.

    A sample has the columns `key`, `picture` (a member such as jpg or png), every text member by its ending (`txt`,
    `cls`, ...) and `json`, so that `--map caption=json.caption` reads from the JSON member.

    Attributes:
        columns: field of a pair -> column.
        labels: when not empty, the only classes allowed.
        hashtags: read captions as posts, with hashtags as "words", "strip" or "keep"; None leaves captions as they are.
    """

    kind: Literal["webdataset"] = "webdataset"
    columns: Mapping[str, str] = field(default_factory=lambda: dict(_COLUMNS))
    modality: ClassVar[Modality] = "image"
    labels: tuple[str, ...] = ()
    hashtags: Hashtags | None = None

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair for every sample; its place is the shard and its number there.

        Raises:
            InputError: an unusable file, a folder without shards, an unusable column map.
        """
        columns = {"id": "key", **self.columns}
        check_map(columns)
        mapper = Mapper(columns=columns, modality=self.modality, labels=self.labels)

        def pair_of(record: Record) -> Pair:
            if isinstance(record.value, RowFault):
                raise record.value
            return with_post_words(mapper(record), self.hashtags)

        records = (record for shard in _shards(path) for record in _samples(shard))
        yield from rows_of(records, pair_of, modality=self.modality)
        mapper.check_columns(path)


def _shards(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    shards = sorted(file for file in path.iterdir() if file.name.endswith((".tar", ".tar.gz", ".tgz")))
    if not shards:
        raise InputError(f"no .tar, .tar.gz or .tgz in {path}; name the folder of the shards")
    return shards


def _samples(shard: Path) -> Iterator[Record | BadRow]:
    """Yield one record a key; members of one key lie side by side."""
    number, sample, fault = 0, dict[str, Any](), None
    try:
        for key, ending, content in _members(shard):
            if sample and key != sample["key"]:
                number += 1
                yield Record(path=shard, line=number, value=fault or sample)
                sample, fault = {}, None
            sample.setdefault("key", key)
            try:
                sample.update(_column(sample, ending, content))
            except RowFault as found:
                fault = fault or found
        if sample:
            number += 1
            yield Record(path=shard, line=number, value=fault or sample)
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, OSError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        if not number and not sample:
            raise InputError(f"{shard} is not a readable tar file ({reason})") from error
        yield BadRow(path=str(shard), line=number + 1, reason=f"the shard is damaged from here on ({reason})")


def _members(shard: Path) -> Iterator[tuple[str, str, bytes | RowFault]]:
    """Yield key, ending and content of every file; a RowFault in place of what must not be read."""
    with open_bytes(shard) as stream, tarfile.open(fileobj=cast("IO[bytes]", _Bounded(stream)), mode="r:") as tar:
        last = -1
        for member in tar:
            tar.members.clear()  # type: ignore[attr-defined]  # it would keep one object a file
            if member.offset <= last:
                raise tarfile.ReadError("headers that lead back")
            last = member.offset
            folder, slash, name = member.name.rpartition("/")
            key, _, ending = name.partition(".")
            if key and ending and not member.isdir():
                yield f"{folder}{slash}{key}", ending.lower(), _content(tar, member, ending.lower())
        stream.seek(tar.offset)  # tarfile ends quietly at a header it cannot read
        end = stream.read(tarfile.BLOCKSIZE)
        if not end or end.strip(b"\0"):
            raise tarfile.ReadError("no end mark where the last file ends")


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo, ending: str) -> bytes | RowFault:
    limit = LIMITS.max_bytes if ending in _PICTURES else _TEXT_LIMIT_BYTES
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
        return RowFault(f"the member {ending[:40]} is no plain file")
    if member.size > limit:
        return RowFault(f"the member {ending[:40]} has {member.size:,} bytes, more than {limit:,}")
    stream = tar.extractfile(member)
    return b"" if stream is None else stream.read()


def _column(sample: Mapping[str, Any], ending: str, content: bytes | RowFault) -> dict[str, Any]:
    """Return what a member adds to its sample; members of other kinds (arrays, pickles) add nothing."""
    if ending not in _PICTURES and ending not in _TEXTS:
        return {}
    if isinstance(content, RowFault):
        raise content
    if ending in _PICTURES:
        if "picture" in sample:
            raise RowFault("the sample has two pictures")
        return {"picture": content}
    try:
        return {ending: orjson.loads(content) if ending == "json" else content.decode("utf-8").strip()}
    except (orjson.JSONDecodeError, UnicodeDecodeError) as error:
        raise RowFault(f"the member {ending} is not readable ({error})") from error


class _Bounded:
    """A file whose reads are no larger than a member may be, whatever a header claims."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _READ_LIMIT_BYTES:
            raise tarfile.ReadError(f"a header claims {size:,} bytes")
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()
