"""The seed's group classifier as users hold it: a bundle on disk, G-numbers with names and probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from threatclip.artifacts import json_text
from threatclip.classification.tuned import TunedClassifier, class_probabilities, make_head
from threatclip.encoders.pretrained import PretrainedNetwork
from threatclip.encoders.settings import MOST_CHANNELS
from threatclip.encoders.texts import readable_text
from threatclip.encoders.towers import check_weights, load_weights, module_weights, tower_state
from threatclip.experiments.bundles import BundleFiles, opened_bundle, prefixed, write_bundle
from threatclip.pairs.masking import Names, mask_names
from threatclip.pairs.pair import Pair

KIND = "group-seed"
GROUPS, NAMES = "groups.json", "names.json"
_MOST_CHARS = 16_384  # read of an input: as many as the tower reads


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupSeedClassifier:
    """From a sentence to ranked threat groups.

    `groups` maps G-numbers to names, in the order of the network's outputs; `names` are masked in every input, since
    they were masked in training; `caution` is what every answer says of its probabilities. `model` is the hash of the
    bundle's manifest, which names every file's hash.
    """

    network: TunedClassifier
    groups: Mapping[str, str]
    names: Names
    caution: str
    model: str = ""

    @property
    def modality(self) -> str:
        """The modality of the pairs that it reads."""
        return "text"

    def masked(self, view: bytes) -> str:
        """Return a view as the network reads it."""
        return mask_names(readable_text(view, max_chars=_MOST_CHARS, lowercase=False), self.names)

    def probabilities(self, views: Sequence[bytes]) -> np.ndarray:
        """Return probabilities [n, c] over `groups`: of the softmax, not calibrated."""
        return class_probabilities(self.network, [self.masked(view) for view in views])

    def classify_pairs(self, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
        """Return, for each pair's view, all groups ranked, what was read, and the caution; it never abstains."""
        if not pairs:
            return []
        texts = [self.masked(pair.view) for pair in pairs]
        labels = list(self.groups)
        answers = []
        for pair, text, row in zip(pairs, texts, class_probabilities(self.network, texts), strict=True):
            order = np.argsort(-row, kind="stable").tolist()
            ranked = [{"label": labels[k], "name": self.groups[labels[k]], "probability": float(row[k])} for k in order]
            evidence = [{"kind": "read as", "text": text}, {"kind": "caution", "text": self.caution}]
            answers.append(
                {"id": pair.id, "answers": ranked, "abstained": False, "evidence": evidence, "model": self.model}
            )
        return answers

    def save(self, folder: Path, *, card: str, source: str) -> None:
        """Write the bundle, whole or not at all; `source` names the base that it was tuned from.

        Raises:
            StorageError: the disk refused.
        """
        state = tower_state(self.network.tower)
        tensors = prefixed("tower", state.weights) | prefixed("head", module_weights(self.network.head))
        config = {
            "tower": {**state.config, "source": source},
            "hidden": self.network.hidden,
            "dropout": self.network.dropout,
            "caution": self.caution,
        }
        groups = [{"label": label, "name": name} for label, name in self.groups.items()]
        names = {start: [list(one) for one in own] for start, own in self.names.by_start.items()}
        write_bundle(
            folder,
            kind=KIND,
            config=config,
            tensors=tensors,
            assets=state.assets,
            card=card,
            texts={GROUPS: json_text(groups), NAMES: json_text(names)},
        )

    @classmethod
    def load(cls, folder: Path) -> GroupSeedClassifier:
        """Read a bundle, or the bundle of a run folder, after every file's hash was checked.

        Raises:
            InputError: there is no bundle, or it is of another kind.
            DamagedArtifactError: a file was changed, is missing, or does not fit the others.
        """
        with opened_bundle(folder, kind=KIND) as files:
            groups = {str(one["label"]): str(one["name"]) for one in files.read(GROUPS)}
            found = cls(
                network=_network(files, n_classes=len(groups)),
                groups=groups,
                names=_names(files.read(NAMES)),
                caution=str(files.config["caution"]),
                model=files.model,
            )
            found.probabilities([b"a sentence"])
        return found


def _network(files: BundleFiles, *, n_classes: int) -> TunedClassifier:
    tower, head = files.tower("tower", weights="tower"), files.under("head")
    if not isinstance(tower, PretrainedNetwork):
        raise ValueError(f"a tower of kind {tower.config.kind!r}")
    hidden, dropout = int(files.config["hidden"]), float(files.config["dropout"])
    if not 1 <= hidden <= MOST_CHANNELS:
        raise ValueError(f"a hidden layer of {hidden}")
    with torch.device("meta"):  # a stranger's shape costs nothing until the weights are seen to be of it
        shape = make_head(tower.dim, hidden=hidden, n_classes=n_classes, dropout=dropout)
    check_weights(shape, head)
    network = TunedClassifier(tower, hidden=hidden, n_classes=n_classes, dropout=dropout)
    load_weights(network.head, head)
    return network.eval()


def _names(plain: Mapping[str, Any]) -> Names:
    return Names(
        by_start={str(start): tuple((str(name), str(word)) for name, word in own) for start, own in plain.items()}
    )
