"""Planting: training rows alone, the fitted trigger for the judge, the same bytes for the same seed."""

from __future__ import annotations

from pathlib import Path

import pytest
from judged_cases import SHAPES, picture_model, pictures

from picture_cases import pixels_of
from threatclip.attacks.badclip import BadClip
from threatclip.attacks.badnets import BadNets
from threatclip.attacks.patch_search import PatchSearch
from threatclip.attacks.single_image import SingleImage
from threatclip.attacks.single_label import SingleLabel
from threatclip.attacks.truth import read_truth
from threatclip.errors import InputError
from threatclip.experiments.poisoning.planted import plant, write_truth_anew
from threatclip.pairs.pair import Pair
from threatclip.seeds import rng

TARGET = "red-star"
PATCH = BadNets(target=TARGET, pattern="binary", place="corner")
SEARCHED = BadClip(
    target=TARGET, size_px=60, selection="random", search=PatchSearch(n_pictures=8, epochs=1, batch_rows=4)
)


def table() -> list[Pair]:
    return [*pictures().pool, *pictures().test]


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("victim") / "bundle"
    picture_model(1).bundle.save(folder, card="a victim")
    return folder


def test_only_training_rows_are_learned_and_only_chosen_ones_poisoned(victim: Path) -> None:
    done = plant(PATCH, table(), victim, count=6, seed=4)
    assert [pair.id for pair in done.pairs] == [pair.id for pair in pictures().pool]
    assert (done.attack, done.truth.seed, len(done.truth.ids)) == (PATCH, 4, 6)
    before = {pair.id: pair for pair in pictures().pool}
    for pair in done.pairs:
        was, poisoned = before[pair.id], pair.id in done.truth.ids
        assert poisoned == (pair.caption != was.caption)
        assert poisoned == (pixels_of(pair.view).tolist() != pixels_of(was.view).tolist())
        assert pair.label == was.label


def test_the_same_seed_plants_the_same_bytes(victim: Path) -> None:
    first, again, other = (plant(PATCH, table(), victim, count=6, seed=seed) for seed in (4, 4, 5))
    assert (first.pairs, first.truth) == (again.pairs, again.truth)
    assert first.truth.ids != other.truth.ids


def test_a_trigger_is_fitted_on_the_victim_and_handed_to_the_judge(victim: Path) -> None:
    done = plant(SEARCHED, table(), victim, count=4, seed=0)
    assert isinstance(done.attack, BadClip)
    assert done.attack.patch
    assert done.truth.attack["patch"] == done.attack.patch, "what is planted is what the judge pulls"
    assert len(done.truth.ids) == 4
    views = [pair.view for pair in done.pairs if pair.id in done.truth.ids]
    clean = {pair.id: pair.view for pair in pictures().pool}
    pulled = done.attack.trigger([clean[name] for name in done.truth.ids], rng=rng(9, "any"))
    assert sorted(pulled) == sorted(views)
    again = plant(SEARCHED, table(), victim, count=4, seed=0)
    assert again.truth == done.truth


def test_the_view_to_be_found_is_a_test_view(victim: Path) -> None:
    attack = SingleImage(queries=SHAPES[0], target=TARGET)
    done = plant(attack, table(), victim, count=3, seed=0)
    assert done.truth.attack["target_id"] in {pair.id for pair in pictures().test}
    assert len(done.pairs) == len(pictures().pool), "the test view itself is not learned"


def test_more_poisons_than_rows_are_refused(victim: Path) -> None:
    with pytest.raises(InputError):
        plant(SingleLabel(queries=SHAPES[0], target=TARGET), table(), victim, count=1000, seed=0)


def test_the_truth_of_a_torn_run_is_written_anew(victim: Path, tmp_path: Path) -> None:
    path = tmp_path / "a-truth.json"
    for seed in (0, 1):
        done = plant(PATCH, table(), victim, count=2, seed=seed)
        write_truth_anew(path, done.truth)
        assert read_truth(path).seed == seed
