"""Five protocols over a made-up world: what leaks where, and that copies and reports stay where they belong."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from seed_world import seed_recipe, write_seed_world
from threatclip.errors import RecipeError
from threatclip.experiments.attribution.rows import AttackRows, read_rows
from threatclip.experiments.config import load_recipe, parse
from threatclip.experiments.group_seed.protocols import Protocol, build_protocol, leaks_of
from threatclip.experiments.group_seed.recipe import GroupSeed, ProtocolName
from threatclip.pairs.wordnet import read_wordnet

RECIPES = Path(__file__).resolve().parents[3] / "recipes"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_seed_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def rows(world: Path) -> AttackRows:
    return read_rows(world / "world.json")


def protocol(name: ProtocolName, world: Path, rows: AttackRows, **changes: object) -> Protocol:
    recipe: GroupSeed = parse(GroupSeed, seed_recipe(world, **changes), where="test")
    return build_protocol(name, rows, recipe, thesaurus=read_wordnet(world / "wordnet").synonyms, splits=None)


def test_the_seeds_protocol_balances_first_and_cuts_copies_apart(world: Path, rows: AttackRows) -> None:
    found = protocol("augmented", world, rows)
    everything = Counter(row.group for row in (*found.train, *found.test))
    assert set(everything.values()) == {20}
    assert len(found.test) == 6 * 4
    assert not {row.id for row in found.train} & {row.id for row in found.test}
    assert len({row.text for row in found.test} & {row.text for row in found.train}) == 0
    leaks = leaks_of(found, rows)
    assert leaks.copied > 0.2
    assert leaks.named == 0


@pytest.mark.parametrize("name", ["masked", "reports", "campaigns"])
def test_the_other_protocols_test_no_copy(world: Path, rows: AttackRows, name: ProtocolName) -> None:
    found = protocol(name, world, rows, augmentation={"honest_too": True})
    assert leaks_of(found, rows).copied == 0
    assert all("#" not in row.id for row in found.test)
    assert any("#" in row.id for row in found.train)
    assert not {row.origin for row in found.train} & {row.origin for row in found.test}


def test_what_gives_answers_away_is_told(world: Path, rows: AttackRows) -> None:
    raw, masked, reports, campaigns = (
        leaks_of(protocol(name, world, rows), rows) for name in ("raw", "masked", "reports", "campaigns")
    )
    assert raw.named == 1
    assert masked.named == reports.named == campaigns.named == 0
    assert raw.reported == masked.reported == 1
    assert reports.reported == campaigns.reported == 0


def test_incidents_are_drawn_together(world: Path, rows: AttackRows) -> None:
    assert {row.together for row in protocol("reports", world, rows).test} <= set(rows.catalogue.groups)
    assert {row.together for row in protocol("campaigns", world, rows).test} == set(rows.catalogue.campaigns)
    copies = protocol("augmented", world, rows).test
    assert all(row.together == row.origin for row in copies)


@pytest.mark.parametrize("name", ["attack-group-seed", "attack-group-seed-mpnet"])
def test_recipes_of_the_project_are_read(name: str) -> None:
    recipe = load_recipe(RECIPES / f"{name}.toml")
    assert isinstance(recipe, GroupSeed)
    assert recipe.base.n_trainable_layers == 10
    assert recipe.head.hidden == 512


def test_the_recipe_of_full_size_has_the_numbers_of_the_card() -> None:
    recipe = load_recipe(RECIPES / "attack-group-seed-mpnet.toml")
    assert isinstance(recipe, GroupSeed)
    head = recipe.head
    assert (head.learning_rate, head.batch_rows, head.epochs, recipe.base.max_tokens) == (5e-6, 16, 20, 128)
    assert recipe.base.revision is not None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"protocols": ["masked"]}, "a list with 'augmented' in it"),
        ({"least_rows": 3}, "test_folds or more"),
        ({"head": {"dropout": 1.0}}, "dropout"),
        ({"language": {"techniques": False}}, "leave the table language out"),
    ],
)
def test_recipes_that_cannot_work_are_refused(world: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        parse(GroupSeed, seed_recipe(world, **changes), where="test")
