"""A tower and a classifier over it: what is tuned, that it learns, that it repeats, what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from language_cases import save_mpnet
from threatclip.classification.tuned import TunedClassifier, class_probabilities, fit_classifier, new_classifier
from threatclip.encoders.pretrained import PretrainedTower, build_pretrained
from threatclip.errors import InputError
from threatclip.training.settings import TrainSettings

TEXTS = ["the malware opened things", "ACTOR kept the way near things", "sent by the malware", "ACTOR kept"] * 6
LABELS = np.array([0, 1, 0, 1] * 6, dtype=np.int64)
SETTINGS = TrainSettings(epochs=6, learning_rate=5e-3, rate_multipliers={"head": 2.0}, precision="fp32", seed=2)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_mpnet(tmp_path_factory.mktemp("base") / "mpnet")


def made(base: Path, *, layers: int = 1) -> TunedClassifier:
    tower = build_pretrained(PretrainedTower(source=str(base), n_trainable_layers=layers, max_tokens=16))
    return new_classifier(tower, hidden=8, n_classes=2, dropout=0.1, seed=4)


def fitted(base: Path, *, layers: int = 1) -> TunedClassifier:
    network = made(base, layers=layers)
    steps = list(fit_classifier(network, TEXTS, LABELS, batch_rows=8, settings=SETTINGS))
    assert len(steps) == 18
    return network


def test_it_learns_and_repeats(base: Path) -> None:
    found = class_probabilities(fitted(base), TEXTS)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found.argmax(axis=1) == LABELS).mean() > 0.9
    np.testing.assert_array_equal(found, class_probabilities(fitted(base), TEXTS))


def test_only_the_last_layers_and_the_head_are_tuned(base: Path) -> None:
    before, after = made(base).state_dict(), fitted(base).state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith(("head.", "tower.transformer.encoder.layer.2.")) for name in changed)


def test_texts_are_answered_alone_as_in_company(base: Path) -> None:
    network = made(base)
    together = class_probabilities(network, TEXTS[:4])
    alone = np.concatenate([class_probabilities(network, [text]) for text in TEXTS[:4]])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    assert class_probabilities(network, []).shape == (0, 2)


def test_labels_and_towers_that_do_not_fit_are_refused(base: Path) -> None:
    network = made(base)
    for labels in (LABELS[:3], np.where(LABELS == 1, 2, 0), LABELS - 1):
        with pytest.raises(InputError, match="do not fit a classifier of 2 classes"):
            fit_classifier(network, TEXTS, labels, batch_rows=8, settings=SETTINGS)
    tower = build_pretrained(PretrainedTower(source=str(base), projection="linear", dim=8))
    with pytest.raises(InputError, match="without a projection"):
        new_classifier(tower, hidden=8, n_classes=2, dropout=0.0, seed=0)
