"""What carried an answer, asked of the model through the same queue as everybody's inputs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from threatclip.classification.attribution import Attribution, leave_one_out
from threatclip.pairs.pair import Pair
from threatclip.service.pages.highlight import content_of
from threatclip.service.pages.submissions import Submission
from threatclip.service.state import State

_BUDGET = 96


async def explained(state: State, submission: Submission, place: int) -> Attribution:
    """Return what each part of an input carried of its first answer; asked once, then remembered.

    Raises:
        Problem: the queue is full, the service stops, or the time of a request is over.
        ThreatclipError: the run is gone or damaged.
    """
    if place in submission.carried:
        return submission.carried[place]
    pair, label = submission.pairs[place], submission.answers[place]["answers"][0]["label"]
    loop = asyncio.get_running_loop()

    def score(contents: Sequence[bytes]) -> np.ndarray:
        asked = [_with_content(pair, content, submission) for content in contents]
        answers = asyncio.run_coroutine_threadsafe(state.models.classify(submission.run, asked), loop).result()
        return np.array([_probability(answer["answers"], label) for answer in answers])

    content = content_of(pair, submission.reads)
    found = await asyncio.to_thread(
        leave_one_out, content, score, budget=min(_BUDGET, state.settings.limits.queue_inputs)
    )
    submission.carried[place] = found
    return found


def _with_content(pair: Pair, content: bytes, submission: Submission) -> Pair:
    if submission.reads == "image":
        return replace(pair, caption=content.decode("utf-8", "replace"))
    return replace(pair, view=content)


def _probability(claims: Sequence[dict[str, object]], label: str) -> float:
    return next((float(str(claim["probability"])) for claim in claims if claim["label"] == label), 0.0)
