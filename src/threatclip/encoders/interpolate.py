"""WiSE-FT: a model between an original and what was tuned from it, so that tuning does not forget [Wortsman 2022]."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.towers import Tower
from threatclip.errors import InputError


def interpolate(original: DualEncoder, tuned: DualEncoder, *, alpha: float) -> DualEncoder:
    """Return the model of weights `(1 - alpha) * original + alpha * tuned` [Wortsman 2022, section 3].

    Every weight is mixed, the log-scale and the statistics of BatchNorms too; whole numbers are the tuned model's.
    What may train, and every setting else, is as in `tuned`. alpha = 0 gives the original's weights and alpha = 1 the
    tuned ones, bit for bit. Both models stay as they are.

    Raises:
        InputError: alpha is not in [0, 1]; the models differ in architecture or vocabulary; a weight is not finite.
    """
    if not 0 <= alpha <= 1:
        raise InputError(f"alpha = {alpha} of an interpolation; choose 0 (the original) to 1 (the tuned model)")
    _check_towers("view", original.view_tower, tuned.view_tower)
    _check_towers("text", original.text_tower, tuned.text_tower)
    first, last = original.state_dict(), tuned.state_dict()
    mixed = _copied(tuned)
    with torch.no_grad():
        for name, place in mixed.state_dict().items():
            if place.is_floating_point():
                place.copy_(_between(name, first[name], last[name], alpha))
    return mixed


def _between(name: str, first: Tensor, last: Tensor, alpha: float) -> Tensor:
    for what, tensor in (("original", first), ("tuned", last)):
        if not bool(torch.isfinite(tensor).all()):
            raise InputError(f"weight {name!r} of the {what} model is not finite; train it anew")
    return torch.lerp(first.to(last.device, last.dtype), last, alpha)


def _check_towers(side: str, original: Tower, tuned: Tower) -> None:
    if type(original) is not type(tuned):
        kinds = f"{original.config.kind!r} and {tuned.config.kind!r}"
        raise InputError(f"cannot interpolate {side} towers of kinds {kinds}; tune the original itself")
    first = {name: tuple(tensor.shape) for name, tensor in original.state_dict().items()}
    last = {name: tuple(tensor.shape) for name, tensor in tuned.state_dict().items()}
    differing = sorted(set(first.items()) ^ set(last.items()))
    if differing:
        raise InputError(f"cannot interpolate {side} towers of other shapes ({differing[0][0]!r}); tune the original")
    one, other = original.assets(), tuned.assets()
    changed = sorted(name for name in set(one) | set(other) if one.get(name) != other.get(name))
    if changed:
        raise InputError(f"cannot interpolate {side} towers that read differently ({changed[0]}); tune the original")


def _copied(dual: DualEncoder) -> DualEncoder:
    shared = {}
    for tower in (dual.view_tower, dual.text_tower):
        tokenizer = getattr(tower, "_tokenizer", None)
        if tokenizer is not None:  # reads only, and a copy would lose its settings
            shared[id(tokenizer)] = tokenizer
    return copy.deepcopy(dual, shared)
