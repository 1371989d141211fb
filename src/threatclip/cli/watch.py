"""`threatclip watch`: answers to a Suricata log as it grows."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from threatclip.cli.options import Json, Quiet
from threatclip.cli.terminal import progress, say, show_json


def watch(
    log: Annotated[Path, typer.Argument(metavar="EVE_JSON", help="Suricata EVE JSON, one event a line.")],
    model: Annotated[Path, typer.Option(metavar="RUN", help="Run folder of `threatclip train`, or a bundle.")],
    out: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="JSON Lines to append answers to.")],
    once: Annotated[bool, typer.Option("--once", help="Read to the end and stop.")] = False,
    event_type: Annotated[
        list[str] | None, typer.Option(metavar="TYPE", help="Answer events of this type only; repeatable.")
    ] = None,
    poll: Annotated[float, typer.Option(min=0.01, metavar="SECONDS", help="How often to look for new lines.")] = 0.5,
    grace: Annotated[
        float,
        typer.Option(min=0, metavar="SECONDS", help="How long a renamed log must be quiet before the next is begun."),
    ] = 5.0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Answer a growing Suricata log.

    Follows renamed, truncated and packed logs. Killed or stopped, the same command goes on where it was:
    FILE.state.json keeps the place, and no event is lost or answered twice. Ctrl-C ends it after the batch in hand.
    """
    from threatclip.batch.watch import Watching
    from threatclip.batch.watch import watch as run
    from threatclip.errors import InputError
    from threatclip.experiments.tasks import load_classifier

    if once and not log.exists():
        raise InputError(f"no file {log}")
    classifier = load_classifier(model)
    watching = Watching(log=log, answers=out, once=once, events=tuple(event_type or ()), poll_s=poll, grace_s=grace)
    with progress(quiet=quiet) as on_progress, _stopped() as stopped:
        report = run(watching, classifier, stopping=stopped.is_set, on_notice=say, on_progress=on_progress)
    if as_json:
        show_json(report)
    elif not quiet:
        _summarize(report)


@contextmanager
def _stopped() -> Iterator[threading.Event]:
    """Yield what Ctrl-C and SIGTERM set; a second Ctrl-C does not wait for the batch."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def stop(number: int, _: Any) -> None:
        event.set()
        signal.signal(number, signal.default_int_handler)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _summarize(report: dict[str, Any]) -> None:
    say(f"answered {report['answered']:,} (don't know: {report['abstained']:,}), bad rows {report['bad']:,}")
    for reason, count in sorted(report["skipped"].items(), key=lambda item: -item[1]):
        say(f"skipped {count:,}: {reason}")
