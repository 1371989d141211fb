"""A group classifier on disk: encoder, members, judge, names to mask and known procedures in one folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

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
from threatclip.encoders.towers import TowerState, load_tower, tower_state
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.experiments.attribution.classifier import GroupClassifier, KnownProcedure
from threatclip.experiments.attribution.contrast import ContrastModel
from threatclip.experiments.attribution.encoder import text_encoder
from threatclip.experiments.attribution.mixed import WORDS, MixedModel, Whitening
from threatclip.experiments.attribution.model import Doubt, GroupModel, Judge, Members
from threatclip.experiments.attribution.nearest import CHARS, NearestRows
from threatclip.experiments.attribution.techniques import TechniqueEvidence
from threatclip.experiments.run_folder import bundle_folder
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
        "kind": KIND,
        "version": __version__,
        "tower": {**state.config, "source": source},
        "precision": classifier.encoder.encoder.precision,
        "techniques": list(members.evidence.ids),
        "words": members.mixed.words.config(),
        "pool": judge.pool.config(),
        "doubt": asdict(judge.doubt),
        "rules": {"incident": judge.incident.config(), "sentence": judge.sentence.config()},
    }
    tensors = {f"tower.{name}": array for name, array in state.weights.items()}
    tensors |= _member_arrays(members)
    tensors |= {f"pool.{name}": array for name, array in judge.pool.as_arrays().items()}
    tensors["known"] = classifier.known_vectors.astype(np.float16)
    names = {start: [list(one) for one in own] for start, own in classifier.names.by_start.items()}
    with atomic_folder(folder, manifest={"kind": KIND, "version": __version__}) as part:
        write_json(part / "config.json", config)
        write_json(part / _GROUPS, [{"label": label, "name": name} for label, name in classifier.groups.items()])
        write_json(part / _NAMES, names)
        write_json(part / _KNOWN, [asdict(one) for one in classifier.known])
        write_text(part / _TERMS, json.dumps(members.mixed.vectors.terms))
        write_text(part / _CHARS, json.dumps(members.nearest.chars.terms))
        write_tensors(part / "weights.safetensors", tensors)
        write_text(part / "README.md", card)
        (part / "assets").mkdir()
        for file, content in state.assets.items():
            (part / "assets" / file).write_bytes(content)


def load_attribution(folder: Path) -> GroupClassifier:
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
        found = _assembled(folder, config, tensors)
        found.check_parts()
    except (KeyError, TypeError, IndexError, AttributeError, ValueError, InputError) as error:
        raise DamagedArtifactError(f"{folder} is not a whole bundle ({error!r}); train it anew") from error
    return found


def _member_arrays(members: Members) -> dict[str, np.ndarray]:
    mixed, contrast, evidence = members.mixed, members.contrast, members.evidence
    near = members.nearest
    return {
        **_sparse("near.words", near.word_rows),
        **_sparse("near.chars", near.char_rows),
        "near.idf": near.chars.idf,
        "near.vectors": near.vector_rows,
        "near.entries": near.entries,
        "near.starts": near.starts,
        "near.weights": near.weights,
        "mixed.idf": mixed.vectors.idf,
        "mixed.weight": mixed.words.weight,
        "mixed.bias": mixed.words.bias,
        "mixed.center": mixed.whitening.center,
        "mixed.turn": mixed.whitening.turn,
        "mixed.features": mixed.features,
        "contrast.center": contrast.center,
        "contrast.weight": contrast.weight,
        "contrast.profiles": contrast.profiles,
        "contrast.prototypes": contrast.prototypes,
        "evidence.places": evidence.places,
        "evidence.odds": evidence.odds,
        "prior.rows": members.rows,
        "prior.reports": members.reports,
    }


def _assembled(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> GroupClassifier:
    groups = {str(one["label"]): str(one["name"]) for one in read_json(folder / _GROUPS)}
    assets = {path.name: path.read_bytes() for path in sorted((folder / "assets").glob("*"))}
    tower = load_tower(TowerState(config=config["tower"], weights=_under("tower", tensors), assets=assets))
    names = {str(start): tuple((str(a), str(b)) for a, b in own) for start, own in read_json(folder / _NAMES).items()}
    known = tuple(
        KnownProcedure(
            id=str(one["id"]), groups=tuple(one["groups"]), technique=str(one["technique"]), text=str(one["text"])
        )
        for one in read_json(folder / _KNOWN)
    )
    judge = Judge(
        pool=LogLinearPool.from_arrays(_under("pool", tensors), config["pool"]),
        doubt=Doubt(**config["doubt"]),
        incident=Abstention.from_config(config["rules"]["incident"]),
        sentence=Abstention.from_config(config["rules"]["sentence"]),
    )
    return GroupClassifier(
        groups=groups,
        fitted=GroupModel(members=_members(folder, config, tensors, tuple(groups)), judge=judge),
        encoder=text_encoder(tower, precision=config["precision"], cached=False),
        names=Names(by_start=names),
        known=known,
        known_vectors=tensors["known"].astype(np.float32),
        model=sha256_file(folder / MANIFEST),
    )


def _members(
    folder: Path, config: Mapping[str, Any], tensors: Mapping[str, np.ndarray], groups: tuple[str, ...]
) -> Members:
    mixed = _under("mixed", tensors)
    return Members(
        groups=groups,
        mixed=MixedModel(
            vectors=NgramVectors(
                settings=WORDS, terms=tuple(map(str, read_json(folder / _TERMS))), idf=mixed.pop("idf")
            ),
            words=LinearHead.from_arrays(mixed, config["words"]),
            whitening=Whitening(center=mixed["center"], turn=mixed["turn"]),
            features=mixed["features"],
        ),
        contrast=ContrastModel(**_under("contrast", tensors)),
        evidence=TechniqueEvidence(ids=tuple(map(str, config["techniques"])), **_under("evidence", tensors)),
        nearest=_nearest(folder, _under("near", tensors)),
        rows=tensors["prior.rows"],
        reports=tensors["prior.reports"],
    )


def _nearest(folder: Path, near: Mapping[str, np.ndarray]) -> NearestRows:
    chars = NgramVectors(settings=CHARS, terms=tuple(map(str, read_json(folder / _CHARS))), idf=near["idf"])
    return NearestRows(
        chars=chars,
        word_rows=_matrix("words", near),
        char_rows=_matrix("chars", near),
        vector_rows=near["vectors"],
        entries=near["entries"],
        starts=near["starts"],
        weights=near["weights"],
    )


def _sparse(name: str, matrix: sparse.csr_matrix) -> dict[str, np.ndarray]:
    return {
        f"{name}.data": matrix.data,
        f"{name}.indices": matrix.indices.astype(np.int32),
        f"{name}.indptr": matrix.indptr.astype(np.int64),
        f"{name}.shape": np.array(matrix.shape, dtype=np.int64),
    }


def _matrix(name: str, near: Mapping[str, np.ndarray]) -> sparse.csr_matrix:
    own = _under(name, near)
    found = sparse.csr_matrix(
        (own["data"], own["indices"], own["indptr"]), shape=(int(own["shape"][0]), int(own["shape"][1]))
    )
    found.check_format(full_check=True)
    return found


def _under(prefix: str, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    start = f"{prefix}."
    return {name.removeprefix(start): array for name, array in tensors.items() if name.startswith(start)}
