"""Answers to the files of other tools: reads answers, ATT&CK and the inputs, and writes one file whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from threatclip.artifacts import write_text
from threatclip.errors import InputError
from threatclip.export.answers import Answer, Selection, read_answers, select
from threatclip.export.inputs import Seen, seen_of
from threatclip.export.tlp import Tlp
from threatclip.pairs.attack_catalogue import ENTERPRISE, Catalogue, load_catalogue
from threatclip.pairs.table import PairTable

ExportKind = Literal["stix", "navigator", "misp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What was written and what was left out; `objects` counts STIX objects, techniques or attributes."""

    path: Path
    kind: ExportKind
    answers: int
    exported: int
    abstained: int
    below: int
    unknown: dict[str, int]
    objects: int

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {**asdict(self), "path": str(self.path)}


def export_answers(
    kind: ExportKind,
    answers: Path,
    out: Path,
    *,
    created: datetime,
    name: str | None = None,
    attack: Path | None = None,
    pairs: Path | None = None,
    top: int = 1,
    least: float = 0.0,
    tlp: Tlp | None = None,
) -> ExportReport:
    """Write the answers of `answers` to `out` as `kind`, with the time `created`.

    Args:
        attack: ATT&CK's STIX bundle; needed for STIX where labels are ATT&CK's.
        pairs: the pair table that was classified; its views go out with the answers.
        top: claims of each answer; `least`: their least probability.
        tlp: to whom the file may be passed on.

    Raises:
        InputError: unusable files, or no answer to write.
        NotInstalledError: a library that the kind needs.
        StorageError: the disk refused.
    """
    if top < 1 or not 0 <= least <= 1:
        raise InputError(f"top {top} must be at least 1, the least probability {least} in [0, 1]")
    catalogue = None if attack is None else load_catalogue(attack)
    read = list(read_answers(answers))
    selection = select(
        read,
        catalogue=catalogue,
        name=name or answers.name.partition(".")[0],
        created=created,
        top=top,
        least=least,
        tlp=tlp,
    )
    seen = {} if pairs is None else _inputs(pairs, read)
    value, count = exported(kind, selection, seen, catalogue)
    write_text(out, json.dumps(value, indent=2, allow_nan=False) + "\n")
    return ExportReport(
        path=out,
        kind=kind,
        answers=selection.n_answers,
        exported=len({pick.answer.id for pick in selection.picks}),
        abstained=selection.abstained,
        below=selection.below,
        unknown=selection.unknown,
        objects=count,
    )


def exported(
    kind: ExportKind, selection: Selection, seen: Mapping[str, Seen], catalogue: Catalogue | None
) -> tuple[dict[str, Any], int]:
    """Return what goes out as plain JSON values, and how many STIX objects, techniques or attributes it holds.

    Raises:
        InputError: STIX of ATT&CK's labels without its bundle.
        NotInstalledError: a library that the kind needs.
    """
    if kind == "stix":
        from threatclip.export.stix import stix_bundle

        bundle = stix_bundle(selection, inputs=seen)
        return bundle, len(bundle["objects"])
    if kind == "misp":
        from threatclip.export.misp import misp_event

        event = misp_event(selection, inputs=seen)
        return event, len(event["Event"].get("Attribute", ()))
    from threatclip.export.navigator import navigator_layer

    layer = navigator_layer(
        selection,
        domain=ENTERPRISE if catalogue is None else catalogue.domain,
        attack_version=None if catalogue is None else catalogue.version,
    )
    return layer, len(layer["techniques"])


def _inputs(path: Path, answers: Iterable[Answer]) -> dict[str, Seen]:
    """Return the views of the table that were answered, by id."""
    table = PairTable.open(path)
    wanted = {answer.id for answer in answers}
    found = {pair.id: seen_of(pair, table.modality) for pair in table.iter_pairs() if pair.id in wanted}
    if not found:
        raise InputError(f"{path} holds none of the answers' ids; give the table that was classified")
    return found
