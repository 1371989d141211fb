"""A payload classifier as users hold it: a bundle on disk, ranked and calibrated answers with evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from threatclip.artifacts import json_text
from threatclip.classification.abstention import Abstention
from threatclip.classification.fusion import LogLinearPool
from threatclip.classification.heads import AnchorHead, NeighborHead
from threatclip.classification.linear import LinearHead
from threatclip.classification.ngrams import NgramClassifier
from threatclip.encoders.encode import Encoder, encode
from threatclip.encoders.towers import Tower, tower_state
from threatclip.errors import InputError
from threatclip.experiments.bundle_engines import bundle_encoders
from threatclip.experiments.bundles import BundleFiles, opened_bundle, prefixed, write_bundle
from threatclip.experiments.members import Members
from threatclip.pairs.pair import Pair
from threatclip.pairs.weaknesses import WEAKNESSES

KIND = "payload-weakness"
_KNOWN = "known.json"
_N_EVIDENCE = 3
_CAPTION_CHARS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCase:
    """A training row as evidence shows it."""

    id: str
    label: str
    group: str | None
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PayloadClassifier:
    """From payload bytes to ranked weakness classes.

    `known` and `known_vectors` [m, d] are the rows it learned from: the evidence behind an answer. `model` is the
    hash of the bundle's manifest, which names every file's hash: two classifiers with one `model` answer alike.
    """

    classes: tuple[str, ...]
    text_tower: Tower
    payload_tower: Tower
    anchor_texts: tuple[str, ...]
    anchor_owners: np.ndarray
    anchor_vectors: np.ndarray
    members: Members
    pool: LogLinearPool
    abstention: Abstention
    known: tuple[KnownCase, ...]
    known_vectors: np.ndarray
    model: str = ""
    encoder: Encoder | None = None  # of the payload tower, where `threatclip optimize` chose one

    @property
    def modality(self) -> str:
        """The modality of the pairs that it reads."""
        return "payload"

    def classify_pairs(self, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
        """Return `classify` of the pairs' views and ids."""
        return self.classify([pair.view for pair in pairs], [pair.id for pair in pairs])

    def vectors(self, views: Sequence[bytes]) -> np.ndarray:
        """Return the payload tower's unit vectors [n, d]; in fp32, unless the bundle was optimized.

        So the answers of a bundle as it was trained do not depend on the machine.
        """
        if self.encoder is not None:
            return self.encoder(views)
        return encode(self.payload_tower, views, precision="fp32")

    def member_scores(self, views: Sequence[bytes]) -> dict[str, np.ndarray]:
        """Return the scores [n, c] of every member."""
        return self.members.scores(views, self.vectors(views))

    def probabilities(self, views: Sequence[bytes]) -> np.ndarray:
        """Return calibrated probabilities [n, c] over `classes`."""
        if not views:
            return np.zeros((0, len(self.classes)))
        return self.pool.probabilities(self.member_scores(views))

    def classify(self, views: Sequence[bytes], ids: Sequence[str]) -> list[dict[str, Any]]:
        """Return, for each payload, all classes ranked, whether the model abstains, and the evidence.

        Raises:
            InputError: not as many ids as payloads.
        """
        if len(views) != len(ids):
            raise InputError(f"{len(views)} payloads have {len(ids)} ids; give one for each")
        if not views:
            return []
        vectors = self.vectors(views)
        features = self.members.ngram_features(views)
        probabilities = self.pool.probabilities(self.members.scores(views, vectors, features))
        answered = self.abstention.answers(probabilities)
        read = features.get("ngrams")
        return [
            {
                "id": ids[row],
                "answers": self._ranked(probabilities[row]),
                "abstained": not bool(answered[row]),
                "evidence": self._evidence(row, vectors[row], read, int(probabilities[row].argmax())),
                "model": self.model,
            }
            for row in range(len(views))
        ]

    def _ranked(self, probabilities: np.ndarray) -> list[dict[str, Any]]:
        return [
            {"label": self.classes[k], "name": title_of(self.classes[k]), "probability": float(probabilities[k])}
            for k in np.argsort(-probabilities, kind="stable")
        ]

    def _evidence(
        self, row: int, vector: np.ndarray, features: sparse.csr_matrix | None, best: int
    ) -> list[dict[str, Any]]:
        cosines = self.known_vectors @ vector
        evidence: list[dict[str, Any]] = []
        for place in _greatest(cosines, _N_EVIDENCE):
            case = self.known[place]
            evidence.append(
                {
                    "kind": "known case",
                    "id": case.id,
                    "label": case.label,
                    "group": case.group,
                    "caption": case.caption,
                    "cosine": float(cosines[place]),
                }
            )
        own = np.flatnonzero(self.anchor_owners == best)
        nearest = own[int((self.anchor_vectors[own] @ vector).argmax())]
        evidence.append(
            {
                "kind": "anchor",
                "label": self.classes[best],
                "text": self.anchor_texts[nearest],
                "cosine": float(self.anchor_vectors[nearest] @ vector),
            }
        )
        if self.members.ngrams is not None and features is not None:
            terms = self.members.ngrams.evidence_of(features, row, class_index=best, n=5)
            evidence.append({"kind": "n-grams", "terms": [{"text": text, "weight": weight} for text, weight in terms]})
        return evidence

    def save(self, folder: Path, *, card: str) -> None:
        """Write the bundle, whole or not at all."""
        tensors: dict[str, np.ndarray] = {
            "anchors.vectors": self.anchor_vectors,
            "anchors.owners": self.anchor_owners,
            "known.vectors": self.known_vectors,
            **prefixed("pool", self.pool.as_arrays()),
        }
        assets: dict[str, bytes] = {}
        config: dict[str, Any] = {
            "classes": [{"label": name, "name": title_of(name)} for name in self.classes],
            "anchor_texts": list(self.anchor_texts),
            "pool": self.pool.config(),
            "abstention": self.abstention.config(),
            "members": {},
        }
        for name, tower in (("text", self.text_tower), ("payload", self.payload_tower)):
            state = tower_state(tower)
            config[f"{name}_tower"] = state.config
            tensors |= prefixed(name, state.weights)
            assets |= {f"{name}/{file}": content for file, content in state.assets.items()}
        for name in _MEMBER_KINDS:
            member = getattr(self.members, name)
            if member is not None:
                config["members"][name] = member.config()
                tensors |= prefixed(f"member.{name}", member.as_arrays())
                if isinstance(member, NgramClassifier):
                    assets |= {f"member.{name}/{file}": content for file, content in member.assets().items()}
        write_bundle(
            folder,
            kind=KIND,
            config=config,
            tensors=tensors,
            assets=assets,
            card=card,
            texts={_KNOWN: json_text([asdict(case) for case in self.known])},
        )

    @classmethod
    def load(cls, folder: Path) -> PayloadClassifier:
        """Read a bundle, or the bundle of a run folder, after every file's hash was checked.

        Raises:
            InputError: there is no bundle.
            DamagedArtifactError: a file was changed, is missing, or does not fit the others.
        """
        with opened_bundle(folder, kind=KIND) as files:
            classifier = cls._assembled(files)
            classifier._check_parts()
        return classifier

    def _check_parts(self) -> None:
        """Let parts that do not fit each other fail here, not at somebody's payload."""
        if len(self.known) != len(self.known_vectors):
            raise ValueError(f"{len(self.known)} known cases and {len(self.known_vectors)} vectors of them")
        if not len(self.anchor_texts) == len(self.anchor_vectors) == len(self.anchor_owners):
            raise ValueError(f"{len(self.anchor_texts)} anchor texts and {len(self.anchor_vectors)} vectors of them")
        if set(self.anchor_owners.tolist()) != set(range(len(self.classes))):
            raise ValueError("anchors of other classes than the catalogue's")
        self.classify([b"GET / HTTP/1.1"], ["check"])

    @classmethod
    def _assembled(cls, files: BundleFiles) -> PayloadClassifier:
        config, tensors = files.config, files.tensors
        towers = {name: files.tower(f"{name}_tower", weights=name, assets=name) for name in ("text", "payload")}
        members: dict[str, Any] = {}
        for name, settings in config["members"].items():
            arrays = files.under(f"member.{name}")
            kind = _MEMBER_KINDS[name]
            if kind is NgramClassifier:
                members[name] = NgramClassifier.from_arrays(arrays, settings, files.assets(f"member.{name}"))
            else:
                members[name] = kind.from_arrays(arrays, settings)
        return cls(
            classes=tuple(entry["label"] for entry in config["classes"]),
            text_tower=towers["text"],
            payload_tower=towers["payload"],
            anchor_texts=tuple(config["anchor_texts"]),
            anchor_owners=tensors["anchors.owners"],
            anchor_vectors=tensors["anchors.vectors"],
            members=Members(**members),
            pool=LogLinearPool.from_arrays(files.under("pool"), config["pool"]),
            abstention=Abstention.from_config(config["abstention"]),
            known=tuple(KnownCase(**case) for case in files.read(_KNOWN)),
            known_vectors=tensors["known.vectors"],
            model=files.model,
            encoder=bundle_encoders(files.folder, {"payload": towers["payload"]}).get("payload"),
        )


_MEMBER_KINDS: Mapping[str, Any] = {
    "anchors": AnchorHead,
    "linear": LinearHead,
    "neighbors": NeighborHead,
    "ngrams": NgramClassifier,
    "ngrams_nb": NgramClassifier,
}


def _greatest(values: np.ndarray, n: int) -> np.ndarray:
    """Return the places of the `n` greatest values, greatest first, the earlier of equal ones first."""
    if len(values) <= n:
        return np.argsort(-values, kind="stable")
    near = np.flatnonzero(values >= np.partition(values, -n)[-n])
    return near[np.argsort(-values[near], kind="stable")][:n]


def title_of(label: str) -> str:
    """Return the name of a class for people."""
    return WEAKNESSES[label].title if label in WEAKNESSES else label


def known_case(pair_id: str, label: str, group: str | None, caption: str | None) -> KnownCase:
    """Return a training row as evidence, its caption cut to what a reader wants."""
    return KnownCase(id=pair_id, label=label, group=group, caption=(caption or "")[:_CAPTION_CHARS])
