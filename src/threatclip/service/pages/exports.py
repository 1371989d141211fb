"""Answers of the page as files of other tools: through the very path that `threatclip export` takes."""

from __future__ import annotations

import json
from typing import cast

from threatclip.errors import InputError
from threatclip.experiments import exporting
from threatclip.export.answers import answer_of, select
from threatclip.export.inputs import seen_of
from threatclip.pairs.attack_catalogue import Catalogue
from threatclip.service.pages.submissions import Submission

KINDS = ("json", "stix", "navigator", "misp")


def exported(submission: Submission, kind: str, *, place: int | None, catalogue: Catalogue | None) -> bytes:
    """Return answers as JSON, a STIX bundle, a Navigator layer or a MISP event.

    Args:
        submission: whose answers.
        kind: one of KINDS.
        place: of the one answer that is wanted; None: all of them.
        catalogue: of ATT&CK, where the service has one.

    Raises:
        InputError: nothing among the answers can be said in that format.
        NotInstalledError: a library that the format needs.
    """
    chosen = range(len(submission.answers)) if place is None else range(place, place + 1)
    answers = [submission.answers[one] for one in chosen]
    if kind == "json":
        value = {"run": submission.run, "created": submission.created.isoformat(), "answers": answers}
        return json.dumps(value, indent=2, allow_nan=False).encode("ascii")
    try:
        read = [answer_of(dict(one)) for one in answers]
    except ValueError as error:
        raise InputError(f"an answer cannot be written out: {error}") from error
    selection = select(
        read,
        catalogue=catalogue,
        name=f"threatclip: {submission.name}",
        created=submission.created.replace(microsecond=0),
    )
    seen = {submission.pairs[one].id: seen_of(submission.pairs[one], submission.reads) for one in chosen}
    value, _ = exporting.exported(cast("exporting.ExportKind", kind), selection, seen, catalogue)
    return json.dumps(value, indent=2, allow_nan=False).encode("ascii")
