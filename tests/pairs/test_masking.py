"""Masked sentences: no name and no citation is left, the rest is as it was; the derived table as oracle."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stix_cases import OBJECTS, TEXT, real_catalogue
from threatclip.pairs.attack_reading import catalogue_of
from threatclip.pairs.masking import mask_names, names_of, without_markup

CATALOGUE = catalogue_of(OBJECTS, where="test")
NAMES = names_of(CATALOGUE)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (TEXT, "ACTOR ran fish, and MALWARE too."),
        ("SLY BADGER met temp.sett.", "ACTOR met ACTOR."),
        ("the claw v2.1 and claw v2.10", "the MALWARE and claw v2.10"),
        ("run net.exe or net use", "run MALWARE or net use"),
        ("ClawLoaders, reClawLoader, get_clawloader", "ClawLoaders, reClawLoader, get_MALWARE"),
        ("see [this](https://example.test/a) and [X](https://attack.mitre.org/techniques/T1)", "see this and X"),
        ("[Any](https://attack.mitre.org/campaigns/C0001) began", "CAMPAIGN began"),
        ("İİ Sly Badger", "İİ ACTOR"),
        ("", ""),
    ],
)
def test_names_become_the_word_for_their_kind(text: str, masked: str) -> None:
    assert mask_names(text, NAMES) == masked


def test_markup_goes_and_names_stay_where_they_may() -> None:
    assert without_markup(TEXT) == "Sly Badger ran fish, and ClawLoader too."


PARTS = st.sampled_from(["Sly Badger", "apt-99", "ClawLoader", "x", " ", "(Citation: ", ")", "[", "](http://a)", "İ"])


@given(st.lists(PARTS, max_size=12))
def test_no_known_name_is_left_on_word_borders(parts: list[str]) -> None:
    masked = mask_names(" ".join(parts), NAMES)
    assert re.search(r"(?<![^\W_])(sly badger|apt-99|clawloader)(?![^\W_])", masked, re.IGNORECASE) is None


def test_hostile_text_takes_linear_time() -> None:
    for piece in ("(Citation: (", "[a](", "[", "sly ", "(Citation: "):
        assert mask_names(piece * 20_000, NAMES)


@pytest.mark.data
def test_the_real_sentences_are_masked_as_the_protocol_had_them(data_dir: Path) -> None:
    folder = data_dir / "attack"
    catalogue = real_catalogue(data_dir)
    names = names_of(catalogue)
    with gzip.open(folder / "procedures_masked.jsonl.gz") as lines:
        known = {row["rel_id"]: row["text"] for row in map(json.loads, lines)}
    same = [mask_names(one.text, names) == known[one.stix_id] for one in catalogue.procedures]
    # the table's masks knew software of 2025 too, which the bundle lacks
    assert sum(same) >= 0.999 * len(same)
