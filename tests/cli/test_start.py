"""Starting is cheap: help loads no room, and what it says fits a terminal."""

from __future__ import annotations

import resource
import subprocess
import sys
import warnings

import pytest
import typer
from commands import Command

from threatclip import __version__
from threatclip.cli.main import app
from threatclip.errors import InputError

HEAVY = ("torch", "sklearn", "scipy", "numpy", "pyarrow", "transformers", "sentence_transformers", "rich")
LOADED = """
import sys
from threatclip.cli.main import main
code = main(sys.argv[1:])
print([name for name in {heavy!r} if name in sys.modules], code)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["pairs", "build", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(heavy=HEAVY), *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[] 0"


def test_help_takes_less_than_300_ms_of_cpu() -> None:
    def cpu_s() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "threatclip.cli.main", "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(cpu_s() for _ in range(3)) < 0.3


def test_version_and_bare_command(threatclip: Command) -> None:
    assert threatclip("--version").out == f"threatclip {__version__}\n"
    bare = threatclip()
    assert (bare.code, bare.out.startswith("Usage: threatclip")) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["frobnicate"], "No such command 'frobnicate'; see `threatclip --help`"),
        (["pairs"], "Missing command; see `threatclip pairs --help`"),
        (["train", "r.toml"], "Missing option '--output' / '-o'; see `threatclip train --help`"),
        (["pairs", "samples", "-o", "x", "-n", "many"], "see `threatclip pairs samples --help`"),
        (["verify", "x", "--no-such"], "No such option: --no-such"),
        (["list", "nothing"], "cannot list 'nothing'; choose from sources, towers"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(threatclip: Command, arguments: list[str], says: str) -> None:
    done = threatclip(*arguments)
    assert (done.code, done.out, len(done.errors)) == (2, "", 1)
    assert done.errors[0].startswith("threatclip: ")
    assert says in done.errors[0]


def test_every_verb_has_json_and_says_what_it_does() -> None:
    command = typer.main.get_command(app)
    verbs = dict(command.commands)  # type: ignore[attr-defined]
    verbs |= {**verbs.pop("pairs").commands, **verbs.pop("export").commands, **verbs.pop("index").commands}
    assert set(verbs) == {
        *("build", "inspect", "split", "samples"),
        *("stix", "navigator", "misp"),
        *("add", "search", "show"),
        *("train", "evaluate", "classify", "bench", "demo", "list", "verify", "poison", "export-clip"),
        *("attack-report", "audit", "detect", "scan", "repair", "defense-report", "serve"),
        *("score", "watch", "optimize"),
    }
    for name, verb in verbs.items():
        options = {option for parameter in verb.params for option in parameter.opts}
        assert "--json" in options, name
        short = (verb.help or "").partition("\n")[0]
        assert 10 < len(short) <= 45, name
        assert all(parameter.help for parameter in verb.params), name


def test_a_bug_is_a_traceback_and_exit_70(threatclip: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise AttributeError("no \x1b[31mattribute")

    monkeypatch.setattr("threatclip.pairs.table.PairTable.open", broken)
    done = threatclip("verify", "table.parquet")
    assert done.code == 70
    assert done.errors[0] == "Traceback (most recent call last):"
    assert done.errors[-2] == r"AttributeError: no \x1b[31mattribute"
    assert done.errors[-1] == "threatclip: this is a bug; please report it with the lines above"


def test_no_memory_is_one_line(threatclip: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def hungry(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("threatclip.pairs.table.PairTable.open", hungry)
    done = threatclip("verify", "table.parquet")
    assert (done.code, done.error) == (2, "out of memory; use less data at once or a larger machine")


def test_library_warnings_are_one_escaped_line(
    threatclip: Command, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    def noisy(*_: object, **__: object) -> None:
        warnings.simplefilter("always")
        warnings.warn("deprecated:\n\x1b[31mred", UserWarning, stacklevel=1)
        raise InputError("no table")

    monkeypatch.setattr("threatclip.pairs.table.PairTable.open", noisy)
    done = threatclip("verify", "table.parquet")
    assert done.errors == [r"warning: deprecated:\n\x1b[31mred", "threatclip: no table"]
