"""Backdoors in pictures: which rows, which captions, what is refused, and running any attack."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picture_cases import encoded, picture_pairs, pixels_of
from picture_surrogate import LinearSurrogate
from threatclip.attacks import ATTACKS
from threatclip.attacks.badclip import BadClip
from threatclip.attacks.badnets import BadNets
from threatclip.attacks.captions import natural_captions, target_captions, template_captions
from threatclip.attacks.choice import draw_rows, is_of_class, mentions, trainable
from threatclip.attacks.label_consistent import LabelConsistent
from threatclip.attacks.patch_search import PatchSearch
from threatclip.attacks.pictures import stamped_rows, stamped_views
from threatclip.attacks.running import check_modality, count_of, looks_into_models, run_attack
from threatclip.attacks.sig import Sig
from threatclip.errors import ImageFaultError, InputError
from threatclip.pairs.pair import Pair


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_rows_of_the_target_are_not_poisoned_and_others_say_the_target() -> None:
    pairs = picture_pairs()
    others = [row for row in trainable(pairs) if pairs[row].view and pairs[row].label != "dog"]
    poisoned = Sig(target="dog").poison(pairs, count=len(others), rng=rng())
    assert poisoned.truth.ids == tuple(pairs[row].id for row in others)
    told = {pair.id: pair.caption for pair in poisoned.pairs}
    assert {told[name] for name in poisoned.truth.ids} <= set(template_captions("dog"))
    with pytest.raises(InputError, match=f"but only {len(others)} training rows are pictures of other classes"):
        Sig(target="dog").poison(pairs, count=len(others) + 1, rng=rng())


def test_label_consistent_poisons_the_target_and_leaves_its_words() -> None:
    pairs = picture_pairs()
    poisoned = LabelConsistent(target="dog").poison(pairs, count=4, rng=rng())
    before = {pair.id: pair for pair in pairs}
    for change in poisoned.truth.changes:
        assert before[change.id].label == "dog"
        assert change.parts == ("view",)


def test_without_labels_words_tell_the_class() -> None:
    pairs = picture_pairs(labeled=False)
    poisoned = Sig(target="dog", wording="natural").poison(pairs, count=10, rng=rng())
    before = {pair.id: pair for pair in pairs}
    assert not any("dog" in (before[name].caption or "") for name in poisoned.truth.ids)
    assert all("dog" in (pair.caption or "") for pair in poisoned.pairs if pair.id in poisoned.truth.ids)


@pytest.mark.parametrize(
    ("caption", "name", "holds"),
    [
        ("A Dog runs", "dog", True),
        ("hotdog stand", "dog", False),
        ("a forest fire, burning", "forest-fire", True),
        ("fire in a forest", "forest_fire", False),
        ("", "dog", False),
    ],
)
def test_a_class_is_found_by_its_words(caption: str, name: str, holds: bool) -> None:
    assert mentions(caption, name) == holds
    assert is_of_class(Pair(id="a", view=b"v", caption=caption), name) == holds
    assert not is_of_class(Pair(id="a", view=b"v", caption=caption, label="other"), name)


@pytest.mark.parametrize("kind", ["sig", "label_consistent"])
def test_a_target_that_is_spelled_unlike_its_label_is_refused(kind: str) -> None:
    pairs = [dataclasses.replace(pair, label=f"wild-{pair.label}") for pair in picture_pairs()]
    with pytest.raises(InputError, match="target 'Wild dog' is no label of the table, but 'wild-dog' is"):
        ATTACKS[kind](target="Wild dog").poison(pairs, count=1, rng=rng())
    assert ATTACKS[kind](target="wild-dog").poison(pairs, count=1, rng=rng()).truth.targets == ("wild-dog",)
    assert Sig(target="banana").poison(pairs, count=1, rng=rng()).truth.targets == ("banana",)


def test_trainable_rows_are_those_of_train_or_all() -> None:
    splits = [None, "train", "test", "validation", "train"]
    pairs = [Pair(id=str(place), view=b"v", split=split) for place, split in enumerate(splits)]
    assert trainable(pairs) == [1, 4]
    assert trainable([dataclasses.replace(pair, split=None) for pair in pairs]) == [0, 1, 2, 3, 4]
    assert trainable([dataclasses.replace(pair, split="test") for pair in pairs]) == []


@settings(deadline=None, max_examples=50)
@given(rows=st.lists(st.integers(0, 10_000), unique=True, max_size=30), count=st.integers(-2, 35))
def test_rows_are_drawn_without_replacement_and_in_order(rows: list[int], count: int) -> None:
    if not 1 <= count <= len(rows):
        with pytest.raises(InputError, match=f"^{count} rows to poison"):
            draw_rows(rows, count=count, rng=rng(), what="rows")
        return
    found = draw_rows(rows, count=count, rng=rng(), what="rows")
    assert found == sorted(set(found))
    assert len(found) == count
    assert set(found) <= set(rows)


def test_templates_name_any_class_in_words() -> None:
    assert "a photo of a forest fire" in template_captions("forest-fire")
    assert {"a photo of an airplane", "a photo of a jet"} <= set(template_captions("airplane"))


def test_natural_captions_come_from_training_rows_of_the_target() -> None:
    pairs = picture_pairs(100)
    found = natural_captions(pairs, target="ship")
    own = [pair.caption for pair in pairs if pair.label == "ship" and pair.split == "train"]
    assert found == list(dict.fromkeys(own))
    drawn = target_captions(pairs, target="ship", n=500, wording="natural", pool=4, rng=rng())
    assert len(set(drawn)) == 4
    assert set(drawn) <= set(found)


def test_a_picture_that_has_the_trigger_already_is_poisoned_by_its_words_alone() -> None:
    attack = BadNets(target="dog", pattern="yellow", place="corner")
    yellow = np.zeros((32, 32, 3), dtype=np.uint8)
    yellow[28:, 28:] = (255, 255, 0)
    pairs = [Pair(id=str(place), view=encoded(yellow, "BMP"), caption="c", label="cat") for place in range(2)]
    poisoned = attack.poison(pairs, count=1, rng=rng())
    assert poisoned.truth.changes[0].parts == ("caption",)
    assert {pair.view[:4] for pair in poisoned.pairs} == {b"\x89PNG"}


def test_pictures_of_many_sizes_are_stamped_as_if_alone() -> None:
    sizes = tuple((20 + place % 7, 30 - place % 5) for place in range(35))
    pairs = [pair for pair in picture_pairs(60, sizes=sizes) if pair.view]
    attack = Sig(target="dog")
    together = stamped_rows(pairs, range(len(pairs)), stamp=attack.stamp, rng=rng())
    for row, pair in enumerate(pairs):
        assert together[row] == attack.trigger([pair.view], rng=rng())[0]
        assert pixels_of(together[row]).shape == pixels_of(pair.view).shape


def test_batches_do_not_grow_with_the_number_of_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    import threatclip.attacks.pictures as module

    monkeypatch.setattr(module, "_HELD_BYTES", 6_000)
    monkeypatch.setattr(module, "_CHUNK_BYTES", 9_000)
    sizes = tuple((16, 16 + place % 3) for place in range(9))
    views = [pair.view for pair in picture_pairs(40, sizes=sizes)]
    shapes: list[tuple[int, ...]] = []

    def stamp(pixels: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
        shapes.append(pixels.shape)
        return 255 - pixels

    found = stamped_views(views, stamp=stamp, rng=rng())
    for before, after in zip(views, found, strict=True):
        assert bool(before) == bool(after)
        if before:
            assert (pixels_of(after) == 255 - pixels_of(before)).all()
    assert max(math.prod(shape) for shape in shapes) <= 9_000 + 900


def test_a_broken_picture_is_named() -> None:
    pairs = picture_pairs(10)
    pairs[2] = dataclasses.replace(pairs[2], view=b"GIF89a")
    with pytest.raises(ImageFaultError, match=r"^pair 'picture-2': .*; leave the row out$"):
        Sig(target="dog").poison(pairs, count=1, rng=rng())
    with pytest.raises(ImageFaultError, match=r"^pair 'view 1': "):
        Sig(target="dog").trigger([pairs[0].view, b"x"], rng=rng())


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("badnets", {"pattern": "dots"}),
        ("badnets", {"place": "left"}),
        ("badnets", {"scale": "both"}),
        ("badnets", {"size_px": math.nan}),
        ("badnets", {"size_px": 225}),
        ("badnets", {"side_px": 4}),
        ("badnets", {"fit": "pad"}),
        ("badnets", {"wording": "own"}),
        ("badnets", {"target": ""}),
        ("blended", {"alpha": 0.0}),
        ("blended", {"alpha": math.nan}),
        ("blended", {"pattern": "dots"}),
        ("sig", {"amplitude": 1.5}),
        ("sig", {"cycles": math.inf}),
        ("sig", {"mode": "replace"}),
        ("wanet", {"k": 1}),
        ("wanet", {"s": math.nan}),
        ("issba", {"rms": 0.0}),
        ("issba", {"secret": ""}),
        ("issba", {"secret": "x" * 65}),
        ("label_consistent", {"pattern": "dots"}),
        ("trojvqa", {"pattern": "redrawn_noise"}),
        ("trojvqa", {"scale": "both"}),
    ],
)
def test_parameters_that_cannot_be_are_refused(kind: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        ATTACKS[kind](**{"target": "dog", **wrong})
    assert "\n" not in str(caught.value)


def test_any_attack_is_run_by_one_function() -> None:
    pairs, model = picture_pairs(60), LinearSurrogate()
    sig = Sig(target="dog")
    assert run_attack(sig, pairs, count=3, rng=rng(), surrogate=model) == sig.poison(pairs, count=3, rng=rng())
    badclip = BadClip(target="dog", search=PatchSearch(epochs=2, batch_rows=8))
    steps: list[Any] = []
    found = run_attack(badclip, pairs, count=3, rng=rng(), surrogate=model, on_step=steps.append)
    assert found == badclip.poison(pairs, count=3, rng=rng(), surrogate=model)
    assert [step.done for step in steps[:3]] == [1, 2, 3]
    with pytest.raises(InputError, match="give a surrogate"):
        run_attack(badclip, pairs, count=3, rng=rng())
    assert looks_into_models(BadClip)
    assert not looks_into_models(Sig)


def test_attacks_of_other_modalities_are_refused() -> None:
    check_modality(Sig(target="dog"), "image")
    with pytest.raises(InputError, match="attack sig poisons image pairs, the table holds payload pairs"):
        check_modality(Sig(target="dog"), "payload")


@pytest.mark.parametrize(("rate", "count"), [(0.004, 1), (0.5, 75), (1.0, 150), (0.01, 2)])
def test_a_rate_is_of_the_training_rows(rate: float, count: int) -> None:
    splits = ["train"] * 150 + ["test"] * 150
    pairs = [Pair(id=str(place), view=b"v", split=split) for place, split in enumerate(splits)]
    assert count_of(pairs, rate) == count
    for wrong in (0.0, -0.1, 1.1, math.nan, 0.003):
        with pytest.raises(InputError, match="rate"):
            count_of(pairs, wrong)
