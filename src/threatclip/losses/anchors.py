"""Cross-entropy of a vector's class against fixed texts that describe the classes."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from threatclip.errors import InputError

Pooling = Literal["max", "mean", "logsumexp"]


def anchor_logits(
    vectors: Float[Tensor, "n d"],
    anchors: Float[Tensor, "k d"],
    owners: Int[Tensor, " k"],
    *,
    n_classes: int,
    temperature: float | Tensor = 0.07,
    pooling: Pooling = "max",
) -> Float[Tensor, "n c"]:
    """Cosine to each class's anchors over temperature, pooled to one logit a class.

    Args:
        vectors: unit rows.
        anchors: unit rows, several a class.
        owners: class of each anchor; every class in [0, n_classes) owns at least one.
        n_classes: c.
        temperature: T, divides cosines.
        pooling: over a class's anchors: `max`; `mean` (the anchors' centroid, not normalized again); `logsumexp`
            (log of the mean of exp(cos/T), so that a class gains nothing by owning more anchors).

    Raises:
        InputError: a class has no anchor, or an owner is no class.

    Source: generic class anchors, answer by the nearest, of [arXiv 2603.20181, inference]; the prompt ensemble of
    [Radford 2021, section 3.1.4] is `mean`.
    """
    counts = torch.zeros(n_classes, dtype=torch.long, device=owners.device)
    if len(owners) and (int(owners.min()) < 0 or int(owners.max()) >= n_classes):
        raise InputError(f"anchor owners lie outside the {n_classes} classes; number classes from 0")
    counts = counts.index_add(0, owners.long(), torch.ones_like(owners, dtype=torch.long))
    if bool((counts == 0).any()):
        missing = (counts == 0).nonzero().flatten().tolist()
        raise InputError(f"classes {missing} have no anchor text; give each class at least one")
    cosine = vectors @ anchors.T / temperature
    if pooling == "mean":
        member = functional.one_hot(owners.long(), n_classes).to(cosine.dtype)
        return cosine @ member / counts
    foreign = owners[None, :] != torch.arange(n_classes, device=owners.device)[:, None]
    spread = cosine[:, None, :].masked_fill(foreign[None], -float("inf"))
    return spread.amax(dim=2) if pooling == "max" else spread.logsumexp(dim=2) - counts.log()


def anchor_cross_entropy(
    logits: Float[Tensor, "n c"],
    targets: Int[Tensor, " n"] | Float[Tensor, "n c"],
    *,
    class_weights: Float[Tensor, " c"] | None = None,
    label_smoothing: float = 0.0,
) -> Float[Tensor, ""]:
    """Weighted mean over rows of -sum_c s_ic log softmax_c(logits_i).

    s_i = (1 - e) t_i + e/c with smoothing e; the weight of row i is sum_c t_ic w_c, so weights never depend on the
    smoothing, and with hard labels and e = 0 this is the usual weighted cross-entropy.

    Args:
        logits: of `anchor_logits`, or of any linear head.
        targets: class numbers, -1 where a row has no label; or a distribution a row, all zeros where there is none.
        class_weights: w, default all ones.
        label_smoothing: e in [0, 1), [Szegedy 2016, section 7].

    Returns:
        Nats; rows without a label are not counted; zero when there is no labelled row.
    """
    n_classes = logits.shape[1]
    if targets.is_floating_point():
        target = targets.to(logits.dtype)
    else:
        known = (targets >= 0).to(logits.dtype)
        target = functional.one_hot(targets.clamp(min=0).long(), n_classes).to(logits.dtype) * known[:, None]
    labelled = (target.sum(dim=1) > 0).to(logits.dtype)
    weights = target.sum(dim=1) if class_weights is None else target @ class_weights.to(logits.dtype)
    smooth = (1.0 - label_smoothing) * target + label_smoothing * labelled[:, None] / n_classes
    rows = -(smooth * logits.log_softmax(dim=1)).sum(dim=1)
    # The floor only guards a batch without labels: any real weight is far above the smallest normal float.
    return (weights * rows).sum() / weights.sum().clamp(min=torch.finfo(logits.dtype).tiny)
