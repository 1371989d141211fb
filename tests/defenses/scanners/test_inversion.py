"""Triggers that are known to be there are found, and are as small as they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from detecting_cases import TARGET, backdoored_suspect
from pair_cases import picture_pairs, tiny_dual
from threatclip.defenses.scanners.decree import Decree, towards_classes, towards_one_another
from threatclip.defenses.scanners.inversion import Inversion, invert, stamped
from threatclip.errors import InputError

SIDE = 8
QUICK = Inversion(steps=150, batch=8)


def corner_tower(*, pixels: Tensor) -> Tensor:
    """Two directions: how bright the picture is on the whole, and, loudly, how red one corner pixel is."""
    corner = 6 * (pixels[:, 0, 0, 0] - pixels[:, 1, 0, 0])
    rest = pixels[:, :, 1:].mean(dim=(1, 2, 3))
    return functional.normalize(torch.stack([0.6 - rest, corner - 0.5, 4 * (rest - 0.45)], dim=1), dim=1)


def test_the_one_pixel_that_decides_is_found() -> None:
    pictures = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (64, 3, SIDE, SIDE), dtype=np.uint8))
    pull = towards_classes(torch.eye(3), temperature=0.2)
    found = invert(corner_tower, pictures, pull, goals=3, settings=QUICK, rng=np.random.default_rng(0))
    assert found.found.all()
    assert found.sizes.argmin() == 1
    mask = found.masks[1]
    assert mask[0, 0] == mask.max() > 0.25
    assert found.sizes[1] < 2 / SIDE**2 < found.sizes[0]
    assert found.patterns[1, 0, 0, 0] > found.patterns[1, 1, 0, 0] + 0.2
    reached = pull(
        corner_tower(pixels=stamped(pictures / 255, found.masks[:, None], found.patterns).flatten(0, 1)).view(3, 64, 3)
    )[1]
    assert reached[1] > 0.85
    assert (reached > 0.6).all()


def test_what_cannot_be_reached_has_the_size_of_the_picture() -> None:
    pictures = torch.zeros(16, 3, SIDE, SIDE, dtype=torch.uint8)

    def pull(vectors: Tensor) -> tuple[Tensor, Tensor]:
        return vectors.sum(dim=(1, 2)), torch.zeros(1)

    found = invert(
        corner_tower, pictures, pull, goals=1, settings=replace(QUICK, steps=5), rng=np.random.default_rng(0)
    )
    assert found.sizes.tolist() == [1.0]


def test_stamping_mixes_by_the_mask() -> None:
    pictures, patterns = torch.rand(2, 3, 4, 4), torch.rand(5, 3, 4, 4)
    masks = torch.rand(5, 1, 4, 4)
    found = stamped(pictures, masks, patterns)
    assert found.shape == (5, 2, 3, 4, 4)
    np.testing.assert_allclose(found[4, 1], (1 - masks[4]) * pictures[1] + masks[4] * patterns[4], atol=1e-6)
    assert torch.equal(stamped(pictures, torch.zeros_like(masks), patterns)[0], pictures)


def test_pulls_agree_with_loops() -> None:
    vectors = functional.normalize(torch.randn(3, 7, 4, generator=torch.Generator().manual_seed(0)), dim=2)
    prototypes = functional.normalize(torch.randn(3, 4, generator=torch.Generator().manual_seed(1)), dim=1)
    losses, success = towards_classes(prototypes, temperature=0.5)(vectors)
    for goal in range(3):
        logits = (vectors[goal] @ prototypes.T / 0.5).numpy()
        chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        assert float(losses[goal]) == pytest.approx(float(-np.log(chances[:, goal]).mean()), rel=1e-5)
        assert float(success[goal]) == pytest.approx(float((logits.argmax(axis=1) == goal).mean()))
    losses, success = towards_one_another(vectors)
    for goal in range(3):
        cosines = [float(vectors[goal, i] @ vectors[goal, j]) for i in range(7) for j in range(7) if i != j]
        assert float(losses[goal]) == pytest.approx(-np.mean(cosines), abs=1e-6)
        assert float(success[goal]) == pytest.approx(max(0.0, float(np.mean(cosines))), abs=1e-6)


def test_a_backdoored_model_is_found_and_its_target_named() -> None:
    scanner = Decree(pictures=64, search=Inversion(steps=200, batch=8))
    found = scanner.scan(backdoored_suspect(), rng=np.random.default_rng(0))
    assert found.score > scanner.verdict_above
    index = {name: value for name, value in found.facts.items() if name.startswith("index.")}
    assert max(index, key=index.__getitem__) == f"index.{TARGET}"
    assert found.facts[f"size.{TARGET}"] < 3 * 16 / 256  # its square has 4 x 4 of 16 x 16 pixels


def test_collapse_needs_no_classes() -> None:
    scanner = Decree(towards="one_another", pictures=32, search=Inversion(steps=10, batch=8))
    found = scanner.scan(replace(backdoored_suspect(), prompts={}), rng=np.random.default_rng(0))
    assert set(found.facts) == {"size", "reached"}
    assert found.score == 1 - found.facts["size"]
    assert scanner.verdict_above == 0.9


@pytest.mark.parametrize(
    "settings", [{"towards": "all"}, {"pictures": 4}, {"limit": 0.0}], ids=["towards", "pictures", "limit"]
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(settings))):
        Decree(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "settings", [{"steps": 0}, {"batch": 0}, {"learning_rate": 0.0}, {"weight": -1.0}, {"reached": 1.5}]
)
def test_searches_that_cannot_be_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(settings))):
        Inversion(**settings)  # type: ignore[arg-type]


def test_fresh_weights_still_count_as_a_model() -> None:
    pairs = picture_pairs(70, captions=1)
    case = replace(backdoored_suspect(), dual=tiny_dual([pair.caption or "" for pair in pairs]).eval(), trusted=pairs)
    found = Decree(pictures=32, search=Inversion(steps=4, batch=4)).scan(case, rng=np.random.default_rng(0))
    assert np.isfinite(found.score)
