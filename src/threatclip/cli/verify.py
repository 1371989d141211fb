"""`threatclip verify`: is a table, a bundle or a run what was written?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from threatclip.cli.options import Json
from threatclip.cli.terminal import show, show_json
from threatclip.errors import DamagedArtifactError, InputError

_ANSWERS = "answers"
_RECIPE = "recipe.json"  # of a run folder; spelled here, for the room that writes it loads torch


def verify(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Pair table, bundle or run folder.")],
    as_json: Json = False,
) -> None:
    """Check a table, a bundle or a run.

    Reads everything and compares it with its hashes; exit code 3 when something was changed or is missing. Of answers
    that a run keeps beside its bundle there is no hash: they are only read.
    """
    parts = _verify_tree(path) if path.is_dir() else [_verify_table(path)]
    if as_json:
        show_json({"path": str(path), "parts": parts, "whole": True})
        return
    for part in parts:
        if part["kind"] == _ANSWERS:
            show(f"{part['path']}: answers can be read ({part['n_arrays']:,} arrays; no hash of them is kept)")
            continue
        size = f"{part['n_rows']:,} rows" if "n_rows" in part else f"{part['n_files']:,} files"
        show(f"{part['path']}: {part['kind']} is whole ({size})")


def _verify_tree(path: Path) -> list[dict[str, Any]]:
    from threatclip.artifacts import MANIFEST

    # hidden folders are what a kill left of a write, and are no part of a run
    files = [
        file for file in sorted(path.rglob("*")) if not any(p.startswith(".") for p in file.relative_to(path).parts)
    ]
    folders = [file.parent for file in files if file.name == MANIFEST]
    loose = [file for file in files if not set(folders).intersection(file.parents)]
    answers = [file for file in loose if file.suffix == ".safetensors" and _is_kept_by_a_run(file, path)]
    for file in loose:
        if (file.suffix == ".safetensors" and file not in answers) or (
            file.name == "bundle" and file.is_dir() and file not in folders
        ):
            raise DamagedArtifactError(f"{file} is in no manifest; restore the folder from a good copy")
    parts = [_verify_folder(folder) for folder in folders]
    parts += [_verify_table(file) for file in loose if file.suffix == ".parquet"]
    parts += [_verify_answers(file) for file in answers]
    if not parts:
        raise InputError(f"{path} holds neither a bundle nor a pair table; name a run, a bundle or a table")
    return parts


def _is_kept_by_a_run(file: Path, top: Path) -> bool:
    """Tell whether a file without a manifest lies in a run folder and is not what is left of a bundle."""
    folders = [folder for folder in file.parents if folder == top or top in folder.parents]
    return file.name != "weights.safetensors" and any((folder / _RECIPE).is_file() for folder in folders)


def _verify_answers(file: Path) -> dict[str, Any]:
    from threatclip.artifacts import read_tensors, sha256_file

    return {"path": str(file), "kind": _ANSWERS, "n_arrays": len(read_tensors(file)), "hash": sha256_file(file)}


def _verify_table(path: Path) -> dict[str, Any]:
    from threatclip.pairs.table import PairTable

    table = PairTable.open(path)
    table.verify()
    return {"path": str(path), "kind": "pair table", "n_rows": len(table), "hash": table.content_hash}


def _verify_folder(folder: Path) -> dict[str, Any]:
    from threatclip.artifacts import MANIFEST, read_tensors, sha256_file, verify_manifest

    manifest = verify_manifest(folder)
    for name in manifest["files"]:
        if name.endswith(".safetensors"):
            read_tensors(folder / name)
    return {
        "path": str(folder),
        "kind": str(manifest.get("kind", "folder")),
        "n_files": len(manifest["files"]),
        "hash": sha256_file(folder / MANIFEST),
    }
