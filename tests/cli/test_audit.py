"""`threatclip audit`: exit codes, one JSON object, one line where something does not fit, and a stop that can go on."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from commands import Command, outcome_of, spawn

from threatclip.artifacts import write_tensors
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import write_pairs

N, DIM = 200, 8


@pytest.fixture
def case(tmp_path: Path) -> list[str | Path]:
    """Write texts with vectors, two of which contradict their captions; return the words of a command."""
    draw = np.random.default_rng(0)
    views = draw.normal(size=(N, DIM)).astype(np.float32)
    captions = views + 0.3 * draw.normal(size=(N, DIM)).astype(np.float32)
    captions[[3, 50]] = -views[[3, 50]]
    pairs = [
        Pair(id=f"row-{row}", view=f"sentence {row * 7919}".encode(), caption=f"text \x1b[31m{row}") for row in range(N)
    ]
    write_pairs(tmp_path / "t.parquet", pairs, modality="text")
    write_tensors(tmp_path / "v.safetensors", {"views": views, "captions": captions})
    options = ["--vectors", tmp_path / "v.safetensors", "--filters", "relevance,k-dist", "-o", tmp_path / "out", "-q"]
    return ["audit", tmp_path / "t.parquet", *options]


def test_suspects_are_exit_code_1(case: list[str | Path], tmp_path: Path, threatclip: Command) -> None:
    done = threatclip(*case)
    assert (done.code, done.errors) == (1, [])
    assert f"{tmp_path / 't.parquet'}: 2 suspects of 200 text pairs (1.00%)" in done.out
    assert "relevance: its caption lies at cosine distance 2.000" in done.out
    assert "honest pairs that are odd or repeat reach them too" in done.out
    for name in ("report.html", "suspects.jsonl", "suspects.csv", "scores.parquet", "cleaned.parquet", "audit.json"):
        assert (tmp_path / "out" / name).is_file()


def test_no_suspect_is_exit_code_0(case: list[str | Path], threatclip: Command) -> None:
    done = threatclip(*case, "--threshold", "relevance=2.5")
    assert done.code == 0
    assert "0 suspects of 200" in done.out


def test_thresholds_of_ones_own_are_not_explained(case: list[str | Path], threatclip: Command) -> None:
    done = threatclip(*case, "--drop-top", "0.1")
    assert done.code == 1
    assert "honest pairs" not in done.out


def test_json_is_the_contract(case: list[str | Path], threatclip: Command) -> None:
    done = threatclip(*case, "--json")
    assert done.code == 1
    told = done.json
    assert (told["n"], told["suspects"], told["method"], told["metrics"]) == (200, 2, "strongest", {})


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--threshold", "relevance"], "--threshold 'relevance' is not of the form KIND=SCORE"),
        (["--threshold", "relevance=nan"], "is not of the form KIND=SCORE"),
        (["--threshold", "magic=1"], "no filter 'magic' ran"),
        (["--set", "k=3"], "names no parameter of a filter"),
        (["--set", "k_dist.k=many"], "k_dist"),
        (["--drop-top", "2"], "drop-top is 2.0; give a share between 0 and 1"),
        (["--drop-top", "0.1", "--fpr", "0.1"], "exclude each other"),
        (["--model", "minilm"], "a model and a file of vectors exclude each other"),
        (["--truth", "/none.json"], "no file /none.json"),
    ],
)
def test_what_does_not_fit_is_one_line(
    case: list[str | Path], tmp_path: Path, threatclip: Command, options: list[str], says: str
) -> None:
    done = threatclip(*case, *options)
    assert (done.code, done.out) == (2, "")
    assert says in done.error
    assert not (tmp_path / "out" / "audit.json").exists()


def test_a_parameter_of_a_filter_is_set(case: list[str | Path], threatclip: Command) -> None:
    told = threatclip(*case, "--set", "k-dist.k=5", "--json").json
    assert told["filters"][1]["settings"]["k"] == 5


@pytest.mark.slow
def test_a_stopped_audit_says_how_it_goes_on(case: list[str | Path], tmp_path: Path, spawned: Command) -> None:
    process = spawn([word for word in case if word != "-q"])
    until = time.monotonic() + 120
    while not (tmp_path / "out" / "work").is_dir():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    done = outcome_of(process)
    if done.code == 2:  # else it was faster than the signal
        assert "goes on with the rest" in done.errors[-1]
    assert spawned(*case).code == 1
    assert sys.executable
