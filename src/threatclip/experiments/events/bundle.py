"""An event classifier on disk: towers, heads, pools, thresholds, catalogue and known posts in one folder."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.artifacts import json_text
from threatclip.classification.abstention import Abstention
from threatclip.classification.fusion import LogLinearPool
from threatclip.classification.linear import LinearHead
from threatclip.classification.ngrams import NgramVectors
from threatclip.encoders.towers import ImageTower, tower_state
from threatclip.experiments.bundles import BundleFiles, opened_bundle, prefixed, write_bundle
from threatclip.experiments.events.catalogue import Catalogue
from threatclip.experiments.events.classifier import EventClassifier, KnownPost
from threatclip.experiments.events.features import PICTURE, WORDS, Reader
from threatclip.experiments.events.heads import NGRAMS, Centers, Heads, NeighborVotes
from threatclip.experiments.events.model import WAYS, EventModel

KIND = "events"
_KNOWN = "known.json"


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
        tensors |= prefixed(f"tower.{name}", state.weights)
        assets |= {f"{name}/{file}": content for file, content in state.assets.items()}
    for half, head in heads.linear.items():
        tensors |= prefixed(f"head.{half}", head.as_arrays())
    for way, pool in fitted.pools.items():
        tensors |= prefixed(f"pool.{way}", pool.as_arrays())
    for one in heads.ngrams:
        tensors[f"idf.{one.settings.kind}"] = one.idf
    write_bundle(
        folder,
        kind=KIND,
        config=config,
        tensors=tensors,
        assets=assets,
        card=card,
        texts={_KNOWN: json_text([asdict(post) for post in classifier.known])},
    )


def load_events(folder: Path) -> EventClassifier:
    """Read a bundle, or the bundle of a run folder, after every file's hash was checked.

    Raises:
        InputError: there is no bundle, or it is of another kind.
        DamagedArtifactError: a file was changed, is missing, or does not fit the others.
    """
    with opened_bundle(folder, kind=KIND) as files:
        classifier = _assembled(files)
        classifier.check_parts()
    return classifier


def _assembled(files: BundleFiles) -> EventClassifier:
    config = files.config
    picture, words = (files.tower(f"{name}_tower", weights=f"tower.{name}", assets=name) for name in (PICTURE, WORDS))
    if not isinstance(picture, ImageTower):
        raise ValueError(f"the tower of pictures is of kind {picture.config.kind!r}, which reads none")
    return EventClassifier(
        classes=tuple(map(str, config["classes"])),
        reader=Reader(
            picture=picture, words=words, sides=tuple(map(int, config["sides"])), mirrored=bool(config["mirrored"])
        ),
        fitted=EventModel(
            heads=_heads(files),
            pools={
                way: LogLinearPool.from_arrays(files.under(f"pool.{way}"), config["pools"][way])
                for way in WAYS
                if way in config["pools"]
            },
            abstentions={way: Abstention.from_config(rule) for way, rule in config["abstentions"].items()},
            shares=files.tensors["shares"],
        ),
        catalogue=Catalogue.from_plain(config["catalogue"]),
        hashtags=config["hashtags"],
        known=tuple(KnownPost(**post) for post in files.read(_KNOWN)),
        model=files.model,
    )


def _heads(files: BundleFiles) -> Heads:
    config, tensors = files.config, files.tensors
    return Heads(
        centers=Centers(picture=tensors["center.picture"], words=tensors["center.words"]),
        linear={
            half: LinearHead.from_arrays(files.under(f"head.{half}"), settings)
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
