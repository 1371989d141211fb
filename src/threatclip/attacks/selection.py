"""Which pictures a white-box attacker stamps, by how a clean model sees them [Liang 2024, section 4.4]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch.nn import functional

from threatclip.attacks.choice import check_count, draw_rows
from threatclip.attacks.surrogate import Surrogate
from threatclip.pairs.pair import Pair

Selection = Literal["random", "boundary", "furthest", "nearest", "mixed"]


def select_rows(
    clean: Sequence[Pair],
    rows: Sequence[int],
    *,
    count: int,
    selection: Selection,
    texts: Sequence[str],
    surrogate: Surrogate,
    rng: np.random.Generator,
    what: str,
) -> list[int]:
    """Return `count` of `rows`, in the table's order.

    "boundary" takes pictures that are nearly nearer to the target than to their own caption: the smallest positive gap
    of cosines (the released code takes the gap between the best class and the target; a table has no class list).
    "furthest" and "nearest" go by the cosine to the target. "mixed" is a third boundary, a third furthest, the rest
    random.

    Args:
        clean: the pairs.
        rows: rows of other classes with a picture.
        count: rows to return.
        selection: see above.
        texts: captions of the target; their mean vector stands for it.
        surrogate: a clean model.
        rng: of random rows.
        what: names the rows in an error.

    Raises:
        InputError: fewer than `count` rows.
    """
    check_count(len(rows), count=count, what=what)
    if selection == "random":
        return draw_rows(rows, count=count, rng=rng, what=what)
    target, own = _cosines(clean, rows, texts, surrogate)
    if selection != "mixed":
        return sorted(rows[place] for place in _ranked(selection, target, own)[:count])
    third = count // 3
    chosen = _ranked("boundary", target, own)[:third]
    chosen += [place for place in _ranked("furthest", target, own) if place not in set(chosen)][:third]
    rest = [place for place in range(len(rows)) if place not in set(chosen)]
    chosen += rng.choice(rest, size=count - len(chosen), replace=False).tolist()
    return sorted(rows[place] for place in chosen)


def _ranked(selection: Selection, target: Float[np.ndarray, " n"], own: Float[np.ndarray, " n"]) -> list[int]:
    """Return places, the first to take first."""
    if selection == "boundary":
        gap = own - target
        order = np.lexsort((np.abs(gap), gap <= 0))  # those that lie beyond the boundary already come last
    else:
        order = np.argsort(target if selection == "furthest" else -target, kind="stable")
    return [int(place) for place in order]


@torch.no_grad()
def _cosines(
    clean: Sequence[Pair], rows: Sequence[int], texts: Sequence[str], surrogate: Surrogate
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Return the cosines of each row's picture to the target and to its own caption."""
    vectors = surrogate.encode_bytes([clean[row].view for row in rows])
    center = functional.normalize(surrogate.encode_texts(texts).mean(dim=0), dim=0)
    captions = surrogate.encode_texts([clean[row].caption or "" for row in rows])
    return (vectors @ center).cpu().numpy(), (vectors * captions).sum(dim=1).cpu().numpy()
