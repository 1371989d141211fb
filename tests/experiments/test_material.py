"""What a run may learn from: nothing of a judged row's CVE, nothing younger, no copy, no class that is held out."""

from __future__ import annotations

import json
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from threatclip.errors import BadRowsError, InputError
from threatclip.evaluation.predictions import UNLABELED
from threatclip.experiments import fitting
from threatclip.experiments.fitting import Pass, Saving, fit
from threatclip.experiments.material import Material, data_root, load_material, read_file, rows_of, unrelated
from threatclip.experiments.progress import ignore
from threatclip.experiments.recipe import Data, Extra, File, PayloadWeakness
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources.jsonl import Jsonl
from threatclip.pairs.splits import RandomSplit, TemporalSplit
from threatclip.pairs.table import write_pairs

CLASSES = ("xss", "sql-injection", "xxe")
SPLIT = TemporalSplit(train_until=2018, validation_until=2020)
TRAIN, VALIDATION, TEST = 2018, 2020, 2022


def payload(number: int) -> bytes:
    """Return a request that looks like no other."""
    draw = np.random.default_rng(number)
    words = ["".join(draw.choice(list(string.ascii_lowercase), size=60)) for _ in range(4)]
    return f"GET /{words[0]}/{words[1]}?{words[2]}={words[3]} HTTP/1.1\nHost: www.example.com".encode()


def pair(number: int, year: int | None, label: str | None = "xss", *, group: str | None = None, **more: Any) -> Pair:
    return Pair(
        id=f"p{number}",
        view=more.pop("view", payload(number)),
        caption=f"description {number}",
        label=label,
        group=group or f"CVE-{number}",
        time=None if year is None else datetime(year, 1, 1, tzinfo=UTC),
        meta=more.pop("meta", {}),
    )


def own_rows() -> list[Pair]:
    """Return the split's rows: every class in every part."""
    years = (2015, TRAIN, VALIDATION, 2021, TEST)
    return [pair(10 * y + c, year, label) for y, year in enumerate(years) for c, label in enumerate(CLASSES)]


def table(folder: Path, name: str, pairs: Iterable[Pair], modality: Any = "payload") -> File:
    write_pairs(folder / name, pairs, modality=modality)
    return File(path=name)


def load(folder: Path, *extra: Extra, rows: Sequence[Pair] | None = None, **more: Any) -> Material:
    settings = {"split": SPLIT, "classes": CLASSES, **more}
    pairs = table(folder, "pairs.parquet", own_rows() if rows is None else rows)
    return load_material(Data(root=str(folder), pairs=pairs, extra=extra, **settings), seed=0)


def ids(pairs: Iterable[Pair]) -> list[str]:
    return [one.id for one in pairs]


def one_byte_changed(view: bytes) -> bytes:
    return view[:100] + b"0" + view[101:]


def test_the_split_falls_by_year(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert ids(found.train.pairs) == ["p0", "p1", "p2", "p10", "p11", "p12"]
    assert ids(found.validation.pairs) == ["p20", "p21", "p22"]
    assert ids(found.test.pairs) == ["p30", "p31", "p32", "p40", "p41", "p42"]
    assert found.train.labels.tolist() == [0, 1, 2] * 2
    assert found.leakage.sizes == {"train": 6, "validation": 3, "test": 6}
    assert len(found.extra) == len(found.descriptions) == 0


def test_extras_share_nothing_with_judged_rows(tmp_path: Path) -> None:
    rows = own_rows()
    validation, test = rows[6], rows[12]
    others = [
        pair(100, 2016, "xss"),
        pair(101, 2016, "xss", group=validation.group),
        pair(102, 2016, "xss", group=test.group),
        pair(103, TRAIN + 1, "xss"),  # younger than the training rows
        pair(104, 2016, "xss", view=one_byte_changed(validation.view)),
        pair(105, 2016, "xss", view=one_byte_changed(test.view)),
        pair(106, 2016, "xss", view=test.view),
        pair(107, 2016, "ssrf"),  # no class of this recipe
        pair(108, 2016, None),
        pair(109, None, "xxe"),
        pair(110, 2016, "xss", view=rows[0].view),  # a copy of a training row does no harm
        pair(111, TRAIN, "xss", group=rows[0].group),
    ]
    found = load(tmp_path, Extra(name="others", file=table(tmp_path, "others.parquet", others), weight=0.25))
    assert ids(found.extra.pairs) == ["p100", "p109", "p110", "p111"]
    assert found.extra.weights.tolist() == [0.25] * 4
    assert found.extra.labels.tolist() == [0, 2, 0, 0]


def test_a_split_that_is_not_in_order_of_time_sets_no_limit_to_years(tmp_path: Path) -> None:
    rows = [pair(number, 2010 + number % 14, CLASSES[number % 3]) for number in range(60)]
    late = table(tmp_path, "late.parquet", [pair(900, 2024)])
    found = load(tmp_path, Extra(name="late", file=late), rows=rows, split=RandomSplit())
    assert ids(found.extra.pairs) == ["p900"]


def test_generated_pairs_end_with_the_last_training_year(tmp_path: Path) -> None:
    extra = Extra(name="generated", n=200, benign_fraction=0.1)
    found = load(tmp_path, extra)
    years = {one.time.year for one in found.extra.pairs if one.time is not None}
    assert max(years) == TRAIN
    assert all(one.time is not None for one in found.extra.pairs)
    labels = Counter(one.label for one in found.extra.pairs)
    assert set(labels) == {*CLASSES, None}
    assert (found.extra.labels == UNLABELED).sum() == labels[None] == 20
    rows = [pair(number, 2010 + number % 14, CLASSES[number % 3]) for number in range(60)]
    anywhen = load(tmp_path, extra, rows=rows, split=RandomSplit())
    assert max(one.time.year for one in anywhen.extra.pairs if one.time is not None) > TRAIN


def test_two_generators_and_two_seeds_give_other_pairs(tmp_path: Path) -> None:
    found = load(tmp_path, Extra(name="a", n=30), Extra(name="b", n=30, ngrams=False))
    first, second = found.extra.views[: len(found.extra) // 2], found.extra.views[len(found.extra) // 2 :]
    assert not set(first) & set(second)
    assert found.ngram_extra.tolist() == [True] * len(first) + [False] * len(second)


def test_tags_name_the_class_of_extras_only(tmp_path: Path) -> None:
    tagged = [
        pair(200, 2016, None, meta={"tags": "cve,wordpress,sqli"}),
        pair(201, 2016, None, meta={"tags": "wordpress"}),
        pair(202, 2016, "xxe", meta={"tags": "sqli"}),  # a label of its own is better
        pair(203, 2016, None, meta={"tags": "xss-like"}),  # a tag is a word, not a part of one
        pair(204, 2016, None, meta={"tags": "lfi"}),  # no class of this recipe
        pair(205, 2016, None),
    ]
    file = table(tmp_path, "tagged.parquet", tagged)
    found = load(tmp_path, Extra(name="tagged", file=file, labels_from_tags=True))
    assert [(one.id, one.label) for one in found.extra.pairs] == [("p200", "sql-injection"), ("p202", "xxe")]
    assert ids(load(tmp_path, Extra(name="tagged", file=file)).extra.pairs) == ["p202"]
    as_own = load(tmp_path, rows=[*own_rows(), *tagged])
    assert "p200" not in ids([*as_own.train.pairs, *as_own.validation.pairs, *as_own.test.pairs])


@pytest.mark.parametrize("value", ["../../../etc/passwd", "1' or '1'='1", "zq7markerzq7", "a b;id"])
def test_framed_extras_hold_their_value_in_a_request(tmp_path: Path, value: str) -> None:
    def plain(text: bytes) -> bytes:
        once = unquote_to_bytes(text.replace(b"+", b" "))
        return unquote_to_bytes(once).replace(b"\\", b"")

    file = table(tmp_path, "values.parquet", [pair(n, None, "xss", view=f"{value}{n}".encode()) for n in range(20)])
    found = load(tmp_path, Extra(name="values", file=file, framed=True))
    assert len(found.extra) == 20
    assert len(set(found.extra.views)) == 20
    for number, view in enumerate(found.extra.views):
        assert view != f"{value}{number}".encode()
        assert b"Host: " in view
        text = plain(view).replace(b"&#39;", b"'").replace(b"&apos;", b"'").replace(b"&#x27;", b"'")
        assert f"{value}{number}".encode() in text, view


def test_held_out_classes_are_judged_and_never_learned(tmp_path: Path) -> None:
    others = table(tmp_path, "others.parquet", [pair(100, 2016, "xxe"), pair(101, 2016, "xss")])
    tagged = table(tmp_path, "tagged.parquet", [pair(102, 2016, None, meta={"tags": "xxe"})])
    found = load(
        tmp_path,
        Extra(name="others", file=others),
        Extra(name="tagged", file=tagged, labels_from_tags=True),
        Extra(name="generated", n=120),
        held_out_classes=("xxe",),
    )
    assert found.classes == CLASSES
    for learned in (found.train, found.extra):
        assert len(learned)
        assert "xxe" not in {one.label for one in learned.pairs}
        assert 2 not in learned.labels
    assert "xxe" in {one.label for one in found.test.pairs}
    assert max(one.time.year for one in found.extra.pairs if one.time is not None) == TRAIN


def test_single_requests_are_rows_of_their_own(tmp_path: Path) -> None:
    first, second = payload(500), payload(501)
    rows = [*own_rows(), pair(300, 2015, view=first + b"\n\n" + second, group="CVE-two", meta={"vendor": "v"})]
    found = load(tmp_path, rows=rows, single_requests=True)
    cut = [one for one in found.train.pairs if one.group == "CVE-two"]
    assert ids(cut) == ["p300#0", "p300#1"]
    assert [one.view for one in cut] == [first, second]
    assert {(one.label, one.caption, one.meta["vendor"]) for one in cut} == {("xss", "description 300", "v")}
    assert all("#" in one.id for one in found.test.pairs)


def test_at_most_so_many_extras_evenly_over_classes(tmp_path: Path) -> None:
    many = [pair(400 + n, 2016, "xss") for n in range(30)] + [pair(450 + n, 2016, "xxe") for n in range(4)]
    file = table(tmp_path, "many.parquet", many)
    found = load(tmp_path, Extra(name="many", file=file, n=20))
    assert Counter(one.label for one in found.extra.pairs) == {"xss": 10, "xxe": 4}
    assert ids(load(tmp_path, Extra(name="many", file=file, n=20)).extra.pairs) == ids(found.extra.pairs)


@given(
    learned=st.lists(st.tuples(st.integers(0, 9), st.integers(2010, 2020)), max_size=6),
    judged=st.lists(st.tuples(st.integers(0, 9), st.integers(2010, 2024)), max_size=6),
    offered=st.lists(st.tuples(st.integers(0, 9) | st.none(), st.integers(2008, 2026) | st.none()), max_size=12),
)
@settings(max_examples=60, deadline=None)
def test_unrelated_keeps_what_it_should(
    learned: list[tuple[int, int]], judged: list[tuple[int, int]], offered: list[tuple[int | None, int | None]]
) -> None:
    def made(rows: Sequence[tuple[int | None, int | None]]) -> list[Pair]:
        return [
            Pair(
                id=str(n),
                view=b"v",
                group=None if group is None else f"g{group}",
                time=None if year is None else datetime(year, 6, 1, tzinfo=UTC),
            )
            for n, (group, year) in enumerate(rows)
        ]

    kept = set(ids(unrelated(made(offered), made(learned), made(judged))))
    in_order = bool(learned and judged) and max(y for _, y in learned) < min(y for _, y in judged)
    for number, (group, year) in enumerate(offered):
        shared = group is not None and group in {g for g, _ in judged}
        late = in_order and year is not None and year > max(y for _, y in learned)
        assert (str(number) in kept) == (not shared and not late)


def test_no_description_of_a_judged_row_or_a_later_year_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the first fit validation is judged; in the last one it is learned from, and its years are open."""
    rows = own_rows()
    texts = {
        "of a training CVE": (rows[0].group, 2015),
        "of a validation CVE": (rows[6].group, 2016),
        "of a test CVE": (rows[12].group, 2016),
        "of another CVE": ("CVE-other", TRAIN),
        "of validation's year": ("CVE-late", VALIDATION),
        "of a test year": ("CVE-latest", TEST),
        "without a date": ("CVE-undated", None),
    }
    written = [
        Pair(
            id=text,
            view=text.encode(),
            label="xss",
            group=group,
            time=None if year is None else datetime(year, 1, 1, tzinfo=UTC),
        )
        for text, (group, year) in texts.items()
    ]
    found = load(tmp_path, descriptions=table(tmp_path, "texts.parquet", written, "text"))
    assert len(found.descriptions) == len(written)

    class ReadError(Exception):
        pass

    seen: list[set[str]] = []

    def listen(_: object, read: Sequence[str], *__: Any, **___: Any) -> None:
        seen.append(set(read))
        raise ReadError

    monkeypatch.setattr(fitting, "build_text_tower", lambda *_, **__: nn.Identity())
    monkeypatch.setattr(fitting, "learn_text_space", listen)
    work = Pass(
        name="first",
        recipe=PayloadWeakness(task="payload-weakness", data=Data(root=".", pairs=File(path="x"), split=SPLIT)),
        material=found,
        train=found.train,
        judged=[*found.validation.pairs, *found.test.pairs],
        saving=Saving(checkpoints=None, resume=False, on_step=lambda *_: None),
        on_progress=ignore,
    )
    both = found.train.joined(found.validation)
    for one in (work, replace(work, train=both, judged=found.test.pairs)):
        with pytest.raises(ReadError):
            fit(one)
    captions = {one.caption for one in found.train.pairs}
    first = {"of a training CVE", "of another CVE", "without a date"}
    assert seen[0] == first | captions
    later = {"of a validation CVE", "of validation's year"}
    assert seen[1] == first | later | captions | {one.caption for one in found.validation.pairs}


def test_weights_and_labels_follow_the_rows_taken() -> None:
    rows = rows_of([pair(0, 2015, "xss"), pair(1, 2015, "ssrf"), pair(2, 2015, "xxe")], CLASSES)
    assert rows.labels.tolist() == [0, UNLABELED, 2]
    some = rows.take(np.array([True, False, True]))
    assert (ids(some.pairs), some.labels.tolist(), some.weights.tolist()) == (["p0", "p2"], [0, 2], [1.0, 1.0])
    assert ids(rows.take(np.array([2, 0])).pairs) == ["p2", "p0"]


def test_broken_rows_stop_the_reading_unless_they_may_be_skipped(tmp_path: Path) -> None:
    lines = [json.dumps({"view": payload(1).decode(), "label": "xss"}), "{broken", json.dumps({"view": "b"})]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    source = Jsonl(columns={"view": "view", "label": "label"}, modality="payload")
    with pytest.raises(BadRowsError, match=r"rows\.jsonl:2"):
        list(read_file(File(path="rows.jsonl", source=source), tmp_path))
    kept = list(read_file(File(path="rows.jsonl", source=source, skip_bad=True), tmp_path))
    assert [one.view for one in kept] == [payload(1), b"b"]


def test_a_split_without_rows_to_learn_or_judge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="leaves test empty"):
        load(tmp_path, rows=[one for one in own_rows() if one.time is not None and one.time.year <= TRAIN])
    only = [one for one in own_rows() if one.label == "xxe"]
    with pytest.raises(InputError, match="leaves 0 training"):
        load(tmp_path, rows=only, held_out_classes=("xxe",))


def test_the_data_lies_where_the_recipe_says_else_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = Data(pairs=File(path="pairs.parquet"), split=RandomSplit())
    monkeypatch.setenv("THREATCLIP_DATA", str(tmp_path))
    assert data_root(replace(spec, root="there")) == Path("there")
    assert data_root(spec) == tmp_path
    monkeypatch.setenv("THREATCLIP_DATA", "")
    assert data_root(spec) == Path("../shared/data")
