"""The catalogue of events: names for people, and prompts for pictures and for words, in a TOML file to edit."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from threatclip.errors import InputError, RecipeError
from threatclip.experiments.config import parse

MAX_BYTES = 2**20
_BUILT_IN = "catalogue.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPrompts:
    """One event: its name, and texts that say how its pictures look and what its posts say."""

    name: str
    pictures: tuple[str, ...]
    words: tuple[str, ...]

    def __post_init__(self) -> None:
        for half, texts in (("pictures", self.pictures), ("words", self.words)):
            if not texts or not all(text.strip() for text in texts):
                raise RecipeError(f"{half} of event {self.name!r} is empty or holds an empty text; give it prompts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Events by label, in the order of the file."""

    events: dict[str, EventPrompts]

    def __post_init__(self) -> None:
        if len(self.events) < 2:
            raise RecipeError(f"a catalogue needs two events or more, this one has {len(self.events)}")

    def name(self, label: str) -> str:
        """Return an event's name for people; the label where the catalogue does not know it."""
        return self.events[label].name if label in self.events else label

    def prompts(self, half: str) -> Mapping[str, Sequence[str]]:
        """Return label -> prompts of one half, "picture" or "words"."""
        return {label: event.pictures if half == "picture" else event.words for label, event in self.events.items()}

    def only(self, labels: Sequence[str]) -> Catalogue:
        """Return the catalogue of some labels, in their order.

        Raises:
            InputError: it lacks one.
        """
        missing = [label for label in labels if label not in self.events]
        if missing:
            raise InputError(f"the catalogue has no event {missing[0]!r}; add [events.{missing[0]}] with prompts")
        return Catalogue(events={label: self.events[label] for label in labels})

    def as_plain(self) -> dict[str, Any]:
        """Return what `from_plain` reads: a list, since order matters and JSON objects lose it."""
        return {"events": [{"label": label, **asdict(event)} for label, event in self.events.items()]}

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Catalogue:
        """Return the catalogue that `as_plain` wrote."""
        return cls(
            events={
                str(entry["label"]): EventPrompts(
                    name=str(entry["name"]),
                    pictures=tuple(map(str, entry["pictures"])),
                    words=tuple(map(str, entry["words"])),
                )
                for entry in values["events"]
            }
        )


def read_catalogue(path: Path | None = None) -> Catalogue:
    """Read a catalogue; the built-in one where no path is given.

    Raises:
        InputError: the file cannot be read or is too large.
        RecipeError: it is not TOML, or a key is unknown, missing or of the wrong type.
    """
    built_in = resources.files(__package__ or "").joinpath(_BUILT_IN)
    content = built_in.read_bytes() if path is None else _bytes_of(path)
    where = str(path or f"built-in {_BUILT_IN}")
    try:
        values = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise RecipeError(f"{where} is not TOML: {error}") from error
    return parse(Catalogue, values, where=where)


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as handle:
            content = handle.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read catalogue {path}: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise InputError(f"catalogue {path} is larger than {MAX_BYTES:,} bytes; no list of prompts is")
    return content
