"""Every value of a recipe has a range, checked where it is written and not hours later."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from recipe_cases import WHOLE

from threatclip.encoders.bpe import BpeTower
from threatclip.encoders.byte import ByteTower
from threatclip.encoders.clip import ClipTextTower
from threatclip.encoders.image import ResnetTower
from threatclip.encoders.image_pretrained import PretrainedImageTower
from threatclip.encoders.pretrained import PretrainedTower
from threatclip.errors import RecipeError
from threatclip.experiments.config import parse
from threatclip.experiments.recipe import (
    Answer,
    Data,
    Extra,
    File,
    PayloadWeakness,
    Stage1,
    Stage2,
    Views,
)
from threatclip.experiments.recipes import Recipe
from threatclip.pairs.splits import RandomSplit
from threatclip.pairs.weaknesses import WEAKNESSES

NAN, INF = math.nan, math.inf
SOME_FILE = File(path="x")
DATA = Data(root=".", pairs=SOME_FILE, split=RandomSplit())


def extra(**values: Any) -> Extra:
    return Extra(**{"name": "some", **values})


RANGES: list[tuple[Callable[..., object], str, list[Any], list[Any]]] = [
    (Stage1, "epochs", [1, 50], [0, -1]),
    (Stage1, "rows_per_class", [2, 100], [1, 0, -3]),
    (Stage1, "learning_rate", [1e-6, 1.0], [0.0, -1e-3, NAN, INF]),
    (Stage1, "temperature", [0.01, 1.0], [0.0, -0.1, NAN, INF]),
    (Stage1, "margin", [0.0, 2.0], [-0.1, NAN, INF]),
    (Stage1, "word_dropout", [0.0, 1.0], [-0.1, 1.1, NAN]),
    (Stage2, "steps", [1], [0, -5]),
    (Stage2, "batch_rows", [2], [1, 0]),
    (Stage2, "learning_rate", [1e-9], [0.0, -1.0, NAN, INF]),
    (Stage2, "weight_decay", [0.0, 0.5], [-0.1, NAN, INF]),
    (Stage2, "squared", [0.0, 3.0], [-1.0, NAN, INF]),
    (Stage2, "infonce", [0.0], [-1.0, NAN, INF]),
    (Stage2, "anchors", [0.0], [-1.0, NAN, INF]),
    (Stage2, "temperature", [0.07], [0.0, -1.0, NAN]),
    (Stage2, "label_smoothing", [0.0, 0.99], [1.0, -0.1, NAN]),
    (Stage2, "class_balance", [0.0, 1.0], [-0.5, NAN, INF]),
    (Stage2, "text_rate", [0.0, 0.1], [-0.1, NAN, INF]),
    (Stage2, "chunk_rows", [None, 1], [0, -8]),
    (Stage2, "checkpoint_every_steps", [1], [0, -1]),
    *((Views, name, [0.0, 0.7], [-0.1, 1.1, NAN]) for name in ("no_headers", "values_only", "template_swap")),
    *((Views, name, [0.0, 1.0], [-0.1, 1.1, NAN]) for name in ("decoded", "noise", "noise_share")),
    (Answer, "members", [("anchors",), ("ngrams", "linear")], [(), ("anchors", "anchors")]),
    (Answer, "neighbors", [1], [0, -1]),
    (Answer, "linear_c", [0.1], [0.0, -1.0, NAN, INF]),
    (Answer, "ngram_c", [0.1], [0.0, -1.0, NAN, INF]),
    (Answer, "ngram_nb_c", [0.1], [0.0, -1.0, NAN, INF]),
    (Answer, "ngram_noisy", [0, 3], [-1]),
    (Answer, "ngram_framed", [0, 3], [-1]),
    (Answer, "precision", [0.5, 1.0], [0.0, -0.1, 1.01, NAN]),
    (File, "path", ["a b"], ["", " "]),
    (extra, "name", ["a"], ["", " "]),
    (extra, "n", [None, 1], [0, -1]),
    (extra, "weight", [0.0, 2.0], [-0.1, NAN, INF]),
    (extra, "benign_fraction", [0.0, 1.0], [-0.1, 1.1, NAN]),
]


@pytest.mark.parametrize(("make", "name", "fine", "wrong"), RANGES, ids=lambda value: getattr(value, "__name__", None))
def test_ranges(make: Callable[..., object], name: str, fine: list[Any], wrong: list[Any]) -> None:
    for value in fine:
        assert make(**{name: value}) is not None
    for value in wrong:
        with pytest.raises(RecipeError) as caught:
            make(**{name: value})
        assert name in str(caught.value) or "member" in str(caught.value)


def test_a_stage_2_without_any_loss() -> None:
    with pytest.raises(RecipeError, match="squared, infonce and anchors are all 0"):
        Stage2(squared=0, infonce=0, anchors=0)
    assert Stage2(squared=0.1, infonce=0, anchors=0).squared == 0.1


def test_chances_of_views_add_up_to_one_at_most() -> None:
    # 0.7 + 0.2 + 0.1 is a little above 1 in some orders of binary fractions
    assert Views(no_headers=0.1, values_only=0.2, template_swap=0.7).trained_probes == (
        "no_headers",
        "values_only",
        "template_swap",
    )
    assert Views(no_headers=0, values_only=1, template_swap=0).trained_probes == ("values_only",)
    with pytest.raises(RecipeError, match="exceed 1; lower one"):
        Views(no_headers=0.5, values_only=0.4, template_swap=0.2)


def test_marker_swap_is_never_a_training_view() -> None:
    assert not {"marker_swap", "double_encode", "case_flip"} & set(Views.__dataclass_fields__)


def test_options_of_files_and_of_the_generator_do_not_mix() -> None:
    assert extra(file=SOME_FILE, framed=True, labels_from_tags=True).framed
    assert extra(benign_fraction=0.5).file is None
    for wrong in ({"framed": True}, {"labels_from_tags": True}, {"file": SOME_FILE, "benign_fraction": 0.1}):
        with pytest.raises(RecipeError, match="extra 'some': framed and labels_from_tags need a file"):
            extra(**wrong)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"classes": ()}, "classes is ()"),
        ({"classes": ("xss",)}, "two classes or more"),
        ({"classes": ("xss", "ssrf", "xss")}, "a class is 'xss'; it must be named once"),
        ({"classes": ("xss", "own")}, "class 'own' has no anchor texts"),
        ({"classes": ("xss", "own"), "anchors": {"own": ()}}, "class 'own' has no anchor texts"),
        (
            {"classes": ("xss", "own"), "anchors": {"own": ("fine", " ")}},
            "class 'own' has no anchor texts, or an empty",
        ),
        ({"anchors": {"xs": ("a",)}}, "anchors is 'xs'; it must be one of the classes xss"),
        ({"held_out_classes": ("xe",)}, "held_out_classes is 'xe'; it must be one of the classes"),
        ({"held_out_classes": ("xss", "xss")}, "held_out_classes is 'xss'; it must be named once"),
        ({"classes": ("xss", "ssrf"), "held_out_classes": ("xss",)}, "leave two classes to learn"),
        ({"extra": (extra(), extra())}, "the name of an extra is 'some'; it must be named once"),
    ],
)
def test_classes_and_what_refers_to_them(values: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        replace(DATA, **values)
    assert message in str(caught.value)


def test_classes_of_ones_own() -> None:
    assert DATA.classes == tuple(WEAKNESSES)
    own = replace(DATA, classes=("xss", "own"), anchors={"own": ("a text",), "xss": ("another way to say it",)})
    assert own.anchors["own"] == ("a text",)


MLP = PretrainedTower(projection="mlp")
BPE = BpeTower(dim=16)
BYTE = ByteTower(dim=16)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"text_tower": ByteTower()}, "kind 'byte' reads payloads"),
        ({"text_tower": ResnetTower()}, "kind 'resnet' is for pairs of pictures"),
        ({"text_tower": ClipTextTower(source="x")}, "kind 'clip_text' is for pairs of pictures"),
        ({"payload_tower": ResnetTower()}, "kind 'resnet' reads pictures"),
        ({"payload_tower": PretrainedImageTower(source="x")}, "kind 'pretrained_image' reads pictures"),
        ({"text_tower": PretrainedTower()}, "everything is frozen"),
        ({"text_tower": MLP, "payload_tower": BYTE}, "text_tower makes 384 numbers, payload_tower 16"),
        ({"text_tower": BPE, "payload_tower": ByteTower()}, "text_tower makes 16 numbers, payload_tower 384"),
        ({"text_tower": BPE, "payload_tower": PretrainedTower()}, "text_tower makes 16 numbers, payload_tower 384"),
        (
            {
                "text_tower": BpeTower(dim=8),
                "payload_tower": ByteTower(dim=8),
                "stage2": Stage2(targets="one_hot"),
            },
            "needs dim >= 12 classes, got 8",
        ),
    ],
)
def test_towers_that_do_not_fit(values: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        PayloadWeakness(task="payload-weakness", data=DATA, **values)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"text_tower": PretrainedTower(), "stage1": Stage1(loss="none")},
        {"text_tower": PretrainedTower(n_trainable_layers=1)},
        {"text_tower": PretrainedTower(source="some/folder", projection="mlp"), "payload_tower": BYTE},  # found later
        {"text_tower": PretrainedTower(dim=16, projection="linear"), "payload_tower": BYTE},
        {"text_tower": BPE, "payload_tower": BYTE, "stage2": Stage2(targets="one_hot")},
        {"text_tower": BPE, "payload_tower": BPE},
    ],
)
def test_towers_that_fit(values: dict[str, Any]) -> None:
    assert PayloadWeakness(task="payload-weakness", data=DATA, **values).seed == 0


def test_a_range_is_reported_with_the_place_in_the_recipe() -> None:
    with pytest.raises(RecipeError) as caught:
        parse(Recipe, {**WHOLE, "stage1": {"epochs": 0}}, where="r.toml")
    assert str(caught.value) == "r.toml: stage1: epochs is 0; it must be at least 1"
    with pytest.raises(RecipeError) as caught:
        parse(Recipe, {**WHOLE, "payload_tower": {"kind": "byte"}}, where="r.toml")
    assert str(caught.value).startswith("r.toml: text_tower makes 32 numbers, payload_tower 384;")
