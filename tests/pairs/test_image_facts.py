"""What `pairs inspect` says of pictures and posts."""

from __future__ import annotations

from pathlib import Path

import orjson

from encoded_pictures import encoded, smooth_picture
from threatclip.pairs.image_facts import ImageTally
from threatclip.pairs.inspect import describe
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import PairTable, write_pairs

WIDE = encoded(smooth_picture(height=10, width=50), "PNG")
TALL = encoded(smooth_picture(height=70, width=20), "JPEG")
PAIRS = [
    Pair(id="a#0", view=WIDE, caption="one", group="a"),
    Pair(id="a#1", view=WIDE, caption="two", group="a"),
    Pair(id="b", view=TALL, caption=" ", group="b"),
    Pair(id="c", view=WIDE, group="c"),
    Pair(id="d", view=b"", caption="words alone", meta={"language": "en"}),
    Pair(id="e", view=b"", caption="words alone", meta={"language": "en"}),
    Pair(id="f", view=b"", caption="andere Worte", meta={"language": "de"}),
]


def test_an_image_table_is_described_by_its_pictures_and_halves(tmp_path: Path) -> None:
    write_pairs(tmp_path / "t.parquet", PAIRS, modality="image")
    found = describe(PairTable.open(tmp_path / "t.parquet"))
    images = found.images
    assert images is not None
    assert (images.pictures, images.formats) == (2, {"PNG": 1, "JPEG": 1})
    assert (images.width_px["0"], images.width_px["1"], images.height_px["0"], images.height_px["1"]) == (
        20,
        50,
        10,
        70,
    )
    assert (images.without_picture, images.without_words) == (3, 2)
    assert images.languages == {"en": 2, "de": 1}
    assert (images.unreadable, images.first_fault) == (0, None)
    # captions of one picture are no duplicates; its copy under another id is, and so are a post's equal words
    assert found.duplicates.exact_rows == 2
    assert orjson.loads(orjson.dumps(found.as_dict()))["images"]["formats"] == {"PNG": 1, "JPEG": 1}


def test_a_picture_that_does_not_read_is_counted_once_with_its_reason() -> None:
    tally = ImageTally()
    for number in range(3):
        tally.add(Pair(id=f"x{number}", view=b"no picture", caption="x"))
    facts = tally.facts()
    assert (facts.pictures, facts.unreadable, facts.formats, facts.width_px) == (1, 1, {}, {})
    assert (facts.first_fault or "").startswith("'x0': not one of JPEG")


def test_other_modalities_have_no_pictures(tmp_path: Path) -> None:
    write_pairs(tmp_path / "t.parquet", [Pair(id="a", view=b"x")], modality="text")
    assert describe(PairTable.open(tmp_path / "t.parquet")).images is None
