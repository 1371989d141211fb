"""A technique labeler on disk: tower, members, pool, thresholds, techniques and known sentences in one folder."""

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
from threatclip.classification.heads import AnchorHead
from threatclip.classification.ngrams import NgramClassifier
from threatclip.encoders.towers import TowerState, load_tower, tower_state
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.experiments.run_folder import bundle_folder
from threatclip.experiments.technique.classifier import KnownSentence, TechniqueClassifier
from threatclip.experiments.technique.members import NGRAM_MEMBERS, Members, VoteHead
from threatclip.experiments.technique.model import TechniqueModel
from threatclip.experiments.technique.rows import Described, Techniques

KIND = "attack-technique"


def save_classifier(classifier: TechniqueClassifier, folder: Path, *, card: str) -> None:
    """Write the bundle, whole or not at all. Weights of n-grams are kept in 16 bits: hundreds of MB otherwise.

    Raises:
        StorageError: the disk refused.
    """
    fitted, members = classifier.fitted, classifier.fitted.members
    state = tower_state(fitted.tower)
    tensors = {**_prefixed("tower", state.weights), **_prefixed("pool", fitted.pool.as_arrays())}
    assets = {f"tower/{name}": content for name, content in state.assets.items()}
    config: dict[str, Any] = {
        "kind": KIND,
        "version": __version__,
        "attack_version": classifier.attack_version,
        "shown": classifier.shown,
        "tower": state.config,
        "pool": fitted.pool.config(),
        "technique": fitted.technique.config(),
        "parent": fitted.parent.config(),
        "members": {},
    }
    for name in NGRAM_MEMBERS:
        ngrams: NgramClassifier | None = getattr(members, name)
        if ngrams is not None:
            config["members"][name] = ngrams.config()
            arrays = ngrams.as_arrays()
            tensors |= _prefixed(f"member.{name}", {**arrays, "weight": arrays["weight"].astype(np.float16)})
            assets |= {f"member.{name}/{file}": content for file, content in ngrams.assets().items()}
    if members.neighbors is not None:
        votes = members.neighbors
        config["members"]["neighbors"] = {"n_classes": votes.n_classes, "temperature": votes.temperature}
        tensors |= _prefixed("member.neighbors", {"vectors": votes.vectors, "labels": votes.labels})
    if members.descriptions is not None:
        config["members"]["descriptions"] = members.descriptions.config()
        tensors |= _prefixed("member.descriptions", members.descriptions.as_arrays())
    with atomic_folder(folder, manifest={"kind": KIND, "version": __version__}) as part:
        write_json(part / "config.json", config)
        write_json(part / "techniques.json", [asdict(one) for one in fitted.techniques.all])
        write_json(part / "known.json", [asdict(one) for one in classifier.known])
        write_tensors(part / "weights.safetensors", tensors)
        write_text(part / "README.md", card)
        for file, content in assets.items():
            (part / "assets" / file).parent.mkdir(parents=True, exist_ok=True)
            (part / "assets" / file).write_bytes(content)


def load_technique(folder: Path) -> TechniqueClassifier:
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


def _assembled(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> TechniqueClassifier:
    techniques = Techniques(
        all=tuple(
            Described(
                id=one["id"],
                name=one["name"],
                family=one["family"],
                captions=tuple(one["captions"]),
                sentences=tuple(one["sentences"]),
            )
            for one in read_json(folder / "techniques.json")
        )
    )
    state = TowerState(config=config["tower"], weights=_under("tower", tensors), assets=_assets(folder, "tower"))
    model = TechniqueModel(
        techniques=techniques,
        tower=load_tower(state),
        members=_members(folder, config["members"], tensors),
        pool=LogLinearPool.from_arrays(_under("pool", tensors), config["pool"]),
        technique=Abstention.from_config(config["technique"]),
        parent=Abstention.from_config(config["parent"]),
    )
    return TechniqueClassifier(
        fitted=model,
        known=tuple(KnownSentence(**one) for one in read_json(folder / "known.json")),
        attack_version=config["attack_version"],
        shown=int(config["shown"]),
        model=sha256_file(folder / MANIFEST),
    )


def _members(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> Members:
    found: dict[str, Any] = {}
    for name, settings in config.items():
        arrays = _under(f"member.{name}", tensors)
        if name in NGRAM_MEMBERS:
            arrays["weight"] = arrays["weight"].astype(np.float32)
            found[name] = NgramClassifier.from_arrays(arrays, settings, _assets(folder, f"member.{name}"))
        elif name == "neighbors":
            found[name] = VoteHead(
                vectors=arrays["vectors"],
                labels=arrays["labels"],
                n_classes=int(settings["n_classes"]),
                temperature=float(settings["temperature"]),
            )
        else:
            found[name] = AnchorHead.from_arrays(arrays, settings)
    return Members(**found)


def _prefixed(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def _under(prefix: str, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    start = f"{prefix}."
    return {name.removeprefix(start): array for name, array in tensors.items() if name.startswith(start)}


def _assets(folder: Path, name: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "assets" / name).glob("*"))}
