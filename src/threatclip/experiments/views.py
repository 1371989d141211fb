"""Training views: the ways a payload may be shown so that nothing but the attack is left to learn."""

from __future__ import annotations

import re
import string

import numpy as np

from threatclip.experiments.recipe import Views
from threatclip.pairs.http import parse_requests, unquoted
from threatclip.pairs.probes import framed, no_headers, request_values, values_only

_WORD = re.compile(rb"[A-Za-z]{3,}|[0-9]+")
_LETTERS = np.frombuffer(string.ascii_lowercase.encode(), dtype=np.uint8)


def training_view(view: bytes, views: Views, rng: np.random.Generator) -> bytes:
    """Return one random showing of a payload; never empty where the payload is not."""
    draw = rng.random()
    shown = view
    if draw < views.no_headers:
        shown = no_headers(view)
    elif draw < views.no_headers + views.values_only:
        shown = values_only(view)
    elif draw < views.no_headers + views.values_only + views.template_swap:
        shown = in_random_frame(view, rng)
    if rng.random() < views.decoded:
        shown = unquoted(shown)
    if rng.random() < views.noise:
        shown = with_noise(shown, share=views.noise_share, rng=rng)
    return shown or view


def in_random_frame(view: bytes, rng: np.random.Generator) -> bytes:
    """Return the values of a view in a new random request, another one at every call."""
    return framed([value for request in parse_requests(view) for value in request_values(request)], rng)


def with_noise(view: bytes, *, share: float, rng: np.random.Generator) -> bytes:
    """Replace a share of the words (three letters or more) and numbers by random letters of random length."""

    def replaced(match: re.Match[bytes]) -> bytes:
        if rng.random() >= share:
            return match[0]
        return rng.choice(_LETTERS, size=int(rng.integers(3, 9))).tobytes()

    return _WORD.sub(replaced, view)
