"""What the two stages minimize: every term against a slow oracle, and what moves and what stays while they train."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from threatclip.encoders.bpe import BpeTower
from threatclip.encoders.byte import ByteTower
from threatclip.encoders.pretrained import PretrainedTower
from threatclip.encoders.towers import build_tower, module_weights
from threatclip.errors import RecipeError
from threatclip.evaluation.predictions import UNLABELED
from threatclip.experiments.payload_side import PayloadBatches, PayloadObjective, _chances, learn_payload_tower
from threatclip.experiments.recipe import Stage1, Stage2, Views
from threatclip.experiments.rows import Rows
from threatclip.experiments.text_side import (
    TextTower,
    build_text_tower,
    class_anchors,
    drop_words,
    learn_text_space,
    one_hot_anchors,
    project,
    text_features,
)
from threatclip.pairs.pair import Pair
from threatclip.pairs.samples import sample_pairs
from threatclip.pairs.weaknesses import WEAKNESSES
from threatclip.seeds import rng
from threatclip.training.contracts import Step

CLASSES = ("xss", "sql-injection", "path-traversal", "xxe")
N_CLASSES, DIM = len(CLASSES), 6
BENIGN = 2  # place of a benign row in the labels below
LABELS = torch.tensor([0, 1, UNLABELED, 0, 2])
OWNERS = torch.tensor([0, 0, 1, 2, 2, 2, 3])
AS_IS = Views(no_headers=0, values_only=0, template_swap=0, decoded=0, noise=0)
WEIGHTS = [
    {"anchors": 1.0, "squared": 0.0, "infonce": 0.0},
    {"anchors": 0.0, "squared": 1.0, "infonce": 0.0},
    {"anchors": 0.0, "squared": 0.0, "infonce": 1.0},
    {"anchors": 0.5, "squared": 2.0, "infonce": 0.25},
]
NAMES = ["anchors", "squared", "infonce", "sum"]


class Texts(nn.Module):
    """A text tower whose projection only scales to length 1."""

    def project(self, features: Tensor) -> Tensor:
        return functional.normalize(features, dim=1)


def unit(n: int, seed: int) -> Tensor:
    return functional.normalize(torch.randn(n, DIM, generator=torch.Generator().manual_seed(seed)), dim=1)


def objective(stage: Stage2, *, seen: tuple[bool, ...] = (True,) * N_CLASSES, **more: Any) -> PayloadObjective:
    values: dict[str, Any] = {"payload_tower": nn.Identity(), "text_tower": Texts(), "anchor_features": unit(7, 3)}
    return PayloadObjective(stage=stage, owners=OWNERS, seen=torch.tensor(seen), **{**values, **more})


def batch(described: tuple[bool, ...] = (True, True, True, False, True)) -> dict[str, Tensor]:
    return {"label": LABELS, "described": torch.tensor(described)}


def reps() -> dict[str, Tensor]:
    return {"view": unit(5, 1).requires_grad_(), "text": unit(5, 2)}


def softmax_log(row: list[float]) -> list[float]:
    largest = max(row)
    total = math.log(sum(math.exp(value - largest) for value in row)) + largest
    return [value - total for value in row]


def anchors_by_hand(view: Tensor, anchors: Tensor, stage: Stage2, seen: tuple[bool, ...]) -> float:
    """Cross-entropy to the mean cosine of each seen class's anchors; a benign row is right where all are even."""
    classes = [c for c in range(N_CLASSES) if seen[c]]
    total = 0.0
    for row, label in zip(view, LABELS.tolist(), strict=True):
        logits = []
        for c in classes:
            own = [float(row @ anchors[a]) for a in range(len(OWNERS)) if int(OWNERS[a]) == c]
            logits.append(sum(own) / len(own) / stage.temperature)
        log_p = softmax_log(logits)
        e, k = stage.label_smoothing, len(classes)
        for c, value in zip(classes, log_p, strict=True):
            target = 1 / k if label == UNLABELED else float(c == label)
            total -= ((1 - e) * target + e / k) * value
    return total / len(view)


def squared_by_hand(view: Tensor, text: Tensor, described: tuple[bool, ...]) -> float:
    rows = [i for i, has in enumerate(described) if has]
    return sum(float(((view[i] - text[i]) ** 2).sum()) for i in rows) / len(rows)


def infonce_by_hand(view: Tensor, text: Tensor, stage: Stage2, described: tuple[bool, ...]) -> float:
    """Both directions; the captions of all rows of one class answer each of them, a benign row only its own."""
    rows = [i for i, has in enumerate(described) if has]
    cosine = [[float(view[i] @ text[j]) / stage.temperature for j in rows] for i in rows]
    answers = [
        [a == b or (LABELS[i] >= 0 and bool(LABELS[i] == LABELS[j])) for b, j in enumerate(rows)]
        for a, i in enumerate(rows)
    ]
    total = 0.0
    for direction in (False, True):
        for a in range(len(rows)):
            log_p = softmax_log([cosine[b][a] if direction else cosine[a][b] for b in range(len(rows))])
            right = [log_p[b] for b in range(len(rows)) if answers[a][b]]
            total -= sum(right) / len(right) / len(rows)
    return total / 2


@pytest.mark.parametrize("weights", WEIGHTS, ids=NAMES)
@pytest.mark.parametrize("described", [(True, True, True, False, True), (True,) * 5])
def test_the_loss_is_the_weighted_sum_of_its_terms(weights: dict[str, float], described: tuple[bool, ...]) -> None:
    stage = Stage2(**weights, temperature=0.2, label_smoothing=0.1)
    view, text = unit(5, 1), unit(5, 2)
    found = objective(stage).loss({"view": view, "text": text}, batch(described))
    by_hand = {
        "anchors": anchors_by_hand(view, unit(7, 3), stage, (True,) * N_CLASSES),
        "squared": squared_by_hand(view, text, described),
        "infonce": infonce_by_hand(view, text, stage, described),
    }
    assert found.keys() - {"loss"} == {name for name, weight in weights.items() if weight}
    for name in found.keys() - {"loss"}:
        assert float(found[name]) == pytest.approx(by_hand[name], abs=1e-5)
    assert float(found["loss"]) == pytest.approx(sum(weights[name] * by_hand[name] for name in weights), abs=1e-5)


@pytest.mark.parametrize("weights", WEIGHTS[1:3], ids=NAMES[1:3])
@pytest.mark.parametrize("described", [(False,) * 5, (True, False, False, False, False)])
def test_rows_without_descriptions_leave_a_loss_with_a_gradient(
    weights: dict[str, float], described: tuple[bool, ...]
) -> None:
    own = reps()
    found = objective(Stage2(**weights)).loss(own, batch(described))
    found["loss"].backward()
    assert torch.isfinite(found["loss"])
    gradient = own["view"].grad
    assert gradient is not None
    assert gradient[1:].abs().sum() == 0
    if not any(described) or weights["infonce"]:  # one row alone has nothing to be told apart from
        assert gradient.abs().sum() == 0


def test_benign_rows_are_pulled_to_no_class() -> None:
    """Descending on a benign row alone ends where every class is equally likely."""
    stage = Stage2(anchors=1, infonce=0, temperature=0.2)
    work = objective(stage)
    free = unit(1, 9).requires_grad_()
    only_benign = {"label": torch.tensor([UNLABELED]), "described": torch.tensor([False])}

    @torch.no_grad()
    def probabilities() -> Tensor:
        cosine = functional.normalize(free, dim=1) @ unit(7, 3).T / stage.temperature
        member = functional.one_hot(OWNERS).float()
        return (cosine @ member / member.sum(dim=0)).softmax(dim=1).detach()

    before = float((probabilities() - 1 / N_CLASSES).abs().max())
    optimizer = torch.optim.SGD([free], lr=0.5)
    for _ in range(300):
        optimizer.zero_grad()
        view = functional.normalize(free, dim=1)
        work.loss({"view": view, "text": view.detach()}, only_benign)["loss"].backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert float((probabilities() - 1 / N_CLASSES).abs().max()) < min(0.02, before / 3)


def test_classes_held_out_are_not_pushed_away() -> None:
    seen = (True, True, True, False)
    stage = Stage2(anchors=1, infonce=0)
    anchors = unit(7, 3).requires_grad_()
    found = objective(stage, seen=seen, anchor_features=anchors).loss(reps(), batch())
    assert float(found["loss"].detach()) == pytest.approx(
        anchors_by_hand(unit(5, 1), anchors.detach(), stage, seen), abs=1e-5
    )
    found["loss"].backward()
    assert anchors.grad is not None
    assert anchors.grad[OWNERS == 3].abs().sum() == 0
    assert (anchors.grad[OWNERS != 3].abs().sum(dim=1) > 0).all()
    elsewhere = torch.where(OWNERS[:, None] == 3, unit(7, 4), unit(7, 3))
    moved = objective(stage, seen=seen, anchor_features=elsewhere).loss(reps(), batch())
    assert float(moved["loss"].detach()) == float(found["loss"].detach())


def test_one_hot_targets_are_axes_that_no_text_moves() -> None:
    fixed = torch.eye(N_CLASSES, DIM)[OWNERS]
    stage = Stage2(anchors=1, infonce=0)
    own = {"view": unit(5, 1), "text": unit(5, 2)}
    found = objective(stage, fixed_anchors=fixed).loss(own, batch())
    by_hand = anchors_by_hand(own["view"], fixed, stage, (True,) * N_CLASSES)
    assert float(found["loss"]) == pytest.approx(by_hand, abs=1e-5)
    other = objective(stage, fixed_anchors=fixed, anchor_features=unit(7, 8)).loss(own, batch())
    assert float(other["loss"]) == float(found["loss"])


# --- both stages on tiny towers ---


def sampled(n: int = 48) -> Rows:
    pairs = tuple(sample_pairs(n=n, seed=3, classes=CLASSES))
    return Rows(
        pairs=pairs, labels=np.array([CLASSES.index(pair.label or "") for pair in pairs]), weights=np.ones(len(pairs))
    )


def bpe(seed: int = 0) -> TextTower:
    config = BpeTower(dim=16, vocabulary=320, max_tokens=16, width=16, layers=1, heads=2, dropout=0)
    return build_text_tower(config, [pair.caption or "" for pair in sampled().pairs], seed=seed)


def frozen(folder: Path, **settings: Any) -> TextTower:
    settings = {"projection": "mlp", "dim": 16, "max_tokens": 16, **settings}
    return build_text_tower(PretrainedTower(source=str(folder), **settings), [], seed=0)


def learn(tower: TextTower, stage: Stage2, *, rows: Rows | None = None, one_hot: bool = False) -> list[Step]:
    rows = rows or sampled()
    tower.eval()
    payload = build_tower(ByteTower(dim=16, max_bytes=192, embedding=8, widths=(12, 16), dropout=0), seed=0)
    anchors = class_anchors(tower, CLASSES, {})
    return list(
        learn_payload_tower(
            payload,
            tower,
            rows,
            text_features(tower, [pair.caption or "" for pair in rows.pairs], progress=lambda *_: None),
            one_hot_anchors(anchors, dim=16) if one_hot else anchors,
            stage,
            AS_IS,
            n_classes=N_CLASSES,
            seed=0,
            checkpoints=None,
            resume=False,
        )
    )


def mean_loss(steps: list[Step], term: str = "loss") -> float:
    return float(np.mean([step.losses[term] for step in steps]))


@pytest.mark.parametrize("weights", WEIGHTS, ids=NAMES)
def test_every_loss_of_stage_2_falls(weights: dict[str, float]) -> None:
    steps = learn(bpe(), Stage2(**weights, steps=40, batch_rows=16, learning_rate=1e-2))
    assert mean_loss(steps[-5:]) < 0.96 * mean_loss(steps[:5])
    for step in steps:
        summed = sum(weights[name] * value for name, value in step.losses.items() if name != "loss")
        assert step.losses["loss"] == pytest.approx(summed, rel=1e-5)


def test_supervised_targets_fall_too() -> None:
    stage = Stage2(anchors=1, infonce=0, steps=40, batch_rows=16, learning_rate=1e-2, targets="one_hot")
    steps = learn(bpe(), stage, one_hot=True)
    assert mean_loss(steps[-5:]) < 0.96 * mean_loss(steps[:5])


@pytest.mark.parametrize("kind", ["bpe", "pretrained"])
@pytest.mark.parametrize("text_rate", [0.0, 0.5])
def test_the_text_projection_moves_as_it_is_told(kind: str, text_rate: float, tiny_bert: Path) -> None:
    tower = bpe() if kind == "bpe" else frozen(tiny_bert)
    before = module_weights(tower)
    learn(tower, Stage2(steps=3, batch_rows=8, text_rate=text_rate))
    moved = {name for name, value in module_weights(tower).items() if not np.array_equal(value, before[name])}
    assert all(name.startswith("projection.") for name in moved)
    assert bool(moved) == (text_rate > 0)


def test_a_projection_that_does_not_exist_cannot_be_tuned(tiny_bert: Path) -> None:
    tower = frozen(tiny_bert, projection="none", dim=None)
    with pytest.raises(RecipeError, match=r"stage2\.text_rate tunes .*\.projection = 'mlp'"):
        learn(tower, Stage2(steps=1, text_rate=0.1))


@pytest.mark.parametrize("kind", ["bpe", "pretrained"])
@pytest.mark.parametrize("loss", ["triplet", "supcon", "infonce", "none"])
def test_every_loss_of_stage_1_trains_what_it_may(kind: str, loss: Any, tiny_bert: Path) -> None:
    tower = bpe() if kind == "bpe" else frozen(tiny_bert)
    before = module_weights(tower)
    rows = sampled(48)
    labels = rows.labels.copy()
    if loss == "infonce":  # the one that reads texts without a class
        labels[::3] = UNLABELED
    stage = Stage1(loss=loss, epochs=6, rows_per_class=6, learning_rate=5e-3, temperature=0.2)
    texts = [pair.caption or "" for pair in rows.pairs]

    def run(tower: TextTower) -> list[Step]:
        return list(
            learn_text_space(
                tower, texts, labels, stage, seed=0, checkpoints=None, resume=False, progress=lambda *_: None
            )
        )

    steps = run(tower)
    moved = {name for name, value in module_weights(tower).items() if not np.array_equal(value, before[name])}
    if loss == "none":
        assert (steps, moved) == ([], set())
        return
    assert mean_loss(steps[-4:]) < mean_loss(steps[:4])
    assert any(name.startswith("projection.") for name in moved)
    assert any(name.startswith("transformer.") for name in moved) is False
    assert any(name.startswith("layers.") for name in moved) == (kind == "bpe")
    again = bpe() if kind == "bpe" else frozen(tiny_bert)
    assert [step.losses for step in run(again)] == [step.losses for step in steps]


def test_a_body_that_may_train_trains(tiny_bert: Path) -> None:
    tower = frozen(tiny_bert, n_trainable_layers=1)
    before = module_weights(tower)
    rows = sampled(24)
    stage = Stage1(loss="infonce", epochs=1, rows_per_class=3)
    texts = [pair.caption or "" for pair in rows.pairs]
    list(
        learn_text_space(
            tower, texts, rows.labels, stage, seed=0, checkpoints=None, resume=False, progress=lambda *_: None
        )
    )
    after = module_weights(tower)
    moved = {name for name, value in after.items() if not np.array_equal(value, before[name])}
    assert any(".layer.1." in name for name in moved)
    assert not any(".layer.0." in name or "embeddings" in name for name in moved)


def test_a_text_tower_with_nothing_to_train_is_refused(tiny_bert: Path) -> None:
    tower = frozen(tiny_bert, projection="none", dim=None)
    with pytest.raises(RecipeError, match=r"everything is frozen; set projection = 'mlp', or stage1\.loss = 'none'"):
        list(
            learn_text_space(
                tower,
                ["a", "b"],
                np.array([0, 1]),
                Stage1(),
                seed=0,
                checkpoints=None,
                resume=False,
                progress=lambda *_: None,
            )
        )


def test_features_of_a_frozen_body_are_read_once(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"text {number}" for number in range(80)]
    tower = frozen(tiny_bert).eval()
    told: list[tuple[int, int]] = []
    first = text_features(tower, texts, progress=lambda _, done, total: told.append((done, total)))
    assert told[-1] == (80, 80)
    told.clear()
    again = text_features(frozen(tiny_bert).eval(), texts[::-1], progress=lambda _, *counts: told.append(counts))  # type: ignore[arg-type]
    assert told == []
    assert np.array_equal(again[::-1], first)


# --- anchors, second views, and which rows are drawn ---


def test_anchors_are_the_catalogue_s_or_the_recipe_s() -> None:
    tower = bpe().eval()
    found = class_anchors(tower, ("xss", "own"), {"own": ("one text", "another")})
    n_built_in = len(WEAKNESSES["xss"].anchors)
    assert found.texts == (*WEAKNESSES["xss"].anchors, "one text", "another")
    assert found.owners.tolist() == [0] * n_built_in + [1, 1]
    assert np.allclose(np.linalg.norm(project(tower, found.features), axis=1), 1, atol=1e-5)
    assert class_anchors(tower, ("xss",), {"xss": ("mine",)}).texts == ("mine",)
    with pytest.raises(RecipeError, match="class 'own' has no anchor texts"):
        class_anchors(tower, ("own",), {})


def test_one_hot_anchors_have_an_axis_for_each_class() -> None:
    fixed = one_hot_anchors(class_anchors(bpe().eval(), CLASSES, {}), dim=16).fixed
    assert fixed is not None
    owners = class_anchors(bpe().eval(), CLASSES, {}).owners
    assert np.array_equal(fixed @ fixed.T, (owners[:, None] == owners[None, :]).astype(np.float32))


def test_a_second_view_keeps_words_in_order_and_one_at_least() -> None:
    text = "a b c d e f g h"
    kept = [drop_words(text, share=0.5, rng=rng(0, str(n))).split() for n in range(200)]
    assert all(words and words == sorted(words) and set(words) <= set(text.split()) for words in kept)
    assert 3.3 < np.mean([len(words) for words in kept]) < 4.7
    assert drop_words("alone", share=1.0, rng=rng(0, "x")) == "alone"
    assert drop_words("", share=0.5, rng=rng(0, "x")) == ""
    assert drop_words(text, share=0.0, rng=rng(0, "x")) == text


def batches(rows: Rows, **stage: Any) -> PayloadBatches:
    settings = Stage2(**{"steps": 40, "batch_rows": 8, **stage})
    tower = build_tower(ByteTower(dim=16, max_bytes=192, embedding=8, widths=(12, 16)), seed=0)
    features = np.ones((len(rows), 3), dtype=np.float32)
    features[0] = 0
    return PayloadBatches(rows=rows, features=features, tower=tower, stage=settings, views=Views(), seed=4)


def test_batches_are_a_function_of_seed_and_step() -> None:
    rows = sampled(24)
    one, two = batches(rows), batches(rows)
    far = two.batch(0, 33)  # asked for first, out of order
    for step in (0, 7, 8, 33):
        ours, theirs = one.batch(0, step), two.batch(0, step)
        assert ours.keys() == {"tokens", "lengths", "label", "features", "described"}
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
        assert np.array_equal(rows.labels[one.indices(step)], ours["label"].numpy())
        assert torch.equal(ours["described"], torch.from_numpy(one.indices(step) != 0))
    assert all(torch.equal(far[name], value) for name, value in one.batch(0, 33).items())
    other = dataclasses.replace(one, seed=5)
    assert not np.array_equal(other.indices(0), one.indices(0))


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
def test_rows_are_drawn_by_weight_and_class_size(balance: float) -> None:
    labels = np.array([0] * 6 + [1] * 2 + [UNLABELED] * 4)
    weights = np.array([1.0] * 6 + [1.0, 0.0] + [0.5] * 4)
    pairs = tuple(Pair(id=str(n), view=b"v" * (n + 1)) for n in range(12))
    rows = Rows(pairs=pairs, labels=labels, weights=weights)
    chances = _chances(rows, balance)
    mass = {0: 6.0, 1: 1.0, UNLABELED: 2.0}
    expected = np.array([weight * mass[int(label)] ** -balance for label, weight in zip(labels, weights, strict=True)])
    assert chances == pytest.approx(expected / expected.sum())
    drawn = np.concatenate([batches(rows, class_balance=balance).indices(step) for step in range(160)])
    counts = np.bincount(drawn, minlength=12) / len(drawn)
    assert counts[7] == 0  # a row of no weight
    assert np.abs(counts - chances).max() < 0.04


def test_views_of_a_batch_are_of_similar_length() -> None:
    pairs = tuple(Pair(id=str(n), view=b"v" * (n + 1)) for n in range(64))
    rows = Rows(pairs=pairs, labels=np.zeros(64, dtype=np.int64), weights=np.ones(64))
    work = replace(batches(rows), views=AS_IS)
    spreads = [np.ptp(work.indices(step)) for step in range(16)]
    assert np.mean(spreads) < 20
