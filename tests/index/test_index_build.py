"""An index holds the cases of its tables; building and adding never disturb who reads it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from index_cases import DrawnEncoder, cases, finished, written

from threatclip.errors import DamagedArtifactError, InputError
from threatclip.index import generations
from threatclip.index.build import add_cases, build_index
from threatclip.index.cases import CaseTable, case_tables, content_of
from threatclip.index.generations import current, open_database, publish, read_generations, table_names
from threatclip.index.search import open_index
from threatclip.index.settings import IndexSettings
from threatclip.pairs.pair import Pair

ENCODER = DrawnEncoder()
SMALL = IndexSettings(batch_rows=64)


class NotAsked(DrawnEncoder):
    """Fails where anything is embedded."""

    def views(self, views: Sequence[bytes]) -> np.ndarray:
        raise AssertionError(views)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return written(tmp_path / "cases.parquet", cases(200))


@pytest.fixture
def index(tmp_path: Path, table: Path) -> str:
    uri = str(tmp_path / "index")
    finished(build_index(uri, case_tables([table]), encoder=ENCODER, settings=SMALL))
    return uri


def nearest_id(uri: str, text: str, encoder: DrawnEncoder = ENCODER) -> str:
    return open_index(uri).search(encoder.views([text.encode()]), model=encoder.model, k=1)[0][0].id


def test_a_build_tells_each_step_and_what_it_left(tmp_path: Path, table: Path) -> None:
    steps: list[Any] = []
    uri = str(tmp_path / "index")
    report = finished(build_index(uri, case_tables([table]), encoder=ENCODER, settings=SMALL), steps.append)
    assert [(step.stage, step.done, step.total) for step in steps] == [
        ("cases", done, 200) for done in (64, 128, 192, 200)
    ]
    assert (report.added, report.left_out) == (200, 0)
    generation = current(open_database(uri, writing=False), uri)
    assert generation == report.generation
    assert (generation.number, generation.rows, generation.model) == (1, 200, "drawn 1")
    assert [(source.name, source.rows) for source in generation.sources] == [("cases", 200)]
    assert generation.approximate is None
    assert nearest_id(uri, "case number 17") == "case-17"


def test_captions_can_be_the_half_that_is_searched(tmp_path: Path, table: Path) -> None:
    uri = str(tmp_path / "index")
    report = finished(build_index(uri, case_tables([table]), encoder=ENCODER, half="caption", settings=SMALL))
    without = sum(pair.caption is None for pair in cases(200))
    assert (report.added, report.left_out) == (200 - without, without)
    found = open_index(uri).search(ENCODER.captions(["what case 7 is"]), model=ENCODER.model, k=1)[0][0]
    assert (found.id, found.text, found.caption) == ("case-7", "case number 7", "what case 7 is")
    assert found.score == pytest.approx(1, abs=1e-5)


def test_nothing_is_left_of_a_build_without_a_case(tmp_path: Path) -> None:
    bare = written(tmp_path / "bare.parquet", [Pair(id="1", view=b"v")])
    uri = str(tmp_path / "index")
    with pytest.raises(InputError, match=r"no pair of .*bare\.parquet has a caption"):
        finished(build_index(uri, case_tables([bare]), encoder=ENCODER, half="caption"))
    assert table_names(open_database(uri, writing=False)) == []
    with pytest.raises(InputError, match="no index at"):
        open_index(uri)


def test_shown_text_is_cut_and_pictures_stay_out(tmp_path: Path) -> None:
    long = written(tmp_path / "long.parquet", [Pair(id="1", view=b"v" * 5000, caption="c" * 5000)])
    picture = written(tmp_path / "picture.parquet", [Pair(id="2", view=b"\x89PNG", caption="a")], modality="image")
    encoder = DrawnEncoder(modality="image")
    uri = str(tmp_path / "index")
    finished(build_index(uri, case_tables([long]), encoder=ENCODER))
    shown = open_index(uri).like("1", k=1), open_index(uri).search(ENCODER.views([b"x"]), model=ENCODER.model)
    assert shown[0] == []
    assert (len(shown[1][0][0].text or ""), len(shown[1][0][0].caption or "")) == (2000, 2000)
    finished(build_index(uri, case_tables([picture]), encoder=encoder))
    [hit] = open_index(uri).search(encoder.views([b"x"]), model=encoder.model)[0]
    assert (hit.id, hit.text, hit.caption) == ("2", None, "a")


def test_added_cases_are_found_and_a_source_is_replaced(tmp_path: Path, index: str) -> None:
    more = written(tmp_path / "more.parquet", cases(30, name="new"))
    report = finished(add_cases(index, case_tables([more]), encoder=ENCODER, settings=SMALL))
    assert (report.added, report.generation.rows, report.generation.number) == (30, 230, 2)
    assert nearest_id(index, "new number 3") == "new-3"
    assert nearest_id(index, "case number 3") == "case-3"
    fewer = written(tmp_path / "fewer.parquet", cases(10, name="other"))
    report = finished(add_cases(index, case_tables([fewer], source="more"), encoder=ENCODER, settings=SMALL))
    assert report.generation.rows == 210
    assert [(source.name, source.rows) for source in report.generation.sources] == [("cases", 200), ("more", 10)]
    assert nearest_id(index, "new number 3") != "new-3"
    assert nearest_id(index, "other number 3") == "other-3"


def test_rows_that_come_again_are_no_second_cases(tmp_path: Path, index: str) -> None:
    same = written(tmp_path / "same.parquet", cases(200))
    report = finished(add_cases(index, case_tables([same]), encoder=NotAsked(), settings=SMALL))
    assert (report.added, report.held, report.removed) == (0, 200, 0)
    assert report.generation == open_index(index).generation
    assert (report.generation.number, report.generation.rows) == (1, 200)
    more = written(tmp_path / "more.parquet", [*cases(200)[::-1], *cases(5, name="new")])
    report = finished(add_cases(index, case_tables([more]), encoder=ENCODER, settings=SMALL))
    assert (report.added, report.held, report.generation.rows) == (5, 200, 205)
    assert nearest_id(index, "new number 3") == "new-3"
    relabeled = [replace(pair, label="other") if pair.id == "case-3" else pair for pair in cases(200)]
    report = finished(add_cases(index, case_tables([written(same, relabeled)]), encoder=ENCODER, settings=SMALL))
    assert (report.added, report.held, report.generation.rows) == (1, 199, 206)


def test_a_source_given_anew_keeps_what_comes_again_and_loses_the_rest(tmp_path: Path, index: str) -> None:
    changed = [*cases(200)[50:], *cases(3, name="new")]
    anew = written(tmp_path / "anew.parquet", changed)
    report = finished(add_cases(index, case_tables([anew], source="cases"), encoder=ENCODER, settings=SMALL))
    assert (report.added, report.held, report.removed) == (3, 150, 50)
    assert [(one.name, one.rows) for one in report.generation.sources] == [("cases", 153)]
    assert nearest_id(index, "case number 3") != "case-3"
    assert nearest_id(index, "case number 60") == "case-60"


def test_a_row_that_leaves_one_source_for_another_is_kept(tmp_path: Path, index: str) -> None:
    for order in ((0, 1), (1, 0)):
        tables = [
            CaseTable(path=written(tmp_path / "kept.parquet", cases(200)[:100]), source="cases"),
            CaseTable(path=written(tmp_path / "moved.parquet", cases(200)[100:]), source="moved"),
        ]
        report = finished(add_cases(index, [tables[at] for at in order], encoder=ENCODER, settings=SMALL))
        assert {one.name: one.rows for one in report.generation.sources} == {"cases": 100, "moved": 100}
        assert nearest_id(index, "case number 150") == "case-150"
        whole = CaseTable(path=written(tmp_path / "whole.parquet", cases(200)), source="cases")
        finished(build_index(index, [whole], encoder=ENCODER, settings=SMALL))


@pytest.mark.parametrize(
    "change", [{"id": "b"}, {"view": b"2"}, {"caption": ""}, {"caption": None}, {"label": None}, {"group": "1"}]
)
def test_cases_differ_by_all_that_they_are(change: dict[str, Any]) -> None:
    pair = Pair(id="a", view=b"1", caption="c", label="l", group=None, split="train", meta={"a": "b"})
    assert content_of(replace(pair, **change)) != content_of(pair)
    assert content_of(replace(pair, split=None, meta={})) == content_of(pair)


def test_readers_go_on_while_an_index_is_added_to_and_rebuilt(tmp_path: Path, index: str) -> None:
    more = written(tmp_path / "more.parquet", cases(60, name="new"))
    reader = open_index(index, refresh_s=0.0)
    asked = ENCODER.views([b"case number 17", b"new number 7"])
    seen: list[tuple[int, tuple[str, ...]]] = []
    faults: list[BaseException] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                found = reader.search(asked, model=ENCODER.model, k=1)
                seen.append((reader.generation.number, tuple(hits[0].id for hits in found)))
            except BaseException as error:
                faults.append(error)
                return

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        finished(add_cases(index, case_tables([more]), encoder=ENCODER, settings=SMALL))
        for _ in range(3):  # more than the tables that are kept for readers
            finished(build_index(index, case_tables([more]), encoder=ENCODER, settings=SMALL))
        reader.refresh()
        n_seen = len(seen)
        while len(seen) < n_seen + 4 and not faults:
            pass
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not faults
    assert seen[0][0] == 1
    assert seen[0][1][0] == "case-17"
    assert {number for number, _ in seen} >= {1, 5}
    # once the new cases are there they stay, and whatever is answered is whole
    assert seen[-1][1][1] == "new-7"
    assert {ids[0] for _, ids in seen} <= {"case-17", *(f"new-{number}" for number in range(60))}


def test_a_reader_that_does_not_look_again_keeps_its_generation(tmp_path: Path, index: str, table: Path) -> None:
    reader = open_index(index, refresh_s=3600)
    finished(build_index(index, case_tables([table]), encoder=replace(ENCODER, model="drawn 2")))
    assert reader.search(ENCODER.views([b"case number 5"]), model="drawn 1", k=1)[0][0].id == "case-5"
    assert reader.refresh()
    assert not reader.refresh()
    with pytest.raises(InputError, match="was built with the model drawn 2"):
        reader.search(ENCODER.views([b"case number 5"]), model="drawn 1", k=1)


def test_a_stopped_build_leaves_the_old_index(index: str, table: Path) -> None:
    steps = build_index(index, case_tables([table]), encoder=replace(ENCODER, model="drawn 2"), settings=SMALL)
    next(steps)
    before = table_names(open_database(index, writing=False))
    steps.close()
    assert len(table_names(open_database(index, writing=False))) == len(before) - 1
    assert nearest_id(index, "case number 5") == "case-5"


def test_a_stopped_addition_is_not_seen_and_is_forgotten(tmp_path: Path, index: str) -> None:
    more = written(tmp_path / "more.parquet", cases(150, name="new"))
    steps = add_cases(index, case_tables([more]), encoder=ENCODER, settings=SMALL)
    next(steps)
    steps.close()
    assert open_index(index).generation.rows == 200
    assert nearest_id(index, "new number 3") != "new-3"
    report = finished(add_cases(index, case_tables([more]), encoder=ENCODER, settings=SMALL))
    assert report.generation.rows == 350
    assert [hit.id for hit in open_index(index).like("new-3", k=400) if hit.id == "new-4"] == ["new-4"]


@pytest.mark.parametrize("what", ["build", "add"])
def test_a_killed_process_leaves_the_old_index(tmp_path: Path, index: str, what: str) -> None:
    script, others = (
        Path(__file__).with_name("kill_index.py"),
        written(tmp_path / "others.parquet", cases(200, name="x")),
    )
    command = [sys.executable, str(script), what, index, str(others)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "64\n"  # a batch is on the disk
        process.send_signal(signal.SIGKILL)
    assert open_index(index).generation.number == 1
    assert nearest_id(index, "case number 5") == "case-5"
    more = case_tables([others], source="again")
    assert finished(add_cases(index, more, encoder=ENCODER, settings=SMALL)).generation.rows == 400


def test_what_dead_builds_left_is_removed_after_a_day(index: str, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = open_database(index, writing=False)
    for name in ("cases-20200101000000-aaaaaaaaaaaa", generations.new_table_name(), "cases-of-somebody-else"):
        database.create_table(name, pa.table({"a": [1]}))
    kept = set(table_names(database)) - {"cases-20200101000000-aaaaaaaaaaaa"}
    report = finished(build_index(index, case_tables([table]), encoder=ENCODER, settings=SMALL))
    assert set(table_names(database)) == kept | {report.generation.table}


def test_only_the_last_two_tables_stay(index: str, table: Path) -> None:
    names = [current(open_database(index, writing=False), index).table]
    names += [finished(build_index(index, case_tables([table]), encoder=ENCODER)).generation.table for _ in range(2)]
    assert set(table_names(open_database(index, writing=False))) == {"generations", *names[1:]}


def test_of_two_who_build_at_once_the_later_is_told(index: str) -> None:
    database = open_database(index, writing=True)
    before = current(database, index)
    publish(database, index, replace(before, number=2))
    with pytest.raises(InputError, match="another process changed the index"):
        publish(database, index, replace(before, number=2))
    assert [found.number for found in read_generations(database, index)] == [1, 2]


def test_another_model_is_refused(tmp_path: Path, index: str, table: Path) -> None:
    other = replace(ENCODER, model="drawn 2")
    with pytest.raises(InputError, match=r"was built with the model drawn 1 .* this one is drawn 2"):
        open_index(index).search(other.views([b"x"]), model=other.model)
    with pytest.raises(InputError, match="give the model that it was built with, or build it anew"):
        finished(add_cases(index, case_tables([table], source="b"), encoder=other))
    assert open_index(index).generation.number == 1


def test_views_that_the_model_does_not_read_are_refused(tmp_path: Path) -> None:
    payloads = written(tmp_path / "payloads.parquet", cases(3), modality="payload")
    uri = str(tmp_path / "index")
    with pytest.raises(InputError, match="holds payload pairs; the model reads texts"):
        finished(build_index(uri, case_tables([payloads]), encoder=ENCODER))
    assert not Path(uri).exists()
    report = finished(build_index(uri, case_tables([payloads]), encoder=ENCODER, half="caption"))
    assert report.added == 2  # captions are read by every model


def test_a_vector_that_is_none_stops_the_build(tmp_path: Path, table: Path) -> None:
    class Broken(DrawnEncoder):
        def views(self, views: Any) -> np.ndarray:
            vectors = super().views(views)
            vectors[3] = np.nan
            return vectors

    with pytest.raises(InputError, match="case 'case-3' of cases has no finite vector"):
        finished(build_index(str(tmp_path / "index"), case_tables([table]), encoder=Broken()))


def test_sources_are_told_apart(tmp_path: Path, table: Path) -> None:
    (tmp_path / "b").mkdir()
    twin = written(tmp_path / "b" / "cases.parquet", cases(3))
    with pytest.raises(InputError, match="two tables would be the source 'cases'"):
        case_tables([table, twin])
    with pytest.raises(InputError, match="one source 'x' for 2 tables"):
        case_tables([table, twin], source="x")
    with pytest.raises(InputError, match="no pair table"):
        case_tables([])
    for name in ("", " x", "a\x1b[2J", "x" * 201):
        with pytest.raises(InputError, match="printable characters"):
            CaseTable(path=table, source=name)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, table: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match=r"holds 'letter\.txt', which is of no index"):
        finished(build_index(str(tmp_path / "mine"), case_tables([table]), encoder=ENCODER))
    with pytest.raises(InputError, match="is a file; name a folder"):
        finished(build_index(str(table), case_tables([table]), encoder=ENCODER))
    for missing in (tmp_path / "nowhere", tmp_path / "mine"):
        with pytest.raises(InputError, match=r"no index at .* make one with"):
            open_index(str(missing))
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"dim": 0},
        {"dim": 10**9},
        {"rows": -1},
        {"rows": 10**12},
        {"model": 3},
        {"half": "both"},
        {"modality": "sound"},
        {"table": "../../etc"},
        {"sources": 4},
        {"stranger": 1},
        {"approximate": {"kind": "x"}},
        {"number": 7},
    ],
    ids=str,
)
def test_facts_that_are_not_ours_are_refused(index: str, change: dict[str, Any]) -> None:
    table = open_database(index, writing=False).open_table("generations")
    [row] = table.search().to_arrow().to_pylist()
    changed = {"number": 2, "facts": json.dumps({**json.loads(row["facts"]), "number": 2, **change})}
    table.add(pa.Table.from_pylist([changed], schema=table.schema))
    with pytest.raises(DamagedArtifactError, match=r"build (it|the index) anew"):
        open_index(index)


def test_a_damaged_table_is_told(index: str) -> None:
    for path in Path(index).glob("cases-*/data/*"):
        path.write_bytes(b"\0" * path.stat().st_size)
    with pytest.raises(DamagedArtifactError, match=r"cannot be read: .* build it anew"):
        open_index(index)
