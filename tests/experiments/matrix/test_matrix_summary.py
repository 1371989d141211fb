"""What a matrix says: choices, differences, rebounds; its page and document, whatever it holds."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from matrix_cases import MADE_MATRIX, made_matrix
from report_pages import Page, inert
from threatclip.artifacts import read_json, write_json
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.experiments.matrix.document import matrix_sections
from threatclip.experiments.matrix.findings import findings
from threatclip.experiments.matrix.report import MEANINGS, render_report, report_json
from threatclip.experiments.matrix.summary import Summary, read_summaries
from threatclip.experiments.progress import ignore
from threatclip.experiments.report_text import figure

HOSTILE = "</title></style><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}\x00\u202e"


def read(*folders: Path) -> list[Summary]:
    return read_summaries(folders, on_progress=ignore, n_resamples=40)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_matrix(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def summary(out: Path) -> Summary:
    (one,) = read(out)
    return one


def test_each_defense_stands_at_the_rate_that_its_owner_takes(summary: Summary) -> None:
    patch, both = summary.attacks
    assert (patch.line, patch.count, patch.bare.seeds, patch.reach) == ("patch", 30, (0, 1), "asr_1")
    assert (both.line, both.reach) == ("both", "hit_10")
    assert [one.defense for one in patch.frontiers] == ["plain", "better", "careful"]
    plain, better, careful = patch.frontiers
    assert [spot.rates for spot in plain.spots] == [(1e-3, 1e-3), (3e-3, 3e-3)]
    assert plain.chosen is not None
    assert better.chosen is not None
    assert plain.chosen.rates == better.chosen.rates == (3e-3, 3e-3)
    assert better.chosen.metrics["asr_1"].value == 0.0
    assert better.chosen.change["asr_1"].value == pytest.approx(-0.9)
    assert better.chosen.change["clean_accuracy_1"].value == pytest.approx(-0.05)
    assert better.over["asr_1"].value == pytest.approx(-0.4)
    assert plain.over == {}
    assert better.rebound is not None
    assert better.rebounded["asr_1"].value == pytest.approx(0.1)
    assert careful.chosen is not None
    assert [spot.without for spot in patch.retrained] == [0.1, 0.1]
    assert better.remaining is not None
    assert better.remaining.value == pytest.approx((50 * 0.5 + 51 * 0.0) / 101, abs=0.01)


def test_scores_are_told_seed_by_seed(summary: Summary) -> None:
    assert {(one.defense, one.by) for one in summary.scored} == {
        ("far", "poisoned"),
        ("far", "independent"),
        ("odd", ""),
        ("scan", ""),
    }
    far = next(one for one in summary.scored if one.defense == "far")
    assert far.values("auroc") == [0.9, 0.9]


def test_findings_prefer_what_costs_little(summary: Summary) -> None:
    first, second = findings(summary)
    assert first.word == "weakened", "0% is left, at five points: more than the goal allows"
    assert first.text.startswith("patch: careful leaves least, 30.0%")
    assert second.text.startswith("both: ")


def test_the_page_is_one_inert_file_with_every_figure(summary: Summary) -> None:
    html = render_report([summary])
    page = Page(html)
    inert(page)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page.values("content")[0]
    assert {href[1:] for href in page.values("href")} <= set(page.values("id"))
    assert len(page.values("id")) == len(set(page.values("id")))
    assert "http" not in re.sub(r"http-equiv|http://www\.w3\.org/2000/svg", "", html)
    assert page.tags.count("svg") == 2, "one drawing an attack"
    for title, text in MEANINGS:
        assert title in page.text
        assert text in page.text
    for attack in summary.attacks:
        for spot in [attack.bare, *(spot for one in attack.frontiers for spot in one.spots)]:
            assert figure(spot.metrics[attack.reach].value, "percent") in page.text
    assert "3.250, 3.250" in page.text


def test_the_document_holds_every_table(summary: Summary) -> None:
    text = "\n\n".join(matrix_sections(summary, command="threatclip bench x"))
    for part in ("patch, 30 poisons", "Filters", "Detectors", "Scanners", "Cost", "At every learning rate", "rebound"):
        assert part in text
    assert "costs no more than 5 points" in text
    assert "100 trusted pairs" in text


def test_json_keeps_the_contract_of_bench(summary: Summary) -> None:
    told = report_json([summary])
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    contract = {"task", "attack", "rate", "defense", "seed", "metrics", "seconds", "peak_mib"}
    assert all(cell.keys() >= contract for cell in told["cells"])
    assert told["missing"] == []


def test_a_part_of_a_matrix_can_be_shown(tmp_path: Path) -> None:
    names = ("patch-30-1--better--0.003", "patch-30-0--plain--0.001", "patch-30-0--plain--0.003", "both-30-0--none")
    out = made_matrix(tmp_path, without=(*names, "both-30-1--none"))
    (one,) = read(out)
    assert set(one.missing) == {*names, "both-30-1--none"}
    (patch,) = one.attacks
    plain, better, _ = patch.frontiers
    assert plain.chosen is not None
    assert plain.chosen.seeds == (1,)
    assert better.chosen is not None
    assert better.chosen.rates == (3e-3, 1e-3)
    assert better.over == {}, "other seeds are no pair"
    html = render_report([one])
    inert(Page(html))
    assert "both-30-0--none" in html
    matrix_sections(one, command="c")


def test_a_model_that_diverged_is_told_and_never_chosen(tmp_path: Path) -> None:
    out = made_matrix(tmp_path)
    for seed in (0, 1):
        path = out / "cells" / f"patch-30-{seed}--better--0.003.json"
        write_json(path, {**read_json(path), "metrics": {}, "diverged": "loss nan"})
    (one,) = read(out)
    better = one.attacks[0].frontiers[1]
    assert better.chosen is not None
    assert better.chosen.rates == (1e-3, 1e-3)
    assert better.spots[1].diverged == (0, 1)
    assert "diverged" in render_report([one])
    assert "diverged" in "\n".join(matrix_sections(one, command="c"))


def test_hostile_words_are_shown_and_never_obeyed(tmp_path: Path) -> None:
    out = made_matrix(tmp_path)
    plan = read_json(out / "matrix.json")
    plan["recipe"]["title"] = HOSTILE
    write_json(out / "matrix.json", plan)
    write_json(out / "environment.json", {"commit": HOSTILE})
    html = render_report(read(out))
    inert(Page(html))
    assert "<script" not in html.lower()
    assert "\x00" not in html
    assert "\u202e" not in html


def test_what_is_no_matrix_is_refused(tmp_path: Path, out: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        read(tmp_path / "none")
    with pytest.raises(InputError, match="is no matrix: it has no matrix"):
        read(tmp_path)
    with pytest.raises(InputError, match="named twice"):
        read(out, out)
    for name, value in (("version", 9), ("recipe", {}), ("cells", {"../x": "k"}), ("sweep", 3)):
        plan = {**read_json(out / "matrix.json"), name: value}
        write_json(tmp_path / "bad" / "matrix.json", plan)
        with pytest.raises((InputError, DamagedArtifactError)):
            read(tmp_path / "bad")


def test_a_cell_that_is_none_is_damage(tmp_path: Path) -> None:
    out = made_matrix(tmp_path, text=MADE_MATRIX)
    write_json(out / "cells" / "patch-30-0--none.json", {"key": "x"})
    with pytest.raises(DamagedArtifactError, match="holds no cell"):
        read(out)
