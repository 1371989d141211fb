"""Universal changes: what each does to a picture, how large it is, and that a gradient reaches its numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from threatclip.defenses.unlearning.kinds import Masked, Noise, Warped
from threatclip.defenses.unlearning.search import AnyKind
from threatclip.defenses.unlearning.waves import Waves
from threatclip.errors import RecipeError

KINDS: tuple[AnyKind, ...] = (Masked(), Noise(bound=0.1), Warped(), Waves())
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
SIDE = 12


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@each_kind
@given(seed=st.integers(0, 1000))
def test_a_changed_picture_is_a_picture_and_rows_do_not_meet(kind: AnyKind, seed: int) -> None:
    pictures = torch.rand(5, 3, SIDE, SIDE, generator=generator(seed))
    numbers = kind.start(3, SIDE, generator=generator(seed))
    members = torch.tensor([0, 2, 1, 1, 0])
    changed = kind.apply(numbers, pictures, members)
    assert changed.shape == pictures.shape
    assert float(changed.min()) >= 0
    assert float(changed.max()) <= 1 + 1e-6
    alone = kind.apply(numbers, pictures[2:3], members[2:3])
    assert torch.allclose(changed[2:3], alone, atol=1e-6)
    assert kind.sizes(numbers).shape == (3,)


@pytest.mark.parametrize("kind", KINDS[:3], ids=lambda kind: type(kind).__name__)
def test_a_gradient_reaches_the_numbers(kind: AnyKind) -> None:
    numbers = tuple(part.requires_grad_() for part in kind.start(2, SIDE, generator=generator(0)))
    changed = kind.apply(numbers, torch.rand(4, 3, SIDE, SIDE, generator=generator(1)), torch.tensor([0, 1, 0, 1]))
    (gradient, *_) = torch.autograd.grad((changed**2).sum(), numbers, allow_unused=True)
    assert gradient is not None
    assert bool(torch.isfinite(gradient).all())
    assert float(gradient.abs().sum()) > 0


def test_a_mask_of_ones_shows_the_pattern_alone() -> None:
    masks = torch.full((1, 1, SIDE, SIDE), 40.0)
    patterns = torch.randn(1, 3, SIDE, SIDE, generator=generator(0))
    changed = Masked().apply((masks, patterns), torch.rand(1, 3, SIDE, SIDE), torch.tensor([0]))
    assert torch.allclose(changed, torch.sigmoid(patterns))
    assert float(Masked().sizes((masks, patterns))) == pytest.approx(SIDE * SIDE)


def test_noise_keeps_its_bound() -> None:
    kind = Noise(bound=0.05)
    (cut,) = kind.bounded((torch.randn(2, 3, 4, 4, generator=generator(0)),))
    assert float(cut.abs().max()) == pytest.approx(0.05)
    assert float(kind.sizes((cut,)).max()) == pytest.approx(0.05)


def test_no_flow_moves_nothing_and_an_even_flow_shifts() -> None:
    kind, picture = Warped(), torch.rand(1, 3, SIDE, SIDE, generator=generator(0))
    still = kind.start(1, SIDE, generator=generator(0))
    zero = (torch.zeros_like(still[0]), still[1])
    assert torch.allclose(kind.apply(zero, picture, torch.tensor([0])), picture, atol=1e-5)
    shift = torch.zeros_like(still[0])
    shift[:, 0] = 2 * 2 / SIDE  # two pixels, in half sides
    moved = kind.apply((shift, still[1]), picture, torch.tensor([0]))
    assert torch.allclose(moved[..., : SIDE - 4], picture[..., 2 : SIDE - 2], atol=1e-4)
    assert float(kind.sizes((shift, still[1]))) == pytest.approx(1.0)  # two across, none down


@pytest.mark.parametrize("angle", [0.0, math.pi / 2, 0.3])
def test_a_wave_is_the_sine_that_it_says(angle: float) -> None:
    kind = Waves(amplitude=0.1)
    picture = torch.full((1, 3, SIDE, SIDE), 0.5)
    changed = kind.apply((torch.tensor([[3.0, angle, 0.7]]),), picture, torch.tensor([0]))[0]
    for row in range(SIDE):
        for column in range(SIDE):
            along = (math.cos(angle) * column + math.sin(angle) * row) / SIDE
            wanted = 0.5 + 0.1 * math.sin(2 * math.pi * 3.0 * along + 0.7)
            assert changed[:, row, column].tolist() == pytest.approx([wanted] * 3, abs=1e-5)


def test_waves_to_try_hold_every_whole_frequency_along_rows() -> None:
    (waves,) = Waves().candidates(SIDE, drawn=5, rng=np.random.default_rng(0))
    along_rows = {round(float(f)) for f, angle, phase in waves.tolist()[:-5] if angle == 0.0 and phase == 0.0}
    assert along_rows == set(range(1, SIDE // 2 + 1))


@pytest.mark.parametrize("wrong", [lambda: Noise(bound=2.0), lambda: Waves(amplitude=-0.1), lambda: Warped(points=1)])
def test_senseless_kinds_are_refused(wrong: object) -> None:
    with pytest.raises(RecipeError):
        wrong()  # type: ignore[operator]
