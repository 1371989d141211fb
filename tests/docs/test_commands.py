"""Docs are tests: the reference is what `--help` says, and every command shown anywhere can be typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from threatclip.cli.main import app
from threatclip.cli.reference import reference

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands_in(text: str) -> Iterator[str]:
    """Yield every line of a shell block that runs threatclip, continuation lines joined, prompt and rest cut."""
    for language, block in _BLOCK.findall(text):
        if language in ("", "sh", "bash", "shell", "console"):
            for line in block.replace("\\\n", " ").splitlines():
                for step in re.split(r"\s(?:\||&&|;)\s", line.removeprefix("$ ")):
                    if step.strip().startswith("threatclip "):
                        yield step.strip()


def words_of(command: str) -> list[str]:
    """Return the arguments of a command line, without its comment and redirections."""
    words = shlex.split(command, comments=True)[1:]
    kept = []
    for place, word in enumerate(words):
        if word in ("<", ">", ">>", "2>") or (place and words[place - 1] in ("<", ">", ">>", "2>")):
            continue
        kept.append(word)
    return kept


def parse(words: list[str]) -> None:
    """Let the command line itself parse the words, down to the verb, and run nothing."""
    command: Any = typer.main.get_command(app)
    context = None
    name: str | None = "threatclip"
    while command is not None:
        context = command.make_context(name, list(words), parent=context)
        if not hasattr(command, "commands"):
            return
        name, command, words = command.resolve_command(context, [*context._protected_args, *context.args])


def shown() -> list[tuple[str, str]]:
    return [
        (str(path.relative_to(REPOSITORY)), command)
        for path in sorted(DOCS)
        for command in commands_in(path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(("document", "command"), shown())
def test_every_command_shown_can_be_typed(document: str, command: str) -> None:
    try:
        parse(words_of(command))
    except typer.Exit:
        pass
    except typer.TyperException as error:
        pytest.fail(f"{document}: `{command}`: {error.format_message()}")


@pytest.mark.parametrize(
    "command",
    [
        "threatclip train r.toml -o run --set a.b=c --frobnicate",
        "threatclip pairs build x",
        "threatclip nothing",
        "threatclip bench r.toml -o d --jobs many",
    ],
)
def test_a_command_that_cannot_be_typed_is_seen(command: str) -> None:
    with pytest.raises(typer.TyperException):
        parse(words_of(command))


def test_commands_are_found_in_blocks() -> None:
    text = (
        "```sh\n$ threatclip train r.toml \\\n    -o run  # 30 minutes\ncat x | threatclip classify run - > out\n```\n"
    )
    found = [words_of(command) for command in commands_in(text)]
    assert found == [["train", "r.toml", "-o", "run"], ["classify", "run", "-"]]


def test_the_reference_is_what_help_says() -> None:
    committed = (REPOSITORY / "docs" / "cli.md").read_text(encoding="utf-8")
    assert committed == reference(), "docs/cli.md is not current; run `make docs`"


def test_make_help_lists_every_verb_and_no_more_than_a_dozen() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    verbs = phony[1].split()
    described = re.findall(r"^(\w+):.*## \w", makefile, re.MULTILINE)
    assert sorted(verbs) == sorted(described)
    assert len(verbs) <= 12
    assert {"help", "demo", "test", "check", "lint", "types", "docs", "bench"} <= set(verbs)
