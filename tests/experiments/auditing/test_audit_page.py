"""The report of an audit: inert whatever stands in the table, with pictures that were encoded anew."""

from __future__ import annotations

import base64
import csv
import dataclasses
import io
import json
import re
from pathlib import Path

import numpy as np
from auditing_cases import HOSTILE, PLANTED, audited, text_pairs, write_case, write_picture_case
from PIL import Image

from pair_cases import picture_pairs
from report_pages import Page
from threatclip.experiments.auditing.histogram import histogram
from threatclip.experiments.auditing.thumbnails import thumbnail
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import write_pairs

TAIL = b"<script>alert('behind the picture')</script>"


def shown(html: str) -> Page:
    """Check that a page can do nothing, and return it."""
    page = Page(html)
    assert not {"script", "iframe", "object", "embed", "form", "link", "base"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert all(re.fullmatch(r"data:image/png;base64,[A-Za-z0-9+/]+=*", src) for src in page.values("src"))
    assert all(re.fullmatch(r"#[a-z_0-9-]+", href) for href in page.values("href"))
    assert "\u202e" not in html
    return page


def hostile(pair: Pair) -> Pair:
    return dataclasses.replace(pair, id=f"{HOSTILE}{pair.id}", caption=HOSTILE, label=HOSTILE, group=HOSTILE)


def test_hostile_texts_are_shown_as_texts(tmp_path: Path) -> None:
    request = write_case(tmp_path)
    pairs = [hostile(dataclasses.replace(pair, view=HOSTILE.encode() + pair.view)) for pair in text_pairs()]
    write_pairs(request.table, pairs, modality="text")
    audited(dataclasses.replace(request, drop_top=0.5))
    page = shown((request.out / "report.html").read_text())
    assert "<script>alert(1)</script>" in page.text
    assert "‹U+202E›" in page.text
    assert "http://evil" not in page.text
    assert page.tags.count("svg") == 3


def test_hostile_texts_stay_in_their_cells(tmp_path: Path) -> None:
    request = write_case(tmp_path)
    pairs = [
        dataclasses.replace(pair, id=f'=cmd|" /C calc"!{pair.id}', caption=f"@{HOSTILE}\r\n,x") for pair in text_pairs()
    ]
    write_pairs(request.table, pairs, modality="text")
    audited(request)
    text = (request.out / "suspects.csv").read_text(encoding="utf-8")
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == 1 + len(PLANTED)
    assert {len(row) for row in rows} == {20}
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    lines = (request.out / "suspects.jsonl").read_text(encoding="ascii").splitlines()
    assert json.loads(lines[0])["id"].startswith("=cmd|")


def test_pictures_are_small_copies(tmp_path: Path) -> None:
    pairs = [dataclasses.replace(pair, view=pair.view + TAIL) for pair in picture_pairs(60)]
    request = dataclasses.replace(write_picture_case(tmp_path, pairs), drop_top=0.1)
    audited(request)
    page = shown((request.out / "report.html").read_text())
    sources = page.values("src")
    assert len(sources) == 12 * 4
    for source in sources:
        content = base64.b64decode(source.partition(",")[2])
        assert b"script" not in content
        assert max(Image.open(io.BytesIO(content)).size) <= 64


def test_a_thumbnail_of_what_is_no_picture_is_none() -> None:
    assert thumbnail(b"<svg onload=alert(1)>") is None
    assert thumbnail(b"") is None


def test_a_histogram_draws_the_threshold_only_where_it_can_be_seen() -> None:
    scores = np.random.default_rng(0).normal(size=500)
    drawn = histogram(scores, threshold=2.0, kind="made", key="k")
    assert "threshold 2" in drawn
    assert 'class="hit"' in drawn
    for far in (1e9, float("inf")):
        assert "no threshold shown" in histogram(scores, threshold=far, kind="made", key="k")
    assert "500 pairs" in histogram(np.ones(500), threshold=float("inf"), kind="made", key="k")
