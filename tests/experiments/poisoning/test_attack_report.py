"""The report of sweeps: one inert file that shows every figure, whatever a recipe calls its classes and lines."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from report_pages import Page, inert
from swept_cases import LINES, made_sweep
from threatclip.errors import InputError, StorageError
from threatclip.experiments.poisoning.curves import Curve, CurvePoint, dose_curves
from threatclip.experiments.poisoning.report import (
    MEANINGS,
    Swept,
    read_sweeps,
    render_report,
    report_json,
    write_report,
)
from threatclip.experiments.progress import ignore
from threatclip.experiments.report_data import Estimate
from threatclip.experiments.report_text import figure, points

HOSTILE = "</title></style><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}\x00\u202e"
SVG = "{http://www.w3.org/2000/svg}"


def read(*folders: Path) -> list[Swept]:
    return read_sweeps(folders, on_progress=ignore, n_resamples=50)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_sweep(tmp_path_factory.mktemp("made"), without=("patch-10-1",))


@pytest.fixture(scope="module")
def swept(out: Path) -> list[Swept]:
    return read(out)


def test_the_page_is_one_inert_file_with_every_figure(swept: list[Swept], tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", swept)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(html)
    inert(page)
    assert html.startswith("<!DOCTYPE html>")
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page.values("content")[0]
    assert {href[1:] for href in page.values("href")} <= set(page.values("id"))
    assert len(page.values("id")) == len(set(page.values("id")))
    assert "url(" not in html
    assert "http" not in re.sub(r"http-equiv|http://www\.w3\.org/2000/svg", "", html)
    assert "Made up" in page.text
    assert "patch-10-1" in page.text
    assert page.tags.count("svg") == 4, "triggers, queries, interfaces, drift"
    for title, text in MEANINGS:
        assert title in page.text
        assert text in page.text
    for dose in swept[0].attacked:
        for name in ("asr_1", "asr_floor_1", "hit_10", "goal2.hit_10", "random_hit_10", "clean_hit_10"):
            if name in dose.metrics:
                assert figure(dose.metrics[name].value, "percent") in page.text
        assert figure(dose.metrics["drift_view"].value, "number") in page.text
        assert points(dose.change["clean_accuracy_1" if not dose.goals else "i2t_r_10"].value) in page.text


def test_sections_without_figures_are_left_out(tmp_path: Path) -> None:
    triggers = LINES.partition('[[lines]]\nname = "queries"')[0]
    page = Page(render_report(read(made_sweep(tmp_path / "a", lines=triggers))))
    assert "Targeted queries" not in page.text
    clean = Page(render_report(read(made_sweep(tmp_path / "b", lines='[[lines]]\nname = "clean"\n'))))
    inert(clean)
    assert "svg" not in clean.tags
    assert "Models without poison" in clean.text


def test_several_sweeps_stand_on_one_page(out: Path, tmp_path: Path) -> None:
    shutil.copytree(out, tmp_path / "other")
    both = read(out, tmp_path / "other")
    page = Page(render_report(both))
    inert(page)
    assert "2 attack sweeps" in page.text
    assert len(page.values("id")) == len(set(page.values("id")))
    told = report_json(both)
    assert {cell["sweep"] for cell in told["cells"]} == {str(out), str(tmp_path / "other")}


def test_hostile_words_are_shown_and_never_obeyed(tmp_path: Path) -> None:
    name = json.dumps(HOSTILE)
    lines = LINES.replace('"dog"', name).replace('"cat"', json.dumps(f"b{HOSTILE}"))
    out = made_sweep(tmp_path, lines=lines)
    plan = json.loads((out / "sweep.json").read_text())
    plan["recipe"]["title"] = HOSTILE
    (out / "sweep.json").write_text(json.dumps(plan))
    (out / "environment.json").write_text(json.dumps({"commit": HOSTILE, "device": [HOSTILE]}))
    html = render_report(read(out))
    page = Page(html)
    inert(page)
    assert "<script" not in html.lower()
    assert "\x00" not in html
    assert "\u202e" not in html
    assert "{{ 7*7 }}" in page.text
    assert "‹NUL›‹U+202E›" in page.text


def test_json_keeps_the_contract_of_bench_and_adds_the_means(swept: list[Swept]) -> None:
    told = report_json(swept)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    contract = {"task", "attack", "rate", "defense", "seed", "metrics", "seconds", "peak_mib"}
    assert len(told["cells"]) == 17
    assert all(cell.keys() >= contract for cell in told["cells"])
    (patch,) = [line for line in told["lines"] if (line["line"], line["count"]) == ("patch", 30)]
    assert (patch["attack"], patch["rate"], patch["seeds"], patch["missing_seeds"]) == ("badnets", 0.03, [0, 1], [])
    assert patch["metrics"]["asr_1"]["value"] == pytest.approx(0.65, abs=1e-6)
    assert patch["against_clean_line"]["clean_accuracy_1"]["value"] == pytest.approx(0.05)
    assert patch["against_clean_model"]["asr_1"]["value"] == pytest.approx(0.55, abs=1e-6)
    assert [one["cell"] for one in told["missing"]] == ["patch-10-1"]


def test_the_same_folder_gives_the_same_bytes(out: Path, swept: list[Swept]) -> None:
    assert render_report(read(out)) == render_report(swept)


def test_a_sweep_without_a_finished_cell_is_refused(out: Path, tmp_path: Path) -> None:
    shutil.copytree(out, tmp_path / "out")
    shutil.rmtree(tmp_path / "out" / "cells")
    with pytest.raises(InputError, match="has no finished cell of its 18; run its recipe into it again"):
        read(tmp_path / "out")


def test_a_refusing_disk_is_a_storage_error(swept: list[Swept], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        write_report(tmp_path / "file" / "report.html", swept)


fractions = st.floats(0, 1)
estimates = st.one_of(
    st.just(Estimate()),
    st.builds(
        lambda ends: Estimate(value=sorted(ends)[1], low=sorted(ends)[0], high=sorted(ends)[2], n=9),
        st.tuples(fractions, fractions, fractions),
    ),
)
curves = st.lists(
    st.builds(
        Curve,
        title=st.text(max_size=80),
        points=st.lists(
            st.builds(
                CurvePoint,
                count=st.integers(1, 10**6),
                own=estimates,
                clean=estimates,
                random=st.none() | estimates,
                seeds=st.lists(fractions, max_size=3).map(tuple),
            ),
            min_size=1,
            max_size=5,
        ).map(tuple),
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=40, deadline=None)
@given(curves=curves)
def test_dose_curves_stay_inside_and_tell_every_point(curves: list[Curve]) -> None:
    root = ET.fromstring(dose_curves(curves, key="k", title="t", measure="ASR@1", clean="clean"))
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for node in root.iter():
        for name, limit in (("x", width), ("x1", width), ("cx", width), ("y", height), ("y1", height), ("cy", height)):
            assert 0 <= float(node.attrib.get(name, 0)) <= limit
    marks = [node for node in root.iter(f"{SVG}g") if node.attrib.get("class") == "mark"]
    drawn = [point for curve in curves for point in curve.points if point.own.value is not None]
    assert len(marks) == len(drawn)
    described = root[1].text or ""
    assert described.count("ASR@1 ") == sum(len(curve.points) for curve in curves)


def test_poisons_lie_on_a_logarithmic_scale() -> None:
    marks = tuple(CurvePoint(count=n, own=Estimate(value=0.5), clean=Estimate(value=0.1)) for n in (10, 100, 1000))
    root = ET.fromstring(dose_curves([Curve(title="a", points=marks)], key="k", title="t", measure="m", clean="c"))
    disks = [float(node.attrib["cx"]) for node in root.iter(f"{SVG}circle") if "dot" in node.attrib["class"]][1:]
    assert disks[1] - disks[0] == pytest.approx(disks[2] - disks[1], abs=0.02)
