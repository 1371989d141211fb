"""MITRE ATT&CK procedures: a sentence of what an actor did beside the description of the technique that it shows."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from threatclip.errors import BadRow, InputError
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.sources.rows import NoPair, Record, Row, RowFault, json_records, rows_of
from threatclip.pairs.sources.values import as_text, as_time, to_utf8

TECHNIQUES = "techniques.jsonl.gz"
_TECHNIQUE_ID = re.compile(r"T\d{4}(\.\d{3})?", re.ASCII)
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackProcedures:
    """Procedure sentences of ATT&CK as JSON Lines, with `techniques.jsonl.gz` beside them.

    View: the sentence. Caption: the technique's name and the first sentences of its description. Label: its tactic or
    its technique. Group: the first report cited (sentences of one report must not straddle a split), else the actor.

    Attributes:
        label: what is to be told of a sentence; the first tactic, the technique, or the technique without its
            sub-technique.
        n_sentences: of the description, in the caption.
    """

    kind: Literal["attack_procedures"] = "attack_procedures"
    modality: ClassVar[Modality] = "text"
    label: Literal["tactic", "technique", "parent_technique"] = "parent_technique"
    n_sentences: int = 1

    def read(self, path: Path) -> Iterator[Row]:
        """Yield a pair or the reason why there is none for every sentence.

        Raises:
            InputError: no techniques beside the sentences, or an unusable file.
        """
        captions = _captions(path.with_name(TECHNIQUES), self.n_sentences)
        yield from rows_of(json_records(path), functools.partial(_pair, captions=captions, label=self.label))


def _captions(path: Path, n_sentences: int) -> dict[str, str]:
    """Return by technique id its name and the start of its description."""
    captions: dict[str, str] = {}
    for record in json_records(path):
        if isinstance(record, BadRow):
            raise InputError(f"{record}; the techniques name every caption, so they must be whole")
        technique, name = record.value.get("technique_id"), record.value.get("name")
        if not isinstance(technique, str) or not isinstance(name, str):
            raise InputError(f"{path}:{record.line}: a technique without technique_id or name; restore the file")
        described = " ".join((as_text(record.value.get("description"), what="description") or "").split())
        captions[technique] = f"{name}. " + " ".join(_SENTENCE.split(described)[:n_sentences])
    return captions


def _pair(record: Record, *, captions: Mapping[str, str], label: str) -> Pair:
    row = record.value
    technique, text = row.get("technique_id"), row.get("text")
    if not isinstance(technique, str) or not _TECHNIQUE_ID.fullmatch(technique):
        raise RowFault(f"technique_id {str(technique)[:40]!a} is no technique of ATT&CK")
    if technique not in captions:
        raise NoPair("its technique has no description")
    if not isinstance(text, str) or not text.strip():
        raise NoPair("no sentence")
    tactics, cited = row.get("tactics") or [], row.get("citations") or []
    if not isinstance(tactics, list) or not isinstance(cited, list):
        raise RowFault("tactics or citations is not a list")
    labels = {
        "tactic": next(iter(tactics), None),
        "technique": technique,
        "parent_technique": technique.partition(".")[0],
    }
    actor = as_text(row.get("group_id"), what="group_id")
    facts = {"source": row.get("source"), "actor": actor, "technique": technique}
    return Pair(
        id=as_text(row.get("rel_id"), what="rel_id") or f"procedure:{record.line}",
        view=to_utf8(text.strip(), what="text"),
        caption=captions[technique].strip(),
        label=as_text(labels[label], what=label),
        group=as_text(next(iter(cited), None), what="citations") or actor,
        time=as_time(row.get("created"), what="created"),
        meta={name: text for name, value in facts.items() if (text := as_text(value, what=name))},
    )
