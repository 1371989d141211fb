"""Votes against a slow oracle, families that add up, techniques and captions of a catalogue, the tuned space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from experiment_cases import one_thread
from hypothesis import given, settings
from hypothesis import strategies as st
from technique_cases import UNSEEN, WORDS, load

from stix_cases import real_catalogue
from threatclip.classification.heads import unit
from threatclip.errors import InputError
from threatclip.experiments.contrastive.places import make_tower
from threatclip.experiments.recipe import File
from threatclip.experiments.technique.members import VoteHead
from threatclip.experiments.technique.model import family_probabilities
from threatclip.experiments.technique.recipe import Sentences
from threatclip.experiments.technique.rows import (
    Described,
    Techniques,
    described,
    labeled,
    read_attack,
    read_sentences,
)
from threatclip.experiments.technique.space import tune, vectors
from threatclip.pairs.sources.tram import Tram


@pytest.mark.parametrize("n_classes", [3, 7])
@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_votes_oracle(n_classes: int, temperature: float) -> None:
    draw = np.random.default_rng(0)
    known, asked = unit(draw.standard_normal((20, 4))), unit(draw.standard_normal((5, 4)))
    labels = draw.integers(0, n_classes - 1, 20)  # nobody votes for the last class
    got = VoteHead(vectors=known, labels=labels, n_classes=n_classes, temperature=temperature).scores(asked)
    for i, one in enumerate(asked.tolist()):
        for k in range(n_classes):
            votes = sum(
                np.exp((sum(a * b for a, b in zip(one, other, strict=True)) - 1) / temperature)
                for other, label in zip(known.tolist(), labels.tolist(), strict=True)
                if label == k
            )
            assert got[i, k] == pytest.approx(np.log(max(votes, 1e-9)), abs=1e-6)


def test_votes_that_cannot_be_counted_are_refused() -> None:
    with pytest.raises(InputError):
        VoteHead(vectors=np.ones((2, 3)), labels=np.array([0, 5]), n_classes=3, temperature=0.1)
    with pytest.raises(InputError):
        VoteHead(vectors=np.ones((2, 3)), labels=np.array([0]), n_classes=3, temperature=0.1)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.integers(0, 2**16))
def test_families_share_what_their_techniques_have(owners: list[int], seed: int) -> None:
    techniques = Techniques(
        all=tuple(
            Described(id=f"T{k}", name="n", family=f"F{owner}", captions=(), sentences=())
            for k, owner in enumerate(owners)
        )
    )
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(len(owners)), size=4)
    found = family_probabilities(probabilities, techniques)
    assert np.allclose(found.sum(axis=1), 1.0)
    for number, family in enumerate(techniques.families):
        own = [k for k, one in enumerate(techniques.all) if one.family == family]
        assert np.allclose(found[:, number], probabilities[:, own].sum(axis=1))


def test_a_technique_is_described_by_name_and_sentences(technique_recipe: Path) -> None:
    techniques = read_attack(load(technique_recipe).data, technique_recipe.parent).techniques
    assert set(techniques.ids) == {*WORDS, UNSEEN}
    fish = techniques.all[techniques.index["T9001.001"]]
    assert (fish.name, fish.family) == ("Shells: Fish Shell", "T9001")
    assert fish.captions[0] == "Shells: Fish Shell. Adversaries may use a fish."
    assert fish.sentences == ("Adversaries may use a fish.", "A salmon or trout will do too.")
    assert techniques.only(["T9003", "T9001"]).ids == ("T9001", "T9003")


def test_tuning_brings_sentences_to_their_descriptions(technique_recipe: Path) -> None:
    recipe = load(technique_recipe, "space.fit.epochs=6")
    attack = read_attack(recipe.data, technique_recipe.parent)
    rows = labeled(attack.procedures, attack.techniques)
    captions = [one.captions[0].encode() for one in attack.techniques.all]
    with one_thread():
        tower = make_tower(
            recipe.space.tower, technique_recipe.parent, seed=0, texts=[view.decode() for view in rows.views]
        )
        before = _found(vectors(tower, rows.views), vectors(tower, captions), rows.labels)
        tune(tower, rows, attack.techniques, recipe.space, seed=0)
        after = _found(vectors(tower, rows.views), vectors(tower, captions), rows.labels)
    assert after > before + 0.2


def _found(z: np.ndarray, captions: np.ndarray, labels: np.ndarray) -> float:
    return float(((z @ captions.T).argmax(axis=1) == labels).mean())


@pytest.mark.data
def test_the_real_catalogue_and_labels_fit_each_other(data_dir: Path) -> None:
    catalogue = real_catalogue(data_dir)
    techniques = described(catalogue, n_sentences=8)
    assert len(techniques.all) > 600
    assert all(one.captions and one.family in techniques.index for one in techniques.all)
    file = File(path="tram/single_label.json.gz", source=Tram())
    rows = labeled(read_sentences(Sentences(name="tram", file=file), data_dir, catalogue), techniques)
    assert len(rows) > 5_000
    assert len(set(rows.labels.tolist())) >= 49
