"""Crisis tweets without their pictures: CrisisMMD with agreed labels [Ofli 2020], whuscity's humanitarian tweets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.posts import Hashtags
from threatclip.pairs.sources.parquet import column_names, column_records
from threatclip.pairs.sources.post_words import known, post_words
from threatclip.pairs.sources.rows import NoPair, Record, Row, RowFault, rows_of
from threatclip.pairs.sources.values import as_split, as_text

_CRISISMMD = ("task", "split", "event", "tweet_id", "image_id", "text", "label", "label_text", "label_image")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tweets:
    """Crisis tweets without pictures, from Parquet: image pairs with words alone, for vocabulary and transfer.

    Attributes:
        task: of CrisisMMD, whose rows and label: "informative" or "humanitarian".
        hashtags: "words" (default), "strip" or "keep".
    """

    kind: Literal["tweets"] = "tweets"
    modality: ClassVar[Modality] = "image"
    task: Literal["informative", "humanitarian"] = "informative"
    hashtags: Hashtags = "words"

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair for every row; rows of one tweet (one for each of its pictures) share their group.

        Raises:
            InputError: an unusable file, or one with the columns of neither set.
        """
        crisismmd = "task" in column_names(path)
        records = column_records(path, *(_CRISISMMD if crisismmd else ("tweet_id", "text", "image_path", "labels")))
        yield from rows_of(records, self._crisismmd if crisismmd else self._humanitarian, modality=self.modality)

    def _crisismmd(self, record: Record) -> Pair:
        row = record.value
        if row["task"] != self.task:
            raise NoPair("a row of another task")
        words, language = post_words(row["text"], hashtags=self.hashtags, what="text")
        facts = {name: row[name] for name in ("event", "label_text", "label_image")}
        return Pair(
            id=as_text(row["image_id"], what="image_id") or "",
            view=b"",
            caption=_words(words),
            label=as_text(row["label"], what="label"),
            group=as_text(row["tweet_id"], what="tweet_id"),
            split=as_split(row["split"], what="split"),
            meta={"source": "crisismmd", **known(**facts), **language},
        )

    def _humanitarian(self, record: Record) -> Pair:
        row = record.value
        labels = row["labels"] if row["labels"] is not None else []
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise RowFault("labels is not a list of texts")
        words, language = post_words(row["text"], hashtags=self.hashtags, what="text")
        return Pair(
            id=as_text(row["image_path"], what="image_path") or "",
            view=b"",
            caption=_words(words),
            label=labels[0] if len(labels) == 1 else None,
            group=as_text(row["tweet_id"], what="tweet_id"),
            meta={"source": "humanitarian-tweets", **known(labels="; ".join(labels)), **language},
        )


def _words(words: str | None) -> str:
    if words is None:
        raise NoPair("no word is left of the tweet")
    return words
