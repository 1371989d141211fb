"""The embedded sample pictures and posts: seeded, endless, and true to their words."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import islice
from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threatclip.errors import InputError
from threatclip.pairs.drawing.canvas import grid, noise, plain
from threatclip.pairs.drawing.scenes import KINDS, TIMES, Scene, draw_scene
from threatclip.pairs.drawing.shapes import BACKGROUNDS, COLORS, SHAPES, TEXTURES, shape_coverage, textured
from threatclip.pairs.grammar import event_posts
from threatclip.pairs.grammar.engine import Grammar
from threatclip.pairs.image_samples import (
    EVENT_TAGS,
    PICTURE_CLASSES,
    sample_pictures,
    sample_posts,
)
from threatclip.pairs.images import decode_image, perceptual_hash
from threatclip.pairs.pair import Pair, pair_fault
from threatclip.pairs.posts import language_of, normalize_post
from threatclip.seeds import rng


@pytest.fixture(scope="module")
def pictures() -> list[Pair]:
    return list(sample_pictures(400, seed=5, side=32))


@pytest.fixture(scope="module")
def posts() -> list[Pair]:
    return list(sample_posts(800, seed=5, side=24))


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**40), length=st.integers(0, 6), more=st.integers(0, 6))
def test_a_longer_table_begins_with_the_shorter_one(seed: int, length: int, more: int) -> None:
    for sample in (sample_pictures, sample_posts):
        short = list(sample(length, seed=seed, side=16))
        assert list(islice(sample(length + more, seed=seed, side=16), length)) == short
        assert len(short) == length


def test_pairs_fit_an_image_table(pictures: list[Pair], posts: list[Pair]) -> None:
    for pairs, side in ((pictures, 32), (posts, 24)):
        assert [fault for pair in pairs if (fault := pair_fault(pair, modality="image"))] == []
        assert len({pair.id for pair in pairs}) == len(pairs)
        assert {decode_image(pair.view).shape for pair in pairs[:40] if pair.view} == {(side, side, 3)}
        assert all(pair.view.startswith(b"\x89PNG") for pair in pairs if pair.view)


def test_eighty_classes_in_balance(pictures: list[Pair]) -> None:
    assert len(PICTURE_CLASSES) == len(set(PICTURE_CLASSES)) == 80
    assert set(Counter(pair.label for pair in pictures).values()) == {5}
    chosen = ["red-star", "blue-ring"]
    assert {pair.label for pair in sample_pictures(6, seed=0, side=16, classes=chosen)} == set(chosen)


def test_captions_name_the_class_and_almost_never_repeat(pictures: list[Pair]) -> None:
    for pair in pictures:
        assert (pair.label or "").replace("-", " ") in (pair.caption or "")
        for told in re.findall(r"on a (\w+ \w+) background", pair.caption or ""):
            assert told == pair.meta["ground"]
    assert len({pair.caption for pair in pictures}) > 0.97 * len(pictures)
    assert len(set(" ".join(pair.caption or "" for pair in pictures).split())) < 70


@pytest.mark.parametrize("color", COLORS)
def test_a_picture_shows_the_color_and_place_that_it_tells(color: str) -> None:
    """The shape's own color fills the place that the words name; no other way of drawing gives that."""
    side = 64
    for pair in sample_pictures(20, seed=3, side=side, classes=[f"{color}-circle"]):
        near = np.abs(decode_image(pair.view) / 255 - np.array(COLORS[color])).max(axis=2) < 0.09
        second = pair.meta.get("second", "")
        if COLORS.keys() & set(second.split()) == {color} or pair.meta["ground"].split()[1] in ("black", "brown"):
            continue
        rows, columns = np.nonzero(near)
        radius = np.sqrt(near.sum() / np.pi) / 0.9 / side
        assert (0.10 < radius < 0.19) if pair.meta["size"] == "small" else (0.2 < radius < 0.33), pair.meta
        x, y = columns.mean() / side, rows.mean() / side
        if "left" in second and "of" not in second:
            assert x < 0.42
        if "top" in second:
            assert y < 0.42
        if "middle" in second:
            assert max(abs(x - 0.5), abs(y - 0.5)) < 0.12


def test_shapes_of_one_size_are_told_apart_by_their_coverage() -> None:
    masks = {name: shape_coverage(name, 48, x=0.5, y=0.5, radius=0.3, turn=0.0) for name in SHAPES}
    for mask in masks.values():
        assert mask.dtype == np.float32
        assert 0.0 <= mask.min() <= mask.max() == 1.0
        assert 0.04 < mask.mean() < 0.36
        assert mask[0].max() == mask[:, 0].max() == 0
    for name, mask in masks.items():
        for other, theirs in masks.items():
            if name != other:
                overlap = np.minimum(mask, theirs).sum() / np.maximum(mask, theirs).sum()
                assert overlap < 0.9, (name, other)
    moved = shape_coverage("ring", 48, x=0.25, y=0.75, radius=0.2, turn=0.1)
    x, y = grid(48)
    assert (moved * x).sum() / moved.sum() == pytest.approx(0.25, abs=0.01)
    assert (moved * y).sum() / moved.sum() == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize("texture", TEXTURES)
def test_a_texture_keeps_the_color_of_its_ground(texture: str) -> None:
    for name, color in BACKGROUNDS.items():
        canvas = textured(rng(1, f"test/{texture}/{name}"), 32, texture, color)  # type: ignore[arg-type]
        at_home = np.abs(canvas - np.array(color, np.float32)).max(axis=2) < 0.02
        assert at_home.mean() > 0.25
        assert (at_home.mean() == 1) == (texture == "plain")


def test_noise_is_smooth_and_bounded() -> None:
    field = noise(rng(2, "test"), 64, cells=5)
    assert field.shape == (64, 64)
    assert 0 <= field.min() < field.max() <= 1
    assert np.abs(np.diff(field, axis=0)).max() < 4 / 63 + 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_every_scene_can_be_drawn_at_any_size(kind: str) -> None:
    for place, time in enumerate(TIMES):
        scene = Scene(kind=kind, time=time, severity=place / 3, tropical=bool(place % 2), coastal=place > 1)
        for side in (16, 33):
            canvas = draw_scene(scene, rng(place, "test"), side)
            assert canvas.shape == (side, side, 3)
            assert canvas.dtype == np.float32
            assert np.isfinite(canvas).all()
            assert canvas.std() > 0.02
    day, night = (
        draw_scene(Scene(kind=kind, time=time, severity=0.2), rng(0, "test"), 32) for time in ("afternoon", "night")
    )
    assert day.mean() > night.mean()


def test_a_worse_wildfire_burns_more() -> None:
    def burning(severity: float) -> float:
        scenes = [
            draw_scene(Scene(kind="wildfire", time="morning", severity=severity), rng(s, "t"), 32) for s in range(8)
        ]
        stack = np.stack(scenes)
        return float(((stack[..., 0] > 0.8) & (stack[..., 2] < 0.45) & (stack[..., 1] > 0.3)).mean())

    assert burning(0.1) < burning(0.5) < burning(1.0)


def test_posts_cover_the_tags_and_lack_halves(posts: list[Pair]) -> None:
    assert set(Counter(pair.label for pair in posts)) == set(EVENT_TAGS)
    assert len(EVENT_TAGS) == 8
    assert 0.04 < sum(not pair.view for pair in posts) / len(posts) < 0.12
    assert 0.10 < sum(pair.caption is None for pair in posts) / len(posts) < 0.22
    assert all(pair.view or pair.caption for pair in posts)
    for pair in posts:
        assert pair.meta["scene"] in EVENT_TAGS[pair.label or ""]
        assert (pair.meta["severity"] == "none") == (pair.meta["scene"] == "peace")
        assert (pair.meta["language"] == "und") == (pair.caption is None)


def test_stripped_posts_do_not_say_their_tag(posts: list[Pair]) -> None:
    for pair in posts:
        words = pair.caption or ""
        assert "#" not in words
        assert "http" not in words
        assert "@" not in words
        assert words == normalize_post(words)
        assert (pair.label or "") not in words.lower() or pair.label == "other"
    leaky = list(sample_posts(120, seed=5, side=16, hashtags="words"))
    told = [pair for pair in leaky if pair.caption and pair.label not in (None, "other")]
    assert all((pair.label or "") in (pair.caption or "").lower() for pair in told)


def test_the_language_is_the_one_that_is_told(posts: list[Pair]) -> None:
    languages = Counter(pair.meta["language"] for pair in posts if pair.caption)
    assert set(languages) == {"en", "es", "sv"}
    foreign = [pair for pair in posts if pair.meta["language"] in ("es", "sv")]
    agree = [language_of(pair.caption or "") == pair.meta["language"] for pair in foreign]
    assert sum(agree) > 0.8 * len(agree)


def test_a_repost_says_and_shows_nearly_the_same(posts: list[Pair]) -> None:
    by_id = {pair.id: pair for pair in posts}
    reposts = [pair for pair in posts if "repost_of" in pair.meta]
    assert 0.02 < len(reposts) / len(posts) < 0.07
    compared = Counter[str]()
    for pair in reposts:
        first = by_id[pair.meta["repost_of"]]
        assert (first.label, first.meta["scene"]) == (pair.label, pair.meta["scene"])
        assert "repost_of" not in first.meta
        if pair.caption and first.caption:
            compared["words"] += 1
            assert pair.caption == first.caption
        if pair.view and first.view:
            compared["pictures"] += 1
            hashes = [perceptual_hash(decode_image(view)) for view in (pair.view, first.view)]
            assert pair.view != first.view
            assert (hashes[0] ^ hashes[1]).bit_count() <= 8
    assert min(compared["words"], compared["pictures"]) > 5


def test_pictures_of_a_tag_look_more_alike_than_others(posts: list[Pair]) -> None:
    means: dict[str, list[np.ndarray]] = defaultdict(list)
    for pair in posts[:400]:
        if pair.view and "repost_of" not in pair.meta:
            means[pair.meta["scene"]].append(decode_image(pair.view).reshape(-1, 3).mean(axis=0))
    fire, water = np.mean(means["wildfire"], axis=0), np.mean(means["storm"], axis=0)
    assert fire[0] - fire[2] > water[0] - water[2] + 20


@pytest.mark.parametrize("rule", Grammar(event_posts.TEXT).names())
def test_every_rule_of_the_posts_expands(rule: str) -> None:
    grammar, generator = Grammar(event_posts.TEXT), np.random.default_rng(0)
    bound = {"when": "tonight", "place": "Oakford", "much": "some damage"}
    for _ in range(6):
        assert not re.search("[«»¦~]", grammar.expand(rule, generator, bindings=bound).replace("_", ""))


@pytest.mark.parametrize(
    "wish", [{"n": -1}, {"side": 8}, {"side": 4096}, {"classes": []}, {"classes": ["x"]}, {"classes": ["other"] * 2}]
)
def test_bad_wishes_are_refused(wish: dict[str, object]) -> None:
    for sample in (sample_pictures, sample_posts):
        with pytest.raises(InputError):
            sample(**{"n": 1, "seed": 0, **wish})  # type: ignore[arg-type]


def test_pictures_cost_little() -> None:
    start = process_time()
    assert sum(1 for _ in sample_pictures(300, seed=1)) == 300
    assert process_time() - start < 10
    assert plain(2, (0.0, 0.5, 1.0)).shape == (2, 2, 3)
