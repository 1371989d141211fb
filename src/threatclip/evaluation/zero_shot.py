"""Zero-shot classification: a class is the direction in which its prompts point [Radford 2021, section 3.1.4]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from threatclip.errors import InputError
from threatclip.evaluation.metrics import accuracy, macro_f1
from threatclip.evaluation.ranking import base_rate, pr_auc_macro, pr_auc_micro, roc_auc_macro
from threatclip.evaluation.summary import MetricFunction

ZERO_SHOT: Mapping[str, MetricFunction] = {
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "roc_auc_macro": roc_auc_macro,
    "pr_auc_macro": pr_auc_macro,
    "pr_auc_micro": pr_auc_micro,
    "base_rate": base_rate,
}
"""What a zero-shot classifier is judged by; `base_rate` is the macro PR-AUC of a random ranking of many rows."""


def class_prototypes(
    prompt_vectors: Float[np.ndarray, "p d"], owners: Int[np.ndarray, " p"], *, n_classes: int | None = None
) -> Float[np.ndarray, "c d"]:
    """Return one unit row per class: the normalized mean of the normalized vectors of its prompts.

    Args:
        prompt_vectors: one row per prompt.
        owners: the class number of each prompt.
        n_classes: how many classes there are; default: the highest number in `owners`, plus one.

    Raises:
        InputError: a class has no prompt, or its prompts point nowhere.
    """
    n_classes = int(owners.max(initial=-1)) + 1 if n_classes is None else n_classes
    if not n_classes or len(owners) != len(prompt_vectors) or not np.isin(np.arange(n_classes), owners).all():
        raise InputError(f"{len(prompt_vectors)} prompts do not give each of {n_classes} classes one; add some")
    sums = np.zeros((n_classes, prompt_vectors.shape[1]))
    np.add.at(sums, owners, _unit(prompt_vectors))
    return _unit(sums).astype(np.float32)


def zero_shot_scores(
    vectors: Float[np.ndarray, "n d"], prototypes: Float[np.ndarray, "c d"]
) -> Float[np.ndarray, "n c"]:
    """Return the cosine of every row to every class; both sides unit rows."""
    return np.asarray(vectors @ prototypes.T)


def zero_shot_probabilities(scores: Float[np.ndarray, "n c"], *, temperature: float) -> Float[np.ndarray, "n c"]:
    """Return the softmax over classes of cosines divided by `temperature`; not calibrated.

    Raises:
        InputError: the temperature is not above 0.
    """
    if not temperature > 0:
        raise InputError(f"a temperature must be above 0, got {temperature}")
    logits = np.asarray(scores, dtype=np.float64) / temperature
    logits -= logits.max(axis=1, keepdims=True)
    chances = np.exp(logits)
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))


def prompt_list(catalogue: Mapping[str, Sequence[str]]) -> tuple[tuple[str, ...], list[str], Int[np.ndarray, " p"]]:
    """Return the classes of a catalogue, all of its prompts, and the class number of each prompt.

    Raises:
        InputError: a class without a prompt, or with a blank one.
    """
    for name, prompts in catalogue.items():
        if not prompts or not all(prompt.strip() for prompt in prompts):
            raise InputError(f"class {name!r} has no prompts, or a blank one; give it some")
    texts = [prompt for prompts in catalogue.values() for prompt in prompts]
    owners = [number for number, prompts in enumerate(catalogue.values()) for _ in prompts]
    return tuple(catalogue), texts, np.array(owners, dtype=np.int64)


def _unit(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    if not (lengths > 1e-12).all():
        raise InputError("a prompt or class vector has length 0: it points nowhere; change the prompts")
    return np.asarray(rows / lengths)
