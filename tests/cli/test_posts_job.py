"""Posts through the command line: an event model trained, judged, and asked about JSON, folders and Parquet."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from commands import Command

from threatclip.cli.main import main
from threatclip.pairs.image_samples import sample_posts
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import write_pairs

CLASSES = ("floodwater", "buildingfire")
RECIPE = f"""
task = "events"
[data]
root = "."
posts = {{ path = "posts.parquet" }}
classes = {list(CLASSES)}
folds = 2
inner_folds = 2
[picture]
tower = {{ kind = "resnet", side = 16, width = 8, stages = 2, blocks = 1, dim = 16 }}
[words]
tower = {{ kind = "bpe", dim = 16, width = 16, layers = 1, heads = 2, vocabulary = 300, max_tokens = 16 }}
[answer]
costs = [1.0]
"""


@pytest.fixture(scope="module")
def posts() -> list[Pair]:
    return list(sample_posts(40, seed=1, side=16, classes=CLASSES))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, posts: list[Pair]) -> Path:
    """A finished run."""
    folder = tmp_path_factory.mktemp("posts-job")
    write_pairs(folder / "posts.parquet", posts, modality="image")
    (folder / "events.toml").write_text(RECIPE.replace('root = "."', f'root = "{folder}"'))
    assert main(["train", str(folder / "events.toml"), "-o", str(folder / "run"), "--quiet"]) == 0
    return folder / "run"


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("THREATCLIP_CACHE", str(tmp_path / "cache"))


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_evaluate_tells_of_halves_and_probes(run: Path, threatclip: Command, tmp_path: Path) -> None:
    told = threatclip("evaluate", run, "--probes", "--json", "-q", "-o", tmp_path / "e")
    assert (told.code, told.errors) == (0, [])
    assert {"no_words", "no_picture", "drawn_safe"} <= set(told.json["probes"])
    assert "pr_auc_macro" in threatclip("evaluate", run, "-q", "-o", tmp_path / "e").out


def test_a_post_a_folder_and_a_table_get_answers(
    run: Path, posts: list[Pair], threatclip: Command, tmp_path: Path
) -> None:
    whole = next(pair for pair in posts if pair.view and pair.caption)
    post = {"id": "one", "text": whole.caption, "picture": base64.b64encode(whole.view).decode()}
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "one.json").write_text(json.dumps(post))
    (folder / "two.json").write_text(json.dumps({"text": whole.caption}))
    write_pairs(tmp_path / "t.parquet", posts[:5], modality="image")
    for option, ids in (
        (["--post", folder / "one.json"], ["one"]),
        (["--post", folder], ["one", "two"]),
        (["--post", tmp_path / "t.parquet"], [pair.id for pair in posts[:5]]),
        (["--pairs", tmp_path / "t.parquet"], [pair.id for pair in posts[:5]]),
    ):
        done = threatclip("classify", run, *option, "--json", "-q")
        assert done.code == 0, done.error
        answers = lines(done.out)
        assert [answer["id"] for answer in answers] == ids
        for answer in answers:
            assert set(answer) == {"id", "answers", "abstained", "carried_by", "evidence", "model"}
    shown = threatclip("classify", run, "--post", folder, "-q").out
    assert "carried by words (picture 0%, words 100%)" in shown
    assert "    like " in shown


def test_a_broken_post_stops_the_command_or_is_left_out(run: Path, threatclip: Command, tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text('{"text": "flood water in the street"}')
    (tmp_path / "wild.json").write_text('{"text": "a", "picture": "../../etc/passwd.png"}')
    done = threatclip("classify", run, "--post", tmp_path, "-q")
    assert done.code == 2
    assert "lies outside" in done.error
    kept = threatclip("classify", run, "--post", tmp_path, "--skip-bad", "--json", "-q")
    assert [answer["id"] for answer in lines(kept.out)] == ["good"]


def test_inputs_of_other_models_are_refused(run: Path, threatclip: Command, tmp_path: Path) -> None:
    assert "give --post FILE" in threatclip("classify", run, "--text", "GET /").error
    (tmp_path / "a.json").write_text('{"text": "a"}')
    both = threatclip("classify", run, "--post", tmp_path / "a.json", "--text", "a")
    assert "exclude each other" in both.error
    catalogue = threatclip("classify", run, "--post", tmp_path / "a.json", "--catalogue", tmp_path / "c.toml")
    assert (catalogue.code, "leave --catalogue out" in catalogue.error) == (2, True)
    absent = threatclip("classify", run, "--post", tmp_path / "absent.json")
    assert absent.code == 2
    write_pairs(tmp_path / "p.parquet", [Pair(id="a", view=b"GET /")], modality="payload")
    assert "holds payload pairs" in threatclip("classify", run, "--pairs", tmp_path / "p.parquet").error
