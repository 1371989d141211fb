"""Doses: means over the seeds that are there, pairs with the clean line and the clean model, and what is missing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from swept_cases import made_sweep, scores_of
from threatclip.artifacts import read_json, write_json
from threatclip.errors import DamagedArtifactError
from threatclip.experiments.cells import Cell
from threatclip.experiments.poisoning.doses import Dose, Found, by_attack, read_doses
from threatclip.experiments.poisoning.findings import Finding, findings
from threatclip.experiments.poisoning.folder import cells_in, read_folder
from threatclip.experiments.poisoning.report import Swept
from threatclip.experiments.poisoning.report_sections import sections
from threatclip.experiments.poisoning.report_table import report_table
from threatclip.experiments.poisoning.row_scores import keep_scores, read_scores
from threatclip.experiments.progress import Progress

DRAWS = 200


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_sweep(tmp_path_factory.mktemp("made"))


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    """A copy of the folder that a test may damage."""
    shutil.copytree(made, tmp_path / "out")
    return tmp_path / "out"


def found_in(out: Path, **options: Any) -> Found:
    folder = read_folder(out)
    return read_doses(folder.sweep, out, keys=folder.keys, n_resamples=DRAWS, **options)


def dose_of(found: Found, name: str, count: int) -> Dose:
    (dose,) = [dose for dose in found.doses if (dose.line.name, dose.count) == (name, count)]
    return dose


def test_every_figure_is_the_mean_of_rows_and_seeds(made: Path) -> None:
    found = found_in(made)
    assert [(dose.line.name, dose.count) for dose in found.doses] == [
        *(("victim", 0), ("clean", 0), ("patch", 10), ("patch", 30), ("patch", 100), ("weak", 30)),
        *(("queries", 10), ("queries", 30), ("both", 30)),
    ]
    assert found.missing == ()
    assert len(found.results) == 18
    cells = {cell.name: cell for cell in cells_in(read_folder(made).sweep, made)}
    for dose in found.doses:
        names = [
            f"{dose.line.name}-{dose.count}-{seed}" if dose.line.attack else f"{dose.line.name}-{seed}"
            for seed in (0, 1)
        ]
        rows = [scores_of(cells[name].spec) for name in names]
        assert dose.metrics.keys() == rows[0].keys()
        for name, metric in dose.metrics.items():
            values = [float(np.mean(one[name][0])) for one in rows]
            assert metric.value == pytest.approx(np.mean(values), abs=1e-7)
            assert metric.low <= metric.value <= metric.high
            assert dose.spread[name] == pytest.approx(values, abs=1e-7)
    assert dose_of(found, "patch", 10).rate == 10 / 1000


def test_differences_are_paired_with_the_clean_line_and_the_clean_model(made: Path) -> None:
    found = found_in(made)
    patch = dose_of(found, "patch", 30)
    assert patch.change["clean_accuracy_1"].value == pytest.approx(0.05)
    assert (patch.change["i2t_r_10"].low, patch.change["i2t_r_10"].high) == (0.0, 0.0), "equal row by row"
    assert patch.gain.keys() == {"asr_1", "asr_3", "retrieval.asr_1", "linear.asr_1", "neighbors.asr_1"}
    assert patch.gain["asr_1"].value == pytest.approx(0.65 - 0.1, abs=1e-6)
    queries = dose_of(found, "queries", 30)
    assert queries.gain.keys() == {"hit_1", "hit_5", "hit_10", "min_rank"}
    assert queries.gain["hit_10"].value == pytest.approx(0.65 - 0.05, abs=1e-6)
    assert queries.gain["min_rank"].value < 0
    both = dose_of(found, "both", 30)
    assert both.goals == ("", "goal2.")
    assert [both.goal_name(goal) for goal in both.goals] == [": cat to dog", ": ship to truck"]
    assert "goal2.hit_10" in both.gain
    assert dose_of(found, "clean", 0).gain == {}
    assert dose_of(found, "clean", 0).change["clean_accuracy_1"].value == 0.0


def test_what_is_missing_or_of_another_recipe_is_named_and_left_out(out: Path) -> None:
    (out / "cells" / "patch-10-0.json").unlink()
    (out / "cells" / "weak-30-0.json").unlink()
    stale = out / "cells" / "weak-30-1.json"
    write_json(stale, {**read_json(stale), "key": "another"})
    found = found_in(out)
    assert found.missing == ("patch-10-0", "weak-30-0", "weak-30-1")
    patch = dose_of(found, "patch", 10)
    assert (patch.seeds, patch.missing, patch.seeds_told) == ((1,), (0,), "1 (1 missing)")
    assert patch.title == "patch, 1 of 2 seeds"
    assert patch.spread["asr_1"] == (pytest.approx(0.1, abs=1e-6),)
    assert "weak" not in {dose.line.name for dose in found.doses}


def test_without_its_clean_seed_a_dose_has_no_difference(out: Path) -> None:
    (out / "cells" / "clean-1.json").unlink()
    found = found_in(out)
    assert dose_of(found, "patch", 30).change == {}
    assert dose_of(found, "patch", 30).gain
    assert dose_of(found, "clean", 0).seeds == (0,)


def test_a_sweep_may_start_from_scratch_alone(tmp_path: Path) -> None:
    lines = """
[[lines]]
name = "clean"
start = "scratch"

[[lines]]
name = "patch"
start = "scratch"
attack = { kind = "badnets", target = "dog" }
counts = [30]
"""
    found = found_in(made_sweep(tmp_path, lines=lines))
    assert [(dose.line.name, bool(dose.change)) for dose in found.doses] == [
        ("victim", False),
        ("clean", True),
        ("patch", True),
    ]


def test_progress_is_told_dose_by_dose(made: Path) -> None:
    told: list[Progress] = []
    found_in(made, on_progress=told.append)
    assert [(one.done, one.total) for one in told] == [(done, 9) for done in range(10)]


@pytest.mark.parametrize("content", ["[]", "nothing", '{"key": NaN}', '{"seconds": Infinity}'])
def test_a_cell_that_holds_no_cell_is_damage(out: Path, content: str) -> None:
    (out / "cells" / "patch-10-0.json").write_text(content)
    with pytest.raises(DamagedArtifactError, match=r"patch-10-0\.json"):
        found_in(out)


@pytest.mark.parametrize("facts", [{"n_pool": 0}, {"n_test": "12"}, {"n_views": None}, {"classes": "dog"}])
def test_a_cell_without_its_facts_is_damage(out: Path, facts: dict[str, Any]) -> None:
    file = out / "cells" / "patch-10-0.json"
    write_json(file, {**read_json(file), **facts})
    with pytest.raises(DamagedArtifactError, match=r"patch-10-0\.json is not a whole cell"):
        found_in(out)


@pytest.mark.parametrize("name", ["patch-10-1", "clean-1"])
def test_cells_that_were_judged_on_other_rows_are_damage(out: Path, name: str) -> None:
    cell = Cell(name=name, spec=None, folder=out)
    scores = read_scores(cell)
    keep_scores(cell, {key: (values, groups[::-1]) for key, (values, groups) in scores.items()})
    with pytest.raises(DamagedArtifactError, match="measured on other rows"):
        found_in(out)


def test_a_clean_line_that_was_judged_on_other_rows_is_damage(out: Path) -> None:
    for seed in (0, 1):
        cell = Cell(name=f"clean-{seed}", spec=None, folder=out)
        scores = read_scores(cell)
        keep_scores(cell, {key: (values[:-1], groups[:-1]) for key, (values, groups) in scores.items()})
    with pytest.raises(DamagedArtifactError, match="clean_accuracy_1 was measured on other rows of the clean model"):
        found_in(out)


def told(found: Found) -> dict[str, Finding]:
    return {finding.text.partition(":")[0].partition(",")[0]: finding for finding in findings(found.doses)}


def test_findings_name_the_least_dose_that_takes_and_its_price(made: Path) -> None:
    found = told(found_in(made))
    assert {name: one.word for name, one in found.items()} == {
        "patch": "takes",
        "weak": "no effect",
        "queries": "partly",
        "both": "partly",
    }
    assert "at 100 poisons (10% of the pairs), 95.0% (" in found["patch"].text
    assert "10.0% with the clean model" in found["patch"].text
    assert "Clean accuracy: +5.0 points" in found["patch"].text
    assert "up to 30 poisons (3% of the pairs), not shown to differ" in found["weak"].text
    assert "of the goal that is reached least" in found["both"].text
    assert [one.tone for one in found.values()] == ["weak", "good", "note", "note"]


def test_lines_that_split_the_doses_of_one_attack_are_one_curve_and_one_finding(tmp_path: Path) -> None:
    lines = """
[[lines]]
name = "clean"

[[lines]]
name = "patch"
attack = { kind = "badnets", target = "dog" }
counts = [100]

[[lines]]
name = "patch-doses"
attack = { kind = "badnets", target = "dog" }
counts = [10, 30]
seeds = [0]

[[lines]]
name = "patch-text"
attack = { kind = "badnets", target = "dog" }
counts = [30]
trains = "text"
"""
    found = found_in(made_sweep(tmp_path, lines=lines))
    attacked = [dose for dose in found.doses if dose.line.attack is not None]
    counts = {name: [dose.count for dose in doses] for name, doses in by_attack(attacked).items()}
    assert counts == {"patch": [100, 10, 30], "patch-text": [30]}
    assert [one.word for one in findings(found.doses)] == ["takes", "partly"]
    svg = str((sections(found.doses, key="s")["triggers"] or {})["plot"])
    assert svg.count('class="curve"') == 2
    assert svg.count('class="mark"') == 4


def test_a_gain_inside_chance_takes_nothing(out: Path) -> None:
    """A floor as high as the attack itself: a patch that fools the clean model as well."""
    for seed in (0, 1):
        cell = Cell(name=f"patch-100-{seed}", spec=None, folder=out)
        scores = read_scores(cell)
        keep_scores(cell, {**scores, "asr_floor_1": scores["asr_1"]})
    patch = told(found_in(out))["patch"]
    assert patch.word == "partly", "smaller doses still gain"
    assert "at 30 poisons" in patch.text, "the dose with the most success would mislead: it gains nothing"
    assert "No dose with a gain reaches 90.0%" in patch.text


def test_the_table_leaves_out_what_nothing_fills(made: Path) -> None:
    folder = read_folder(made)
    whole = found_in(made)
    header, rows = report_table([Swept(folder=folder, found=whole)])
    assert "sweep" not in header
    assert len(rows) == len(whole.doses) + 1, "an attack with two goals has two rows"
    cells = dict(zip(header, rows[2], strict=True))
    assert (cells["line"], cells["poisons"], cells["rate %"], cells["seeds"]) == ("patch", "10", "1", "0, 1")
    assert (cells["floor"], cells["ASR@k"], cells["Hit@10"]) == ("10.0", "@3 100.0", "")
    triggers = Found(doses=whole.doses[:4], missing=(), results=())
    header, rows = report_table([Swept(folder=folder, found=triggers)] * 2)
    assert header[0] == "sweep"
    assert not {"Hit@1", "MinRank", "random Hit@10"} & set(header)
    assert all(len(row) == len(header) for row in rows)
