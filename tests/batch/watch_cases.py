"""A log that a writer makes, and a classifier that answers what it was asked without a model."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from threatclip.batch.watch import Watching, watch
from threatclip.pairs.pair import Pair


class Echo:
    """Answers every payload with itself."""

    modality = "payload"
    model = "echo"

    def classify_pairs(self, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
        return [
            {
                "id": pair.id,
                "answers": [{"label": pair.view.decode(), "name": "itself", "probability": 1.0}],
                "abstained": False,
                "evidence": [],
                "model": self.model,
            }
            for pair in pairs
        ]


def event(number: int) -> bytes:
    """Return one alert whose payload is its number."""
    payload = base64.b64encode(f"GET /{number}".encode()).decode()
    return (json.dumps({"event_type": "alert", "flow_id": number, "payload": payload}) + "\n").encode()


def append(log: Path, *numbers: int) -> None:
    """Write whole events."""
    with log.open("ab") as handle:
        handle.write(b"".join(map(event, numbers)))


def asked(answers: Path) -> list[int]:
    """Return the numbers of the events that were answered, in order."""
    lines = answers.read_text().splitlines() if answers.exists() else []
    return [int(json.loads(line)["answers"][0]["label"].removeprefix("GET /")) for line in lines]


def read_once(log: Path, answers: Path, notices: list[str] | None = None, **settings: Any) -> dict[str, Any]:
    """Answer what the log holds now."""
    return watch(
        Watching(log=log, answers=answers, once=True, **settings),
        Echo(),
        stopping=lambda: False,
        on_notice=(notices if notices is not None else []).append,
        on_progress=lambda _: None,
    )
