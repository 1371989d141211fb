"""Recipes are read strictly: every wrong key and value is refused in one line that says where."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recipe_cases import RECIPES, WHOLE, Place, as_toml, dotted, places, with_value

from threatclip.encoders.byte import ByteTower
from threatclip.errors import InputError, RecipeError
from threatclip.experiments.config import as_plain, load_recipe, parse, read_recipe, tags_of
from threatclip.experiments.recipe import PayloadWeakness
from threatclip.experiments.recipes import Recipe
from threatclip.experiments.study import Study
from threatclip.pairs.sources.cve import Cve
from threatclip.pairs.sources.jsonl import Jsonl

steady = settings(deadline=None, max_examples=60)

FREE_TABLES = ("data.anchors", "data.pairs.source.columns")  # any key may stand in them
WHOLE_PLACES = list(places(WHOLE))[1:]
TABLES = [place for place, value in places(WHOLE) if isinstance(value, dict) and dotted(place) not in FREE_TABLES]


def parsed(values: Any) -> PayloadWeakness:
    recipe: PayloadWeakness = parse(Recipe, values, where="r.toml")
    return recipe


def refusal(values: Any) -> str:
    with pytest.raises(RecipeError) as caught:
        parsed(values)
    message = str(caught.value)
    assert message.startswith("r.toml: ")
    assert "\n" not in message
    return message.removeprefix("r.toml: ")


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "r.toml"
    path.write_text(as_toml(WHOLE))
    return path


def test_a_whole_recipe_becomes_dataclasses() -> None:
    found = parsed(WHOLE)
    assert found.data.pairs.source == Jsonl(columns={"id": "a.b", "view": "v"})
    assert found.data.descriptions is not None
    assert found.data.descriptions.source == Cve()
    assert found.payload_tower == ByteTower(dim=32, kernels=(3, 4), widths=(8, 12))
    assert found.data.anchors == {"own": ("a text", "another text")}
    assert found.answer.members == ("anchors", "ngrams")
    assert isinstance(found.stage2.infonce, float)  # an integer serves as a float
    assert found.stage2.chunk_rows == 8


@pytest.mark.parametrize("place", TABLES, ids=dotted)
def test_an_unknown_key_is_refused_in_every_table(place: Place) -> None:
    message = refusal(with_value(WHOLE, (*place, "surplus"), 1))
    assert re.match(rf"unknown key '{re.escape(dotted((*place, 'surplus')))}'; allowed here: \w+", message)
    table: Any = parsed(WHOLE)
    for key in place:
        table = table[key] if isinstance(key, int) else getattr(table, key)
    assert message.split(": ")[-1].split(", ") == [field.name for field in fields(table)]


@pytest.mark.parametrize(("place", "value"), WHOLE_PLACES, ids=[dotted(place) for place, _ in WHOLE_PLACES])
def test_a_value_of_another_type_is_refused_everywhere(place: Place, value: Any) -> None:
    others: list[Any] = [True, 7, 2.5, "text", [[1]], {"x": 1}]
    numbers = (int, float) if isinstance(value, int | float) and not isinstance(value, bool) else (type(value),)
    for other in others:
        if type(other) in numbers:
            continue
        if dotted(place) in FREE_TABLES and isinstance(other, dict):
            continue
        message = refusal(with_value(WHOLE, place, other))
        spot = dotted(place).removesuffix(".kind")
        assert message.startswith((f"{spot}: ", f"{spot}.", f"{spot}[", f"{spot} ", f"unknown key '{spot}.")), message


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("seed",), True, "seed: Input should be a valid integer, got True"),
        (("seed",), 1.0, "seed: Input should be a valid integer, got 1.0"),
        (("seed",), "1", "seed: Input should be a valid integer, got '1'"),
        (("stage1",), 3, "stage1: must be a table, got 3"),
        (("stage1",), None, "stage1: must be a table, got None"),
        (("data", "pairs", "source"), "nuclei", "data.pairs.source: must be a table, got 'nuclei'"),
        (("data", "classes"), "xss", "data.classes: must be a list, got 'xss'"),
        (("data", "classes", 1), 2, "data.classes[1]: Input should be a valid string, got 2"),
        (("data", "extra"), {"name": "a"}, "data.extra: must be a list, got {'name': 'a'}"),
        (("data", "extra", 1, "file", "skip_bad"), 0, "data.extra[1].file.skip_bad: Input should be a valid boolean"),
        (("data", "anchors", "own", 0), 1, "data.anchors.own[0]: Input should be a valid string"),
        (("answer", "members", 0), "oracle", "answer.members[0]: Input should be 'anchors', 'linear'"),
        (("stage1", "loss"), "magic", "stage1.loss: Input should be 'triplet', 'supcon', 'infonce' or 'none'"),
        (("task",), "other", "task 'other' is not one of payload-weakness, "),
        (
            ("data", "split", "kind"),
            "tempral",
            "data.split: kind 'tempral' is not one of random, group, temporal, fixed, own",
        ),
        (("data", "split", "kind"), ["fixed"], "data.split: kind ['fixed'] is not one of random"),
        (
            ("data", "extra", 1, "file", "source", "kind"),
            None,
            "data.extra[1].file.source: kind None is not one of csv,",
        ),
        (("payload_tower", "max_bytes"), 5, "payload_tower: max_bytes = 5 of a byte tower; choose 16 to 16384"),
        (("answer", "precision"), 0, "answer: precision is 0.0; it must be in (0, 1]"),
        (("data", "extra", 0, "n"), 0, "data.extra[0]: n is 0; it must be at least 1"),
    ],
)
def test_what_a_refusal_says(place: Place, value: Any, message: str) -> None:
    assert refusal(with_value(WHOLE, place, value)).startswith(message)


def test_a_union_is_told_by_its_kind_alone() -> None:
    split = {"kind": "group", "by": "meta.vendor"}
    assert parsed(with_value(WHOLE, ("data", "split"), split)).data.split.kind == "group"
    # keys of another member are unknown, and a missing kind is never guessed from the keys
    assert "allowed here: kind, by, train" in refusal(with_value(WHOLE, ("data", "split"), {**split, "name": "x"}))
    assert refusal(with_value(WHOLE, ("data", "split"), {"by": "group"})) == (
        "data.split: needs a kind, one of random, group, temporal, fixed, own"
    )
    assert tags_of(ByteTower, "kind") == ("byte",)
    assert tags_of(ByteTower, "dim") == ()
    assert tags_of(PayloadWeakness, "kind") == ()


def test_a_missing_key_is_named() -> None:
    assert refusal({k: v for k, v in WHOLE.items() if k != "data"}) == "'data' is missing; give it a value"
    assert refusal({k: v for k, v in WHOLE.items() if k != "task"}).startswith(
        "needs a task, one of payload-weakness, "
    )
    without_columns = with_value(WHOLE, ("data", "pairs", "source"), {"kind": "jsonl"})
    assert refusal(without_columns) == "'data.pairs.source.columns' is missing; give it a value"


@pytest.mark.parametrize("values", [None, [], "text", 3, {}])
def test_a_recipe_that_is_no_table(values: Any) -> None:
    refusal(values)


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("kind", "path", "name", "by", "columns", "n", "x")), inner, max_size=3)
    ),
    max_leaves=6,
)


@steady
@given(place=st.sampled_from([place for place, _ in WHOLE_PLACES]), value=plain_values)
def test_any_value_anywhere_is_a_recipe_or_a_refusal(place: Place, value: Any) -> None:
    with contextlib.suppress(RecipeError):
        assert isinstance(parsed(with_value(WHOLE, place, value)), PayloadWeakness)


def test_a_recipe_survives_json_and_toml(recipe: Path) -> None:
    for found in (parsed(WHOLE), load_recipe(RECIPES / "payload-weakness.toml")):
        plain = as_plain(found)
        assert parse(Recipe, json.loads(json.dumps(plain)), where="json") == found
        recipe.write_text(as_toml(plain))
        assert load_recipe(recipe) == found
        assert as_plain(load_recipe(recipe)) == plain


def test_plain_values_are_what_json_holds() -> None:
    assert as_plain({1: (Path("a"), ByteTower(widths=(9,)))})["1"][0] == "a"
    assert as_plain(ByteTower(widths=(9,)))["widths"] == [9]
    assert as_plain(ByteTower) is ByteTower


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_published_recipe_is_right(path: Path) -> None:
    task = read_recipe(path)["task"]
    if task in [tag for option in get_args(Recipe) for tag in tags_of(option, "task")]:
        assert load_recipe(path).task == task
        return
    if task != "study":
        pytest.skip(f"studies of task {task} are read by tests of their own")
    study: Study = parse(Study, read_recipe(path), where=path.name)
    assert study.reference in [variation.name for variation in study.variations]
    for variation in study.variations:
        load_recipe(path.parent / study.base, variation.set)


@pytest.mark.parametrize(
    ("override", "place", "value"),
    [
        ("seed=7", ("seed",), 7),
        (" seed = 7 ", ("seed",), 7),
        ("stage2.infonce=1e-1", ("stage2", "infonce"), 0.1),
        ("stage1.loss=supcon", ("stage1", "loss"), "supcon"),
        ('stage1.loss="supcon"', ("stage1", "loss"), "supcon"),
        ("data.pairs.path=a=b", ("data", "pairs", "path"), "a=b"),
        ("data.pairs.path=../x y.gz", ("data", "pairs", "path"), "../x y.gz"),
        ("data.classes=['xss', 'ssrf', 'xxe', 'own']", ("data", "classes"), ["xss", "ssrf", "xxe", "own"]),
        ("data.extra.1.weight=0.5", ("data", "extra", 1, "weight"), 0.5),
        ("data.extra.0={name='new'}", ("data", "extra", 0), {"name": "new"}),
        ("data.extra=[]", ("data", "extra"), []),
        ("answer.members.1=linear", ("answer", "members", 1), "linear"),
        ("data.anchors.own=['x']", ("data", "anchors", "own"), ["x"]),
        ("data.split={kind='random', train=0.5}", ("data", "split"), {"kind": "random", "train": 0.5}),
        ("views.decoded=0", ("views", "decoded"), 0),
        ("answer.refit=false", ("answer", "refit"), False),
    ],
)
def test_an_override_is_the_same_as_another_line_in_the_file(
    recipe: Path, override: str, place: Place, value: Any
) -> None:
    assert read_recipe(recipe, [override]) == with_value(WHOLE, place, value)
    assert load_recipe(recipe, [override]) == parsed(with_value(WHOLE, place, value))


def test_overrides_make_tables_and_follow_one_another(recipe: Path) -> None:
    recipe.write_text('task = "payload-weakness"\n')
    overrides = ["data.root=.", "data.pairs.path=a", "data.pairs.path=b", "data.split={kind='random'}"]
    assert load_recipe(recipe, overrides).data.pairs.path == "b"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "is not of the form a.b=value"),
        ("=1", "is not of the form a.b=value"),
        ("seed=", "is not of the form a.b=value"),
        ("stage1..loss=1", "is not of the form a.b=value"),
        (".seed=1", "is not of the form a.b=value"),
        ("seed.deep=1", "'seed' is a value, not a table"),
        ("seed.deep.er=1", "--set: 'seed.deep' does not lead into a table"),
        ("data.extra.2.n=1", "data.extra.2' must be an index below 2"),
        ("data.extra.-1.n=1", "data.extra.-1' must be an index below 2"),
        ("data.extra.x=1", "data.extra.x' must be an index below 2"),
        ("data.extra.².n=1", "must be an index below 2"),
        ("data.classes=[1", "the value is not TOML"),
        ("data.root='a", "the value is not TOML"),
        ("data.classes=" + "[" * 5000, "the value is not TOML"),
        ("seed=1\nstage1=2", "sets more than one key"),
        ("seed=1\n[stage1]", "sets more than one key"),
        ("stage9.x=1", "unknown key 'stage9'"),
        ("seed=maybe", "seed: Input should be a valid integer, got 'maybe'"),
        ("stage2.steps=-5", "stage2: steps is -5; it must be at least 1"),
        ("stage2.learning_rate=nan", "stage2: learning_rate is nan; it must be above 0"),
    ],
)
def test_a_bad_override_is_refused(recipe: Path, override: str, message: str) -> None:
    with pytest.raises(RecipeError, match=re.escape(message)):
        load_recipe(recipe, [override])


@steady
@given(override=st.one_of(st.text(max_size=20), st.from_regex(r"(data|seed|x|0|\.){1,4}=[\[\]{}0-9a-z'\n=. ]{0,6}")))
def test_any_override_sets_something_or_is_refused(tmp_path_factory: pytest.TempPathFactory, override: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    if not path.exists():
        path.write_text(as_toml(WHOLE))
    with contextlib.suppress(RecipeError):
        assert isinstance(read_recipe(path, [override]), dict)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"seed = ", "is not TOML"),
        (b"a = " + b"[" * 5000, "is not TOML"),
        (b"seed = " + b"9" * 5000, "is not TOML"),
        (b"seed = 1\nseed = 2", "is not TOML"),
        (b"\xff\xfea", "is not UTF-8 text at byte 0; save it as UTF-8"),
        (b"\x80\x04K\x01.", "is not UTF-8 text at byte 0"),
        (b"", "needs a task, one of"),
    ],
)
def test_a_file_that_is_no_recipe(recipe: Path, content: bytes, message: str) -> None:
    recipe.write_bytes(content)
    with pytest.raises(RecipeError, match=message) as caught:
        load_recipe(recipe)
    assert str(recipe) in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(InputError, match=f"cannot read recipe {re.escape(str(path))}"):
            load_recipe(path)
