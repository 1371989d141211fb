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
from threatclip.artifacts import (
    MANIFEST,
    read_json,
    reading_errors,
    sha256_file,
    storage_errors,
    write_json,
    write_text,
)
from threatclip.errors import DamagedArtifactError, InputError
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
        StorageError: the disk refused.
        DamagedArtifactError: the run's own files are not what was written.
    """
    started = (out / RECIPE).is_file()
    if started and not resume:
        raise InputError(f"{out} holds a run already; pass --resume to go on with it, or choose another folder")
    if not started and _is_taken(out):
        raise InputError(f"{out} is no folder, or holds something that is no run; choose another folder")
    if started:
        _same(out / RECIPE, read_json(out / RECIPE), recipe, what="recipe")
        stored = read_json(out / ENVIRONMENT)
        _same(out / ENVIRONMENT, stored.get("data") if isinstance(stored, dict) else None, data, what="data")
        return (out / SUMMARY).is_file()
    # the recipe comes last: what a kill leaves before it is no run yet, and may be written over
    write_json(out / ENVIRONMENT, {**environment(), "data": dict(data)})
    write_json(out / RECIPE, recipe)
    return False


def _is_taken(out: Path) -> bool:
    if not out.exists():
        return False
    with reading_errors(out):
        return not out.is_dir() or any(
            path.name != ENVIRONMENT and not (path.name.startswith(".") and path.suffix == ".part")
            for path in out.iterdir()
        )


def _same(path: Path, stored: Any, value: Mapping[str, Any], *, what: str) -> None:
    if not isinstance(stored, dict):
        raise DamagedArtifactError(f"{path} holds no {what} of a run; restore it, or start anew in another folder")
    differing = _first_difference(stored, json.loads(json.dumps(value)))
    if differing is not None:
        raise InputError(
            f"the run in {path.parent} was started with another {what} ({differing}); resume with the same, or start "
            "anew in another folder"
        )


def _first_difference(stored: Mapping[str, Any], value: Mapping[str, Any]) -> str | None:
    """Return the dotted name of the first value that differs."""
    for name in sorted({*stored, *value}):
        before, now = stored.get(name), value.get(name)
        if isinstance(before, dict) and isinstance(now, dict):
            inner = _first_difference(before, now)
            if inner is not None:
                return f"{name}.{inner}"
        elif before != now or (name in stored) != (name in value):
            return name
    return None


def environment() -> dict[str, Any]:
    """Return what a repetition needs to know: versions, commit, machine, device."""
    import torch

    return {
        "threatclip": __version__,
        "commit": _commit(),
        "python": sys.version.split()[0],
        "platform": f"{platform.system()} {platform.machine()}",
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
    """Return the commit of the source tree this code lies in ("-dirty" where it was changed), None if installed."""
    git = shutil.which("git")
    if git is None or not _git(git, "ls-files", "--error-unmatch", Path(__file__).name):
        return None  # an environment inside some repository is not of it
    return _git(git, "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*") or None


def _git(git: str, *arguments: str) -> str:
    """Return what git says about our own folder; nothing where it fails."""
    found = subprocess.run(  # noqa: S603 - fixed commands on our own folder
        [git, "-C", str(Path(__file__).parent), *arguments], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() if found.returncode == 0 else ""


def data_hashes(root: Path, paths: list[str]) -> dict[str, str]:
    """Return the SHA-256 of every input file, by its path under `root`; of a folder, of every file in it.

    Raises:
        InputError: a file is missing, or a folder holds none.
        StorageError: a file cannot be read.
    """
    hashes = {}
    for name in sorted(set(paths)):
        path = root / name
        files = [path] if path.is_file() else [item for item in sorted(path.rglob("*")) if item.is_file()]
        if not files:
            raise InputError(
                f"no file {path}; set data.root in the recipe, or THREATCLIP_DATA, to the folder of the data"
            )
        for file in files:
            with reading_errors(file):
                hashes[str(Path(name) / file.relative_to(path))] = sha256_file(file)
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
        with reading_errors(self.path):
            lines = self.path.read_text(encoding="utf-8", errors="replace").split("\n")
        kept = [line for line in lines if _is_before(line, stage, step)]
        write_text(self.path, "".join(f"{line}\n" for line in kept))


def _is_before(line: str, stage: str, step: int) -> bool:
    """Tell whether a record stays when `stage` goes on at `step`; a line that a kill tore does not."""
    try:
        record = json.loads(line)
        return bool(record["stage"] != stage or record["step"] < step)
    except (ValueError, TypeError, KeyError):
        return False


def bundle_folder(folder: Path) -> Path:
    """Return the bundle that a path means: itself, or `bundle` inside a run folder.

    Raises:
        InputError: there is none.
    """
    for candidate in (folder / BUNDLE, folder):
        if (candidate / MANIFEST).is_file():
            return candidate
    raise InputError(f"no bundle in {folder}; train one with `threatclip train RECIPE -o {folder}`")
