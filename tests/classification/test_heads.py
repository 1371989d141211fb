"""Heads on embeddings: against scikit-learn and slow loops, and round trips through safetensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from payload_cases import clouds
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from threatclip.artifacts import read_tensors, write_tensors
from threatclip.classification.heads import AnchorHead, NeighborHead, class_prototypes, unit
from threatclip.classification.linear import LinearHead, LinearSettings, fit_linear
from threatclip.classification.scores import UNSEEN_SCORE, softmax
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.seeds import rng

PEERS = {"logistic": LogisticRegression, "svc": LinearSVC, "ridge": RidgeClassifier}


def fitted(kind: str, n_classes: int, **options: float) -> tuple[LinearHead, np.ndarray, np.ndarray]:
    z, truth = clouds(200, 8, n_classes, 0)
    head = fit_linear(z, truth, n_classes=n_classes, settings=LinearSettings(kind=kind, **options), rng=rng(0, "t"))
    return head, z, truth


@pytest.mark.parametrize("kind", PEERS)
@pytest.mark.parametrize("n_classes", [2, 4])
def test_linear_head_answers_like_sklearn(kind: str, n_classes: int) -> None:
    head, z, truth = fitted(kind, n_classes)
    peer = PEERS[kind](class_weight="balanced").fit(z, truth)
    test, _ = clouds(300, 8, n_classes, 1)
    np.testing.assert_array_equal(head.scores(test).argmax(axis=1), peer.predict(test))
    if kind == "logistic":
        np.testing.assert_allclose(softmax(head.scores(test)), peer.predict_proba(test), atol=1e-4)


def test_strength_of_the_penalty_is_heard() -> None:
    strong, _, _ = fitted("logistic", 3, c=0.01)
    weak, _, _ = fitted("logistic", 3, c=100.0)
    assert np.abs(weak.weight).sum() > 5 * np.abs(strong.weight).sum()


def test_a_class_without_rows_is_never_answered() -> None:
    z, truth = clouds(60, 5, 3, 0)
    head = fit_linear(z, truth + (truth > 0), n_classes=5, settings=LinearSettings(), rng=rng(0, "t"))
    scores = head.scores(z)
    assert (scores[:, [1, 4]] == UNSEEN_SCORE).all()
    assert softmax(scores)[:, [1, 4]].max() == 0
    assert np.isfinite(head.bias).all()


def test_prototypes_are_the_nearest_means() -> None:
    z, truth = clouds(100, 6, 4, 2)
    head = class_prototypes(z, truth, n_classes=5)
    for row, found in zip(z, head.scores(z), strict=True):
        for k in range(4):
            center = z[truth == k].mean(axis=0)
            assert found[k] == pytest.approx(row @ center / np.linalg.norm(center), abs=1e-5)
        assert found[4] == -1.0


@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_several_anchors_of_a_class_are_pooled(pooling: str) -> None:
    draws = np.random.default_rng(0)
    anchors, z = unit(draws.normal(size=(7, 4))), unit(draws.normal(size=(9, 4)))
    owner = np.array([0, 1, 1, 2, 2, 2, 0])
    found = AnchorHead(anchors=anchors, owner=owner, n_classes=3, pooling=pooling).scores(z)
    pool = max if pooling == "max" else np.mean
    for i, row in enumerate(z):
        for k in range(3):
            assert found[i, k] == pytest.approx(pool([row @ a for a, o in zip(anchors, owner, strict=True) if o == k]))


@settings(deadline=None, max_examples=50)
@given(m=st.integers(2, 30), k=st.integers(1, 6), seed=st.integers(0, 1000))
def test_neighbors_are_found_and_counted(m: int, k: int, seed: int) -> None:
    vectors, labels = clouds(m, 4, 3, seed)
    z, _ = clouds(6, 4, 3, seed + 1)
    head = NeighborHead(vectors=vectors, labels=labels, n_classes=3, k=min(k, m))
    rows, cosines = head.search(z)
    for i, row in enumerate(z):
        similarity = vectors @ row
        expected = sorted(range(m), key=lambda j: -similarity[j])[: head.k]
        np.testing.assert_allclose(similarity[rows[i]], similarity[expected], atol=1e-6)
        np.testing.assert_allclose(cosines[i], similarity[expected], atol=1e-6)
        votes = np.bincount(labels[rows[i]], minlength=3) / head.k
        np.testing.assert_allclose(head.scores(z)[i], votes, atol=1.1e-3)
        assert votes[head.scores(z)[i].argmax()] == votes.max()


def test_one_neighbor_is_that_of_sklearn() -> None:
    vectors, labels = clouds(150, 8, 4, 3)
    z, _ = clouds(80, 8, 4, 4)
    peer = KNeighborsClassifier(n_neighbors=1, metric="cosine").fit(vectors, labels)
    head = NeighborHead(vectors=vectors, labels=labels, n_classes=4, k=1)
    np.testing.assert_array_equal(head.scores(z).argmax(axis=1), peer.predict(z))


def test_equal_votes_go_to_the_nearer_rows_and_equal_rows_to_the_first() -> None:
    vectors = unit(np.array([[1.0, 0.0], [1.0, 0.2], [1.0, 0.0]]))
    head = NeighborHead(vectors=vectors, labels=np.array([1, 0, 2]), n_classes=3, k=2)
    rows, _ = head.search(np.array([[1.0, 0.0]]))
    assert rows.tolist() == [[0, 2]]
    nearer = NeighborHead(vectors=vectors[:2], labels=np.array([1, 0]), n_classes=2, k=2)
    assert nearer.scores(np.array([[1.0, 0.0]])).argmax() == 1
    assert nearer.scores(np.array([[1.0, 0.3]])).argmax() == 0


def test_search_in_blocks_is_search_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, labels = clouds(40, 4, 3, 0)
    z, _ = clouds(25, 4, 3, 1)
    head = NeighborHead(vectors=vectors, labels=labels, n_classes=3, k=4)
    at_once = head.search(z)
    monkeypatch.setattr("threatclip.classification.heads._BLOCK_SIMILARITIES", 100)
    for whole, blocked in zip(at_once, head.search(z), strict=True):
        np.testing.assert_allclose(blocked, whole, atol=1e-6)


def test_every_head_survives_a_round_trip(tmp_path: Path) -> None:
    linear, z, truth = fitted("logistic", 3)
    neighbors = NeighborHead(vectors=z, labels=truth, n_classes=3, k=5)
    for head in (linear, class_prototypes(z, truth, n_classes=3), neighbors):
        path = tmp_path / f"{type(head).__name__}.safetensors"
        write_tensors(path, head.as_arrays())
        again = type(head).from_arrays(read_tensors(path), head.config())
        # the arrays are equal; a BLAS may sum in another order where memory is aligned otherwise
        np.testing.assert_allclose(again.scores(z), head.scores(z), atol=1e-6)
        for name, array in head.as_arrays().items():
            np.testing.assert_array_equal(again.as_arrays()[name], array)
        assert again.config() == head.config()
        with pytest.raises(DamagedArtifactError, match="train it anew"):
            type(head).from_arrays({}, head.config())
        with pytest.raises(DamagedArtifactError, match="train it anew"):
            type(head).from_arrays(head.as_arrays(), {})


def test_heads_that_make_no_sense_are_refused() -> None:
    z, truth = clouds(20, 4, 3, 0)
    with pytest.raises(InputError, match="at most 499"):
        NeighborHead(vectors=z, labels=truth, n_classes=3, k=21)
    with pytest.raises((InputError, TypeCheckError)):
        NeighborHead(vectors=z, labels=truth[:5], n_classes=3, k=1)
    with pytest.raises(InputError, match="drop unlabeled"):
        NeighborHead(vectors=z, labels=truth - 1, n_classes=3, k=1)
    with pytest.raises((InputError, TypeCheckError)):
        AnchorHead(anchors=z, owner=truth, n_classes=3, pooling="median")
    with pytest.raises((InputError, TypeCheckError)):
        AnchorHead(anchors=z, owner=truth[:5], n_classes=3)
    with pytest.raises(InputError, match="belong to classes"):
        AnchorHead(anchors=z, owner=truth, n_classes=2)
