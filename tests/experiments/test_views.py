"""Training views: what is drawn is what the recipe says, and the attack stays in every showing."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threatclip.experiments.recipe import Views
from threatclip.experiments.views import in_random_frame, training_view, with_noise
from threatclip.pairs.http import parse_requests, unquoted
from threatclip.pairs.probes import no_headers, request_values, values_only
from threatclip.seeds import rng

VIEW = b"GET /cart.php?item=%2527%20or%201%253D1&size=2 HTTP/1.1\nHost: shop.test\nX-Own: ${jndi}\n\n"
NOTHING = Views(no_headers=0, values_only=0, template_swap=0, decoded=0, noise=0)
steady = settings(deadline=None, max_examples=60)


def only(**chances: float) -> Views:
    return Views(**{**{"no_headers": 0, "values_only": 0, "template_swap": 0, "decoded": 0, "noise": 0}, **chances})


def test_without_any_chance_the_view_is_shown_as_it_is() -> None:
    assert training_view(VIEW, NOTHING, rng(0, "v")) == VIEW


@pytest.mark.parametrize(
    ("views", "shown"),
    [
        (only(no_headers=1), no_headers(VIEW)),
        (only(values_only=1), values_only(VIEW)),
        (only(decoded=1), unquoted(VIEW)),
        (only(values_only=1, decoded=1), unquoted(values_only(VIEW))),
    ],
)
def test_a_chance_of_one_is_certain(views: Views, shown: bytes) -> None:
    assert shown != VIEW
    assert {training_view(VIEW, views, rng(seed, "v")) for seed in range(20)} == {shown}


def test_shares_of_showings_follow_the_recipe() -> None:
    views = only(no_headers=0.2, values_only=0.3, template_swap=0.4)
    draw = rng(0, "v")
    shown = [training_view(VIEW, views, draw) for _ in range(2000)]
    counts = [shown.count(no_headers(VIEW)), shown.count(values_only(VIEW)), shown.count(VIEW)]
    assert np.array(counts) / 2000 == pytest.approx([0.2, 0.3, 0.1], abs=0.04)  # four standard errors


@steady
@given(view=st.binary(max_size=80), seed=st.integers(0, 5))
def test_any_payload_has_a_showing_and_the_same_stream_the_same_one(view: bytes, seed: int) -> None:
    shown = training_view(view, Views(), rng(seed, "v"))
    assert shown == training_view(view, Views(), rng(seed, "v"))
    assert bool(shown) or not view


def test_a_payload_without_values_is_not_shown_as_nothing() -> None:
    bare = b"GET /plain HTTP/1.1\nHost: a.test"
    assert values_only(bare) == b""
    assert training_view(bare, only(values_only=1), rng(0, "v")) == bare


def test_every_frame_is_another_one_and_holds_the_values() -> None:
    draw = rng(0, "v")
    frames = {in_random_frame(VIEW, draw) for _ in range(20)}
    assert len(frames) == 20
    own = [value for request in parse_requests(VIEW) for value in request_values(request)]
    assert own == ["%2527%20or%201%253D1", "2", "${jndi}"]
    for frame in frames:
        assert b"cart" not in frame
        assert b"shop.test" not in frame
        assert [value for request in parse_requests(frame) for value in request_values(request)] == own


words = st.lists(st.text("abXY09", max_size=5), min_size=1, max_size=8)


@steady
@given(words=words, mark=st.sampled_from("<%/ \x00"), share=st.floats(0, 1), seed=st.integers(0, 5))
def test_noise_changes_words_and_numbers_only(words: list[str], mark: str, share: float, seed: int) -> None:
    noisy = with_noise(mark.join(words).encode(), share=share, rng=rng(seed, "v")).decode().split(mark)
    assert len(noisy) == len(words)
    for before, after in zip(words, noisy, strict=True):
        # an eligible run stays or becomes three to eight small letters; what is between stays
        runs = re.split(r"([A-Za-z]{3,}|[0-9]+)", before)
        kept = [f"(?:{run}|[a-z]{{3,8}})" if place % 2 else re.escape(run) for place, run in enumerate(runs)]
        assert re.fullmatch("".join(kept), after)
        assert share > 0 or after == before


def test_noise_replaces_its_share_by_letters_of_random_length() -> None:
    view = b"<word-12345/>" * 2000
    noisy = with_noise(view, share=0.25, rng=rng(0, "v"))
    pieces = re.findall(rb"<(.*?)-(.*?)/>", noisy)
    assert len(pieces) == 2000
    for place, own in enumerate((b"word", b"12345")):
        found = [piece[place] for piece in pieces]
        assert found.count(own) / 2000 == pytest.approx(0.75, abs=0.04)
        replaced = [piece for piece in found if piece != own]
        assert all(re.fullmatch(rb"[a-z]{3,8}", piece) for piece in replaced)
        assert {len(piece) for piece in replaced} == set(range(3, 9))
        assert len(set(replaced)) > 0.9 * len(replaced)
    assert with_noise(b"ab <%3C> 'x'", share=1, rng=rng(0, "v"))[:3] == b"ab "
