"""Which pairs SafeCLIP trusts: a mixture of two normal distributions over the cosines of pairs."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.special import expit

from threatclip.defenses.filters.mixture import mixture_log_odds
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.encode import prepare_encoder
from threatclip.encoders.towers import Tower
from threatclip.errors import InputError
from threatclip.training.dual.prepared import Column, Encoded, Features, Pixels, PreparedPairs, TokenRows

_ITERATIONS = 200  # of expectation-maximization, as the filter


def pair_cosines(dual: DualEncoder, pairs: PreparedPairs) -> Float[np.ndarray, " n"]:
    """Return the cosine of each pair's plain view and caption, in fp32 and evaluation mode."""
    views = _vectors(dual.view_tower, pairs.views)[pairs.view_of]
    captions = _vectors(dual.text_tower, pairs.captions)[pairs.caption_of]
    return np.asarray(np.einsum("nd,nd->n", views, captions))


def clean_probabilities(cosines: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Return how likely each pair is of the component of the greater mean, of two [Yang 2024, section 4.2].

    Raises:
        InputError: fewer than four pairs, or values that are not finite.
    """
    strange = int((~np.isfinite(cosines)).sum())
    if strange:
        raise InputError(f"{strange} of {len(cosines)} cosines are not finite: the model has diverged; train it anew")
    return np.asarray(expit(-mixture_log_odds(cosines.astype(np.float64), iterations=_ITERATIONS)))


def most_clean(cosines: Float[np.ndarray, " n"], *, share: float) -> Bool[np.ndarray, " n"]:
    """Return which pairs are among the `share` likeliest to be clean.

    The code ranks by the probability of the mixture, which our mixture keeps in the order of the cosine itself: what
    matches better is never less clean. So the cosine ranks, also where probabilities are rounded to 1.
    """
    order = np.argsort(-cosines, kind="stable")
    chosen = np.zeros(len(cosines), dtype=bool)
    chosen[order[: int(len(cosines) * share)]] = True
    return chosen


def _vectors(tower: Tower, column: Column) -> Float[np.ndarray, "m d"]:
    match column:
        case Pixels():
            return prepare_encoder(tower, precision="fp32").pixels(column.values)
        case TokenRows():
            return prepare_encoder(tower, precision="fp32").tokens(column.rows)
        case Features():
            return _projected(tower, column.values[:, 0])
        case Encoded():
            raise InputError("these rows are not read yet; a fit reads them, see `fit_steps`")


@torch.inference_mode()
def _projected(tower: Tower, features: np.ndarray) -> np.ndarray:
    device = next(tower.parameters()).device
    was = tower.training
    tower.eval()
    vectors: np.ndarray = tower.project(torch.from_numpy(features).to(device)).float().cpu().numpy()
    tower.train(was)
    return vectors
