"""A patch found by gradients through a frozen dual encoder [Liang 2024, section 4.2].

Trigger steps are records: losses while they fall, and with the last one the patch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from threatclip.attacks.surrogate import Surrogate
from threatclip.attacks.triggers import Scale, check_choice, patch_px
from threatclip.errors import InputError
from threatclip.losses.clip import symmetric_infonce
from threatclip.pairs.pair import Pair

Start = Literal["normal", "half"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchSearch:
    """How a patch is optimized.

    Attributes:
        n_pictures: pictures of other classes to optimize on, at most.
        epochs: passes over them.
        batch_rows: pictures a step, and as many of the target where the triplet term needs them.
        learning_rate: of Adam.
        start: "normal", N(0.5, 0.25^2) clipped to [0, 1], or "half", 0.5 everywhere.
        triplet_weight: of the triplet term; 0 leaves it out.
        margin: of the triplet term, Euclidean distance of unit vectors.
        own_captions: the negatives of the InfoNCE term are the pictures' own captions. Without, as in the released
            code, they are the other captions of the target in the batch, and the term pulls towards none of them.
        patience_epochs: stop when the mean loss of so many epochs in a row is not `least_gain` below the best; 0 never
            stops.
        least_gain: share of the best mean loss.
    """

    n_pictures: int = 10_000
    epochs: int = 50
    batch_rows: int = 64
    learning_rate: float = 1e-3
    start: Start = "normal"
    triplet_weight: float = 500.0
    margin: float = 1.0
    own_captions: bool = False
    patience_epochs: int = 5
    least_gain: float = 0.002

    def __post_init__(self) -> None:
        check_choice(self.start, Start, what="start")
        if min(self.n_pictures, self.batch_rows) < 2 or self.epochs < 1 or self.patience_epochs < 0:
            raise InputError(
                f"n_pictures = {self.n_pictures}, batch_rows = {self.batch_rows}, epochs = {self.epochs}, "
                f"patience_epochs = {self.patience_epochs} of a patch search; want at least 2, 2, 1 and 0"
            )
        if not 0 < self.learning_rate <= 10 or not 0 <= self.triplet_weight <= 1e6 or not 0 <= self.margin <= 2:
            raise InputError(
                f"learning_rate = {self.learning_rate}, triplet_weight = {self.triplet_weight}, margin = {self.margin} "
                "of a patch search; want above 0 up to 10, 0 to 1e6, and 0 to 2"
            )
        if not 0 <= self.least_gain < 1:
            raise InputError(f"least_gain = {self.least_gain} of a patch search; choose 0 to below 1")
        if not self.triplet_weight and not self.own_captions:
            raise InputError("a patch search needs triplet_weight above 0 or own_captions: nothing else pulls")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Guides:
    """What pulls and what pushes; vectors are unit rows."""

    pictures: UInt8[Tensor, "n 3 s s"]  # of other classes, as the surrogate reads them
    own: Float[Tensor, "n d"]  # their captions
    plain: Float[Tensor, "n d"]  # their vectors without the patch
    texts: Float[Tensor, "t d"]  # captions of the target
    positives: Float[Tensor, "p d"]  # pictures of the target; none where no term needs them


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SearchStep:
    """One step: `patch` uint8 [3, p, p] comes with the last one."""

    done: int
    total: int
    facts: dict[str, float]
    patch: np.ndarray | None = None


def gather_guides(
    clean: Sequence[Pair],
    *,
    others: Sequence[int],
    own: Sequence[int],
    texts: Sequence[str],
    surrogate: Surrogate,
) -> Guides:
    """Read and encode what a search needs; `others` and `own` are rows of other classes and of the target."""
    views = [clean[row].view for row in others]
    return Guides(
        pictures=surrogate.read_pictures(views),
        own=surrogate.encode_texts([clean[row].caption or "" for row in others]),
        plain=surrogate.encode_bytes(views),
        texts=surrogate.encode_texts(texts),
        positives=surrogate.encode_bytes([clean[row].view for row in own]),
    )


def pasted(pictures: UInt8[Tensor, "n 3 s s"], patch: Float[Tensor, "3 p p"]) -> Float[Tensor, "n 3 s s"]:
    """Return pictures in [0, 1] with the patch, clipped to it, in the middle; gradients flow to the patch."""
    height, width = pictures.shape[2:]
    side = patch.shape[-1]
    top, left = (height - side) // 2, (width - side) // 2
    found = pictures.float() / 255
    found[:, :, top : top + side, left : left + side] = patch.clamp(0, 1)
    return found


def search_patch(
    guides: Guides,
    search: PatchSearch,
    *,
    size_px: float,
    scale: Scale,
    surrogate: Surrogate,
    rng: np.random.Generator,
) -> Iterator[SearchStep]:
    """Minimize InfoNCE(triggered, captions of the target) + weight x triplet over the patch.

    triplet = max(0, |z' - p| - |z' - z| + margin): z' the vector of a triggered picture, z of the same picture without
    the patch, p of a random picture of the target.

    Args:
        guides: see there.
        search: settings.
        size_px: side of the patch on a 224-pixel picture.
        scale: how the side follows the model's.
        surrogate: frozen; gradients run through it to the pixels.
        rng: of the start, the order of the pictures, and what each is paired with.
    """
    side = patch_px(size_px, *guides.pictures.shape[2:], scale=scale)
    patch = torch.from_numpy(_start(search.start, side, rng)).to(guides.pictures.device).requires_grad_()
    optimizer = torch.optim.Adam([patch], lr=search.learning_rate)
    n = len(guides.pictures)
    starts = range(0, n - n % min(n, search.batch_rows), min(n, search.batch_rows))
    total, done, best, waited = len(starts) * search.epochs, 0, float("inf"), 0
    facts: dict[str, float] = {}
    for _ in range(search.epochs):
        order, epoch_loss = rng.permutation(n), 0.0
        for start in starts:
            rows = torch.from_numpy(order[start : start + search.batch_rows]).to(patch.device)
            loss, facts = _loss(patch, guides, rows, search, surrogate, rng)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            done, epoch_loss = done + 1, epoch_loss + facts["loss"] / len(starts)
            yield SearchStep(done=done, total=total, facts=facts)
        waited = 0 if epoch_loss < best * (1 - search.least_gain) else waited + 1
        best = min(best, epoch_loss)
        if search.patience_epochs and waited >= search.patience_epochs:
            break
    found = np.rint(patch.detach().clamp(0, 1).cpu().numpy() * 255).astype(np.uint8)
    yield SearchStep(done=done, total=total, facts=facts, patch=found)


def _start(start: Start, side: int, rng: np.random.Generator) -> Float[np.ndarray, "3 p p"]:
    drawn = (
        rng.normal(0.5, 0.25, size=(3, side, side)).clip(0, 1) if start == "normal" else np.full((3, side, side), 0.5)
    )
    return drawn.astype(np.float32)


def _loss(
    patch: Tensor,
    guides: Guides,
    rows: Tensor,
    search: PatchSearch,
    surrogate: Surrogate,
    rng: np.random.Generator,
) -> tuple[Tensor, dict[str, float]]:
    vectors = surrogate.encode_views(pasted(guides.pictures[rows], patch))
    texts = guides.texts[_drawn(len(guides.texts), len(rows), rng)]
    if search.own_captions:
        textual = infonce_against_own(vectors, texts, guides.own[rows], temperature=surrogate.temperature)
    else:
        textual = symmetric_infonce(vectors, texts, temperature=surrogate.temperature)
    loss, facts = textual, {"infonce": float(textual.detach())}
    if search.triplet_weight:
        positives = guides.positives[_drawn(len(guides.positives), len(rows), rng)]
        visual = functional.triplet_margin_loss(vectors, positives, guides.plain[rows], margin=search.margin)
        loss, facts["triplet"] = loss + search.triplet_weight * visual, float(visual.detach())
    with torch.no_grad():
        center = functional.normalize(guides.texts.mean(dim=0), dim=0)
        reached = vectors @ center > (vectors * guides.own[rows]).sum(dim=1)
    return loss, {"loss": float(loss.detach()), **facts, "nearer_target": float(reached.float().mean())}


def infonce_against_own(
    vectors: Float[Tensor, "n d"], texts: Float[Tensor, "n d"], own: Float[Tensor, "n d"], *, temperature: float
) -> Float[Tensor, ""]:
    """Each triggered picture finds its caption of the target among the batch's own captions.

    loss = mean over i of -log [ exp(<v_i, t_i>/T) / (exp(<v_i, t_i>/T) + sum_j exp(<v_i, o_j>/T)) ].
    """
    positive = (vectors * texts).sum(dim=1, keepdim=True)
    logits = torch.cat([positive, vectors @ own.T], dim=1) / temperature
    return -logits.log_softmax(dim=1)[:, 0].mean()


def _drawn(n: int, size: int, rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.integers(n, size=size))
