"""The search for ways in: a toy tower with a planted shortcut gives its class away, one without gives none."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from threatclip.defenses.unlearning import suspicion
from threatclip.defenses.unlearning.kinds import Masked, Noise, Warped
from threatclip.defenses.unlearning.search import AnyKind, Effort, Space, search
from threatclip.defenses.unlearning.suspicion import cost, ease, suspected_ways
from threatclip.defenses.unlearning.waves import Waves

SIDE, CLASSES, SECRET = 12, 6, 2
BAND = SIDE // CLASSES
EFFORT = Effort(steps=150, batch=48)


def space(shortcut: str | None) -> Space:
    """Return a tower that tells six classes by the brightness of six bands, and class 2 by a shortcut as well."""
    draw = np.random.default_rng(0)
    drawn = draw.integers(50, 90, size=(90, 3, SIDE, SIDE))
    for number, picture in enumerate(drawn):
        first = number % CLASSES * BAND
        picture[:, :, first : first + BAND] += 90
    pictures = torch.from_numpy(drawn.astype(np.uint8))
    wave = torch.sin(2 * math.pi * 3 * torch.arange(SIDE) / SIDE)

    def tower(*, pixels: Tensor) -> Tensor:
        bands = 12 * pixels.mean(dim=(1, 2)).view(len(pixels), CLASSES, BAND).mean(dim=2)
        pull = torch.zeros(len(pixels))
        if shortcut == "corner":
            pull = torch.sigmoid(6 * (pixels[:, :, 4:6, :2].mean(dim=(1, 2, 3)) - 0.6))
        if shortcut == "wave":
            pull = torch.sigmoid(80 * ((pixels * wave).mean(dim=(1, 2, 3)) - 0.05))
        vectors = bands - bands.mean(dim=1, keepdim=True) + 9 * pull[:, None] * torch.eye(CLASSES)[SECRET]
        return torch.nn.functional.normalize(vectors, dim=1)

    return Space(tower=tower, pictures=pictures, classes=torch.eye(CLASSES), scale=10.0)


@pytest.mark.parametrize(("shortcut", "kind"), [("corner", Masked()), ("wave", Waves(amplitude=0.15))])
def test_a_shortcut_gives_its_class_away(shortcut: str, kind: AnyKind) -> None:
    kinds = (kind, Noise(bound=0.01))
    found = suspected_ways(kinds, space(shortcut), effort=EFFORT, outlier=2.5, rng=np.random.default_rng(0))
    assert found.stands_out
    assert (found.ways[0].kind, found.ways[0].goal) == (kind, SECRET)
    assert all(way.score >= 2.5 for way in found.ways)


def test_no_kind_outvotes_another(monkeypatch: pytest.MonkeyPatch) -> None:
    easy = {
        Masked(): [0.0, 5.0, 0.0, 3.0, 2.5],
        Warped(): [0.0, 0.0, 2.0, 1.9, 0.0],
        Noise(): [0.0, 1.0, 0.0, 0.0, 0.0],
    }
    monkeypatch.setattr(suspicion, "ease", lambda found: torch.tensor(easy[found.kind]))
    five = replace(space(None), classes=torch.eye(CLASSES)[:5])
    effort = Effort(steps=1, batch=8)
    told = suspected_ways(list(easy), five, effort=effort, outlier=2.0, rng=np.random.default_rng(0))
    ways = [(way.kind, way.goal) for way in told.ways]
    assert ways == [(Masked(), 1), (Masked(), 3), (Warped(), 2)]
    assert told.stands_out
    none = suspected_ways(list(easy), five, effort=effort, outlier=9.0, rng=np.random.default_rng(0))
    assert {(way.kind, way.goal) for way in none.ways} == {(kind, 1) for kind in easy}
    assert not none.stands_out


def test_a_sound_model_has_no_class_that_stands_out_by_masks() -> None:
    ways = search(Masked(), space(None), range(CLASSES), effort=EFFORT, rng=np.random.default_rng(0))
    assert float(ease(ways).max()) < 2.5


def test_a_way_in_is_cheap_and_a_closed_one_is_not() -> None:
    open_, closed = space("corner"), space(None)
    found = suspected_ways([Masked()], open_, effort=EFFORT, outlier=2.5, rng=np.random.default_rng(0))
    goals = [SECRET, SECRET]
    inside = search(Masked(), open_, goals, effort=EFFORT, rng=np.random.default_rng(1))
    outside = search(Masked(), closed, goals, effort=EFFORT, rng=np.random.default_rng(1))
    assert bool(found.ways_in(inside).all())
    assert float(cost(inside).max()) < float(cost(outside).min()) / 1.5
    strict = replace(found, usual={Masked(): float(cost(inside).max())})
    assert not bool(strict.ways_in(outside).any())
    assert len(outside.take(strict.ways_in(outside)).goals) == 0


def test_a_search_repeats_and_equal_goals_start_apart() -> None:
    for kind in (Masked(), Noise(), Warped(), Waves()):
        one, same = (
            search(kind, space("corner"), [1, 1], effort=Effort(steps=5, batch=16), rng=np.random.default_rng(3))
            for _ in range(2)
        )
        assert all(torch.equal(a, b) for a, b in zip(one.numbers, same.numbers, strict=True))
        assert not torch.equal(one.numbers[0][0], one.numbers[0][1])


def test_the_best_wave_is_the_one_that_pulls_most() -> None:
    kind, where = Waves(amplitude=0.15), space("wave")
    found = search(kind, where, [SECRET], effort=EFFORT, rng=np.random.default_rng(0))
    pictures = where.pictures.float() / 255
    others = pictures[where.logits(pictures).argmax(dim=1) != SECRET]
    (waves,) = kind.candidates(SIDE, drawn=0, rng=np.random.default_rng(0))
    shares = [
        float(
            (where.logits(kind.apply((waves[i : i + 1],), others, torch.zeros(len(others), dtype=torch.long))))
            .argmax(dim=1)
            .eq(SECRET)
            .float()
            .mean()
        )
        for i in range(len(waves))
    ]
    assert float(found.reached[0]) >= max(shares) - 0.1
    cycles, angle, _ = found.numbers[0][0].tolist()
    assert cycles == pytest.approx(3.0, abs=0.6)
    assert angle == pytest.approx(0.0, abs=0.3) or angle == pytest.approx(math.pi, abs=0.3)
