"""`threatclip verify`: whole things pass; one byte, one file, one pickle, and they do not."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from commands import Command

from threatclip.artifacts import atomic_folder, write_bytes, write_json, write_tensors
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import PairTable, write_pairs


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder as a run leaves it: a table, and a bundle with weights."""
    run = tmp_path / "run"
    write_json(run / "recipe.json", {})
    pairs = [Pair(id=str(n), view=f"GET /{n}?q={n * 977}".encode() * 3) for n in range(300)]
    write_pairs(run / "pairs.parquet", pairs, modality="payload")
    with atomic_folder(run / "bundle", manifest={"kind": "payload-weakness"}) as part:
        write_tensors(part / "weights.safetensors", {"w": np.arange(64, dtype=np.float32)})
        write_json(part / "config.json", {"dim": 64})
    return run


def test_whole_things_are_whole(run: Path, threatclip: Command) -> None:
    done = threatclip("verify", run, "--json")
    assert done.code == 0
    assert [(part["kind"], part.get("n_rows"), part.get("n_files")) for part in done.json["parts"]] == [
        ("payload-weakness", None, 2),
        ("pair table", 300, None),
    ]
    assert threatclip("verify", run / "bundle").out == f"{run / 'bundle'}: payload-weakness is whole (2 files)\n"
    assert "300 rows" in threatclip("verify", run / "pairs.parquet").out


@pytest.mark.parametrize("name", ["weights.safetensors", "config.json"])
def test_one_changed_byte_of_a_bundle_is_seen(run: Path, threatclip: Command, name: str) -> None:
    path = run / "bundle" / name
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    done = threatclip("verify", run)
    assert (done.code, done.out) == (3, "")
    assert name in done.error
    assert "was changed after it was written" in done.error


def test_a_table_changed_anywhere_is_seen(run: Path, threatclip: Command) -> None:
    path = run / "pairs.parquet"
    pairs, whole, spared = list(PairTable.open(path).iter_pairs()), path.read_bytes(), 0
    for place in np.linspace(4, len(whole) - 1, 40, dtype=int).tolist():
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x20]) + whole[place + 1 :])
        done = threatclip("verify", path)
        if done.code == 0:  # a byte that says nothing about the pairs, such as a statistic or the writer's name
            assert list(PairTable.open(path).iter_pairs()) == pairs, place
            spared += 1
        else:
            assert done.code in (2, 3)
            assert done.error
    assert spared < 5


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda run: (run / "bundle" / "config.json").unlink(), "is missing"),
        (lambda run: (run / "bundle" / "extra.py").write_text("x"), "is not in the manifest"),
        (lambda run: (run / "bundle" / "manifest.json").unlink(), "is in no manifest"),
        (lambda run: (run / "bundle" / "manifest.json").write_text("{"), "is not JSON"),
        (lambda run: (run / "more.safetensors").write_bytes(b"x"), "is not safetensors"),
        (lambda run: write_tensors(run / "weights.safetensors", {"w": np.zeros(1)}), "is in no manifest"),
        (lambda run: (run / "pairs.parquet").write_bytes((run / "pairs.parquet").read_bytes()[:-9]), "truncated"),
    ],
)
def test_what_is_missing_or_too_much_is_seen(run: Path, threatclip: Command, change: object, says: str) -> None:
    change(run)  # type: ignore[operator]
    done = threatclip("verify", run)
    assert done.code == 3
    assert says in done.error


def test_a_pickle_dressed_as_weights_is_never_read(tmp_path: Path, threatclip: Command) -> None:
    canary = tmp_path / "canary"

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str, ...]]:
            return write_bytes.__globals__["Path"].touch, (canary,)

    with atomic_folder(tmp_path / "bundle", manifest={"kind": "payload-weakness"}) as part:
        (part / "weights.safetensors").write_bytes(pickle.dumps(Bomb()))
    done = threatclip("verify", tmp_path / "bundle")
    assert done.code == 3
    assert "is not safetensors (a pickle is never read)" in done.error
    assert not canary.exists()


def test_answers_of_a_run_are_read(run: Path, threatclip: Command) -> None:
    (run / "protocols").mkdir()
    for place in ("judged.safetensors", "protocols/raw.safetensors"):
        write_tensors(run / place, {"probabilities": np.ones((2, 3), dtype=np.float32)})
    done = threatclip("verify", run)
    assert done.code == 0
    assert f"{run / 'judged.safetensors'}: answers can be read (1 arrays; no hash of them is kept)\n" in done.out
    (run / "recipe.json").unlink()
    assert "is in no manifest" in threatclip("verify", run).error


def test_leftovers_of_a_kill_are_no_part_of_a_run(run: Path, threatclip: Command) -> None:
    (run / ".bundle.x.part").mkdir()
    (run / ".bundle.x.part" / "weights.safetensors").write_bytes(b"half")
    assert threatclip("verify", run).code == 0


def test_nothing_to_verify(tmp_path: Path, threatclip: Command) -> None:
    assert "holds neither a bundle nor a pair table" in threatclip("verify", tmp_path).error
    assert threatclip("verify", tmp_path / "absent").code == 2
    (tmp_path / "note.txt").write_text("hello")
    assert "is not a pair table" in threatclip("verify", tmp_path / "note.txt").error
