"""What is hidden, what is left, and that every place is hidden once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threatclip.defenses.detectors.hiding import without_bytes, without_squares, without_words
from threatclip.defenses.detectors.masking import jump

WORDS = st.lists(st.text("abc", min_size=1, max_size=4), max_size=40)


@pytest.mark.parametrize(("side", "across"), [(16, 4), (32, 4), (15, 2), (10, 3)])
def test_every_pixel_is_hidden_by_a_square(side: int, across: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, size=(2, 3, side, side), dtype=np.uint8)
    before = pixels.copy()
    copies = list(without_squares(pixels, across=across))
    assert len(copies) == (2 * across - 1) ** 2
    assert (pixels == before).all()
    mean = np.rint(pixels.mean(axis=(2, 3), keepdims=True)).astype(np.uint8)
    hidden = np.zeros((side, side), int)
    for copy in copies:
        painted = (copy == mean).all(axis=(0, 1))
        assert (copy == np.where(painted, mean, pixels)).all()
        hidden += painted
    assert (hidden >= 1).all()


@settings(deadline=None, max_examples=40)
@given(st.binary(max_size=60), st.integers(2, 12))
def test_bytes_are_left_out_in_runs(view: bytes, parts: int) -> None:
    copies = without_bytes(view, parts=parts)
    if len(view) < 2:
        assert not copies
        return
    assert len(copies) <= max(2 * parts, len(view))
    length = len(view) - min(map(len, copies))
    assert length == -(-len(view) // parts)
    left = [view[:start] + view[start + length :] for start in range(len(view))]
    assert set(copies) <= set(left)
    assert copies[0] == view[length:]  # both ends are hidden
    assert copies[-1] == view[: len(copies[-1])]


@settings(deadline=None, max_examples=40)
@given(WORDS, st.integers(2, 12))
def test_words_are_left_out_whole(words: list[str], parts: int) -> None:
    copies = without_words(" ".join(words).encode(), parts=parts)
    assert bool(copies) == (len(words) > 1)
    left = [copy.decode().split() for copy in copies]
    for kept in left:
        assert len(kept) < len(words)
        gap = len(words) - len(kept)
        assert any(kept == words[:at] + words[at + gap :] for at in range(len(kept) + 1))


def test_a_text_of_few_words_loses_each_once() -> None:
    assert without_words(b"one  two three", parts=12) == [b"two three", b"one  three", b"one  two"]
    assert without_words(b"  alone ", parts=3) == []


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_nothing_stands_out_more_than_a_single_spike(distances: list[float]) -> None:
    spike = np.zeros(len(distances))
    spike[0] = 0.7
    calm, spiked = jump(np.array([distances, spike]))
    assert spiked == pytest.approx(np.sqrt(len(distances) - 1))
    assert -1e-9 <= calm <= spiked + 1e-9


def test_what_never_moves_does_not_jump() -> None:
    assert jump(np.zeros((3, 5))).tolist() == [0, 0, 0]
    assert jump(np.zeros((3, 0))).tolist() == [0, 0, 0]
    assert jump(np.full((1, 4), 1e-7))[0] == pytest.approx(0)
