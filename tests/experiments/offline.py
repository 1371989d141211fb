"""What a fresh process without a network makes of a run: `offline.py RUN TABLE OUT < payloads`, prints one JSON object.

Payloads come as one JSON list of Latin-1 texts. Every socket is an error.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any


class NoSocket(socket.socket):
    """A socket that cannot be made."""

    def __new__(cls, *_: Any, **__: Any) -> NoSocket:
        raise AssertionError("a socket was opened")


def main() -> None:
    """Classify the payloads, then judge the run on another table."""
    socket.socket = NoSocket  # type: ignore[misc]
    import torch

    from threatclip.experiments.classifier import PayloadClassifier
    from threatclip.experiments.evaluate import evaluate_run
    from threatclip.experiments.progress import ignore

    torch.set_num_threads(1)
    run, table, out = (Path(argument) for argument in sys.argv[1:])
    views = [text.encode("latin-1") for text in json.load(sys.stdin)]
    answers = PayloadClassifier.load(run).classify(views, [str(number) for number in range(len(views))])
    result = evaluate_run(run, pairs=table, probes=False, baselines=False, out=out, on_progress=ignore)
    json.dump({"answers": answers, "evaluation": result}, sys.stdout)


if __name__ == "__main__":
    main()
