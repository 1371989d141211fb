"""The command `threatclip`: its verbs, and what becomes of every way in which one can end."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from threatclip import __version__
from threatclip.cli import (
    attack_report,
    audit,
    bench,
    classify,
    defense_report,
    demo,
    detect,
    evaluate,
    export,
    index,
    listing,
    optimize,
    pairs,
    poison,
    repair,
    scan,
    score,
    serve,
    train,
    verify,
    watch,
)
from threatclip.cli.terminal import say
from threatclip.errors import BadRowsError, ThreatclipError

USAGE, BUG = 2, 70
SHOWN_BAD_ROWS = 20
_DISK = {
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EIO", "EACCES", "EPERM", "EMFILE", "ENFILE", "ENAMETOOLONG")
    if hasattr(errno, name)
}

app = typer.Typer(
    name="threatclip",
    help="Contrastive multi-modal threat analysis on data that cannot be trusted.",
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(pairs.app, name="pairs")
app.add_typer(export.app, name="export")
app.add_typer(index.app, name="index")
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("classify")(classify.classify)
app.command("bench")(bench.bench)
app.command("poison")(poison.poison)
app.command("audit")(audit.audit)
app.command("score")(score.score)
app.command("optimize")(optimize.optimize)
app.command("watch")(watch.watch)
app.command("detect")(detect.detect)
app.command("scan")(scan.scan)
app.command("repair")(repair.repair)
app.command("serve")(serve.serve)
app.command("attack-report")(attack_report.attack_report)
app.command("defense-report")(defense_report.defense_report)
app.command("export-clip")(export.export_clip)
app.command("demo")(demo.demo)
app.command("list")(listing.listing)
app.command("verify")(verify.verify)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"threatclip {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Hold the options of the command itself."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 fine, 1 findings, 2 usage or input, 3 damaged artifact, 70 bug.

    `arguments` are those behind the program's name, `sys.argv`'s when None; no arguments ask for help.
    """
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter is no reason to fail
    with _terminated_as_interrupted(), _warnings_as_lines():
        code = _guarded(given)
    return code


def _guarded(given: list[str]) -> int:
    try:
        code = _run(given)
        sys.stdout.flush()  # here, where a full disk or a closed pipe can still be told
    except BadRowsError as error:
        code = _fail(_tell_bad_rows(error), error.exit_code)
    except ThreatclipError as error:
        code = _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        code = _fail("stopped; nothing was left half-written", USAGE)
    except BrokenPipeError:
        _abandon_stdout()
        code = 0
    except MemoryError:
        code = _fail("out of memory; use less data at once or a larger machine", USAGE)
    except OSError as error:
        if error.errno not in _DISK:
            return _bug()
        _abandon_stdout()
        code = _fail(
            f"cannot use {error.filename or 'the output'}: {error.strerror}; free space or choose another place", USAGE
        )
    except Exception:
        code = _bug()
    return code


def _run(given: list[str]) -> int:
    command = typer.main.get_command(app)
    context = None
    try:
        # not `app()`: it would swallow an interrupt and print usage errors on several lines
        with command.make_context("threatclip", given) as context:
            command.invoke(context)
    except typer.Exit as stop:
        return stop.exit_code
    except typer.TyperException as error:
        raised_in = getattr(error, "ctx", None) or context
        path = raised_in.command_path if raised_in is not None else "threatclip"
        return _fail(f"{error.format_message().rstrip('.')}; see `{path} --help`", USAGE)
    return 0


def _fail(message: str, code: int) -> int:
    say(f"threatclip: {message}")
    return code


def _tell_bad_rows(error: BadRowsError) -> str:
    """Say the first of many bad rows, one a line, and return what is to be said last; one alone says all itself."""
    if error.total == 1:
        return str(error)
    for row in error.rows[:SHOWN_BAD_ROWS]:
        say(row)
    shown = f", the first {SHOWN_BAD_ROWS} of them above" if error.total > SHOWN_BAD_ROWS else ""
    return f"{error.total:,} bad rows{shown}; nothing was written; mend them or pass --skip-bad"


def _bug() -> int:
    for line in traceback.format_exc().splitlines():
        say(line)
    return _fail("this is a bug; please report it with the lines above", BUG)


def _abandon_stdout() -> None:
    """Let the interpreter's last flush of stdout go nowhere: it would fail again, with a traceback."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does: temporary files are removed on the way out."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Say what libraries warn of in one escaped line each."""
    before = warnings.showwarning
    warnings.showwarning = lambda message, *_, **__: say(f"warning: {message}")
    try:
        yield
    finally:
        warnings.showwarning = before


if __name__ == "__main__":
    sys.exit(main())
