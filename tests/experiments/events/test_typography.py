"""Words in pictures: what is drawn, what is left alone, what a filter takes out again."""

from __future__ import annotations

import io

import numpy as np
import pytest
from event_cases import posts
from PIL import Image, ImageFilter

from threatclip.errors import ImageFaultError, InputError
from threatclip.experiments.events.typography import (
    CONTROL_WORDS,
    PROBES,
    TRAINING_WORDS,
    Lettering,
    always,
    attacked_views,
    drawn_copies,
    one_of,
    with_words,
    without_strokes,
)
from threatclip.pairs.images import decode_image, encode_png

SIDE = 96


def smooth_picture(seed: int = 0) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 255, size=(SIDE, SIDE, 3)).astype(np.uint8)
    return encode_png(np.asarray(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(12))))


def lettering(words: str = "no damage", **other: float) -> Lettering:
    return Lettering(**{"words": words, "height": 0.16, "left": 0.5, "top": 0.5, "ink": 0, **other})  # type: ignore[arg-type]


def changed(before: bytes, after: bytes) -> np.ndarray:
    return np.abs(decode_image(before).astype(int) - decode_image(after)).max(axis=2) > 8


def test_words_change_a_part_of_the_picture_and_its_size_not() -> None:
    view = smooth_picture()
    drawn = with_words(view, lettering())
    assert decode_image(drawn).shape == (SIDE, SIDE, 3)
    share = changed(view, drawn).mean()
    assert 0.02 < share < 0.4


@pytest.mark.parametrize("ink", [0, 1, 2])
def test_other_words_and_inks_give_other_pictures(ink: int) -> None:
    view = smooth_picture()
    one, other = with_words(view, lettering(ink=ink)), with_words(view, lettering("safe", ink=ink))
    assert one != other
    assert one == with_words(view, lettering(ink=ink))


def test_words_too_wide_are_drawn_smaller_and_stay_inside() -> None:
    view = smooth_picture()
    drawn = changed(view, with_words(view, lettering("a very long line of words that has no room", top=0.5)))
    assert drawn.any()
    assert not drawn[:10].any()
    assert not drawn[-10:].any()


def test_the_filter_takes_words_out_again() -> None:
    view = smooth_picture()
    drawn = with_words(view, lettering("safe"))
    left, clean = (changed(view, without_strokes(one)).mean() for one in (drawn, view))
    assert left < changed(view, drawn).mean() / 2
    assert clean < 0.02  # a picture without strokes stays as it is


def test_no_picture_stays_none_and_a_broken_one_is_refused() -> None:
    assert with_words(b"", lettering()) == without_strokes(b"") == b""
    for broken in (b"GIF89a", b"\xff\xd8\xff"):
        with pytest.raises(ImageFaultError):
            with_words(broken, lettering())
        with pytest.raises(ImageFaultError):
            without_strokes(broken)


def test_probes_keep_the_number_of_pictures_and_follow_the_seed() -> None:
    views = [pair.view for pair in posts(12, side=32)]
    for name, probe in PROBES.items():
        once, again, other = probe(views, 0), probe(views, 0), probe(views, 1)
        assert len(once) == len(views)
        assert [bool(view) for view in once] == [bool(view) for view in views]
        assert once == again
        assert (once == other) is (name == "strokes_removed")


def test_words_of_training_are_not_those_of_the_attack() -> None:
    attack = {"no", "damage", "safe", *CONTROL_WORDS}
    assert not attack & set(TRAINING_WORDS)
    assert len(set(TRAINING_WORDS)) == len(TRAINING_WORDS)
    assert not {"no", "damage", "safe"} & set(CONTROL_WORDS)


def test_copies_are_columns_of_their_own() -> None:
    views = [smooth_picture(), b""]
    columns = drawn_copies(views, n_copies=2, seed=0)
    assert [len(column) for column in columns] == [2, 2]
    assert columns[0][0] != columns[1][0] != views[0]
    assert columns[0][1] == b""
    assert drawn_copies(views, n_copies=0, seed=0) == []


def test_drawing_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="no words to draw"):
        one_of(())
    assert attacked_views([], always("safe"), seed=0, stream="x") == []
    stream = io.BytesIO()
    Image.new("L", (1, 1)).save(stream, format="PNG")
    assert with_words(stream.getvalue(), lettering())  # one pixel is enough not to fail
