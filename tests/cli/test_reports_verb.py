"""`threatclip classify --report`: reports of one name, too long ones, and files that are reports given as one text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from commands import Command

from threatclip.experiments import tasks
from threatclip.pairs.pair import Pair

TEXT = "They opened the barges at night. They left by way of the quarry."


class Sentences:
    """Answers each sentence by itself."""

    modality = "text"
    model = "ab12"

    def classify_pairs(self, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
        return [self._answer(pair.id) for pair in pairs]

    def _answer(self, name: str) -> dict[str, Any]:
        claim = {"label": "G0001", "name": "Sly Badger", "probability": 1.0}
        return {"id": name, "answers": [claim], "abstained": False, "evidence": [], "model": self.model}


class Reports(Sentences):
    """Answers all sentences of a report at once, three at most."""

    most_sentences = 3

    def classify_report(self, name: str, pairs: Sequence[Pair]) -> dict[str, Any]:
        return {**self._answer(name), "n": len(pairs)}


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Two folders that hold a report of the same name and nothing else."""
    found = [tmp_path / name for name in ("first", "second")]
    for folder in found:
        folder.mkdir()
        (folder / "incident.txt").write_text(TEXT)
    return found


def asked(threatclip: Command, monkeypatch: pytest.MonkeyPatch, model: Sentences, *options: object) -> Any:
    monkeypatch.setattr(tasks, "load_classifier", lambda *_, **__: model)
    return threatclip("classify", "run", *options, "--json")


def lines(done: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.out.splitlines()]


def test_reports_of_one_name_are_two_reports(
    threatclip: Command, monkeypatch: pytest.MonkeyPatch, folders: list[Path]
) -> None:
    first, second = folders
    for one, other in (
        (first, second),
        (first / "incident.txt", second / "incident.txt"),
        (first, second / "incident.txt"),
    ):
        options = ["--report", one, "--report", other]
        done = asked(threatclip, monkeypatch, Reports(), *options)
        files = [f"{folder}/incident.txt" for folder in folders]
        assert [(line["id"], line["n"]) for line in lines(done)] == [(file, 2) for file in files]
        done = asked(threatclip, monkeypatch, Sentences(), *options)
        assert [line["id"] for line in lines(done)] == [f"{file}#{n}" for file in files for n in (1, 2)]
    alone = asked(threatclip, monkeypatch, Sentences(), "--report", first)
    assert [line["id"] for line in lines(alone)] == ["incident.txt#1", "incident.txt#2"]
    twice = asked(threatclip, monkeypatch, Reports(), "--report", first, "--report", first)
    assert "names the same path twice" in twice.error


def test_a_report_too_long_for_the_model_stops_no_other(
    threatclip: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("They opened the barges. " * 4)
    (tmp_path / "b.txt").write_text("They opened the barges. " * 3)
    done = asked(threatclip, monkeypatch, Reports(), "--report", tmp_path, "--skip-bad")
    assert [line["id"] for line in lines(done)] == ["b.txt"]
    assert "bad row a.txt:1: it has 4 sentences, more than 3; split it" in done.errors
    strict = asked(threatclip, monkeypatch, Reports(), "--report", tmp_path)
    assert (strict.code, strict.out) == (2, "")
    assert "it has 4 sentences, more than 3" in strict.error


@pytest.mark.parametrize("name", ["incident.pdf", "incident.HTML", "incident.md"])
def test_pages_are_not_read_as_one_sentence(
    threatclip: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(b"%PDF-1.4")
    refused = asked(threatclip, monkeypatch, Reports(), "--file", tmp_path / name)
    assert refused.code == 2
    assert "is a report, not one text; give it by --report" in refused.error
