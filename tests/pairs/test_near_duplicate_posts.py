"""Near-duplicate posts: by picture, by words, across splits; fast, and on any bytes."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from time import process_time

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from threatclip.errors import InputError
from threatclip.pairs.image_samples import sample_pictures, sample_posts
from threatclip.pairs.images import decode_image, encode_png
from threatclip.pairs.inspect import describe
from threatclip.pairs.near_duplicate_posts import (
    HASH_DISTANCE,
    clusters_of,
    hash_clusters,
    joined,
    picture_clusters,
    word_clusters,
)
from threatclip.pairs.near_duplicates import near_duplicate_clusters
from threatclip.pairs.pair import Pair
from threatclip.pairs.splits import GroupSplit, OwnSplit, RandomSplit, TemporalSplit, assign_split, split_pairs
from threatclip.pairs.table import PairTable, with_split, write_pairs
from threatclip.seeds import rng

LONG = (
    "The river came over the dam at noon and by the evening the whole lower town stood under two meters of brown water"
)
MIDDLE = "Flames from the roof of the old hotel on Mill Street tonight"


def slow_components(n: int, edges: list[tuple[int, int]]) -> list[int]:
    clusters = list(range(n))
    for left, right in edges:
        old, new = clusters[right], clusters[left]
        clusters = [new if cluster == old else cluster for cluster in clusters]
    numbers: dict[int, int] = {}
    return [numbers.setdefault(cluster, len(numbers)) for cluster in clusters]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), distance=st.sampled_from([0, 3, 6, 8]), crowded=st.booleans())
def test_hashes_are_joined_as_comparing_every_two_would(seed: int, distance: int, crowded: bool) -> None:
    generator = rng(seed, "test/hashes")
    hashes = [int(value) for value in generator.integers(0, 2**63, 12, dtype=np.uint64)]
    for _ in range(40):
        flips = generator.choice(64, size=int(generator.integers(0, 14)), replace=False)
        value = hashes[int(generator.integers(len(hashes)))]
        for bit in flips if not crowded else flips[flips < 8]:
            value ^= 1 << int(bit)
        hashes.append(value)
    edges = [
        (left, right)
        for left, right in combinations(range(len(hashes)), 2)
        if (hashes[left] ^ hashes[right]).bit_count() <= distance
    ]
    found = hash_clusters(np.array(hashes, np.uint64), distance=distance)
    assert found.tolist() == slow_components(len(hashes), edges)


def test_no_hashes_make_no_clusters() -> None:
    assert hash_clusters(np.zeros(0, np.uint64)).tolist() == []
    assert joined([[]]).tolist() == []
    assert picture_clusters([]).tolist() == []
    assert clusters_of([], modality="image").together.tolist() == []


@settings(max_examples=30, deadline=None)
@given(columns=st.lists(st.lists(st.integers(0, 6), min_size=9, max_size=9), min_size=1, max_size=3))
def test_rows_that_share_any_key_are_joined(columns: list[list[int]]) -> None:
    edges = [
        (left, right)
        for left, right in combinations(range(9), 2)
        if any(column[left] == column[right] for column in columns)
    ]
    assert joined(columns).tolist() == slow_components(9, edges)


def test_a_hundred_thousand_hashes_take_seconds_even_in_one_crowd() -> None:
    generator = rng(0, "test/crowd")
    spread = generator.integers(0, 2**63, 90_000, dtype=np.uint64)
    crowd = generator.integers(0, 2**20, 10_000, dtype=np.uint64) << np.uint64(20)  # equal in most of their parts
    start = process_time()
    clusters = hash_clusters(np.concatenate([spread, crowd]))
    assert process_time() - start < 12
    assert len(np.unique(clusters[:90_000])) > 89_990


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    scene = next(
        pair for pair in sample_posts(40, seed=3, side=160) if pair.meta["scene"] == "building-fire" and pair.view
    )
    return decode_image(scene.view)


def encoded(pixels: np.ndarray, kind: str = "PNG", **options: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def test_a_picture_encoded_anew_scaled_or_brightened_is_the_same(photo: np.ndarray) -> None:
    small = np.asarray(Image.fromarray(photo).resize((90, 90)))
    bright = np.clip(photo * 1.15 + 8, 0, 255).astype(np.uint8)
    copies = [encoded(photo), encoded(photo, "JPEG", quality=60), encoded(small), encoded(bright)]
    others = [pair.view for pair in sample_posts(60, seed=9, side=64) if pair.view][:30]
    clusters = picture_clusters([*copies, *others]).tolist()
    assert clusters[:4] == [0] * 4
    assert 0 not in clusters[4:]


def test_empty_and_broken_pictures_stand_alone_but_equal_bytes_do_not(photo: np.ndarray) -> None:
    good = encoded(photo)
    assert picture_clusters([b"", good, b"broken", b"", good[:200], b"broken", good]).tolist() == [0, 1, 2, 3, 4, 2, 1]


@settings(max_examples=20, deadline=None)
@given(views=st.lists(st.binary(max_size=12), max_size=8))
def test_any_bytes_get_a_cluster(views: list[bytes]) -> None:
    clusters = picture_clusters(views).tolist()
    for left, right in combinations(range(len(views)), 2):
        assert (clusters[left] == clusters[right]) == (views[left] == views[right] != b"")


def test_long_words_join_posts_and_short_captions_do_not() -> None:
    repost = f"RT @someone: {LONG} https://t.co/abc 😢"
    captions = [
        LONG,
        repost.replace(" 😢", ""),
        LONG.upper(),
        MIDDLE,
        MIDDLE,
        "a photo of a cat",
        "a photo of a cat",
        None,
    ]
    assert word_clusters(captions, with_picture=[True] * 8).tolist() == [0, 0, 0, 1, 2, 3, 4, 5]


def test_without_a_picture_fewer_words_are_enough() -> None:
    captions = [MIDDLE, MIDDLE, MIDDLE + "!", "so sad", "so sad", MIDDLE.replace("hotel", "school")]
    assert word_clusters(captions, with_picture=[True, True, False, False, False, True]).tolist() == [0, 0, 0, 1, 2, 3]


def test_words_and_pictures_join_through_a_third(photo: np.ndarray) -> None:
    pairs = [
        Pair(id="a", view=encoded(photo), caption="here"),
        Pair(id="b", view=encoded(photo, "JPEG", quality=70), caption=LONG),
        Pair(id="c", view=b"", caption=LONG),
        Pair(id="d", view=b"", caption="something else"),
    ]
    found = clusters_of(pairs, modality="image")
    assert found.pictures is not None
    assert found.words is not None
    assert found.pictures.tolist() == [0, 0, 1, 2]
    assert found.words.tolist() == [0, 1, 1, 2]
    assert found.together.tolist() == [0, 0, 0, 1]


def test_other_modalities_are_compared_by_their_bytes() -> None:
    pairs = [
        Pair(id=str(row), view=view) for row, view in enumerate([b"GET /a HTTP/1.1", b"GET /b", b"GET /a HTTP/1.1"])
    ]
    found = clusters_of(pairs, modality="payload")
    assert found.together.tolist() == near_duplicate_clusters([pair.view for pair in pairs]).tolist() == [0, 1, 0]
    assert found.pictures is None


@pytest.fixture(scope="module")
def posts() -> list[Pair]:
    return list(sample_posts(400, seed=2, side=32))


def test_reposts_are_found(posts: list[Pair]) -> None:
    clusters = dict(
        zip([pair.id for pair in posts], clusters_of(posts, modality="image").together.tolist(), strict=True)
    )
    reposts = [pair for pair in posts if "repost_of" in pair.meta]
    found = [clusters[pair.id] == clusters[pair.meta["repost_of"]] for pair in reposts]
    assert len(found) > 5
    assert sum(found) >= 0.9 * len(found)


@pytest.mark.parametrize("spec", [RandomSplit(), GroupSplit()])
def test_no_repost_straddles_a_split_and_the_leaky_control_shows_it(
    posts: list[Pair], spec: RandomSplit | GroupSplit
) -> None:
    _, report = split_pairs(posts, spec, rng(0, "s"), modality="image")
    for overlap in report.overlaps:
        assert (overlap.near_duplicates, overlap.near_pictures, overlap.near_words) == (0, 0, 0)
    assert report.as_dict()["near_duplicate_hash_distance"] == HASH_DISTANCE
    _, leaky = split_pairs(posts, RandomSplit(near_duplicates="ignore"), rng(0, "s"), modality="image")
    told = {kind: sum(getattr(overlap, kind) for overlap in leaky.overlaps) for kind in ("near_pictures", "near_words")}
    assert told["near_pictures"] > 0


def test_captions_of_one_picture_stay_together_in_every_random_split(photo: np.ndarray) -> None:
    pictures = [pair.view for pair in sample_pictures(30, seed=1, side=32)]
    pairs = [
        Pair(id=f"p{row}#{turn}", view=view, caption=f"caption {turn}", group=f"p{row}")
        for row, view in enumerate(pictures)
        for turn in range(3)
    ]
    for spec in (RandomSplit(near_duplicates="ignore"), RandomSplit(), GroupSplit()):
        splits, report = split_pairs(pairs, spec, rng(0, "s"), modality="image")
        for row in range(30):
            assert len({splits[3 * row + turn] for turn in range(3)}) == 1
        assert all(overlap.shared_groups == overlap.exact_duplicates == 0 for overlap in report.overlaps)


def test_a_temporal_split_drops_the_earlier_copy(posts: list[Pair]) -> None:
    spec = TemporalSplit(train_until=2016, validation_until=2017)
    late = [
        replace(pair, id=f"{pair.id}-late", group=None, time=pair.time.replace(year=2019))
        for pair in posts
        if pair.time and pair.time.year == 2014
    ]
    splits, report = split_pairs([*posts, *late], spec, rng(0, "s"), modality="image")
    in_test = next(overlap for overlap in report.overlaps if overlap.later == "test" and overlap.earlier == "train")
    assert in_test.exact_duplicates == len(late)
    assert in_test.near_pictures is not None
    assert in_test.near_pictures >= sum(bool(pair.view) for pair in late)
    dropped, clean = split_pairs([*posts, *late], replace(spec, near_duplicates="drop"), rng(0, "s"), modality="image")
    assert clean.dropped >= len(late)
    assert all(overlap.near_duplicates == 0 for overlap in clean.overlaps)
    assert splits.count("test") == dropped.count("test")


def test_a_table_of_posts_is_split_and_described(tmp_path: Path, posts: list[Pair]) -> None:
    write_pairs(tmp_path / "t.parquet", posts, modality="image")
    table = PairTable.open(tmp_path / "t.parquet")
    splits, report = assign_split(table, RandomSplit(), rng(0, "s"))
    assert (splits, report) == split_pairs(posts, RandomSplit(), rng(0, "s"), modality="image")
    with_split(table, splits, {"leakage": report.as_dict()}, table.path)
    found = describe(PairTable.open(table.path))
    assert found.leakage == report.as_dict()
    assert found.duplicates.near_rows is not None
    assert found.duplicates.near_rows >= sum("repost_of" in pair.meta for pair in posts)


def test_copies_leave_the_official_split_when_asked(posts: list[Pair]) -> None:
    copies = {pair.id for pair in posts if "repost_of" in pair.meta}
    official = [replace(pair, split="test" if pair.id in copies else "train") for pair in posts]
    splits, report = split_pairs(official, OwnSplit(), rng(0, "s"), modality="image")
    assert splits == [pair.split for pair in official]
    assert report.overlaps[0].near_duplicates >= 0.9 * len(copies)
    dropped, clean = split_pairs(official, OwnSplit(near_duplicates="drop"), rng(0, "s"), modality="image")
    assert clean.overlaps[0].near_duplicates == 0
    assert clean.dropped == dropped.count(None) >= 0.9 * len(copies)
    assert dropped.count("test") == len(copies)
    no_test = [replace(pair, split="validation" if pair.split == "test" else pair.split) for pair in official]
    _, report = split_pairs(no_test, OwnSplit(), rng(0, "s"), modality="image")
    assert [(overlap.earlier, overlap.later) for overlap in report.overlaps] == [("train", "validation")]
    with pytest.raises(InputError, match="own split leaves train empty"):
        split_pairs(posts, OwnSplit(), rng(0, "s"), modality="image")


@pytest.mark.data
def test_real_pictures_have_the_near_duplicates_that_a_person_sees(data_dir: Path) -> None:
    table = pq.read_table(data_dir / "images" / "dmd_fire_flood_pairs_128px.parquet", columns=["jpeg", "text"])
    pictures = picture_clusters(table["jpeg"].to_pylist())
    words = word_clusters(table["text"].to_pylist(), with_picture=[True] * len(table))
    assert len(pictures) - len(np.unique(pictures)) == 19
    assert len(words) - len(np.unique(words)) == 23
    flickr = pq.read_table(data_dir / "images" / "flickr8k_64px.parquet", columns=["jpeg", "captions"]).slice(0, 1500)
    captions = [caption for row in flickr["captions"].to_pylist() for caption in row]
    assert len(np.unique(picture_clusters(flickr["jpeg"].to_pylist()))) >= 1499
    assert len(np.unique(word_clusters(captions, with_picture=[True] * len(captions)))) == len(captions)


def test_encoding_of_the_sample_is_lossless(photo: np.ndarray) -> None:
    assert (decode_image(encode_png(photo)) == photo).all()
