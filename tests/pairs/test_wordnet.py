"""A WordNet dictionary is read from its own files: synonyms of words and of their base forms, damage told."""

from __future__ import annotations

from pathlib import Path

import pytest

from language_cases import save_wordnet
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.pairs.wordnet import DEBIAN, VARIABLE, read_wordnet, wordnet_folder


@pytest.fixture(scope="module")
def dictionary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_wordnet(tmp_path_factory.mktemp("wordnet"))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("thing", ("matter", "object")),
        ("Things", ("matter", "object")),
        ("fetched", ("bring", "get")),
        ("wrote", ("pen",)),
        ("ways", ("means of access", "road")),
        ("near", ("close", "nigh")),
        ("boxes", ("chest",)),
        ("went", ("move",)),
        ("unheard", ()),
        ("", ()),
    ],
)
def test_synonyms_of_words_and_of_their_base_forms(dictionary: Path, word: str, expected: tuple[str, ...]) -> None:
    assert read_wordnet(dictionary).synonyms(word) == expected


def test_a_dictionary_without_exceptions_is_read(dictionary: Path, tmp_path: Path) -> None:
    copy = save_wordnet(tmp_path / "copy")
    (copy / "verb.exc").unlink()
    assert read_wordnet(copy).synonyms("wrote") == ()
    assert read_wordnet(copy).synonyms("writing") == ("pen",)


def test_the_folder_is_the_one_named_then_that_of_the_variable(
    dictionary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(dictionary))
    assert wordnet_folder(None) == dictionary
    assert wordnet_folder(str(save_wordnet(tmp_path / "named"))) == tmp_path / "named"
    with pytest.raises(InputError, match=r"index\.noun is missing\); run: apt-get install wordnet-base"):
        wordnet_folder(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("index.verb", "fetch v many\n", r"index\.verb:1: no word with its synsets"),
        ("index.verb", "fetch v 1 0 1 0 99999999\n", r"data\.verb holds no synset at byte 99999999"),
        ("index.verb", "fetch v 1 0 1 0 00000004\n", r"data\.verb holds no synset at byte 4"),
        ("data.verb", "00000000 29 v ff fetch 0\n" * 9, r"data\.verb holds no synset at byte"),
    ],
)
def test_a_damaged_dictionary_is_told(tmp_path: Path, name: str, content: str, message: str) -> None:
    folder = save_wordnet(tmp_path)
    (folder / name).write_text(content)
    with pytest.raises(DamagedArtifactError, match=message):
        read_wordnet(folder).synonyms("fetch")


def test_the_dictionary_of_debian_is_read() -> None:
    if not (Path(DEBIAN) / "index.noun").is_file():
        pytest.skip(f"no WordNet dictionary in {DEBIAN}; apt-get install wordnet-base")
    found = read_wordnet(Path(DEBIAN))
    assert "certificate" in found.synonyms("credentials")
    assert {"utilize", "employ"} <= set(found.synonyms("used"))
    assert "secondhand" in found.synonyms("used")
