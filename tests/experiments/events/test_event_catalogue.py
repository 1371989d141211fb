"""The catalogue of events: the built-in one, files of analysts, files of strangers."""

from __future__ import annotations

from pathlib import Path

import pytest

from threatclip.errors import InputError, RecipeError
from threatclip.experiments.events.catalogue import MAX_BYTES, Catalogue, read_catalogue
from threatclip.pairs.sources.dmd import EVENT_TAGS

TWO = """
[events.flood]
name = "Flood"
pictures = ["water"]
words = ["water everywhere"]
[events.fire]
name = "Fire"
pictures = ["flames"]
words = ["it burns"]
"""


def test_the_built_in_catalogue_has_five_prompts_for_each_half_of_every_event() -> None:
    built_in = read_catalogue()
    assert set(EVENT_TAGS) <= set(built_in.events)
    for half in ("picture", "words"):
        for label, prompts in built_in.prompts(half).items():
            assert len(set(prompts)) >= 5, label
    assert all("#" not in text for event in built_in.events.values() for text in (*event.pictures, *event.words))


def test_an_analysts_file_keeps_its_order_and_survives_a_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TWO)
    catalogue = read_catalogue(path)
    assert list(catalogue.events) == ["flood", "fire"]
    assert Catalogue.from_plain(catalogue.as_plain()) == catalogue
    assert list(catalogue.only(["fire", "flood"]).events) == ["fire", "flood"]
    assert catalogue.name("fire") == "Fire"
    assert catalogue.name("war") == "war"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TWO + "[events.war]\nname = 'War'\nwords = ['war']", "'events.war.pictures' is missing"),
        (TWO + "[events.war]\nname = 'War'\npictures = []\nwords = ['war']", "give it prompts"),
        (TWO + "[events.war]\nname = 'War'\npictures = [' ']\nwords = ['war']", "give it prompts"),
        (TWO.replace("name =", "title ="), "unknown key 'events.flood.title'"),
        ("[events.a]\nname='a'\npictures=['a']\nwords=['a']", "needs two events"),
        ("events = 3", "events"),
        ("= 3", "is not TOML"),
        ("\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "is not TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=says):
        read_catalogue(path)


def test_a_file_that_is_absent_huge_or_lacks_a_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read catalogue"):
        read_catalogue(tmp_path / "absent.toml")
    (tmp_path / "huge.toml").write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(InputError, match="larger than"):
        read_catalogue(tmp_path / "huge.toml")
    with pytest.raises(InputError, match=r"add \[events.war\]"):
        read_catalogue().only(["war"])
