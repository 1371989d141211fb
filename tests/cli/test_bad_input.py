"""Garbage in, one line out: the right exit code, and nothing half-written."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import Command, visible_and_hidden

from threatclip.artifacts import atomic_folder, write_json, write_tensors

MAP = ["--map", "id=id", "--map", "view=view", "--map", "label=label", "--class", "xss", "--class", "ssrf"]
GOOD = [{"id": f"r{n}", "view": f"GET /?q={n} HTTP/1.1", "label": "xss"} for n in range(40)]
LINES = b"".join(json.dumps(row).encode() + b"\n" for row in GOOD)


def changed(**values: object) -> bytes:
    """Return the good lines with row 30 (line 31) changed."""
    rows = [*GOOD[:30], {**GOOD[30], **values}, *GOOD[31:]]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


BAD = {
    "empty file": (b"", "rows.jsonl is empty"),
    "blank lines only": (b"\n\n  \n", "rows.jsonl holds no pair"),
    "utf-16": ("".join(map(json.dumps, GOOD)).encode("utf-16"), "rows.jsonl is UTF-16; convert it to UTF-8"),
    "latin-1": (LINES + b'{"id": "x", "view": "caf\xe9", "label": "xss"}\n', "rows.jsonl:41: not JSON"),
    "truncated gzip": (gzip.compress(LINES, mtime=0)[:-40], "the gzip stream is truncated or damaged"),
    "empty gzip": (gzip.compress(b"", mtime=0), "rows.jsonl holds no pair"),
    "not gzip after all": (b"\x1f\x8b" + LINES, "the gzip stream is truncated or damaged"),
    "NUL bytes": (LINES + b"\x00" * 4096 + b"\n", "rows.jsonl:41: not JSON"),
    "duplicate ids": (changed(id="r7"), "rows.jsonl:31: the id 'r7' occurs twice"),
    "unknown class": (changed(label="x\x1b[31ms"), r"rows.jsonl:31: unknown class 'x\x1b[31ms'; known are xss, ssrf"),
    "empty view": (changed(view=""), "rows.jsonl:31: the view is empty"),
    "view of another type": (changed(view={"a": 1}), "rows.jsonl:31: the view is a dict, not text"),
    "deep JSON": (b"[" * 100_000 + b"\n", "rows.jsonl:1: not JSON: depth limit"),
    "a pickle": (pickle.dumps(GOOD), "rows.jsonl:1: the last line is cut off or not JSON"),
    "no newline at the end, cut off": (LINES[:-20], "rows.jsonl:40: the last line is cut off or not JSON"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_line_and_leaves_nothing(tmp_path: Path, threatclip: Command, name: str) -> None:
    content, says = BAD[name]
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    done = threatclip("pairs", "build", "--source", "jsonl", path, *MAP, "-o", tmp_path / "out" / "t.parquet")
    assert (done.code, done.out) == (2, "")
    assert says in done.error
    assert visible_and_hidden(tmp_path / "out") == []


def test_nul_bytes_inside_a_payload_are_payload(tmp_path: Path, threatclip: Command) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(changed(view="GET /\x00\x1b[2J HTTP/1.1", id="\x1b]0;owned\x07", label="ssrf"))
    out = tmp_path / "t.parquet"
    assert threatclip("pairs", "build", "--source", "jsonl", path, *MAP, "-o", out).code == 0
    shown = threatclip("pairs", "inspect", out)
    assert shown.code == 0
    assert re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown.out) is None


@pytest.mark.parametrize("source", ["nuclei", "cve", "eve", "crs"])
def test_every_source_turns_garbage_into_a_line(tmp_path: Path, threatclip: Command, source: str) -> None:
    path = tmp_path / "garbage"
    path.write_bytes(np.random.default_rng(0).bytes(20_000))
    done = threatclip("pairs", "build", "--source", source, path, "-o", tmp_path / "t.parquet")
    assert done.code == 2
    assert re.fullmatch(r"threatclip: \d+ bad rows, the first 20 of them above; nothing was .*", done.errors[-1])
    assert len(done.errors) == 21
    assert visible_and_hidden(tmp_path) == ["garbage"]


def test_hostile_names_are_shown_escaped(tmp_path: Path, spawned: Command) -> None:
    folder = tmp_path / "a\x1b[31m\nthreatclip: all is fine\u202e"
    folder.mkdir()
    (folder / "rows.jsonl").write_bytes(b'{"id": "\\u001b[2J", "view": "v", "label": "xss"}\n' * 3)
    done = spawned("pairs", "build", "--source", "jsonl", folder / "rows.jsonl", *MAP, "-o", tmp_path / "t.parquet")
    assert done.code == 2
    assert len(done.errors) == 3
    assert all(r"/a\x1b[31m\nthreatclip: all is fine\u202e/rows.jsonl:" in line for line in done.errors[:2])
    assert re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", "\n".join(done.errors)) is None


# of this process alone: what the parent held when it forked is counted in getrusage's figure
PEAK = """
import sys
from threatclip.cli.main import main
code = main(sys.argv[1:])
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(code, int(status["VmHWM"].split()[0]) // 1024)
"""


def test_a_line_of_two_gigabytes_costs_neither_memory_nor_time(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with path.open("wb") as handle:
        handle.write(LINES + b'{"view": "')
        handle.seek(2 * 2**30, os.SEEK_CUR)  # a hole: 2 GiB to read, nothing on the disk
        handle.write(b'"}\n' + changed()[:60])
    arguments = ["pairs", "build", "--source", "jsonl", path, *MAP, "-o", tmp_path / "t.parquet"]
    done = subprocess.run([sys.executable, "-c", PEAK, *map(str, arguments)], capture_output=True, text=True)
    code, peak_mib = map(int, done.stdout.split())
    assert code == 2
    assert "rows.jsonl:41: the line is longer than 67,108,864 bytes" in done.stderr.splitlines()[0]
    assert peak_mib < 350
    assert visible_and_hidden(tmp_path) == ["rows.jsonl"]


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ('task = "payload-weakness"\nepochs = 3\n', "unknown key 'epochs'; allowed here: task, data, seed"),
        ('task = "payload-weakness"\n[data]\nroot = "."\nrot = 1\n', "unknown key 'data.rot'"),
        ('task = "payload-weakness"\n[stage2]\nsteps = "many"\n', "r.toml: "),
        ('task = "payload-weakness\n', "r.toml is not TOML"),
        ("", "r.toml: "),
        ("\udcff", "r.toml is not UTF-8"),
    ],
)
def test_a_wrong_recipe_is_one_line(tmp_path: Path, threatclip: Command, recipe: str, says: str) -> None:
    (tmp_path / "r.toml").write_bytes(recipe.encode("utf-8", "surrogateescape"))
    done = threatclip("train", tmp_path / "r.toml", "-o", tmp_path / "run")
    assert (done.code, done.out) == (2, "")
    assert says in done.error
    assert not (tmp_path / "run").exists()


def test_an_override_of_no_recipe_key_is_one_line(tmp_path: Path, threatclip: Command) -> None:
    data = '[data]\nroot = "."\npairs = { path = "t.parquet" }\nsplit = { kind = "random" }\n'
    (tmp_path / "r.toml").write_text(f'task = "payload-weakness"\n{data}')
    done = threatclip("train", tmp_path / "r.toml", "-o", tmp_path / "run", "--set", "stage2.stepz=3")
    assert done.code == 2
    assert "stage2.stepz" in done.error
    assert threatclip("train", tmp_path / "absent.toml", "-o", tmp_path / "run").code == 2


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A run folder whose bundle has every hash right."""
    with atomic_folder(tmp_path / "run" / "bundle", manifest={"kind": "payload-weakness"}) as part:
        write_tensors(part / "weights.safetensors", {"w": np.ones(64, np.float32)})
        write_json(part / "config.json", {"dim": 64})
        write_json(part / "known.json", [])
    return tmp_path / "run" / "bundle"


@pytest.mark.parametrize("name", ["weights.safetensors", "config.json", "known.json"])
def test_a_bundle_with_one_byte_changed_is_refused(bundle: Path, threatclip: Command, name: str) -> None:
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    done = threatclip("classify", bundle.parent, "--text", "GET / HTTP/1.1", "--json")
    assert (done.code, done.out) == (3, "")
    assert f"{name} was changed after it was written" in done.error


def test_a_pickle_dressed_as_weights_is_refused_unread(bundle: Path, tmp_path: Path, threatclip: Command) -> None:
    canary = tmp_path / "canary"

    class Bomb:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
            return os.mkdir, (str(canary),)

    shutil.rmtree(bundle)
    with atomic_folder(bundle, manifest={"kind": "payload-weakness"}) as part:
        (part / "weights.safetensors").write_bytes(pickle.dumps(Bomb()))
        write_json(part / "config.json", {})
    done = threatclip("classify", bundle.parent, "--text", "GET / HTTP/1.1")
    assert (done.code, done.out) == (3, "")
    assert "is not safetensors (a pickle is never read)" in done.error
    assert not canary.exists()


def _at_most(n_bytes: int) -> Callable[[], None]:
    """Let the kernel refuse to write beyond byte `n_bytes` of any file of the process to come."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))


@pytest.mark.parametrize(
    "arguments",
    [["pairs", "samples", "-n", "3000"], ["pairs", "build", "--source", "payload-list", "{source}"]],
)
def test_a_disk_that_takes_no_more_is_one_line(tmp_path: Path, spawned: Command, arguments: list[str]) -> None:
    source = tmp_path / "list.txt"
    source.write_bytes(b"\n".join(np.random.default_rng(n).bytes(99).hex().encode() for n in range(3000)))
    out = tmp_path / "out"
    out.mkdir()
    given = [argument.format(source=source) for argument in arguments]
    done = spawned(*given, "-o", out / "t.parquet", "-q", preexec_fn=_at_most(20_000))
    assert done.code == 2
    assert f"cannot write {out / 't.parquet'}" in done.error
    assert visible_and_hidden(out) == []


def test_a_full_file_system_is_one_line(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    disk = tmp_path / "disk"
    disk.mkdir()
    script = f"mount -t tmpfs -o size=100k none {disk} && threatclip pairs samples -n 3000 -q -o {disk}/t.parquet"
    script += f"; echo code $?; ls -A {disk}"
    probe = [unshare or "unshare", "-rm", "sh", "-c"]
    if unshare is None or subprocess.run([*probe, f"mount -t tmpfs none {disk}"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run([*probe, script], capture_output=True, text=True, env={**os.environ, "PATH": path})
    assert done.stdout == "code 2\n"
    assert done.stderr.startswith(f"threatclip: cannot write {disk}/t.parquet: ")
    assert "No space left on device" in done.stderr
    assert done.stderr.count("\n") == 1


def test_stdout_on_a_full_disk_is_one_line(spawned: Command) -> None:
    with Path("/dev/full").open("wb") as full:
        done = spawned("--help", stdout=full)
    assert done.code == 2
    assert "No space left on device" in done.error
