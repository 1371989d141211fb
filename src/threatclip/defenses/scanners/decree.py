"""DECREE-like scan: how small a trigger moves every picture to one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from threatclip.checks import at_least, positive
from threatclip.defenses.contracts import Scan, Suspect
from threatclip.defenses.scanners.anomaly import smallness
from threatclip.defenses.scanners.inversion import Inversion, Pull, Trigger, invert, stamped
from threatclip.encoders.fast_image import fast_image_tower
from threatclip.encoders.towers import ImageTower
from threatclip.errors import InputError
from threatclip.evaluation.zero_shot import class_prototypes, prompt_list
from threatclip.pairs.pair import Modality

Towards = Literal["classes", "one_another"]
_LEAST_CLASSES = 3  # a median of fewer has no outlier
_LEAST_PICTURES = 32
_LEAST_SPREAD = 0.4  # of logarithms: clean classes differ by a factor of 1.5; without, one clean model had index 4.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Decree:
    """The smallest trigger that makes the vectors of all pictures collapse: to each class in turn, or to one another.

    A backdoor is a trigger much smaller than what it takes to move a picture to any other class. `towards="classes"`
    finds the smallest for each class by the class prompts, and scores how far the smallest of all lies below the
    median, in median deviations; that class is the suspected target. `towards="one_another"` is DECREE's own loss
    (minus the mean cosine of vectors of stamped pictures), needs no classes, and scores 1 - size.

    What differs from the papers: DECREE starts from shadow pictures and judges the trigger's L1 norm over the largest
    possible by a fixed 0.1, which suits encoders of 224 pixels; Neural Cleanse inverts a classifier, and compares sizes
    where this compares their logarithms. Here sizes are sums of the mask over the pixels of the picture, and classes
    are prompts of a dual encoder.

    Attributes:
        towards: see above.
        limit: a score above it is a finding; None: 3 for classes, which is 3.3 times smaller than the median at least,
            and for one another 0.9, a size below 0.1 [Feng 2023].
        pictures: trusted ones that triggers are searched on, at most; as many others judge what was found.
        search: of the triggers.
    """

    kind: Literal["decree"] = "decree"
    towards: Towards = "classes"
    limit: float | None = None
    pictures: int = 256
    search: Inversion = field(default_factory=Inversion)

    modalities: ClassVar[tuple[Modality, ...]] = ("image",)
    paper: ClassVar[str] = "Feng 2023 (DECREE, arXiv 2303.15180); per class: Wang 2019 (Neural Cleanse)"

    def __post_init__(self) -> None:
        if self.towards not in get_args(Towards):
            raise InputError(f"towards = {self.towards!r} of decree; choose {' or '.join(get_args(Towards))}")
        at_least(self, _LEAST_PICTURES, "pictures")
        if self.limit is not None:
            positive(self, "limit")

    @property
    def verdict_above(self) -> float:
        """The score above which a model is a finding."""
        if self.limit is not None:
            return self.limit
        return 3.0 if self.towards == "classes" else 0.9

    def scan(self, suspect: Suspect, *, rng: np.random.Generator) -> Scan:
        """Return the score, and size, smallness and reach of the trigger of each class.

        Raises:
            InputError: the model reads no pictures, has fewer than three classes, or too few trusted pictures.
        """
        tower = suspect.dual.view_tower
        if not isinstance(tower, ImageTower):
            raise InputError(f"decree moves pixels, and the model reads {suspect.modality}s; use scanner insertion")
        fast = fast_image_tower(tower, dtype=torch.float32).requires_grad_(False)
        searched, judging = self._pictures(suspect, tower, rng)
        if self.towards == "one_another":
            return self._collapse(fast, searched, judging, rng)
        return self._classes(suspect, fast, searched, judging, rng)

    def _pictures(
        self, suspect: Suspect, tower: ImageTower, rng: np.random.Generator
    ) -> tuple[UInt8[Tensor, "n 3 s s"], UInt8[Tensor, "m 3 s s"]]:
        views = list(dict.fromkeys(pair.view for pair in suspect.trusted if pair.view))
        if len(views) < 2 * _LEAST_PICTURES:
            raise InputError(f"decree needs {2 * _LEAST_PICTURES} trusted pictures, got {len(views)}; give more")
        n = min(self.pictures, len(views) // 2)
        drawn = [views[place] for place in rng.permutation(len(views))[: 2 * n]]
        device = next(tower.parameters()).device
        pixels = torch.from_numpy(np.stack(tower.tokenize(drawn))).to(device)
        return pixels[:n], pixels[n:]

    def _classes(
        self, suspect: Suspect, fast: ImageTower, searched: Tensor, judging: Tensor, rng: np.random.Generator
    ) -> Scan:
        classes, texts, owners = prompt_list(suspect.prompts)
        if len(classes) < _LEAST_CLASSES:
            raise InputError(
                f"the model has prompts of {len(classes)} classes, and an outlier is one of {_LEAST_CLASSES} or more; "
                "use towards=one_another"
            )
        vectors = class_prototypes(suspect.text_vectors(texts), owners, n_classes=len(classes))
        prototypes = torch.from_numpy(vectors).to(searched.device)
        pull = towards_classes(prototypes, temperature=float(suspect.dual.temperature.detach()))
        trigger = invert(fast, searched, pull, goals=len(classes), settings=self.search, rng=rng)
        reached = _reach(fast, judging, trigger, pull)
        index = smallness(np.log(trigger.sizes), least_spread=_LEAST_SPREAD)
        facts = {f"size.{name}": float(size) for name, size in zip(classes, trigger.sizes, strict=True)}
        facts |= {f"index.{name}": float(value) for name, value in zip(classes, index, strict=True)}
        facts |= {f"reached.{name}": float(value) for name, value in zip(classes, reached, strict=True)}
        return Scan(score=float(index.max()), facts=facts)

    def _collapse(self, fast: ImageTower, searched: Tensor, judging: Tensor, rng: np.random.Generator) -> Scan:
        trigger = invert(fast, searched, towards_one_another, goals=1, settings=self.search, rng=rng)
        reached = _reach(fast, judging, trigger, towards_one_another)
        size = float(trigger.sizes[0])
        return Scan(score=1 - size, facts={"size": size, "reached": float(reached[0])})


def towards_classes(prototypes: Float[Tensor, "c d"], *, temperature: float) -> Pull:
    """Return the pull of each class: cross-entropy of its prompts, and the share of pictures that are taken for it."""

    def pull(vectors: Float[Tensor, "c b d"]) -> tuple[Float[Tensor, " c"], Float[Tensor, " c"]]:
        logits = vectors @ prototypes.T / temperature
        own = torch.arange(len(prototypes), device=logits.device)
        chances = logits.log_softmax(dim=2)[own, :, own]
        return -chances.mean(dim=1), (logits.argmax(dim=2) == own[:, None]).float().mean(dim=1).detach()

    return pull


def towards_one_another(
    vectors: Float[Tensor, "g b d"],
) -> tuple[Float[Tensor, " g"], Float[Tensor, " g"]]:
    """Return minus the mean cosine of every two vectors of a goal, and that cosine (0 where it is negative)."""
    n = vectors.shape[1]
    together = (vectors.sum(dim=1).square().sum(dim=1) - n) / (n * (n - 1))
    return -together, together.clamp(min=0).detach()


@torch.no_grad()
def _reach(fast: ImageTower, judging: Tensor, trigger: Trigger, pull: Pull) -> Float[np.ndarray, " g"]:
    """Return how well each goal is reached on pictures that the search did not see."""
    rows = []
    for start in range(0, len(judging), 16):
        pictures = judging[start : start + 16]
        pixels = stamped(pictures.float() / 255, trigger.masks[:, None], trigger.patterns)
        rows.append(fast(pixels=pixels.flatten(0, 1)).view(len(pixels), len(pictures), -1))
    return np.asarray(pull(torch.cat(rows, dim=1))[1].cpu().numpy().astype(np.float64))
