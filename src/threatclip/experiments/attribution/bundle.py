"""A group classifier on disk: encoder, members, judge, names to mask and known procedures in one folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from scipy import sparse

from threatclip.artifacts import json_text
from threatclip.classification.abstention import Abstention
from threatclip.classification.fusion import LogLinearPool
from threatclip.classification.ngrams import NgramSettings, NgramVectors
from threatclip.encoders.towers import tower_state
from threatclip.experiments.attribution.classifier import GroupClassifier, KnownProcedure
from threatclip.experiments.attribution.contrast import ContrastModel
from threatclip.experiments.attribution.documents import CHARS, WORDS, GroupDocuments
from threatclip.experiments.attribution.encoder import text_encoder
from threatclip.experiments.attribution.model import Doubt, GroupModel, Judge, Members
from threatclip.experiments.attribution.nearest import NearestRows
from threatclip.experiments.attribution.scaling import Scale
from threatclip.experiments.attribution.techniques import TechniqueEvidence
from threatclip.experiments.attribution.whitening import Whitening
from threatclip.experiments.bundles import BundleFiles, opened_bundle, prefixed, under, write_bundle
from threatclip.pairs.masking import Names

KIND = "attack-group"
_TERMS, _CHARS, _NAMES, _KNOWN, _GROUPS = "terms.json", "characters.json", "names.json", "known.json", "groups.json"


def save_attribution(classifier: GroupClassifier, folder: Path, *, card: str, source: str) -> None:
    """Write the bundle, whole or not at all; `source` is the encoder's name in the recipe.

    Raises:
        StorageError: the disk refused.
    """
    members, judge = classifier.fitted.members, classifier.fitted.judge
    state = tower_state(classifier.encoder.tower)
    config = {
        "tower": {**state.config, "source": source},
        "precision": classifier.encoder.encoder.precision,
        "techniques": list(members.evidence.ids),
        "pool": judge.pool.config(),
        "doubt": asdict(judge.doubt),
        "rules": {"incident": judge.incident.config(), "sentence": judge.sentence.config()},
    }
    tensors = prefixed("tower", state.weights) | _member_arrays(members) | prefixed("pool", judge.pool.as_arrays())
    tensors["known"] = classifier.known_vectors.astype(np.float16)
    names = {start: [list(one) for one in own] for start, own in classifier.names.by_start.items()}
    write_bundle(
        folder,
        kind=KIND,
        config=config,
        tensors=tensors,
        assets=state.assets,
        card=card,
        texts={
            _GROUPS: json_text([{"label": label, "name": name} for label, name in classifier.groups.items()]),
            _NAMES: json_text(names),
            _KNOWN: json_text([asdict(one) for one in classifier.known]),
            _TERMS: json.dumps(members.words.vectors.terms),
            _CHARS: json.dumps(members.chars.vectors.terms),
        },
    )


def load_attribution(folder: Path) -> GroupClassifier:
    """Read a bundle, or the bundle of a run folder, after every file's hash was checked.

    Raises:
        InputError: there is no bundle, or it is of another kind.
        DamagedArtifactError: a file was changed, is missing, or does not fit the others.
    """
    with opened_bundle(folder, kind=KIND) as files:
        found = _assembled(files)
        found.check_parts()
    return found


def _member_arrays(members: Members) -> dict[str, np.ndarray]:
    whitening, near, contrast, evidence = members.whitening, members.nearest, members.contrast, members.evidence
    return {
        **_documents("words", members.words),
        **_documents("chars", members.chars),
        "whitening.center": whitening.center,
        "whitening.turn": whitening.turn,
        "near.vectors": near.vectors,
        "near.entries": near.entries,
        "near.starts": near.starts,
        "near.weights": near.weights,
        "contrast.center": contrast.center,
        "contrast.weight": contrast.weight,
        "contrast.profiles": contrast.profiles,
        "evidence.places": evidence.places,
        "evidence.odds": evidence.odds,
        **{f"scale.{name}.center": scale.center for name, scale in members.scales.items()},
        **{f"scale.{name}.spread": scale.spread for name, scale in members.scales.items()},
    }


def _assembled(files: BundleFiles) -> GroupClassifier:
    config = files.config
    groups = {str(one["label"]): str(one["name"]) for one in files.read(_GROUPS)}
    names = {str(start): tuple((str(a), str(b)) for a, b in own) for start, own in files.read(_NAMES).items()}
    known = tuple(
        KnownProcedure(
            id=str(one["id"]), groups=tuple(one["groups"]), technique=str(one["technique"]), text=str(one["text"])
        )
        for one in files.read(_KNOWN)
    )
    judge = Judge(
        pool=LogLinearPool.from_arrays(files.under("pool"), config["pool"]),
        doubt=Doubt(**config["doubt"]),
        incident=Abstention.from_config(config["rules"]["incident"]),
        sentence=Abstention.from_config(config["rules"]["sentence"]),
    )
    return GroupClassifier(
        groups=groups,
        fitted=GroupModel(members=_members(files, tuple(groups)), judge=judge),
        encoder=text_encoder(files.tower("tower", weights="tower"), precision=config["precision"], cached=False),
        names=Names(by_start=names),
        known=known,
        known_vectors=files.tensors["known"].astype(np.float32),
        model=files.model,
    )


def _members(files: BundleFiles, groups: tuple[str, ...]) -> Members:
    scales = files.under("scale")
    return Members(
        groups=groups,
        words=_read_documents("words", files, terms=_TERMS, settings=WORDS),
        chars=_read_documents("chars", files, terms=_CHARS, settings=CHARS),
        whitening=Whitening(**files.under("whitening")),
        nearest=NearestRows(**files.under("near")),
        contrast=ContrastModel(**files.under("contrast")),
        evidence=TechniqueEvidence(ids=tuple(map(str, files.config["techniques"])), **files.under("evidence")),
        scales={name: Scale(**under(name, scales)) for name in files.config["pool"]["members"]},
    )


def _documents(name: str, documents: GroupDocuments) -> dict[str, np.ndarray]:
    weights = documents.weights
    return {
        f"{name}.idf": documents.vectors.idf,
        f"{name}.weights.data": weights.data,
        f"{name}.weights.indices": weights.indices.astype(np.int32),
        f"{name}.weights.indptr": weights.indptr.astype(np.int64),
        f"{name}.weights.shape": np.array(weights.shape, dtype=np.int64),
    }


def _read_documents(name: str, files: BundleFiles, *, terms: str, settings: NgramSettings) -> GroupDocuments:
    own = files.under(name)
    return GroupDocuments(
        vectors=NgramVectors(settings=settings, terms=tuple(map(str, files.read(terms))), idf=own["idf"]),
        weights=_matrix("weights", own),
    )


def _matrix(name: str, near: Mapping[str, np.ndarray]) -> sparse.csr_matrix:
    own = under(name, near)
    found = sparse.csr_matrix(
        (own["data"], own["indices"], own["indptr"]), shape=(int(own["shape"][0]), int(own["shape"][1]))
    )
    found.check_format(full_check=True)
    return found
