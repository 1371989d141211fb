"""The seed's group classifier as users hold it: a bundle on disk, G-numbers with names and probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

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
from threatclip.classification.tuned import TunedClassifier, class_probabilities, make_head
from threatclip.encoders.pretrained import PretrainedNetwork
from threatclip.encoders.settings import MOST_CHANNELS
from threatclip.encoders.texts import readable_text
from threatclip.encoders.towers import (
    TowerState,
    check_weights,
    load_tower,
    load_weights,
    module_weights,
    tower_state,
)
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.experiments.run_folder import bundle_folder
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
        tensors = {f"tower.{name}": array for name, array in state.weights.items()}
        tensors |= {f"head.{name}": array for name, array in module_weights(self.network.head).items()}
        config = {
            "kind": KIND,
            "version": __version__,
            "tower": {**state.config, "source": source},
            "hidden": self.network.hidden,
            "dropout": self.network.dropout,
            "caution": self.caution,
        }
        with atomic_folder(folder, manifest={"kind": KIND, "version": __version__}) as part:
            write_json(part / "config.json", config)
            write_json(part / GROUPS, [{"label": label, "name": name} for label, name in self.groups.items()])
            write_json(part / NAMES, {start: [list(one) for one in own] for start, own in self.names.by_start.items()})
            write_tensors(part / "weights.safetensors", tensors)
            write_text(part / "README.md", card)
            (part / "assets").mkdir()
            for file, content in state.assets.items():
                (part / "assets" / file).write_bytes(content)

    @classmethod
    def load(cls, folder: Path) -> GroupSeedClassifier:
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
            groups = {str(one["label"]): str(one["name"]) for one in read_json(folder / GROUPS)}
            found = cls(
                network=_network(folder, config, tensors, n_classes=len(groups)),
                groups=groups,
                names=_names(read_json(folder / NAMES)),
                caution=str(config["caution"]),
                model=sha256_file(folder / MANIFEST),
            )
            found.probabilities([b"a sentence"])
        except (KeyError, TypeError, IndexError, AttributeError, ValueError, InputError) as error:
            raise DamagedArtifactError(f"{folder} is not a whole bundle ({error!r}); train it anew") from error
        return found


def _network(
    folder: Path, config: Mapping[str, Any], tensors: Mapping[str, np.ndarray], *, n_classes: int
) -> TunedClassifier:
    assets = {path.name: path.read_bytes() for path in sorted((folder / "assets").glob("*"))}
    tower = load_tower(TowerState(config=config["tower"], weights=_under("tower", tensors), assets=assets))
    if not isinstance(tower, PretrainedNetwork):
        raise ValueError(f"a tower of kind {tower.config.kind!r}")
    hidden, dropout = int(config["hidden"]), float(config["dropout"])
    if not 1 <= hidden <= MOST_CHANNELS:
        raise ValueError(f"a hidden layer of {hidden}")
    with torch.device("meta"):  # a stranger's shape costs nothing until the weights are seen to be of it
        shape = make_head(tower.dim, hidden=hidden, n_classes=n_classes, dropout=dropout)
    check_weights(shape, _under("head", tensors))
    network = TunedClassifier(tower, hidden=hidden, n_classes=n_classes, dropout=dropout)
    load_weights(network.head, _under("head", tensors))
    return network.eval()


def _names(plain: Mapping[str, Any]) -> Names:
    return Names(
        by_start={str(start): tuple((str(name), str(word)) for name, word in own) for start, own in plain.items()}
    )


def _under(prefix: str, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    start = f"{prefix}."
    return {name.removeprefix(start): array for name, array in tensors.items() if name.startswith(start)}
