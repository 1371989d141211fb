"""The whole job through the command line, on a model of a few thousand weights: train, evaluate, classify."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from commands import Command, outcome_of, spawn, visible_and_hidden

from small_run import write_recipe
from threatclip.cli.main import main
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import write_pairs

PAYLOADS = ["GET /?q=<script>alert(1)</script> HTTP/1.1", "GET /p?f=../../../etc/passwd HTTP/1.1"]


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recipe(tmp_path_factory.mktemp("job"))


@pytest.fixture(scope="module")
def run(recipe: Path) -> Path:
    """A finished run."""
    out = recipe.parent / "run"
    assert main(["train", str(recipe), "-o", str(out), "--quiet"]) == 0
    return out


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def check_answer(answer: dict[str, Any]) -> None:
    """Check one line of `classify` against the contract."""
    assert set(answer) == {"id", "answers", "abstained", "evidence", "model"}
    probabilities = [entry["probability"] for entry in answer["answers"]]
    assert len(probabilities) == 12
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) == pytest.approx(1)
    assert all({"label", "name"} <= set(entry) for entry in answer["answers"])
    assert isinstance(answer["abstained"], bool)
    assert answer["evidence"]


def test_train_says_what_it_did(run: Path, recipe: Path, threatclip: Command) -> None:
    again = threatclip("train", recipe, "-o", run)
    assert again.code == 2
    assert "holds a run already; pass --resume" in again.error
    told = threatclip("train", recipe, "-o", run, "--resume", "--json")
    assert told.json["run"] == str(run)
    assert {"value", "low", "high"} <= set(told.json["metrics"]["macro_f1"])
    shown = threatclip("train", recipe, "-o", run, "--resume")
    assert f"{run}: trained on {told.json['n_train']} pairs" in shown.out
    assert f"next: threatclip evaluate {run}" in shown.out
    other = threatclip("train", recipe, "-o", run, "--resume", "--set", "seed=9")
    assert (other.code, "another recipe" in other.error) == (2, True)
    assert threatclip("verify", run).code == 0


def test_evaluate_keeps_its_contract(run: Path, threatclip: Command) -> None:
    told = threatclip("evaluate", run, "--probes", "--json", "-q")
    assert told.errors == []
    report = told.json
    assert report["run"] == str(run)
    assert report["n"] > 0
    assert {"accuracy", "macro_f1", "weighted_f1", "ece"} <= set(report["metrics"])
    for metrics in (report["metrics"], *report["probes"].values()):
        assert all(m["low"] <= m["value"] <= m["high"] for m in (metrics["accuracy"], metrics["macro_f1"]))
    assert {"no_headers", "template_swap", "marker_swap"} <= set(report["probes"])
    assert Path(report["report"]).is_file()
    shown = threatclip("evaluate", run, "--probes", "-q").out
    assert "macro_f1" in shown
    assert "marker_swap" in shown
    assert f"report: {report['report']}" in shown


def test_evaluate_on_other_pairs_without_captions(run: Path, tmp_path: Path, threatclip: Command) -> None:
    rows = [Pair(id=f"o{n}", view=f"GET /?q=<b>{n} HTTP/1.1".encode(), label="xss", group=f"g{n}") for n in range(12)]
    write_pairs(tmp_path / "other.parquet", rows, modality="payload")
    told = threatclip("evaluate", run, "--pairs", tmp_path / "other.parquet", "-o", tmp_path / "judged", "--json", "-q")
    assert told.json["n"] == 12
    assert (tmp_path / "judged" / "metrics.json").is_file()


def test_every_input_gives_the_same_answers(run: Path, tmp_path: Path, threatclip: Command) -> None:
    texts = [option for payload in PAYLOADS for option in ("--text", payload)]
    by_text = threatclip("classify", run, *texts, "--json")
    assert by_text.code == 0
    expected = lines(by_text.out)
    assert [answer["id"] for answer in expected] == ["text:1", "text:2"]
    for answer in expected:
        check_answer(answer)

    files = [tmp_path / f"p{n}.bin" for n in range(2)]
    for path, payload in zip(files, PAYLOADS, strict=True):
        path.write_bytes(payload.encode())
    events = tmp_path / "eve.json"
    coded = [base64.b64encode(payload.encode()).decode() for payload in PAYLOADS]
    events.write_text("".join(json.dumps({"flow_id": 7, "payload": text}) + "\n" for text in coded))
    table = tmp_path / "t.parquet"
    write_pairs(table, [Pair(id=f"p{n}", view=p.encode()) for n, p in enumerate(PAYLOADS)], modality="payload")
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"view": PAYLOADS[0]}) + "\n" + json.dumps({"id": "b", "view_base64": coded[1]}) + "\n")

    for options, ids in (
        (["--file", files[0], "--file", files[1]], [str(path) for path in files]),
        (["--eve", events], ["7:1", "7:2"]),
        (["--pairs", table], ["p0", "p1"]),
        (["--file", rows, "--jsonl"], ["rows:1", "b"]),
    ):
        got = lines(threatclip("classify", run, *options, "--json", "-q").out)
        assert [answer["id"] for answer in got] == ids
        for one, two in zip(got, expected, strict=True):
            assert [entry["label"] for entry in one["answers"]] == [entry["label"] for entry in two["answers"]]
            assert one["answers"][0]["probability"] == pytest.approx(two["answers"][0]["probability"], abs=1e-5)


def test_stdin_is_one_raw_payload_or_json_lines(run: Path, tmp_path: Path, spawned: Command) -> None:
    (tmp_path / "raw").write_bytes(b"GET /\x00\xff?id=1' or '1'='1 HTTP/1.1\r\n\r\n")
    (tmp_path / "rows").write_text('{"view": "GET / HTTP/1.1"}\n{"id": 5, "view": "a"}\n')
    with (tmp_path / "raw").open("rb") as stdin:
        raw = spawned("classify", run, "-", "--json", stdin=stdin)
    assert (raw.code, raw.json["id"]) == (0, "stdin")
    with (tmp_path / "rows").open("rb") as stdin:
        rows = spawned("classify", run, "--jsonl", "--json", stdin=stdin)
    assert [answer["id"] for answer in lines(rows.out)] == ["stdin:1", "5"]


def test_people_read_a_verdict_and_its_evidence(run: Path, threatclip: Command) -> None:
    shown = threatclip("classify", run, "--text", PAYLOADS[0] + "\x1b[2J").out
    verdict, then, *cases = shown.splitlines()
    assert verdict.startswith("text:1: ")
    assert "%" in verdict
    assert then.strip().startswith("then ")
    assert all(line.strip().startswith("like sample-") for line in cases)
    assert "\x1b" not in shown


def test_answers_go_to_a_file_whole_or_not_at_all(run: Path, tmp_path: Path, threatclip: Command) -> None:
    events = tmp_path / "eve.json"
    good = json.dumps({"payload_printable": PAYLOADS[0]})
    events.write_text(f'{good}\n{{"event_type": "dns"}}\n{{"payload": "***"}}\n{good}\n')
    out = tmp_path / "out" / "answers.jsonl"
    refused = threatclip("classify", run, "--eve", events, "-o", out)
    assert (refused.code, refused.out) == (2, "")
    assert f"{events}:3: payload is not base64" in refused.errors[-1]
    assert "nothing was written" in refused.errors[-1]
    assert visible_and_hidden(tmp_path / "out") == []

    done = threatclip("classify", run, "--eve", events, "-o", out, "--skip-bad", "--json", "-q")
    assert done.code == 0
    answers = lines(out.read_text())
    assert [answer["id"] for answer in answers] == ["eve:1", "eve:4"]
    reason = "the event has neither payload, payload_printable nor http.url"
    assert done.json == {
        "answers": str(out),
        "model": answers[0]["model"],
        "n": 2,
        "abstained": sum(answer["abstained"] for answer in answers),
        "bad": 1,
        "skipped": {reason: 1},
    }
    assert any(line.startswith(f"bad row {events}:3: ") for line in done.errors)
    assert f"skipped 1: {reason}" in done.errors


def test_streamed_answers_end_at_the_first_bad_row(run: Path, tmp_path: Path, threatclip: Command) -> None:
    (tmp_path / "rows.jsonl").write_text('{"view": "a"}\nnope\n{"view": "b"}\n{}\n')
    done = threatclip("classify", run, "--file", tmp_path / "rows.jsonl", "--jsonl", "--json", "-q")
    assert done.code == 2
    assert len(lines(done.out)) == 1
    assert "rows.jsonl:2: not JSON" in done.error
    assert "(and 1 more); the answers end there" in done.error


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--text", ""], "--text is empty"),
        (["--text", "a", "--eve", "x"], "--eve and --text exclude each other"),
        (["-", "--text", "a"], "--text and stdin exclude each other"),
        (["--text", "a", "--jsonl"], "--jsonl says what stdin and --file hold"),
        (["payload.bin"], "unexpected argument 'payload.bin'; name files with --file"),
        (["--file", "absent.bin"], "cannot read absent.bin: No such file or directory"),
        (["--eve", "absent.json"], "no file absent.json"),
        (["--pairs", "absent.parquet"], "no pair table absent.parquet"),
        (["--file", "/dev/null"], "/dev/null is empty"),
        (["--file", "/dev/zero"], "/dev/zero is larger than 67,108,864 bytes"),
    ],
)
def test_inputs_that_are_none_are_one_line(threatclip: Command, options: list[str], says: str) -> None:
    done = threatclip("classify", "no-such-run", *options)
    assert (done.code, done.out) == (2, "")
    assert says in done.error


def test_a_table_of_texts_is_not_for_a_payload_model(run: Path, tmp_path: Path, threatclip: Command) -> None:
    write_pairs(tmp_path / "t.parquet", [Pair(id="a", view=b"words")], modality="text")
    done = threatclip("classify", run, "--pairs", tmp_path / "t.parquet")
    assert done.code == 2
    assert "holds text pairs; the model reads payload" in done.error


def test_no_run_no_answer(tmp_path: Path, threatclip: Command) -> None:
    done = threatclip("classify", tmp_path, "--text", "a")
    assert (done.code, "no bundle in" in done.error) == (2, True)
    assert threatclip("evaluate", tmp_path / "absent").code == 2


def test_a_reader_that_goes_away_is_no_error(run: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"view": "GET /?q=1 HTTP/1.1"}\n' * 600)
    process = spawn(["classify", run, "--file", rows, "--jsonl", "--json", "-q"])
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    done = outcome_of(process)
    assert (done.code, done.errors) == (0, [])
