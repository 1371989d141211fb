"""`threatclip detect` and `threatclip scan`: verdicts, exit codes, and one line for what cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import Command, visible_and_hidden

from detecting_cases import PROMPTS, TARGET, backdoored_suspect, fresh_suspect, triggered
from pair_cases import picture_pairs
from threatclip.defenses.detectors.masking import Masking
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import write_pairs

SCAN = ["--set", "decree.pictures=64", "--set", "decree.search={steps=200, batch=8}"]
QUICK = ["--set", "decree.pictures=32", "--set", "decree.search={steps=2, batch=2}"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a bundle that holds a backdoor, trusted pairs, and views with and without the trigger."""
    folder = tmp_path_factory.mktemp("detecting")
    case = backdoored_suspect()
    DualBundle(dual=case.dual, modality="image", prompts=PROMPTS).save(folder / "model", card="a model")
    write_pairs(folder / "trusted.parquet", case.trusted, modality="image")
    pairs = picture_pairs(12, seed=21, captions=1)
    mixed = [
        Pair(id=f"v{number}", view=triggered(pair.view) if number % 3 == 0 else pair.view)
        for number, pair in enumerate(pairs)
    ]
    write_pairs(folder / "views.parquet", [*mixed, Pair(id="words", view=b"", caption="words")], modality="image")
    write_pairs(folder / "clean.parquet", case.trusted[:20], modality="image")
    text = fresh_suspect("text")
    DualBundle(dual=text.dual, modality="text", prompts=PROMPTS).save(folder / "texts", card="a model")
    write_pairs(folder / "sentences.parquet", text.trusted, modality="text")
    (folder / "pictures" / "inner").mkdir(parents=True)
    (folder / "pictures" / "inner" / "a.png").write_bytes(triggered(pairs[1].view))
    (folder / "pictures" / "notes.txt").write_text("no picture")
    return folder


def told(place: Path, views: str, *more: str) -> list[str]:
    trusted = ["--trusted", str(place / "trusted.parquet")]
    return ["detect", str(place / views), "--model", str(place / "model"), *trusted, *more]


def test_views_with_the_trigger_are_flagged(place: Path, threatclip: Command) -> None:
    done = threatclip(*told(place, "views.parquet", "--detectors", "masking,outlier", "--json", "-q"))
    assert (done.code, done.errors) == (1, [])
    report = done.json
    assert [one["id"] for one in report["views"]] == [f"v{number}" for number in range(12)]
    flagged = {one["id"] for one in report["views"] if one["flagged"]}
    assert {"v0", "v3", "v6", "v9"} <= flagged
    assert report["flagged"] == len(flagged) <= 7  # of eight clean ones, at 1%, some by chance
    assert (report["n"], report["fpr"], report["trusted"], report["modality"]) == (12, 0.01, 400, "image")
    assert set(report["detectors"]) == {"masking", "outlier"}
    assert report["detectors"]["outlier"]["parameters"]["k"] == 16
    first = report["views"][0]
    assert set(first) == {"id", "detector", "score", "threshold", "p_value", "flagged", "reason", "scores"}
    assert first["score"] > first["threshold"]


def test_lines_and_files_say_the_same(place: Path, tmp_path: Path, threatclip: Command) -> None:
    shown = threatclip(*told(place, "views.parquet", "--detectors", "masking", "-q"))
    lines = shown.out.splitlines()
    assert shown.code == 1
    assert lines[0].startswith("v0: FLAGGED, masking ")
    assert Masking.finding in lines[0]
    assert ": fine, masking " in lines[4]
    assert lines[-1].endswith(" of 12 views flagged; 1.00% of clean ones may be")
    out = tmp_path / "verdicts.jsonl"
    done = threatclip(*told(place, "views.parquet", "--detectors", "masking", "-o", str(out), "--json", "-q"))
    stored = [json.loads(line) for line in out.read_text().splitlines()]
    assert done.json["path"] == str(out)
    assert "views" not in done.json
    assert [one["flagged"] for one in stored] == ["FLAGGED" in line for line in lines[:-1]]


def test_nothing_found_is_exit_code_0(place: Path, threatclip: Command) -> None:
    done = threatclip(*told(place, "clean.parquet", "--detectors", "outlier", "--fpr", "0.006"))
    assert (done.code, done.out.count("FLAGGED")) == (0, 0)
    assert done.errors[0].startswith("trusted views: ")


def test_folders_and_single_files_are_views_too(place: Path, threatclip: Command) -> None:
    arguments = ["--detectors", "masking", "--json", "-q"]
    assert [one["id"] for one in threatclip(*told(place, "pictures", *arguments)).json["views"]] == ["inner/a.png"]
    single = threatclip(*told(place, "pictures/inner/a.png", *arguments))
    assert (single.code, single.json["flagged"]) == (1, 1)


def test_texts_are_judged(place: Path, threatclip: Command) -> None:
    trusted = place / "sentences.parquet"
    done = threatclip(
        "detect", trusted, "--model", place / "texts", "--trusted", trusted, "--fpr", "0.1", "--json", "-q"
    )
    assert done.code in (0, 1)
    assert set(done.json["detectors"]) == {"masking", "outlier"}


@pytest.mark.parametrize(
    ("views", "more", "says"),
    [
        ("views.parquet", ["--detectors", "mask"], "unknown detector 'mask'; choose from bdetclip, masking"),
        ("views.parquet", ["--detectors", "masking,masking"], "name each detector once"),
        ("views.parquet", ["--detectors", "outlier", "--set", "masking.across=3"], "detector masking is not run"),
        ("views.parquet", ["--detectors", "outlier", "--set", "outlier.n=3"], "unknown key 'n'"),
        ("views.parquet", ["--fpr", "0"], "a false-positive rate of 0.0; choose above 0"),
        ("views.parquet", ["--fpr", "0.001"], "400 trusted views cannot keep a false-positive rate of 0.001"),
        ("sentences.parquet", ["--detectors", "outlier"], "holds text pairs; the model reads images"),
        ("nowhere.parquet", ["--detectors", "outlier"], "nowhere.parquet"),
        ("nowhere", ["--detectors", "outlier"], "cannot read"),
        ("texts/assets", ["--detectors", "outlier"], "holds no image"),
        ("pictures/notes.txt", ["--detectors", "outlier"], "notes.txt': "),
    ],
)
def test_what_cannot_be_is_one_line(
    place: Path, tmp_path: Path, threatclip: Command, views: str, more: list[str], says: str
) -> None:
    done = threatclip(*told(place, views, *more, "-o", str(tmp_path / "v.jsonl"), "-q"))
    assert (done.code, done.out) == (2, "")
    assert says in done.error
    assert visible_and_hidden(tmp_path) == []


def test_a_backdoor_is_found_with_its_target(place: Path, threatclip: Command) -> None:
    arguments = ["scan", place / "model", "--trusted", place / "trusted.parquet", *SCAN, "-q"]
    done = threatclip(*arguments, "--json")
    assert (done.code, done.errors) == (1, [])
    report = done.json
    assert (report["finding"], report["suspect"], report["limit"]) == (True, TARGET, 3.0)
    assert report["scanner"]["kind"] == "decree"
    assert [one["label"] for one in report["classes"]] == list(PROMPTS)
    assert set(report["classes"][0]) == {"label", "size", "index", "reached"}
    sizes = {one["label"]: one["size"] for one in report["classes"]}
    assert min(sizes, key=sizes.__getitem__) == TARGET


def test_a_scan_is_shown_as_a_table(place: Path, threatclip: Command) -> None:
    arguments = ["scan", place / "model", "--trusted", place / "trusted.parquet", *QUICK]
    done = threatclip(*arguments, "--set", "decree.limit=99")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].split() == ["class", "size", "reached", "index"]
    assert [line.split()[0] for line in lines[1:5]] == list(PROMPTS)
    assert lines[-1].startswith("no backdoor found: score ")
    together = threatclip(*arguments, "--set", "decree.towards=one_another", "-q")
    assert together.out.startswith("size ")


def test_words_of_texts_are_searched(place: Path, threatclip: Command) -> None:
    quick = ["--set", "insertion.candidates=20", "--set", "insertion.views=16", "-q"]
    done = threatclip("scan", place / "texts", "--trusted", place / "sentences.parquet", *quick)
    assert done.code in (0, 1)
    assert done.out.splitlines()[0].split() == ["class", "reached", "index", "words"]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--scanner", "insertion"], "scanner insertion judges payload and text views; the model reads images"),
        (["--scanner", "cleanse"], "unknown scanner 'cleanse'; choose from decree, insertion"),
        (["--set", "insertion.words=3"], "scanner insertion is not run"),
        (["--set", "decree=3"], "name a parameter"),
    ],
)
def test_scans_that_cannot_be_are_refused(place: Path, threatclip: Command, more: list[str], says: str) -> None:
    done = threatclip("scan", place / "model", "--trusted", place / "trusted.parquet", *more, "-q")
    assert (done.code, done.out) == (2, "")
    assert says in done.error


def test_detectors_and_scanners_are_listed(threatclip: Command) -> None:
    found = {entry["name"]: entry for entry in threatclip("list", "detectors", "--json").json["detectors"]}
    assert set(found) == {"bdetclip", "masking", "blending", "outlier"}
    assert found["masking"]["modality"] == ["image", "payload", "text"]
    assert "decree" in threatclip("list", "scanners").out
