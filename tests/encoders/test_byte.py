"""What is particular to the byte tower: the cut, the empty view, and masking inside every stage."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from threatclip.encoders.byte import GAP, ByteNetwork, ByteTower
from threatclip.encoders.encode import encode
from threatclip.encoders.towers import build_tower


def small(**settings_: object) -> ByteNetwork:
    tower = build_tower(ByteTower(dim=8, embedding=4, widths=(9, 10), **settings_), seed=0)  # type: ignore[arg-type]
    assert isinstance(tower, ByteNetwork)
    return tower.eval()


def test_a_long_view_keeps_its_head_and_tail_with_one_gap_between() -> None:
    view = bytes(range(256))
    (row,) = small(max_bytes=100).tokenize([view])
    assert len(row) == 100
    assert bytes(row[:75].astype(np.uint8)) == view[:75]
    assert row[75] == GAP
    assert bytes(row[76:].astype(np.uint8)) == view[-24:]


@given(view=st.binary(max_size=64))
def test_a_view_within_the_limit_is_read_whole(view: bytes) -> None:
    (row,) = small(max_bytes=64).tokenize([view])
    assert row.tolist() == (list(view) or [GAP])


def test_an_empty_view_is_not_the_same_as_any_byte() -> None:
    vectors = encode(small(), [b"", *(bytes([value]) for value in range(256))])
    assert np.abs(vectors[1:] - vectors[0]).max(axis=1).min() > 1e-6


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 40), min_size=2, max_size=5),
    stride=st.sampled_from([1, 2, 3]),
    dilation=st.sampled_from([1, 3]),
)
def test_no_stage_lets_a_row_see_its_padding(lengths: list[int], stride: int, dilation: int) -> None:
    tower = small(stem_stride=stride, dilations=(dilation,))
    views = [bytes(range(length)) for length in lengths]
    together = tower(**tower.collate(views))
    alone = torch.cat([tower(**tower.collate([view])) for view in views])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_every_byte_reaches_the_vector() -> None:
    tower = small(pooling="mean", pool_stem=False)
    plain = bytearray(b"abcdefghijklmnopqrstuvwxyz012345")
    base = encode(tower, [bytes(plain)])
    for place in range(len(plain)):
        changed = bytearray(plain)
        changed[place] ^= 0x15
        assert np.abs(encode(tower, [bytes(changed)]) - base).max() > 1e-7, place


def test_byte_dropout_acts_in_training_only_and_follows_the_generator() -> None:
    tower = small(byte_dropout=0.5, dropout=0.0)
    batch = tower.collate([b"the same bytes again and again"])
    assert torch.equal(tower(**batch), tower(**batch))
    tower.train()
    torch.manual_seed(1)
    first = tower(**batch)
    assert not torch.equal(first, tower(**batch))
    torch.manual_seed(1)
    assert torch.equal(first, tower(**batch))


def test_the_default_is_about_a_million_parameters() -> None:
    tower = build_tower(ByteTower(), seed=0)
    assert 0.7e6 < sum(parameter.numel() for parameter in tower.parameters()) < 1.3e6


@pytest.mark.parametrize("pooling", ["max", "mean", "max_mean", "attention"])
def test_every_pooling_trains(pooling: str) -> None:
    tower = small(pooling=pooling).train()
    views = [b"select 1", b"<script>", b"../../etc"]
    target = torch.eye(3, 8)
    optimizer = torch.optim.Adam(tower.parameters(), lr=0.01)
    losses = []
    torch.manual_seed(0)
    for _ in range(30):
        loss = (tower(**tower.collate(views)) - target).square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2
