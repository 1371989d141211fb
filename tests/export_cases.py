"""Answers and inputs on their way out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stix_cases import OBJECTS
from threatclip.export.answers import Answer, Claim, Selection, select
from threatclip.export.inputs import Seen
from threatclip.pairs.attack_reading import catalogue_of

CATALOGUE = catalogue_of(OBJECTS, where="test")
CREATED = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
HOSTILE = "a\x1b[31m\x00\u202eb\ud800c\r\nd\uffff"


def answer(key: str, *claims: tuple[str, float], abstained: bool = False) -> Answer:
    """Return an answer of (label, probability)."""
    made = tuple(Claim(label=label, name=label, probability=probability) for label, probability in claims)
    return Answer(id=key, claims=made, abstained=abstained, model="ab12")


ANSWERS = [
    answer("s1", ("T9001.001", 0.8), ("T9001", 0.1)),
    answer("s2", ("T9000", 0.5)),  # revoked: T9001.001 took its place
    answer("p1", ("xss", 0.97)),
    answer("i1", ("T9001", 0.4)),
    answer("g", ("G9001", 0.3)),
    answer("c", ("C9001", 0.2)),
    answer("t", ("S9002", 1.0)),
    answer("a", ("T9001", 0.9), abstained=True),
    answer("u", ("floodwater", 0.9)),
]
INPUTS = {
    "s1": Seen(modality="text", view=f"It ran fish.\n{'x' * 30_000}".encode(), origin="report.pdf"),
    "p1": Seen(modality="payload", view=b"GET /?q=<script>\x00\xff \x1b[2J", time=datetime(2025, 1, 1, tzinfo=UTC)),
    "i1": Seen(modality="image", view=b"\x89PNG" + b"0" * 70_000),
}


def selection(answers: list[Answer] | None = None, **options: Any) -> Selection:
    """Return what is picked of `ANSWERS`."""
    settings = {"catalogue": CATALOGUE, "name": "Case 7", "created": CREATED, **options}
    return select(ANSWERS if answers is None else answers, **settings)


def write_answers(path: Path, answers: list[Answer] | None = None) -> Path:
    """Write answers as `threatclip classify` does."""
    lines = [
        {
            "id": one.id,
            "answers": [{"label": c.label, "name": c.name, "probability": c.probability} for c in one.claims],
            "abstained": one.abstained,
            "evidence": [],
            "model": one.model,
        }
        for one in (ANSWERS if answers is None else answers)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path
