"""The rows of a sweep: drawn by view, rare classes cut, classes chosen, scores kept and averaged."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep_cases import CLASSES, write_sweep
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.experiments.cells import Cell
from threatclip.experiments.poisoning.material import distinct_views, load_pairs, load_with_trusted, view_of
from threatclip.experiments.poisoning.recipe import Rows
from threatclip.experiments.poisoning.row_scores import keep_scores, mean_over_seeds, read_scores
from threatclip.experiments.recipe import File
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import write_pairs


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    write_sweep(folder)
    captioned = [
        Pair(
            id=f"p{view}#{n}",
            view=b"text %d" % view,
            caption=f"words {n}",
            label="ab"[view % 2],
            group=f"p{view}",
            split=split,
        )
        for view in range(40)
        for n in range(3)
        for split in ["train" if view < 30 else "test"]
    ]
    write_pairs(folder / "captioned.parquet", captioned, modality="text")
    return folder


def rows_of(root: Path, name: str = "pictures.parquet") -> Rows:
    return Rows(file=File(path=name), root=str(root))


def test_all_rows_by_default_and_the_same_cut_every_time(root: Path) -> None:
    whole = load_pairs(rows_of(root))
    assert whole.classes == tuple(sorted(CLASSES))
    assert (len(whole.pool), len(whole.test)) == (128, 32)
    cut = load_pairs(replace(rows_of(root), pool=50, test=10))
    assert cut.pool == load_pairs(replace(rows_of(root), pool=50, test=10)).pool
    assert (len(cut.pool), len(cut.test)) == (50, 10)
    places = [whole.pool.index(pair) for pair in cut.pool]
    assert places == sorted(places)
    other = load_pairs(replace(rows_of(root), pool=50, test=10, split_seed=1))
    assert other.pool != cut.pool
    assert whole.truth(whole.test).tolist() == [whole.classes.index(pair.label or "") for pair in whole.test]


def test_captions_of_one_view_are_drawn_together(root: Path) -> None:
    found = load_pairs(replace(rows_of(root, "captioned.parquet"), pool=7))
    assert Counter(view_of(pair) for pair in found.pool).most_common() == [
        (view, 3) for view in dict.fromkeys(view_of(pair) for pair in found.pool)
    ]
    assert len(found.pool) == 21
    assert [pair.id for pair in distinct_views(found.test)] == [f"p{n}#0" for n in range(30, 40)]


def test_a_rare_class_is_cut_to_so_many_views(root: Path) -> None:
    found = load_pairs(replace(rows_of(root, "captioned.parquet"), rare={"a": 4}))
    counts = Counter(pair.label for pair in found.pool)
    assert counts == {"a": 12, "b": 45}
    with pytest.raises(InputError, match="no training row is of class 'z'"):
        load_pairs(replace(rows_of(root), rare={"z": 1}))


def test_classes_are_named_or_the_most_frequent(root: Path) -> None:
    chosen = load_pairs(replace(rows_of(root), classes=("red-star", "blue-circle")))
    assert {pair.label for pair in (*chosen.pool, *chosen.test)} == {"red-star", "blue-circle"}
    assert len(load_pairs(replace(rows_of(root), n_classes=3)).classes) == 3
    with pytest.raises(InputError, match="'absent' has no row"):
        load_pairs(replace(rows_of(root), classes=("red-star", "absent")))


SCORES = st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=6)


@given(values=SCORES, other=SCORES)
def test_scores_come_back_as_they_were_kept(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], other: list[float]
) -> None:
    cell = Cell(name="a", spec=1, folder=tmp_path_factory.mktemp("scores"))
    scores = {
        name: (np.array(row), np.array([f"g{n % 2}" for n in range(len(row))], dtype=object))
        for name, row in (("x", values), ("y", other))
    }
    keep_scores(cell, scores)
    found = read_scores(cell)
    for name, (row, groups) in scores.items():
        np.testing.assert_array_equal(found[name][0], row)
        assert found[name][1].tolist() == groups.tolist()


def test_a_mean_over_seeds_is_row_by_row() -> None:
    groups = np.array(["a", "b"], dtype=object)
    one, two = (
        {"x": (np.array([0.0, 1.0]), groups), "y": (np.array([1.0, 1.0]), groups)},
        {"x": (np.array([1.0, 1.0]), groups)},
    )
    found = mean_over_seeds([one, two])
    assert set(found) == {"x"}
    assert found["x"][0].tolist() == [0.5, 1.0]
    with pytest.raises(DamagedArtifactError, match="other rows"):
        mean_over_seeds([one, {"x": (np.array([1.0, 1.0]), groups[::-1])}])


def test_scores_that_do_not_fit_their_rows_are_damage(tmp_path: Path) -> None:
    cell = Cell(name="a", spec=1, folder=tmp_path)
    keep_scores(cell, {"x": (np.array([0.0, 1.0]), np.array(["a", "b"], dtype=object))})
    cell.file("-rows.json").write_text('{"groups": [["a"]], "of": {"x": 0}}')
    with pytest.raises(DamagedArtifactError, match="2 scores of x for 1 rows"):
        read_scores(cell)
    cell.file("-rows.json").write_text('{"groups": [], "of": {"x": 0}}')
    with pytest.raises(DamagedArtifactError, match="run the cell anew"):
        read_scores(cell)


def test_trusted_rows_are_none_of_the_pool(root: Path) -> None:
    rows = replace(rows_of(root), pool=30, test=10)
    found, trusted = load_with_trusted(rows, 20)
    assert found.pool == load_pairs(rows).pool
    assert len(distinct_views(trusted)) == 20
    assert {pair.split for pair in trusted} == {"train"}
    assert {pair.label for pair in trusted} <= set(found.classes)
    assert not {view_of(pair) for pair in trusted} & {view_of(pair) for pair in found.pool}
    assert load_with_trusted(rows, 20)[1] == trusted
    with pytest.raises(InputError, match="outside the pool"):
        load_with_trusted(rows, 10_000)
