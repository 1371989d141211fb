"""Batches of prepared pairs: what is in them, how captions are drawn, and how pictures are shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pair_cases import picture_pairs, tiny_case, tiny_dual
from threatclip.errors import InputError
from threatclip.pairs.pair import Pair
from threatclip.seeds import rng
from threatclip.training.dual.augment import draw_shown, drop_features, drop_tokens, show
from threatclip.training.dual.batches import PairBatches
from threatclip.training.dual.prepared import Pixels, PreparedPairs, TokenRows, prepare_pairs, whole
from threatclip.training.dual.settings import Augmentation, Fit


def test_equal_views_and_captions_are_held_once() -> None:
    pairs = picture_pairs(20, captions=3)
    dual = tiny_dual([pair.caption or "" for pair in pairs])
    prepared = prepare_pairs(pairs, dual)
    assert len(prepared) == 60
    assert len(prepared.views) == 20
    assert len(prepared.captions) <= 24
    assert isinstance(prepared.views, Pixels)
    assert prepared.views.values.dtype == np.uint8
    for row in (0, 17, 59):
        own = dual.view_tower.tokenize([pairs[row].view])[0]
        np.testing.assert_array_equal(prepared.views.values[prepared.view_of[row]], own)
        assert isinstance(prepared.captions, TokenRows)
        words = dual.text_tower.tokenize([(pairs[row].caption or "").encode()])[0]
        np.testing.assert_array_equal(prepared.captions.rows[prepared.caption_of[row]], words)
    assert [int(group) for group in prepared.groups[:6]] == [0, 0, 0, 1, 1, 1]


def test_pairs_without_a_half_are_left_out() -> None:
    pairs = picture_pairs(3, captions=1)
    halves = [replace(pairs[0], view=b""), replace(pairs[1], caption=" "), replace(pairs[1], id="x", caption=None)]
    assert [pair.id for pair in whole([*halves, pairs[2]])] == [pairs[2].id]
    with pytest.raises(InputError, match="both a view and a caption"):
        prepare_pairs(halves, tiny_dual(["some words"]))


def test_pairs_without_a_group_are_groups_of_their_own() -> None:
    pairs = [replace(pair, group=None) for pair in picture_pairs(3, captions=2)]
    pairs.append(replace(pairs[0], id="other", group=pairs[0].id))
    prepared = prepare_pairs(pairs, tiny_dual(["some words"]))
    assert len(set(prepared.groups.tolist())) == 7


def batches(n: int = 24, **fit: object) -> PairBatches:
    dual, pairs = tiny_case(n)
    return PairBatches(pairs=pairs, dual=dual, settings=Fit(batch_rows=8, **fit), seed=0)  # type: ignore[arg-type]


def test_every_view_comes_once_an_epoch_with_one_of_its_captions() -> None:
    case = batches()
    drawn = set()
    for epoch in range(30):
        rows = np.concatenate([case.indices(epoch, step) for step in range(case.steps_per_epoch)])
        assert sorted(case.pairs.view_of[rows].tolist()) == list(range(24))
        drawn.update(rows.tolist())
    assert drawn == set(range(48))


def test_a_batch_is_a_function_of_its_place() -> None:
    looks = Augmentation(crop=0.5, flip=0.5, token_dropout=0.3)
    first, second = batches(augmentation=looks), batches(augmentation=looks)
    for place in ((3, 1), (0, 0), (3, 1)):
        ours, theirs = first.batch(*place), second.batch(*place)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert not torch.equal(first.batch(0, 0)["view_shown"], first.batch(0, 1)["view_shown"])


def test_a_second_look_shows_the_same_rows_otherwise() -> None:
    case = replace_second(batches(augmentation=Augmentation(crop=0.5, token_dropout=0.4)))
    batch = case.batch(0, 0)
    assert torch.equal(batch["view_pixels"], batch["second_view_pixels"])
    assert not torch.equal(batch["view_shown"], batch["second_view_shown"])
    assert {name for name in batch if name.startswith("second_caption_")} == {
        "second_caption_tokens",
        "second_caption_lengths",
    }


def replace_second(case: PairBatches) -> PairBatches:
    return PairBatches(pairs=case.pairs, dual=case.dual, settings=case.settings, seed=case.seed, second=True)


def test_rows_appended_do_not_change_which_places_the_first_views_have() -> None:
    dual, pairs = tiny_case(24)
    again = PreparedPairs(
        views=pairs.views,
        captions=pairs.captions,
        view_of=np.append(pairs.view_of, 0),
        caption_of=np.append(pairs.caption_of, 5),
        groups=np.append(pairs.groups, 0),
        ids=(*pairs.ids, "added"),
    )
    fit = Fit(batch_rows=8)
    plain = PairBatches(pairs=pairs, dual=dual, settings=fit, seed=0)
    more = PairBatches(pairs=again, dual=dual, settings=fit, seed=0)
    for step in range(3):
        np.testing.assert_array_equal(pairs.view_of[plain.indices(0, step)], again.view_of[more.indices(0, step)])


def test_too_few_rows_are_refused_at_once() -> None:
    with pytest.raises(InputError, match="batch of 8"):
        batches(4)


def test_taking_pairs_shares_the_columns() -> None:
    _, pairs = tiny_case(12)
    some = pairs.take(np.array([3, 5]))
    assert some.ids == (pairs.ids[3], pairs.ids[5])
    assert some.views is pairs.views
    assert pairs.take(np.arange(len(pairs)) < 2).ids == pairs.ids[:2]


@settings(deadline=None, max_examples=40)
@given(
    st.floats(0.1, 1.0), st.floats(1.0, 2.0), st.floats(0, 1), st.floats(0, 0.9), st.floats(0, 0.9), st.integers(0, 99)
)
def test_what_is_shown_lies_in_the_picture(
    crop: float, aspect: float, flip: float, brightness: float, contrast: float, seed: int
) -> None:
    looks = Augmentation(crop=crop, aspect=aspect, flip=flip, brightness=brightness, contrast=contrast)
    shown = draw_shown(50, looks, rng(seed, "t"))
    width = np.abs(shown[:, 2])
    assert (width + np.abs(shown[:, 0]) <= 1 + 1e-6).all()
    assert (shown[:, 3] + np.abs(shown[:, 1]) <= 1 + 1e-6).all()
    assert (width * shown[:, 3] <= 1 + 1e-6).all()
    ratio = width / shown[:, 3]
    assert (ratio <= aspect + 1e-6).all()
    assert (ratio >= 1 / aspect - 1e-6).all()
    pixels = torch.from_numpy(np.random.default_rng(seed).integers(0, 256, size=(50, 3, 9, 9), dtype=np.uint8))
    seen = show(pixels, torch.from_numpy(shown))
    assert seen.min() >= 0
    assert seen.max() <= 1


def test_nothing_drawn_shows_the_picture_itself_and_a_mirror_its_mirror() -> None:
    pixels = torch.randint(0, 256, (3, 3, 7, 7), dtype=torch.uint8)
    plain = torch.tensor([[0.0, 0, 1, 1, 1, 1]]).expand(3, 6)
    torch.testing.assert_close(show(pixels, plain), pixels / 255, atol=1e-5, rtol=0)
    mirrored = torch.tensor([[0.0, 0, -1, 1, 1, 1]]).expand(3, 6)
    torch.testing.assert_close(show(pixels, mirrored), pixels.flip(3) / 255, atol=1e-5, rtol=0)
    # floats in [0, 1] are shown alike
    torch.testing.assert_close(show(pixels / 255, plain), show(pixels, plain), atol=1e-6, rtol=0)


def test_a_quarter_is_cut_out_and_resized() -> None:
    pixels = torch.zeros(1, 3, 8, 8)
    pixels[:, :, :4, 4:] = 0.5
    quarter = torch.tensor([[0.5, -0.5, 0.5, 0.5, 1.0, 1.0]])
    inner = show(pixels, quarter)[:, :, 1:-1, 1:-1]
    torch.testing.assert_close(inner, torch.full_like(inner, 0.5))


def test_brightness_and_contrast_are_what_they_say() -> None:
    pixels = torch.tensor([0.2, 0.4]).repeat(1, 3, 2, 1)
    brighter = show(pixels, torch.tensor([[0.0, 0, 1, 1, 1.5, 1]]))
    torch.testing.assert_close(brighter, pixels * 1.5, atol=1e-6, rtol=0)
    harder = show(pixels, torch.tensor([[0.0, 0, 1, 1, 1, 2.0]]))
    torch.testing.assert_close(harder, (pixels - 0.3) * 2 + 0.3, atol=1e-6, rtol=0)


def test_one_row_never_depends_on_the_others() -> None:
    pixels = torch.randint(0, 256, (6, 3, 8, 8), dtype=torch.uint8)
    shown = torch.from_numpy(draw_shown(6, Augmentation(crop=0.4, flip=0.5, contrast=0.3), rng(0, "t")))
    alone = torch.cat([show(pixels[row : row + 1], shown[row : row + 1]) for row in range(6)])
    torch.testing.assert_close(show(pixels, shown), alone, atol=1e-6, rtol=0)


def test_first_and_last_tokens_stay() -> None:
    tokens = np.arange(30)
    for seed in range(20):
        kept = drop_tokens(tokens, 0.8, np.random.default_rng(seed))
        assert (kept[0], kept[-1]) == (0, 29)
        assert (np.diff(kept) > 0).all()
    np.testing.assert_array_equal(drop_tokens(tokens, 0.0, np.random.default_rng(0)), tokens)
    assert len(drop_tokens(tokens[:1], 0.9, np.random.default_rng(0))) == 1


def test_features_dropped_keep_their_mean() -> None:
    values = np.ones((200, 300), dtype=np.float32)
    seen = drop_features(values, 0.25, rng(0, "t"))
    assert seen.dtype == np.float32
    assert set(np.unique(seen).tolist()) == {0.0, np.float32(1 / 0.75)}
    assert seen.mean() == pytest.approx(1, abs=0.01)


def test_settings_out_of_range_are_refused() -> None:
    for bad in ({"crop": 0.0}, {"aspect": 0.5}, {"flip": 1.5}, {"token_dropout": 1.0}, {"feature_dropout": 1.0}):
        with pytest.raises(InputError, match=next(iter(bad))):
            Augmentation(**bad)
    for wrong in ({"epochs": 0}, {"batch_rows": 1}, {"learning_rate": 0.0}, {"clip_norm": 0.0}, {"ema_decay": 1.0}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            Fit(**wrong)  # type: ignore[arg-type]


def test_a_mismatch_of_columns_is_refused() -> None:
    _, pairs = tiny_case(12)
    with pytest.raises(InputError, match="view_of"):
        replace(pairs, view_of=pairs.view_of + 1000)
    with pytest.raises(InputError, match="groups"):
        replace(pairs, groups=pairs.groups[:-1])


def test_a_picture_that_cannot_be_read_is_an_error_not_a_gray_square() -> None:
    with pytest.raises(InputError):
        prepare_pairs([Pair(id="a", view=b"no picture", caption="words")], tiny_dual(["some words"]))
