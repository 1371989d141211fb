"""Posts as features: missing halves, mirror images, several sides, the cache."""

from __future__ import annotations

import io

import numpy as np
import pytest
from event_cases import SIDE, posts
from PIL import Image

from threatclip.encoders.bpe import BpeTower
from threatclip.encoders.image import ResnetNetwork, ResnetTower
from threatclip.encoders.towers import build_tower
from threatclip.errors import ImageFaultError
from threatclip.experiments.events.features import Reader
from threatclip.experiments.events.posts import folds_of, half_counts, plain_post
from threatclip.pairs.pair import Pair


def reader(*, mirrored: bool = False) -> Reader:
    picture = build_tower(ResnetTower(side=SIDE, width=8, stages=2, blocks=1, dim=16), seed=0).eval()
    tower = BpeTower(dim=16, width=16, layers=1, heads=2, vocabulary=300, max_tokens=16)
    words = build_tower(tower, seed=0, texts=["smoke and water"] * 3).eval()
    assert isinstance(picture, ResnetNetwork)
    return Reader(picture=picture, words=words, sides=(), mirrored=mirrored)


def mirror(view: bytes) -> bytes:
    stream = io.BytesIO()
    Image.open(io.BytesIO(view)).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(stream, format="PNG")
    return stream.getvalue()


def test_a_missing_half_is_a_row_of_zeros() -> None:
    made = posts(60)
    rows = reader().features(made)
    for row, pair in enumerate(made):
        assert bool(rows.has_picture[row]) is bool(pair.view)
        assert bool(rows.has_words[row]) is bool(pair.caption)
        assert np.linalg.norm(rows.picture[row]) == pytest.approx(1.0 if pair.view else 0.0, abs=1e-5)
        assert np.linalg.norm(rows.words[row]) == pytest.approx(1.0 if pair.caption else 0.0, abs=1e-5)
    assert not rows.has_picture.all()
    assert not rows.has_words.all()
    counts = half_counts(made)
    assert sum(counts.values()) == len(made)
    assert counts["words"] == (~rows.has_picture).sum()


def test_a_mirror_image_has_the_same_vector_only_where_it_is_asked_for() -> None:
    views = [pair.view for pair in posts(20) if pair.view]
    turned = [mirror(view) for view in views]
    np.testing.assert_allclose(
        reader(mirrored=True).picture_vectors(views), reader(mirrored=True).picture_vectors(turned), atol=1e-5
    )
    plain = reader()
    assert np.abs(plain.picture_vectors(views) - plain.picture_vectors(turned)).max() > 1e-3


def test_no_posts_have_no_rows() -> None:
    rows = reader().features([])
    assert len(rows) == 0
    assert rows.picture.shape == (0, 16)


def test_a_broken_picture_is_refused() -> None:
    with pytest.raises(ImageFaultError):
        reader().features([Pair(id="a", view=b"\x89PNG no", caption="a")])


def test_words_are_read_as_they_were_in_training() -> None:
    post = plain_post(Pair(id="a", view=b"", caption="Smoke #floodwater http://a.example/x @me"), hashtags="strip")
    assert post.caption == "Smoke"
    assert plain_post(Pair(id="a", view=b"x", caption="#floodwater"), hashtags="strip").caption is None


def test_folds_hold_every_post_once_and_no_cluster_twice() -> None:
    labels, clusters = np.arange(90) % 3, np.arange(90) // 2
    folds = folds_of(labels, clusters, n_folds=3, seed=1, stream="events/folds")
    judged = np.concatenate([rows for _, rows in folds])
    assert sorted(judged.tolist()) == list(range(90))
    for learned, rows in folds:
        assert not set(clusters[learned]) & set(clusters[rows])
        assert np.bincount(labels[rows]).min() >= 5
    other = folds_of(labels, clusters, n_folds=3, seed=2, stream="events/folds")
    assert any(not np.array_equal(a[1], b[1]) for a, b in zip(folds, other, strict=True))
