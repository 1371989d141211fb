"""Sets of pictures and posts that come as Parquet: the same rules for each, and what is its own."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from encoded_pictures import encoded, smooth_picture
from threatclip.errors import BadRow, InputError
from threatclip.pairs.image_captions import CIFAR10_NOUNS
from threatclip.pairs.images import decode_image
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources import Cifar10, CrisisImages, Dmd, Flickr8k, Imagenette, Source, Tweets, post_words
from threatclip.pairs.sources.build import build_pairs
from threatclip.pairs.sources.dmd import EVENT_TAGS
from threatclip.pairs.sources.rows import Row, SkippedRow
from threatclip.pairs.table import PairTable

JPEG = encoded(smooth_picture(height=32, width=32), "JPEG")
DMD = {
    "id": "floodwater_2017-08-09_10-11-12",
    "source_tag": "floodwater",
    "text": "Water in our street again @mayor https://t.co/abc #floodwater #FloodWater2017",
    "split": "dev",
    "jpeg": JPEG,
    "dmd_class": "flood",
    "damage_severity": "mild",
    "disaster_type": "flood",
    "humanitarian": None,
    "informative": "informative",
}
CIFAR10 = {"split": "test", "class_name": "ship", "path": "test/ship/0001.jpg", "jpeg": JPEG}
IMAGENETTE = {"split": "val", "wnid": "n0", "label": "church", "file": "a.JPEG", "jpeg": JPEG}
AIDER = {"id": "fire_1.jpg", "label": "fire", "jpeg": JPEG}
AIDR = {
    "id": "12_0",
    "event": "a_flood",
    "date": "3_12_2015",
    "tweet_id": "12",
    "disaster_types": "flood",
    "damage_severity": None,
    "humanitarian": "not_humanitarian",
    "informative": None,
    "split_disaster_types": "dev",
    "jpeg": JPEG,
}
CRISISMMD = {
    "task": "informative",
    "split": "train",
    "event": "a_storm",
    "tweet_id": "34",
    "image_id": "34_1",
    "text": "RT @someone: The bridge is gone, please take the road through the hills #StormWatch",
    "label": "informative",
    "label_text": "informative",
    "label_image": "not_informative",
}
HUMANITARIAN = {"tweet_id": "56", "text": "We need blankets and water", "image_path": "image/56_0.jpg", "labels": ["a"]}
CASES: list[tuple[Source, dict[str, Any]]] = [
    (Dmd(), DMD),
    (Cifar10(), CIFAR10),
    (Imagenette(), IMAGENETTE),
    (CrisisImages(), AIDER),
    (CrisisImages(), AIDR),
    (Tweets(), CRISISMMD),
    (Tweets(), HUMANITARIAN),
    (Flickr8k(), {"image": "a.jpg", "split": "train", "captions": ["one", "two"], "jpeg": JPEG}),
]
cases = [pytest.param(source, row, id=f"{source.kind}-{len(row)}") for source, row in CASES]


def read(path: Path, source: Source, *rows: dict[str, Any]) -> list[Row]:
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return list(source.read(path))


@pytest.mark.parametrize(("source", "row"), cases)
def test_a_good_row_is_a_pair_and_its_twin_is_not(tmp_path: Path, source: Source, row: dict[str, Any]) -> None:
    found = read(tmp_path / "f.parquet", source, row, row)
    pairs = [one for one in found if isinstance(one, Pair)]
    assert len({pair.id for pair in pairs}) == len(pairs) == len(found) // 2
    assert all("occurs twice" in one.reason for one in found if isinstance(one, BadRow))


@pytest.mark.parametrize(("source", "row"), cases)
def test_a_file_without_one_of_the_columns_says_which(tmp_path: Path, source: Source, row: dict[str, Any]) -> None:
    for column in row:
        rest = {name: value for name, value in row.items() if name != column}
        with pytest.raises(InputError, match=r"no column '.*columns are"):
            read(tmp_path / "f.parquet", source, rest)
    with pytest.raises(InputError, match="no column"):
        read(tmp_path / "f.parquet", source, {"x": 1})
    (tmp_path / "f.parquet").write_bytes(b"PAR1 no PAR1")
    with pytest.raises(InputError, match="not readable Parquet"):
        list(source.read(tmp_path / "f.parquet"))


anything = st.one_of(
    st.none(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.binary(max_size=8),
    st.integers(-9, 9),
    st.floats(),
    st.booleans(),
    st.lists(st.one_of(st.none(), st.text(max_size=3)), max_size=3),
    st.just({"bytes": JPEG}),
    st.just(date(2020, 1, 1)),
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=st.sampled_from(CASES), draw=st.data())
def test_any_value_in_any_column_is_a_pair_a_bad_row_or_a_skipped_one(
    tmp_path: Path, case: tuple[Source, dict[str, Any]], draw: st.DataObject
) -> None:
    source, row = case
    columns = draw.draw(st.sets(st.sampled_from(sorted(row)), min_size=1, max_size=3))
    changed = {**row, **{column: draw.draw(anything) for column in columns}}
    try:
        found = read(tmp_path / "f.parquet", source, changed)
    except (pa.ArrowException, UnicodeEncodeError):  # the value cannot be written
        return
    assert found
    assert all(isinstance(one, Pair | BadRow | SkippedRow) for one in found)
    for pair in found:
        if isinstance(pair, Pair) and pair.view:
            decode_image(pair.view)


def test_a_post_of_dmd_loses_its_hashtags_and_keeps_what_is_known(tmp_path: Path) -> None:
    (pair,) = read(tmp_path / "f.parquet", Dmd(), DMD)
    assert pair == Pair(
        id="floodwater_2017-08-09_10-11-12",
        view=JPEG,
        caption="Water in our street again",
        label="floodwater",
        time=datetime(2017, 8, 9, 10, 11, 12, tzinfo=UTC),
        split="validation",
        meta={
            "source": "dmd",
            "source_tag": "floodwater",
            "dmd_class": "flood",
            "damage_severity": "mild",
            "disaster_type": "flood",
            "informative": "informative",
            "language": "en",
        },
    )
    (words,) = read(tmp_path / "f.parquet", Dmd(hashtags="words"), DMD)
    (kept,) = read(tmp_path / "f.parquet", Dmd(hashtags="keep"), DMD)
    assert isinstance(words, Pair)
    assert isinstance(kept, Pair)
    assert (words.caption or "").lower().count("flood") == 2
    assert "#" not in (words.caption or "")
    assert "#floodwater" in (kept.caption or "")


def test_a_rare_tag_of_dmd_is_other_and_a_post_of_hashtags_alone_keeps_its_picture(tmp_path: Path) -> None:
    rows = [
        {**DMD, "id": "a", "source_tag": "drought"},
        {**DMD, "id": "b_2017-99-09_10-11-12", "text": "#floodwater #help"},
        {**DMD, "id": "c", "text": None, "source_tag": None},
    ]
    found = read(tmp_path / "f.parquet", Dmd(), *rows)
    assert [(pair.label, pair.caption, pair.time) for pair in found if isinstance(pair, Pair)] == [
        ("other", "Water in our street again", None),
        ("floodwater", None, None),
        (None, None, None),
    ]
    assert "language" not in found[1].meta  # type: ignore[union-attr]


def test_captions_of_cifar10_name_a_noun_of_the_class_and_follow_the_seed(tmp_path: Path) -> None:
    rows = [{**CIFAR10, "class_name": name, "path": f"{name}/{n}"} for name in CIFAR10_NOUNS for n in range(3)]
    found = read(tmp_path / "f.parquet", Cifar10(), *rows)
    for pair in found:
        assert isinstance(pair, Pair)
        assert set(CIFAR10_NOUNS[pair.label or ""]) & set((pair.caption or "").split())
    assert read(tmp_path / "f.parquet", Cifar10(), *rows) == found
    assert read(tmp_path / "f.parquet", Cifar10(seed=1), *rows) != found


def test_a_broken_row_of_cifar10_takes_no_caption_from_its_neighbors(tmp_path: Path) -> None:
    good = [{**CIFAR10, "path": f"p{n}"} for n in range(4)]
    bad = [{**CIFAR10, "jpeg": JPEG[:-99], "path": "x"}, {**CIFAR10, "class_name": "zebra", "path": "y"}]
    found = read(tmp_path / "f.parquet", Cifar10(), good[0], bad[0], *good[1:3], bad[1], good[3])
    assert [row.line for row in found if isinstance(row, BadRow)] == [2, 5]
    assert [row for row in found if isinstance(row, Pair)] == read(tmp_path / "f.parquet", Cifar10(), *good)


def test_what_aidr_and_aider_know_is_kept(tmp_path: Path) -> None:
    (pair,) = read(tmp_path / "f.parquet", CrisisImages(), AIDR)
    assert pair == Pair(
        id="12_0",
        view=JPEG,
        label="flood",
        group="12",
        time=datetime(2015, 12, 3, tzinfo=UTC),
        split="validation",
        meta={"source": "aidr", "event": "a_flood", "disaster_types": "flood", "humanitarian": "not_humanitarian"},
    )
    (other,) = read(tmp_path / "f.parquet", CrisisImages(task="humanitarian"), AIDR)
    assert isinstance(other, Pair)
    assert (other.label, other.split) == ("not_humanitarian", None)
    (fire,) = read(tmp_path / "f.parquet", CrisisImages(), AIDER)
    assert fire == Pair(id="fire_1.jpg", view=JPEG, label="fire", meta={"source": "aider"})


def test_tweets_are_posts_without_pictures(tmp_path: Path) -> None:
    rows = [
        CRISISMMD,
        {**CRISISMMD, "task": "humanitarian", "image_id": "a"},
        {**CRISISMMD, "text": "https://t.co/x", "image_id": "b"},
    ]
    pair, other, empty = read(tmp_path / "f.parquet", Tweets(), *rows)
    assert pair == Pair(
        id="34_1",
        view=b"",
        caption="The bridge is gone, please take the road through the hills Storm Watch",
        label="informative",
        group="34",
        split="train",
        meta={
            "source": "crisismmd",
            "event": "a_storm",
            "label_text": "informative",
            "label_image": "not_informative",
            "language": "en",
        },
    )
    assert isinstance(other, SkippedRow)
    assert isinstance(empty, SkippedRow)
    several = {**HUMANITARIAN, "labels": ["a", "b"], "image_path": "image/56_1.jpg"}
    one, two = read(tmp_path / "f.parquet", Tweets(), HUMANITARIAN, several)
    assert isinstance(one, Pair)
    assert isinstance(two, Pair)
    assert [(found.label, found.meta["labels"], found.group) for found in (one, two)] == [
        ("a", "a", "56"),
        (None, "a; b", "56"),
    ]


def built(source: Source, file: Path, out: Path) -> PairTable:
    report = build_pairs(source, file, out)
    assert (report.bad, report.modality) == (0, "image")
    return PairTable.open(out)


@pytest.mark.data
def test_the_real_dmd_is_whole_and_holds_no_hashtag(tmp_path: Path, data_dir: Path) -> None:
    file = data_dir / "images" / "dmd_fire_flood_pairs_128px.parquet"
    table = built(Dmd(), file, tmp_path / "t.parquet")
    assert Counter(table.column("split")) == {"train": 543, "validation": 76}
    labels = Counter(table.column("label"))
    assert set(labels) == set(EVENT_TAGS)
    assert labels["floodwater"] == 150
    assert labels["other"] == 85
    captions = table.column("caption")
    assert not any("#" in caption for caption in captions if caption)
    assert 50 <= captions.count(None) <= 100
    kept = built(Dmd(hashtags="keep"), file, tmp_path / "k.parquet")
    assert sum("#" in (caption or "") for caption in kept.column("caption")) > 500


@pytest.mark.data
def test_the_real_cifar10_is_whole(tmp_path: Path, data_dir: Path) -> None:
    table = built(Cifar10(), data_dir / "images" / "cifar10_jpeg_10k2k.parquet", tmp_path / "t.parquet")
    assert Counter(table.column("split")) == {"train": 10_000, "test": 2_000}
    assert Counter(table.column("label")) == dict.fromkeys(CIFAR10_NOUNS, 1_200)
    assert all(table.column("caption"))


@pytest.mark.data
@pytest.mark.parametrize(
    ("source", "name", "rows", "splits"),
    [
        (Imagenette(), "imagenette_64px_6500", 6_500, {"train": 5_000, "validation": 1_500}),
        (
            CrisisImages(),
            "aidr_crisis_images_96px",
            2_563,
            {"train": 1_163, "validation": 119, "test": 256, None: 1025},
        ),
        (CrisisImages(), "aider_fire_flood_96px", 1_047, {None: 1_047}),
        (
            Tweets(task="humanitarian"),
            "crisismmd_text_agreed",
            8_079,
            {"train": 6_126, "validation": 998, "test": 955},
        ),
        (Tweets(), "humanitarian_tweets_text_4383", 4_383, {None: 4_383}),
    ],
)
def test_the_other_real_sets_are_whole(
    tmp_path: Path,
    data_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: Source,
    name: str,
    rows: int,
    splits: dict[str | None, int],
) -> None:
    monkeypatch.setattr(post_words, "language_of", lambda text: "en")  # seconds that other tests spend already
    table = built(source, data_dir / "images" / f"{name}.parquet", tmp_path / "t.parquet")
    assert len(table) == rows
    assert Counter(table.column("split")) == splits
