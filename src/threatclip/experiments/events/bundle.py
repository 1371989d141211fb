"""An event classifier on disk: towers, heads, pools, thresholds, catalogue and known posts in one folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from threatclip import __version__
from threatclip.artifacts import (
    MANIFEST,
    atomic_folder,
    read_json,
    read_tensors,
    sha256_file,
    verify_manifest,
    write_json,
    write_tensors,
    write_text,
)
from threatclip.classification.abstention import Abstention
from threatclip.classification.fusion import LogLinearPool
from threatclip.classification.linear import LinearHead
from threatclip.classification.ngrams import NgramVectors
from threatclip.encoders.towers import ImageTower, Tower, TowerState, load_tower, tower_state
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.experiments.events.catalogue import Catalogue
from threatclip.experiments.events.classifier import EventClassifier, KnownPost
from threatclip.experiments.events.features import PICTURE, WORDS, Reader
from threatclip.experiments.events.heads import NGRAMS, Centers, Heads, NeighborVotes
from threatclip.experiments.events.model import WAYS, EventModel
from threatclip.experiments.run_folder import bundle_folder

KIND = "events"
_TOWERS = (PICTURE, WORDS)


def save_classifier(classifier: EventClassifier, folder: Path, *, card: str) -> None:
    """Write the bundle, whole or not at all.

    Raises:
        StorageError: the disk refused.
    """
    fitted, heads, reader = classifier.fitted, classifier.fitted.heads, classifier.reader
    tensors: dict[str, np.ndarray] = {
        "center.picture": heads.centers.picture,
        "center.words": heads.centers.words,
        "known.rows": heads.neighbors.known,
        "known.labels": heads.neighbors.labels,
        "shares": fitted.shares,
    }
    assets: dict[str, bytes] = {}
    config: dict[str, Any] = {
        "kind": KIND,
        "version": __version__,
        "classes": list(classifier.classes),
        "catalogue": classifier.catalogue.as_plain(),
        "hashtags": classifier.hashtags,
        "sides": list(reader.sides),
        "mirrored": reader.mirrored,
        "cosine_shares": list(heads.shares),
        "neighbor_temperature": heads.neighbors.temperature,
        "heads": {half: head.config() for half, head in heads.linear.items()},
        "ngrams": [{"kind": one.settings.kind, "terms": list(one.terms)} for one in heads.ngrams],
        "pools": {way: pool.config() for way, pool in fitted.pools.items()},
        "abstentions": {way: rule.config() for way, rule in fitted.abstentions.items()},
    }
    for name, tower in ((PICTURE, reader.picture), (WORDS, reader.words)):
        state = tower_state(tower)
        config[f"{name}_tower"] = state.config
        tensors |= _prefixed(f"tower.{name}", state.weights)
        assets |= {f"{name}/{file}": content for file, content in state.assets.items()}
    for half, head in heads.linear.items():
        tensors |= _prefixed(f"head.{half}", head.as_arrays())
    for way, pool in fitted.pools.items():
        tensors |= _prefixed(f"pool.{way}", pool.as_arrays())
    for one in heads.ngrams:
        tensors[f"idf.{one.settings.kind}"] = one.idf
    with atomic_folder(folder, manifest={"kind": KIND, "version": __version__}) as part:
        write_json(part / "config.json", config)
        write_json(part / "known.json", [asdict(post) for post in classifier.known])
        write_tensors(part / "weights.safetensors", tensors)
        write_text(part / "README.md", card)
        for file, content in assets.items():
            (part / "assets" / file).parent.mkdir(parents=True, exist_ok=True)
            (part / "assets" / file).write_bytes(content)


def load_events(folder: Path) -> EventClassifier:
    """Read a bundle, or the bundle of a run folder, after every file's hash was checked.

    Raises:
        InputError: there is no bundle, or it is of another kind.
        DamagedArtifactError: a file was changed, is missing, or does not fit the others.
    """
    folder = bundle_folder(folder)
    manifest = verify_manifest(folder)
    if manifest.get("kind") != KIND:
        raise InputError(f"{folder} is a bundle of kind {manifest.get('kind')!r}, not {KIND!r}")
    config, tensors = read_json(folder / "config.json"), read_tensors(folder / "weights.safetensors")
    try:
        classifier = _assembled(folder, config, tensors)
        classifier.check_parts()
    except (KeyError, TypeError, IndexError, AttributeError, ValueError, InputError) as error:
        raise DamagedArtifactError(f"{folder} is not a whole bundle ({error!r}); train it anew") from error
    return classifier


def _assembled(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> EventClassifier:
    picture, words = (_tower(folder, name, config, tensors) for name in _TOWERS)
    if not isinstance(picture, ImageTower):
        raise ValueError(f"the tower of pictures is of kind {picture.config.kind!r}, which reads none")
    return EventClassifier(
        classes=tuple(map(str, config["classes"])),
        reader=Reader(
            picture=picture, words=words, sides=tuple(map(int, config["sides"])), mirrored=bool(config["mirrored"])
        ),
        fitted=EventModel(
            heads=_heads(config, tensors),
            pools={
                way: LogLinearPool.from_arrays(_under(f"pool.{way}", tensors), config["pools"][way])
                for way in WAYS
                if way in config["pools"]
            },
            abstentions={way: Abstention.from_config(rule) for way, rule in config["abstentions"].items()},
            shares=tensors["shares"],
        ),
        catalogue=Catalogue.from_plain(config["catalogue"]),
        hashtags=config["hashtags"],
        known=tuple(KnownPost(**post) for post in read_json(folder / "known.json")),
        model=sha256_file(folder / MANIFEST),
    )


def _heads(config: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> Heads:
    return Heads(
        centers=Centers(picture=tensors["center.picture"], words=tensors["center.words"]),
        linear={
            half: LinearHead.from_arrays(_under(f"head.{half}", tensors), settings)
            for half, settings in config["heads"].items()
        },
        ngrams=tuple(
            NgramVectors(
                settings=NGRAMS[one["kind"]], terms=tuple(map(str, one["terms"])), idf=tensors[f"idf.{one['kind']}"]
            )
            for one in config["ngrams"]
        ),
        neighbors=NeighborVotes(
            known=tensors["known.rows"],
            labels=tensors["known.labels"],
            n_classes=len(config["classes"]),
            temperature=float(config["neighbor_temperature"]),
        ),
        shares=(float(config["cosine_shares"][0]), float(config["cosine_shares"][1])),
    )


def _tower(folder: Path, name: str, config: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> Tower:
    assets = {path.name: path.read_bytes() for path in sorted((folder / "assets" / name).glob("*"))}
    weights = _under(f"tower.{name}", tensors)
    return load_tower(TowerState(config=config[f"{name}_tower"], weights=weights, assets=assets))


def _prefixed(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def _under(prefix: str, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    start = f"{prefix}."
    return {name.removeprefix(start): array for name, array in tensors.items() if name.startswith(start)}
