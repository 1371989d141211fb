"""Logistic regression on many more features than rows, at the price of few: the fit in the span of the rows.

The L2 penalty lets no weight leave the span of the training rows. So the optimum over d features is the one over the
at most n coordinates of the rows in an orthonormal basis of that span, carried back [Schoelkopf 2001].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float, Int

from threatclip.classification.linear import Features, LinearHead, LinearSettings, fit_linear

_LEAST_EIGENVALUE = 1e-9  # relative to the largest: below it a direction is rounding


def fit_in_span(
    features: Features,
    truth: Int[np.ndarray, " n"],
    *,
    n_classes: int,
    costs: Sequence[float],
    rng: np.random.Generator,
    weights: Float[np.ndarray, " n"] | None = None,
) -> Iterator[tuple[float, LinearHead]]:
    """Yield (c, head) for each inverse penalty of `costs`: multinomial logistic regression on features [n, d].

    The same heads as `fit_linear` with `LinearSettings(c=c, balanced=False)`, up to where its solver stops. The span is
    found once for all costs.

    Args:
        features: dense or sparse.
        truth: class indices.
        n_classes: size of the catalogue; a class without rows scores `UNSEEN_SCORE`.
        costs: inverse penalties.
        rng: of the solver.
        weights: what a row counts; default 1 each.

    Raises:
        InputError: fewer than two classes, or unlabeled rows.
    """
    coordinates, back = _span(features)
    for c in costs:
        settings = LinearSettings(kind="logistic", c=c, balanced=False)
        head = fit_linear(coordinates, truth, n_classes=n_classes, settings=settings, rng=rng, weights=weights)
        weight = np.asarray((head.weight.astype(np.float64) @ back.T) @ features, dtype=np.float32)
        yield c, LinearHead(weight=weight, bias=head.bias)


def _span(features: Features) -> tuple[Float[np.ndarray, "n r"], Float[np.ndarray, "n r"]]:
    """Return the rows' coordinates, and what turns weights on these into multiples of the rows."""
    inner = features @ features.T if isinstance(features, np.ndarray) else (features @ features.T).toarray()
    gram = np.asarray(inner, dtype=np.float64)
    values, vectors = np.linalg.eigh(gram)
    kept = values > _LEAST_EIGENVALUE * max(float(values.max(initial=0.0)), 1e-30)
    length = np.sqrt(values[kept])
    return vectors[:, kept] * length, vectors[:, kept] / length
