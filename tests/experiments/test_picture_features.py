"""Features of pictures: the tower's own, computed once for each file, whatever the disk does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from threatclip.encoders import image
from threatclip.encoders.feature_cache import cache_folder, picture_features
from threatclip.encoders.image import ResnetNetwork, ResnetTower
from threatclip.encoders.padding import Tokens
from threatclip.encoders.towers import build_tower
from threatclip.errors import ImageFaultError
from threatclip.pairs.images import encode_png

Count = Callable[[], int]
VIEWS = [encode_png(np.random.default_rng(n).integers(0, 256, (9 + n % 5, 8, 3), dtype=np.uint8)) for n in range(80)]


def make(**changes: int) -> ResnetNetwork:
    tower = build_tower(ResnetTower(**{"side": 16, "width": 4, "stages": 2, "dim": 6, **changes}), seed=0)
    assert isinstance(tower, ResnetNetwork)
    return tower


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Count:
    """Return how many pictures were decoded since the last call."""
    seen: list[int] = []
    plain = image.decode_rows

    def counting(views: Sequence[bytes], **settings: object) -> list[Tokens]:
        seen.append(len(views))
        return plain(views, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(image, "decode_rows", counting)

    def count() -> int:
        total = sum(seen)
        seen.clear()
        return total

    return count


def expected(tower: ResnetNetwork, views: Sequence[bytes]) -> np.ndarray:
    with torch.no_grad():
        return tower.eval().features(**tower.collate(views)).numpy()


def test_known_pictures_are_not_even_decoded(decoded: Count) -> None:
    tower = make()
    told: list[tuple[int, int]] = []
    first = picture_features(tower, VIEWS[:70], progress=lambda done, total: told.append((done, total)))
    np.testing.assert_allclose(first, expected(tower, VIEWS[:70]), atol=1e-5)
    assert told[-1] == (70, 70)
    decoded()
    again = picture_features(tower, [*VIEWS, VIEWS[3], b""])
    assert decoded() == 11
    np.testing.assert_array_equal(again[:70], first)
    np.testing.assert_array_equal(again[80], first[3])
    np.testing.assert_allclose(again, expected(tower, [*VIEWS, VIEWS[3], b""]), atol=1e-5)


def test_the_body_and_how_it_reads_are_told_apart_and_the_projection_is_not(decoded: Count) -> None:
    picture_features(make(), VIEWS)
    assert decoded() == 80
    picture_features(make(dim=9), VIEWS)
    assert decoded() == 0
    trained = make()
    with torch.no_grad():
        trained.stem_norm.bias[0] += 1e-3
    for other in (trained, make(side=24), make(blocks=1)):
        np.testing.assert_allclose(picture_features(other, VIEWS), expected(other, VIEWS), atol=1e-5)
        assert decoded() == 2 * 80
    assert len(list(cache_folder().rglob("*.safetensors"))) == 4


def test_a_tower_in_training_is_read_as_in_evaluation(decoded: Count) -> None:
    tower = make()
    still = picture_features(tower.eval(), VIEWS)
    np.testing.assert_array_equal(picture_features(tower.train(), VIEWS), still)
    assert tower.training


@pytest.mark.parametrize("content", [b"", b"\x80\x04K\x01.", b"{}", None])
def test_a_torn_file_is_as_good_as_none(content: bytes | None, decoded: Count) -> None:
    tower = make()
    whole = picture_features(tower, VIEWS)
    (path,) = cache_folder().rglob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-9] if content is None else content)
    decoded()
    np.testing.assert_array_equal(picture_features(tower, VIEWS), whole)
    assert decoded() == 80
    np.testing.assert_array_equal(picture_features(tower, VIEWS), whole)
    assert decoded() == 0


def test_a_view_that_is_no_picture_is_refused_and_nothing_is_kept() -> None:
    with pytest.raises(ImageFaultError):
        picture_features(make(), [*VIEWS, b"no picture"])
    assert not list(cache_folder().rglob("*.safetensors"))


def test_no_pictures_have_no_features(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("THREATCLIP_CACHE", str(tmp_path / "none"))
    assert picture_features(make(), []).shape == (0, 16)
    assert picture_features(make(), VIEWS[:2]).shape == (2, 16)
    assert not (tmp_path / "none").exists()
