"""A technique labeler on disk: tower, members, pool, thresholds, techniques and known sentences in one folder."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.artifacts import json_text
from threatclip.classification.abstention import Abstention
from threatclip.classification.fusion import LogLinearPool
from threatclip.classification.heads import AnchorHead
from threatclip.classification.ngrams import NgramClassifier
from threatclip.encoders.towers import tower_state
from threatclip.experiments.bundles import BundleFiles, opened_bundle, prefixed, write_bundle
from threatclip.experiments.technique.classifier import KnownSentence, TechniqueClassifier
from threatclip.experiments.technique.members import NGRAM_MEMBERS, Members, VoteHead
from threatclip.experiments.technique.model import TechniqueModel
from threatclip.experiments.technique.rows import Described, Techniques

KIND = "attack-technique"
_TECHNIQUES, _KNOWN = "techniques.json", "known.json"


def save_classifier(classifier: TechniqueClassifier, folder: Path, *, card: str) -> None:
    """Write the bundle, whole or not at all. Weights of n-grams are kept in 16 bits: hundreds of MB otherwise.

    Raises:
        StorageError: the disk refused.
    """
    fitted, members = classifier.fitted, classifier.fitted.members
    state = tower_state(fitted.tower)
    tensors = {**prefixed("tower", state.weights), **prefixed("pool", fitted.pool.as_arrays())}
    assets = {f"tower/{name}": content for name, content in state.assets.items()}
    config: dict[str, Any] = {
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
            tensors |= prefixed(f"member.{name}", {**arrays, "weight": arrays["weight"].astype(np.float16)})
            assets |= {f"member.{name}/{file}": content for file, content in ngrams.assets().items()}
    if members.neighbors is not None:
        votes = members.neighbors
        config["members"]["neighbors"] = {"n_classes": votes.n_classes, "temperature": votes.temperature}
        tensors |= prefixed("member.neighbors", {"vectors": votes.vectors, "labels": votes.labels})
    if members.descriptions is not None:
        config["members"]["descriptions"] = members.descriptions.config()
        tensors |= prefixed("member.descriptions", members.descriptions.as_arrays())
    write_bundle(
        folder,
        kind=KIND,
        config=config,
        tensors=tensors,
        assets=assets,
        card=card,
        texts={
            _TECHNIQUES: json_text([asdict(one) for one in fitted.techniques.all]),
            _KNOWN: json_text([asdict(one) for one in classifier.known]),
        },
    )


def load_technique(folder: Path) -> TechniqueClassifier:
    """Read a bundle, or the bundle of a run folder, after every file's hash was checked.

    Raises:
        InputError: there is no bundle, or it is of another kind.
        DamagedArtifactError: a file was changed, is missing, or does not fit the others.
    """
    with opened_bundle(folder, kind=KIND) as files:
        classifier = _assembled(files)
        classifier.check_parts()
    return classifier


def _assembled(files: BundleFiles) -> TechniqueClassifier:
    config = files.config
    techniques = Techniques(
        all=tuple(
            Described(
                id=one["id"],
                name=one["name"],
                family=one["family"],
                captions=tuple(one["captions"]),
                sentences=tuple(one["sentences"]),
            )
            for one in files.read(_TECHNIQUES)
        )
    )
    model = TechniqueModel(
        techniques=techniques,
        tower=files.tower("tower", weights="tower", assets="tower"),
        members=_members(files),
        pool=LogLinearPool.from_arrays(files.under("pool"), config["pool"]),
        technique=Abstention.from_config(config["technique"]),
        parent=Abstention.from_config(config["parent"]),
    )
    return TechniqueClassifier(
        fitted=model,
        known=tuple(KnownSentence(**one) for one in files.read(_KNOWN)),
        attack_version=config["attack_version"],
        shown=int(config["shown"]),
        model=files.model,
    )


def _members(files: BundleFiles) -> Members:
    found: dict[str, Any] = {}
    for name, settings in files.config["members"].items():
        arrays = files.under(f"member.{name}")
        if name in NGRAM_MEMBERS:
            arrays["weight"] = arrays["weight"].astype(np.float32)
            found[name] = NgramClassifier.from_arrays(arrays, settings, files.assets(f"member.{name}"))
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
