"""The folder of one run: what it was asked, with what, every step it took, and what came out."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from threatclip import __version__
from threatclip.artifacts import read_json, sha256_file, storage_errors, write_json, write_text
from threatclip.errors import InputError
from threatclip.training.contracts import Step

RECIPE, ENVIRONMENT, STEPS, SUMMARY = "recipe.json", "environment.json", "metrics.jsonl", "summary.json"
PAIRS, BUNDLE, CHECKPOINTS = "pairs.parquet", "bundle", "checkpoints"
_LIBRARIES = (
    "torch",
    "transformers",
    "sentence-transformers",
    "tokenizers",
    "numpy",
    "scipy",
    "scikit-learn",
    "pyarrow",
)


def open_run(out: Path, recipe: Mapping[str, Any], *, resume: bool, data: Mapping[str, str]) -> bool:
    """Make the folder of a run, or find the one to resume; return whether it is finished already.

    Args:
        out: the folder.
        recipe: the resolved recipe.
        resume: go on with a run that was stopped.
        data: SHA-256 of every input file, by path.

    Raises:
        InputError: the folder holds something else, another recipe, other data, or a run while not resuming.
    """
    started = (out / RECIPE).is_file()
    if started and not resume:
        raise InputError(f"{out} holds a run already; pass --resume to go on with it, or choose another folder")
    if not started and out.exists() and any(out.iterdir()):
        raise InputError(f"{out} is not empty and holds no run; choose another folder")
    if started:
        _same(out / RECIPE, recipe, what="recipe")
        _same(out / ENVIRONMENT, data, what="data", key="data")
        return (out / SUMMARY).is_file()
    write_json(out / ENVIRONMENT, {**environment(), "data": dict(data)})
    write_json(out / RECIPE, recipe)
    return False


def _same(path: Path, value: Mapping[str, Any], *, what: str, key: str | None = None) -> None:
    stored = read_json(path)
    stored = stored.get(key) if key else stored
    if stored != json.loads(json.dumps(value)):
        raise InputError(
            f"the run in {path.parent} was started with another {what}; resume with the same, or start anew"
        )


def environment() -> dict[str, Any]:
    """Return what a repetition needs to know: versions, commit, machine, device."""
    import torch

    return {
        "threatclip": __version__,
        "commit": _commit(),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "threads": torch.get_num_threads(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Return the commit of the source tree this code lies in, None for an installed package."""
    git = shutil.which("git")
    if git is None:
        return None
    found = subprocess.run(  # noqa: S603 - a fixed command on our own folder
        [git, "-C", str(Path(__file__).parent), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or None


def data_hashes(root: Path, paths: list[str]) -> dict[str, str]:
    """Return the SHA-256 of every input file; of a folder, of its files' names and contents."""
    hashes = {}
    for name in sorted(set(paths)):
        path = root / name
        if path.is_dir():
            for item in sorted(path.rglob("*")):
                if item.is_file():
                    hashes[str(Path(name) / item.relative_to(path))] = sha256_file(item)
        elif path.is_file():
            hashes[name] = sha256_file(path)
        else:
            raise InputError(
                f"no file {path}; set data.root in the recipe, or THREATCLIP_DATA, to the folder of the data"
            )
    return hashes


@dataclass(slots=True)
class StepLog:
    """Appends step records; after a resume, records of steps that are done again are replaced, not doubled."""

    path: Path
    _seen: set[str] = field(default_factory=set)

    def __call__(self, stage: str, step: Step) -> None:
        """Append one record."""
        if stage not in self._seen:
            self._seen.add(stage)
            self._forget(stage, step.step)
        with storage_errors(self.path), self.path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps({"stage": stage, **step.as_dict()}) + "\n")

    def _forget(self, stage: str, step: int) -> None:
        if not self.path.is_file():
            return
        kept = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue  # the line that a kill tore
            if record["stage"] != stage or record["step"] < step:
                kept.append(line)
        write_text(self.path, "".join(f"{line}\n" for line in kept))
