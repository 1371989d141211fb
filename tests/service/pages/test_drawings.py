"""Highlights, histograms and curves: what they say is what the figures say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from threatclip.classification.attribution import Attribution, Part
from threatclip.service.pages.curves import curves, read_stages
from threatclip.service.pages.highlight import SHOWN_BYTES, level_of, shown
from threatclip.service.pages.queue import _reasons
from threatclip.service.pages.scores_plot import scores_plot


def attribution(*parts: tuple[int, int, float]) -> Attribution:
    made = tuple(Part(start=start, end=end, weight=weight, without=0.25) for start, end, weight in parts)
    return Attribution(probability=0.75, parts=made, explained=made[-1].end, questions=9)


def test_parts_are_painted_by_their_weight() -> None:
    told = shown(b"GET UNION x", attribution((0, 3, 0.0), (3, 9, 4.0), (9, 11, -2.1)))
    painted = [("".join(text for _, text in run.text.pieces), run.level) for run in told.runs]
    assert painted == [("GET", 0), (" UNION", 4), (" x", -3)]
    assert [one.points for one in told.told] == [-0.5, -0.5]


@pytest.mark.parametrize(("weight", "level"), [(4.0, 4), (3.1, 4), (2.0, 3), (0.6, 1), (0.4, 0), (-4.0, -4), (0.0, 0)])
def test_levels_are_quarters_of_the_largest_weight(weight: float, level: int) -> None:
    assert level_of(weight, 4.0) == level


def test_bytes_that_are_no_text_are_read_one_by_one() -> None:
    told = shown(b"\xffUNION\xfe", attribution((0, 1, 0.0), (1, 6, 1.0), (6, 7, 0.0)))
    assert "".join(text for run in told.runs for _, text in run.text.pieces) == "ÿUNIONþ"


def test_long_inputs_are_cut() -> None:
    told = shown(b"A" * (SHOWN_BYTES + 5), None)
    assert told.hidden == 5
    assert sum(len(text) for run in told.runs for _, text in run.text.pieces) == SHOWN_BYTES


def test_a_histogram_counts_every_score_once() -> None:
    scores = np.concatenate([np.linspace(0, 1, 500), [np.nan] * 7])
    plot = scores_plot(scores, threshold=0.5, kind="relevance")
    assert plot is not None
    assert (plot.low, plot.high) == (0.0, 1.0)
    counts = [int(one) for one in re.findall(r'data-count="(\d+)"', plot.svg)]
    assert sum(counts) == 500
    hits = [int(one) for one in re.findall(r'class="hit"[^>]*data-count="(\d+)"', plot.svg)]
    assert sum(hits) == 250
    assert "style=" not in plot.svg


def test_no_histogram_without_scores() -> None:
    assert scores_plot(np.array([np.nan]), threshold=None, kind="x") is None
    same = scores_plot(np.ones(3), threshold=None, kind="x")
    assert same is not None
    assert same.low < 1 < same.high


def test_torn_and_hostile_records_are_passed_over(tmp_path: Path) -> None:
    fine = {"stage": "<b>", "step": 2, "epoch": 0, "lr": 0.1, "grad_norm": 1, "seconds": 0.1, "rows": 8}
    lines = [
        json.dumps({**fine, "losses": {"loss": 0.5}}),
        json.dumps({**fine, "losses": {"loss": float("nan")}}),
        "[" * 100_000,
        '{"stage": "x"}',
        "{",
    ]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines))
    (stage,) = read_stages(tmp_path / "metrics.jsonl")
    assert stage.points == ((2, 0.5),)
    assert "<b>" not in curves([stage])
    assert read_stages(tmp_path / "none") == []
    assert curves([]) == ""


def test_reasons_are_told_one_filter_a_line() -> None:
    told = "novelty: far (median 0.9; rank 1 of 9); k_dist: lonely; and so on"
    assert _reasons(told, ["ranking", "novelty", "k_dist"]) == [
        "novelty: far (median 0.9; rank 1 of 9)",
        "k_dist: lonely; and so on",
    ]
