"""A technique labeler on the command line: sentences, whole reports, a Navigator layer of its answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from threatclip.cli.main import main


def test_a_sentence_is_labeled_for_people_and_for_scripts(
    technique_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["classify", str(technique_run), "--text", "They hid the padlock and the hasp.", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["sentence"] == "They hid the padlock and the hasp."
    assert answer["members"][0]["label"] == "T9002.001"
    assert main(["classify", str(technique_run), "--text", "They hid the padlock and the hasp."]) == 0
    shown = capsys.readouterr().out
    assert "said by words T9002.001" in shown
    assert "like " in shown


def test_a_report_is_labeled_sentence_by_sentence_and_exported(
    technique_run: Path, technique_recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "incident.md"
    report.write_text(
        "# Incident\n\nThe actor broke the salmon and the trout. Then it sold the mirror and the silver.\n"
    )
    answers = tmp_path / "answers.jsonl"
    assert main(["classify", str(technique_run), "--report", str(report), "-o", str(answers), "--quiet"]) == 0
    found = [json.loads(line) for line in answers.read_text().splitlines()]
    assert [one["id"].rpartition("#")[0] for one in found] == ["incident.md"] * len(found)
    assert [one["members"][0]["label"] for one in found][-2:] == ["T9001.001", "T9003"]
    layer = tmp_path / "layer.json"
    attack = technique_recipe.parent / "attack.json"
    for one in found:  # the layer takes what the model does not abstain on
        one["abstained"] = False
    answers.write_text("".join(json.dumps(one) + "\n" for one in found))
    assert main(["export", "navigator", str(answers), "--attack", str(attack), "-o", str(layer)]) == 0
    capsys.readouterr()
    named = {one["techniqueID"] for one in json.loads(layer.read_text())["techniques"]}
    assert named & {"T9001.001", "T9001", "T9003"}


def test_evaluate_prints_figures(technique_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(technique_run), "-o", str(tmp_path / "e"), "--json", "--quiet"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["n"] == 24
    assert set(report["origins"]) == {"procedures", "own"}
