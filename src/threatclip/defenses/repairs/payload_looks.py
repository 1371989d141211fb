"""Second looks of payloads: the same attack in another request, or with less around it.

Only changes that training is offered elsewhere too: what stress probes and the marker probe do stays unseen, or they
would measure nothing (see `pairs.probes`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from threatclip.pairs.http import Request, parse_requests, render_requests
from threatclip.pairs.probes import framed, no_headers, request_values, values_only


def mutated_payload(view: bytes, rng: np.random.Generator) -> bytes:
    """Return one neutral change of a payload, what it exploits untouched; the view itself where nothing would be left.

    One of four, each as likely: its values in a new random request; its values alone; no headers; headers shuffled.
    """
    match int(rng.integers(4)):
        case 0:
            values = [value for request in parse_requests(view) for value in request_values(request)]
            shown = framed(values, rng) if values else view
        case 1:
            shown = values_only(view)
        case 2:
            shown = no_headers(view)
        case _:
            shown = render_requests(tuple(_shuffled(request, rng) for request in parse_requests(view)))
    return shown or view


def _shuffled(request: Request, rng: np.random.Generator) -> Request:
    order = rng.permutation(len(request.headers))
    return replace(request, headers=tuple(request.headers[place] for place in order))
