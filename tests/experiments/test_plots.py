"""The plots of a report, parsed as XML and held against the figures they draw; and how figures are written."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_cases import HOSTILE, make_evaluation
from scipy.stats import binomtest

from threatclip.experiments.plots import Mark, Panel, Row, bar, dot_plot, heat_map
from threatclip.experiments.report_curves import coverage_plot, reliability_plot
from threatclip.experiments.report_data import Estimate, wilson
from threatclip.experiments.report_svg import Scale, drawing, element, fraction_range
from threatclip.experiments.report_text import (
    DASH,
    defang,
    excerpt,
    figure,
    flattened,
    interval,
    loss,
    metric_info,
    p_value,
    points,
    points_interval,
    share,
    visible,
)

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def evaluation() -> dict[str, Any]:
    return make_evaluation(n=120, draws=3)


def parsed(svg: str) -> ET.Element:
    """Parse a drawing as XML (stricter than HTML) and check that it stays inside its view box and names itself."""
    root = ET.fromstring(svg)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for node in root.iter():
        for name, limit in [("x", width), ("x1", width), ("x2", width), ("cx", width)]:
            assert 0 <= float(node.attrib.get(name, 0)) <= limit, ET.tostring(node)
        for name in ("y", "y1", "y2", "cy"):
            assert 0 <= float(node.attrib.get(name, 0)) <= height, ET.tostring(node)
        if node.tag == f"{SVG}rect":
            assert float(node.attrib["x"]) + float(node.attrib["width"]) <= width + 0.01
            assert float(node.attrib["y"]) + float(node.attrib["height"]) <= height + 0.01
            assert float(node.attrib["width"]) >= 0
    assert root.attrib["role"] == "img"
    named = root.attrib["aria-labelledby"].split()
    assert [node.attrib["id"] for node in root[:2]] == named
    assert all(node.text for node in root[:2])
    return root


def nodes(root: ET.Element, kind: str) -> list[ET.Element]:
    return [node for node in root.iter() if kind in node.attrib.get("class", "").split()]


fractions = st.floats(0, 1)
estimates = st.one_of(
    st.just(Estimate()),
    st.builds(
        lambda ends, n: Estimate(value=sorted(ends)[1], low=sorted(ends)[0], high=sorted(ends)[2], n=n),
        st.tuples(fractions, fractions, fractions),
        st.integers(1, 1000),
    ),
)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=60), st.lists(estimates, min_size=2, max_size=2)), max_size=8),
    st.none() | fractions,
)
def test_dot_plot_draws_one_mark_with_one_whisker_per_known_figure(
    lines: list[tuple[str, list[Estimate]]], reference: float | None
) -> None:
    rows = [
        Row(
            label=label,
            cells=(
                (Mark(name="m", estimate=pair[0], of_model=True), Mark(name=label, estimate=pair[1], of_model=False)),
            ),
        )
        for label, pair in lines
    ]
    legend = [("model", "m"), ("other", "o"), ("reference", "r")]
    panels = [Panel(title="Macro-F1", reference=reference)]
    root = parsed(dot_plot(rows, panels, key="k", title="t", description="d", legend=legend))
    known = sum(one.value is not None for _, pair in lines for one in pair)
    assert len(nodes(root, "mark")) == len(nodes(root, "whisker")) == known
    assert len(nodes(root, "dot")) == known + 2  # two stand in the legend
    assert len(nodes(root, "reference")) == 1 + (reference is not None)
    for mark in nodes(root, "mark"):
        whisker = next(node for node in nodes(mark, "whisker"))
        dot = next((float(node.attrib["cx"]) for node in mark if "cx" in node.attrib), None)
        if dot is not None:
            assert float(whisker.attrib["x1"]) - 0.02 <= dot <= float(whisker.attrib["x2"]) + 0.02


def test_a_better_value_lies_further_right() -> None:
    rows = [
        Row(label=str(v), cells=((Mark(name="m", estimate=Estimate(value=v), of_model=True),),))
        for v in (0.2, 0.4, 0.9)
    ]
    root = parsed(dot_plot(rows, [Panel(title="A")], key="k", title="t", description="d"))
    xs = [float(node.attrib["cx"]) for node in nodes(root, "dot")]
    assert xs == sorted(xs)
    assert (xs[2] - xs[1]) / (xs[1] - xs[0]) == pytest.approx(2.5, rel=1e-2)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=40), max_size=6, unique=True), st.integers(0, 2**32 - 1))
def test_heat_map_shows_every_cell_with_count_and_share(classes: list[str], seed: int) -> None:
    counts = np.random.default_rng(seed).integers(0, 4, size=(len(classes), len(classes))).tolist()
    root = parsed(heat_map(classes, counts, key="k"))
    flat = [cell for row in counts for cell in row]
    assert len(nodes(root, "heat")) == len(flat)
    assert [int(node.text or "") for node in nodes(root, "count")] == [cell for cell in flat if cell]
    shares = [f"{100 * cell / sum(row):.0f}%" for row in counts for cell in row if cell]
    assert [node.text for node in nodes(root, "share")] == shares
    assert len(nodes(root, "hit")) == sum(row[i] > 0 for i, row in enumerate(counts))


def test_reliability_plot_tells_every_bin(evaluation: dict[str, Any]) -> None:
    bins = evaluation["reliability"]
    full = [one for one in bins if one["n"]]
    root = parsed(reliability_plot(bins, key="k"))
    assert len(nodes(root, "dot")) == len(nodes(root, "track")) == len(full)
    heights = [float(node.attrib["height"]) for node in nodes(root, "track")]
    assert int(np.argmax(heights)) == int(np.argmax([one["n"] for one in full]))
    texts = [node.text for node in root.iter(f"{SVG}text")]
    assert all(f"{one['n']:,}" in texts for one in full)
    parsed(reliability_plot([], key="k"))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(fractions, fractions), max_size=30),
    st.none() | fractions,
    st.none() | st.tuples(fractions, fractions),
)
def test_coverage_plot_holds_curve_target_and_threshold(
    curve: list[tuple[float, float]], target: float | None, chosen: tuple[float, float] | None
) -> None:
    points_ = [{"coverage": c, "precision": p, "threshold": 0.5} for c, p in curve]
    root = parsed(coverage_plot(points_, key="k", target=target, chosen=chosen))
    path = nodes(root, "curve")[0].attrib["d"]
    xy = [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)]
    assert len(xy) == len(curve)
    assert [x for x, _ in xy] == sorted(x for x, _ in xy)
    assert len(nodes(root, "reference")) == (target is not None)
    assert len(nodes(root, "dot")) == (chosen is not None)


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    curve = [{"coverage": i / 10_000, "precision": 1.0, "threshold": 0.5} for i in range(1, 10_001)]
    path = nodes(parsed(coverage_plot(curve, key="k")), "curve")[0].attrib["d"]
    assert path.count("L") < 600
    assert path.endswith("700.0 14.0")


def test_hostile_labels_are_text_in_every_plot() -> None:
    mark = Mark(name=HOSTILE, estimate=Estimate(value=0.5, low=0.4, high=0.6), of_model=False)
    for svg in (
        dot_plot(
            [Row(label=HOSTILE, cells=((mark,),))],
            [Panel(title=HOSTILE)],
            key="k",
            title=HOSTILE,
            description=HOSTILE,
            legend=[("other", HOSTILE)],
        ),
        heat_map([HOSTILE, "b"], [[1, 2], [3, 4]], key="k"),
        bar(Estimate(value=0.5), label=HOSTILE),
        drawing(9, 9, element("text", HOSTILE, class_=HOSTILE), key="k", title=HOSTILE, description="d"),
    ):
        assert "<script" not in svg
        assert "<img" not in svg
        root = ET.fromstring(svg)
        assert {node.tag.removeprefix(SVG) for node in root.iter()} <= set(
            "svg title desc g text line rect path circle".split()
        )


def test_bar_is_as_long_as_its_value() -> None:
    root = ET.fromstring(bar(Estimate(value=0.25, low=0.2, high=0.3), label="x"))
    (fill,) = nodes(root, "fill")
    (track,) = nodes(root, "track")
    assert float(fill.attrib["width"]) / float(track.attrib["width"]) == pytest.approx(0.25)
    assert bar(Estimate(), label="x") == ""


@given(st.lists(st.floats(-1, 1), min_size=1))
def test_ranges_hold_their_values_and_have_few_round_ticks(values: list[float]) -> None:
    low, high = fraction_range(values)
    assert low <= min(values) + 1e-9
    assert high >= max(values) - 1e-9
    assert high - low >= 0.2 - 1e-9
    ticks = Scale(low=low, high=high, start=0, end=100).ticks()
    assert 2 <= len(ticks) <= 6
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in ticks)


def test_figures_are_written_with_their_units() -> None:
    assert figure(0.7123, "percent") == "71.2%"
    assert figure(0.8234, "number") == "0.823"
    assert figure(None, "percent") == DASH
    assert interval(Estimate(low=0.681, high=0.742), "percent") == "68.1–74.2"
    assert interval(Estimate(low=-0.1, high=0.2), "number") == "−0.100 to 0.200"
    assert interval(Estimate(low=0.1), "percent") == DASH
    assert [points(v) for v in (0.039, -0.012, 0.0001, -0.0001, None)] == ["+3.9", "−1.2", "0.0", "0.0", DASH]
    assert points_interval(Estimate(low=-0.012, high=0.034)) == "−1.2 to +3.4"
    assert (loss(0.02), share(0.9), share(0.955)) == ("2.0", "90%", "95.5%")
    assert [p_value(p).replace("\u00a0", " ") for p in (1e-9, 0.0018, 0.21, None)] == [
        *("p < 0.0001", "p = 0.0018", "p = 0.21", "p –")
    ]
    assert metric_info("top_3").unit == metric_info("coverage_at_precision_90").unit == "percent"
    assert metric_info("retrieval.asr_floor_5").title == "ASR floor@5, by retrieval"
    assert not metric_info("asr_1").higher_is_better
    assert metric_info("clean_accuracy_1").unit == "percent"
    assert metric_info("some_new_one").title == "some new one"
    assert not metric_info("ece").higher_is_better


def test_excerpts_are_cut_defanged_and_show_what_cannot_be_seen() -> None:
    one = excerpt("GET http://evil.test/\r\n\x00\x1b[31m\u202etxt\u200b HTTPS%3A%2F%2Fx ftp://y\t", limit=400)
    assert "".join(text for _, text in one.pieces) == (
        "GET hxxp[://]evil.test/‹CR›‹LF›\n‹NUL›‹ESC›[31m‹U+202E›txt‹U+200B› hxxpS%3A%2F%2Fx ftp[://]y‹TAB›"
    )
    assert one.hidden == 0
    assert excerpt("‹LF›").pieces == ((False, "‹LF›"),)  # spelled by the payload: not a mark
    cut = excerpt("a" * 1000)
    assert cut.pieces == ((False, "a" * 400),)
    assert cut.hidden == 600
    assert excerpt("").pieces == ()


@given(st.text())
def test_visible_text_is_encodable_idempotent_and_hides_nothing(text: str) -> None:
    shown = visible(text)
    assert visible(shown) == shown
    shown.encode("utf-8")
    assert all(c.isprintable() or c in "\n\t" or c.isspace() for c in shown)
    assert "://" not in defang(text)


def test_nested_tables_become_dotted_keys() -> None:
    nested = {"a": {"b": 1, "c": {}}, "d": [1, {"e": 2}], "f": "x", "g": None}
    assert dict(flattened(nested)) == {"a.b": "1", "a.c": "{}", "d": '[1, {"e": 2}]', "f": "x", "g": "null"}


@given(st.integers(1, 500), st.data())
def test_wilson_is_scipys(n: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, n))
    found = binomtest(right, n).proportion_ci(method="wilson")
    assert wilson(right / n, n) == pytest.approx((found.low, found.high), abs=1e-9)
