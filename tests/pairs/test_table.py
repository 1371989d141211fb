from __future__ import annotations

import resource
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from threatclip.errors import DamagedArtifactError, InputError, StorageError, ThreatclipError
from threatclip.pairs.columns import SCHEMA, pair_batches
from threatclip.pairs.content_hash import ContentHash
from threatclip.pairs.pair import SPLITS, Pair
from threatclip.pairs.table import PairTable, with_split, write_pairs

reuse_folder = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
times = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2099, 1, 1)).map(
    lambda value: value.replace(microsecond=0, tzinfo=UTC)
)
pairs = st.builds(
    Pair,
    id=texts.filter(bool),
    view=st.binary(min_size=1, max_size=40),
    caption=st.none() | texts,
    label=st.none() | st.sampled_from(["xss", "ssrf"]),
    group=st.none() | texts,
    time=st.none() | times,
    split=st.none() | st.sampled_from(SPLITS),
    meta=st.dictionaries(texts, texts, max_size=3),
)
pair_lists = st.lists(pairs, min_size=1, max_size=20, unique_by=lambda pair: pair.id)


def many(n: int) -> Iterator[Pair]:
    for index in range(n):
        yield Pair(id=f"row-{index}", view=b"\x00v%d" % index, caption=f"c{index}", meta={"vendor": f"v{index % 3}"})


def hash_of(batch: pa.RecordBatch, cuts: list[int]) -> str:
    hasher = ContentHash(SCHEMA)
    for start, stop in zip([0, *cuts], [*cuts, batch.num_rows], strict=True):
        hasher.update(batch.slice(start, stop - start))
    return hasher.hexdigest()


@reuse_folder
@given(pairs=pair_lists, batch_size=st.integers(1, 7))
def test_what_is_written_is_what_is_read(tmp_path: Path, pairs: list[Pair], batch_size: int) -> None:
    report = write_pairs(tmp_path / "t.parquet", pairs, modality="payload")
    table = PairTable.open(report.path)
    assert list(table.iter_pairs()) == pairs
    assert len(table) == report.rows == len(pairs)
    assert (table.modality, table.content_hash, table.split_info) == ("payload", report.content_hash, None)
    assert table.column("view") == [pair.view for pair in pairs]
    assert table.column("time") == [pair.time for pair in pairs]
    assert table.column("meta") == [pair.meta for pair in pairs]
    batches = list(table.iter_batches(columns=["id"], batch_size=batch_size))
    assert [name for batch in batches for name in batch["id"].to_pylist()] == [pair.id for pair in pairs]
    assert max(batch.num_rows for batch in batches) <= batch_size
    table.verify()


@settings(max_examples=100, deadline=None)
@given(pairs=pair_lists, cuts=st.lists(st.integers(0, 20), max_size=4))
def test_the_content_hash_does_not_depend_on_batch_borders(pairs: list[Pair], cuts: list[int]) -> None:
    (batch,) = pair_batches(pairs)
    assert hash_of(batch, []) == hash_of(batch, sorted(min(cut, len(pairs)) for cut in cuts))


def test_the_content_hash_tells_rows_apart() -> None:
    rows = [
        [Pair(id="a", view=b"xy"), Pair(id="b", view=b"z")],
        [Pair(id="a", view=b"x"), Pair(id="b", view=b"yz")],
        [Pair(id="b", view=b"z"), Pair(id="a", view=b"xy")],
        [Pair(id="a", view=b"xy", caption=""), Pair(id="b", view=b"z")],
        [Pair(id="a", view=b"xy", meta={"k": "v"}), Pair(id="b", view=b"z")],
        [Pair(id="a", view=b"xy"), Pair(id="b", view=b"z", meta={"k": "v"})],
        [Pair(id="a", view=b"xy", time=datetime(1970, 1, 1, tzinfo=UTC)), Pair(id="b", view=b"z")],
        [Pair(id="a", view=b"xy", split="train"), Pair(id="b", view=b"z")],
        [Pair(id="a", view=b"xy", label="train"), Pair(id="b", view=b"z")],
    ]
    hashes = {hash_of(batch, []) for case in rows for batch in pair_batches(case)}
    assert len(hashes) == len(rows)


def test_rows_are_taken_across_row_groups_in_the_order_asked_for(tmp_path: Path) -> None:
    write_pairs(tmp_path / "t.parquet", many(10_000), modality="text")
    table = PairTable.open(tmp_path / "t.parquet")
    wanted = np.array([9_999, 0, 4_096, 4_095, 0])
    assert [pair.id for pair in table.take(wanted)] == [f"row-{index}" for index in wanted]
    assert table.take([]) == []
    for outside in (-1, 10_000):
        with pytest.raises(InputError, match=rf"row {outside} .* 10000 rows"):
            table.take([outside])
    with pytest.raises(InputError, match="no column 'size'"):
        table.column("size")


def test_a_time_is_stored_as_whole_seconds_of_utc(tmp_path: Path) -> None:
    east = datetime(2021, 5, 1, 1, 0, 0, 900_000, tzinfo=timezone(timedelta(hours=2)))
    write_pairs(tmp_path / "t.parquet", [Pair(id="a", view=b"v", time=east)], modality="text")
    (pair,) = PairTable.open(tmp_path / "t.parquet").iter_pairs()
    assert pair.time == datetime(2021, 4, 30, 23, tzinfo=UTC)


def test_a_split_is_stored_with_the_table_even_in_place(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_pairs(path, many(5_000), modality="payload")
    table = PairTable.open(path)
    splits = ["train", "test", None, "validation"] * 1_250
    with_split(table, splits, {"kind": "fixed"}, path)
    again = PairTable.open(path)
    assert again.column("split") == splits
    assert again.split_info == {"kind": "fixed"}
    assert again.column("id") == table.column("id")
    assert again.content_hash != table.content_hash
    again.verify()
    with pytest.raises(InputError, match="1 splits for the 5000 rows"):
        with_split(table, ["train"], {}, path)
    with pytest.raises(InputError, match="split 'dev' is not one of"):
        with_split(table, ["dev"] * 5_000, {}, path)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([], "no pair to write"),
        ([Pair(id="a", view=b"v"), Pair(id="a", view=b"w")], "pair 'a': the id occurs twice"),
        ([Pair(id="", view=b"v")], "the id is empty"),
        ([Pair(id="a", view=b"")], "the view is empty"),
        ([Pair(id="a", view=b"v", split="dev")], "split 'dev' is not one of"),
        ([Pair(id="a", view=b"v", time=datetime(2020, 1, 1))], "has no time zone"),
        ([Pair(id="a", view=b"v", caption="\ud800")], r"'\\ud800' holds a lone surrogate"),
    ],
)
def test_a_pair_that_cannot_stand_in_a_table_leaves_nothing_behind(
    tmp_path: Path, pairs: list[Pair], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        write_pairs(tmp_path / "t.parquet", pairs, modality="payload")
    assert list(tmp_path.iterdir()) == []


def test_only_an_image_pair_with_words_may_lack_its_view(tmp_path: Path) -> None:
    post = Pair(id="a", view=b"", caption="words")
    write_pairs(tmp_path / "t.parquet", [post], modality="image")
    table = PairTable.open(tmp_path / "t.parquet")
    table.verify()
    assert list(table.iter_pairs()) == [post]
    for modality in ("payload", "text"):
        with pytest.raises(InputError, match="the view is empty"):
            write_pairs(tmp_path / "u.parquet", [post], modality=modality)  # type: ignore[arg-type]
    for caption in (None, "", " "):
        with pytest.raises(InputError, match="neither a picture nor words"):
            write_pairs(tmp_path / "u.parquet", [Pair(id="a", view=b"", caption=caption)], modality="image")


def test_an_unknown_modality_and_a_folder_as_target_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="modality 'audio' is not one of"):
        write_pairs(tmp_path / "t.parquet", many(1), modality="audio")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="is a folder"):
        write_pairs(tmp_path, many(1), modality="text")


def test_what_is_no_pair_table_is_told_in_one_line(tmp_path: Path) -> None:
    plain = tmp_path / "plain.parquet"
    pq.write_table(pa.table({"x": [1]}), plain)
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "text").write_text("id,view\n")
    for name, message in {
        "none": "no pair table",
        "empty": "is not a pair table",
        "text": "is not a pair table",
        "plain.parquet": "is Parquet but not a pair table",
        "": "is a folder",
    }.items():
        with pytest.raises(InputError, match=message) as caught:
            PairTable.open(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_another_version_or_row_count_or_schema_is_refused(tmp_path: Path) -> None:
    write_pairs(tmp_path / "t.parquet", many(2), modality="text")
    whole = pq.read_table(tmp_path / "t.parquet")
    facts = {key: value for key, value in pq.read_metadata(tmp_path / "t.parquet").metadata.items() if b"." in key}
    for name, table, change, error in [
        ("version", whole, {b"threatclip.version": b"9"}, InputError),
        ("rows", whole.slice(1), {}, DamagedArtifactError),
        ("columns", whole.drop(["meta"]), {}, DamagedArtifactError),
        ("split", whole, {b"threatclip.split": b"{"}, DamagedArtifactError),
    ]:
        pq.write_table(table.replace_schema_metadata({**facts, **change}), tmp_path / name)
        with pytest.raises(error):
            PairTable.open(tmp_path / name)
    doubled = pa.concat_tables([whole.slice(0, 1)] * 2).replace_schema_metadata(facts)
    pq.write_table(doubled, tmp_path / "doubled")
    with pytest.raises(DamagedArtifactError, match="holds id 'row-0' twice"):
        PairTable.open(tmp_path / "doubled").verify()
    swapped = pa.concat_tables([whole.slice(1), whole.slice(0, 1)]).replace_schema_metadata(facts)
    pq.write_table(swapped, tmp_path / "swapped")
    with pytest.raises(DamagedArtifactError, match="content hash"):
        PairTable.open(tmp_path / "swapped").verify()


def test_every_cut_and_changed_byte_is_noticed_or_harmless(tmp_path: Path) -> None:
    path, broken = tmp_path / "t.parquet", tmp_path / "broken.parquet"
    pairs = list(many(3))
    write_pairs(path, pairs, modality="payload")
    content = path.read_bytes()
    cases = [content[:cut] for cut in range(0, len(content), 23)]
    cases += [content[:at] + bytes([content[at] ^ 0xD7]) + content[at + 1 :] for at in range(0, len(content), 2)]
    messages = []
    for case in cases:
        broken.write_bytes(case)
        try:
            table = PairTable.open(broken)
            table.verify()
            assert list(table.iter_pairs()) == pairs
        except ThreatclipError as error:
            messages.append(str(error))
    assert len(messages) > len(cases) // 2
    assert not any("\n" in message for message in messages)


def test_a_full_disk_leaves_the_old_table_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_pairs(path, many(3), modality="payload")
    before = path.read_bytes()
    rows = (Pair(id=str(n), view=np.random.default_rng(n).bytes(10_000)) for n in range(10_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, hard))
    try:
        with pytest.raises(StorageError, match=r"cannot write .*t\.parquet"):
            write_pairs(path, rows, modality="payload")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupted() -> Iterator[Pair]:
        yield from many(5_000)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_pairs(tmp_path / "t.parquet", interrupted(), modality="payload")
    assert list(tmp_path.iterdir()) == []
