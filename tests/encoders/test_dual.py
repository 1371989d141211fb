"""The dual encoder: equal dimensions, a temperature that is learned within bounds."""

from __future__ import annotations

import pytest
import torch
from tower_cases import TEXTS, VIEWS, Make

from threatclip.encoders.bpe import BpeTower
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.towers import build_tower, load_weights, module_weights
from threatclip.errors import InputError
from threatclip.losses import symmetric_infonce


def test_towers_of_different_dimension_are_refused(make_tower: Make) -> None:
    with pytest.raises(InputError, match="view 24, text 12"):
        DualEncoder(
            view_tower=make_tower("byte"),
            text_tower=build_tower(BpeTower(dim=12, width=8, layers=1, heads=1), seed=0, texts=TEXTS),
        )


@pytest.mark.parametrize("temperature", [0.005, 1.5, 0.0])
def test_a_temperature_out_of_bounds_is_refused(make_tower: Make, temperature: float) -> None:
    with pytest.raises(InputError, match="temperature"):
        DualEncoder(view_tower=make_tower("byte"), text_tower=make_tower("bpe"), temperature=temperature)


def test_the_temperature_is_learned_and_stays_in_bounds(make_tower: Make) -> None:
    dual = DualEncoder(view_tower=make_tower("byte"), text_tower=make_tower("bpe"), temperature=0.05)
    assert dual.temperature.item() == pytest.approx(0.05)
    views, captions = (
        dual.view_tower(**dual.view_tower.collate(VIEWS)),
        dual.text_tower(**dual.text_tower.collate(VIEWS)),
    )
    symmetric_infonce(views, captions, temperature=dual.temperature).backward()
    assert dual.log_scale.grad is not None
    assert dual.log_scale.grad.item() != 0
    for log_scale, bound in ((99.0, 0.01), (-99.0, 1.0)):
        with torch.no_grad():
            dual.log_scale.fill_(log_scale)
        assert dual.temperature.item() == pytest.approx(bound)
    fixed = DualEncoder(view_tower=make_tower("byte"), text_tower=make_tower("bpe"), learn_temperature=False)
    assert not fixed.log_scale.requires_grad


def test_a_dual_encoder_loads_strictly_under_its_own_names(make_tower: Make) -> None:
    one = DualEncoder(view_tower=make_tower("byte", seed=1), text_tower=make_tower("bpe", seed=1), temperature=0.2)
    other = DualEncoder(view_tower=make_tower("byte", seed=2), text_tower=make_tower("bpe", seed=2))
    load_weights(other, module_weights(one))
    assert torch.equal(other.temperature, one.temperature)
    batch = one.view_tower.collate(VIEWS)
    assert torch.equal(other.eval().view_tower(**batch), one.eval().view_tower(**batch))
