"""The runs that a service can answer from: found in a folder, told by their cards and what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from threatclip.artifacts import MANIFEST, read_json, sha256_file
from threatclip.errors import InputError, ThreatclipError
from threatclip.experiments.run_folder import BUNDLE, ENVIRONMENT, SUMMARY

_DEPTH = 3
_MAX_RUNS = 500
_CARD, _CONFIG, _EVALUATION = "README.md", "config.json", "evaluation/metrics.json"
_CARD_CHARS = 100_000
Stamp = tuple[tuple[int, ...], ...]
_READS: Mapping[str, str] = {"payload-weakness": "payload", "events": "image"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCard:
    """A run as a service tells of it.

    Attributes:
        name: its path below the folder of runs, with slashes.
        folder: of the run, or of a bundle without one; `bundle`: of the bundle in it.
        kind: of the bundle; `reads`: the modality of its inputs, None where the kind does not tell.
        model: the hash of the bundle's manifest, as answers bear it.
        trained: when it was made by which version and commit, as far as the run's folder says.
        validation, test: metrics with intervals, of training and of the last `threatclip evaluate`, or of the cell of
            `threatclip bench` that made it; empty where none.
    """

    name: str
    folder: Path
    bundle: Path
    kind: str
    reads: str | None
    model: str
    trained: Mapping[str, Any]
    validation: Mapping[str, Any]
    test: Mapping[str, Any]

    def card(self) -> str:
        """Return the model card, Markdown; "" where there is none."""
        try:
            return (self.bundle / _CARD).read_text(encoding="utf-8", errors="replace")[:_CARD_CHARS]
        except OSError:
            return ""

    def as_dict(self) -> dict[str, Any]:
        """Return what is told of it without its card, as plain JSON values."""
        return {
            "name": self.name,
            "kind": self.kind,
            "reads": self.reads,
            "model": self.model,
            "trained": dict(self.trained),
            "validation": dict(self.validation),
            "test": dict(self.test),
        }


class Runs:
    """The runs below a folder, looked for anew at each call: one that ends its training while we serve appears."""

    def __init__(self, root: Path | None) -> None:
        self.root = root
        self._read: dict[Path, tuple[Stamp, RunCard]] = {}

    def cards(self) -> list[RunCard]:
        """Return every readable run, by name; a broken one is left out, for `threatclip verify` tells why."""
        if self.root is None:
            return []
        found = {}
        for folder, bundle in _bundles(self.root, _DEPTH):
            try:
                card = self._card(self.root, folder, bundle)
            except (ThreatclipError, OSError):
                continue
            if card is not None:
                found[card.name] = card
            if len(found) == _MAX_RUNS:
                break
        return [found[name] for name in sorted(found)]

    def find(self, name: str) -> RunCard:
        """Return the run of a name; names come from strangers and never become paths.

        Raises:
            InputError: there is none.
        """
        cards = self.cards()
        for card in cards:
            if card.name == name:
                return card
        known = ", ".join(card.name for card in cards[:10]) or "none"
        raise InputError(f"no run {name[:80]!a}; runs are {known}")

    def _card(self, root: Path, folder: Path, bundle: Path) -> RunCard | None:
        """Return what a run's files say; they are read again only after one of them was changed."""
        files = (bundle / MANIFEST, folder / SUMMARY, folder / _EVALUATION, _cell(folder))
        stamp = tuple(stamp_of(path) for path in files)
        read = self._read.get(folder)
        if read is not None and read[0] == stamp:
            return read[1]
        card = _card(root, folder, bundle)
        if card is not None:
            self._read[folder] = (stamp, card)
        return card


def stamp_of(path: Path) -> tuple[int, ...]:
    """Return what changes when a file is written anew; () where there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def _bundles(folder: Path, depth: int) -> Iterator[tuple[Path, Path]]:
    """Yield (run, bundle) of every run and lone bundle, without looking for more inside of one."""
    for bundle in (folder / BUNDLE, folder):
        if (bundle / MANIFEST).is_file() and (bundle / _CONFIG).is_file():
            yield folder, bundle
            return
    if depth == 0 or not folder.is_dir():
        return
    for child in sorted(folder.iterdir()):
        if child.is_dir() and not child.name.startswith("."):
            yield from _bundles(child, depth - 1)


def _card(root: Path, folder: Path, bundle: Path) -> RunCard | None:
    manifest, config = read_json(bundle / MANIFEST), read_json(bundle / _CONFIG)
    kind = manifest.get("kind") if isinstance(manifest, dict) else None
    if not isinstance(kind, str) or not isinstance(config, dict):
        return None
    reads = _READS.get(kind) or config.get("modality")
    name = folder.relative_to(root).as_posix()
    return RunCard(
        name=folder.resolve().name if name == "." else name,
        folder=folder,
        bundle=bundle,
        kind=kind,
        reads=reads if isinstance(reads, str) else None,
        model=sha256_file(bundle / MANIFEST),
        trained=_trained(folder, manifest),
        validation=_metrics(folder / SUMMARY),
        test=_metrics(folder / _EVALUATION) or _metrics(_cell(folder)),
    )


def _cell(folder: Path) -> Path:
    """Return where a sweep or matrix tells what it measured of a model of its own: success of the attack among it."""
    return folder.parent.parent / "cells" / f"{folder.name}.json"


def _trained(folder: Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    found = _optional(folder / ENVIRONMENT)
    told = {name: found[name] for name in ("commit", "device", "python") if isinstance(found.get(name), str)}
    return {"version": str(manifest.get("version")), **told}


def _metrics(path: Path) -> dict[str, Any]:
    found = _optional(path).get("metrics")
    return dict(found) if isinstance(found, dict) else {}


def _optional(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    found = read_json(path)
    return found if isinstance(found, dict) else {}
