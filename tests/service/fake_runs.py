"""Runs whose models answer by rule, for tests of what stands around a model."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from threatclip.artifacts import write_json, write_manifest
from threatclip.errors import InputError
from threatclip.pairs.pair import Pair


@dataclass
class FakeClassifier:
    """Answers with the length of a view; `go` holds it back, `batches` tells what came together."""

    modality: str = "payload"
    model: str = "0" * 64
    go: threading.Event = field(default_factory=threading.Event)
    batches: list[list[str]] = field(default_factory=list)

    def classify_pairs(self, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
        self.batches.append([pair.id for pair in pairs])
        if not self.go.wait(20):
            raise TimeoutError
        if any(pair.view == b"bad" for pair in pairs):
            raise InputError("a payload is bad")
        if any(pair.view == b"bug" for pair in pairs):
            raise AttributeError("a bug with secret words")
        return [
            {
                "id": pair.id,
                "answers": [{"label": str(len(pair.view)), "name": "length", "probability": 0.75}],
                "abstained": False,
                "evidence": [],
                "model": self.model,
            }
            for pair in pairs
        ]


def fake_run(folder: Path, *, kind: str = "payload-weakness") -> None:
    """Write a bundle that `Runs` finds."""
    folder.mkdir(parents=True)
    write_json(folder / "config.json", {})
    write_manifest(folder, extra={"kind": kind, "version": "test"})
