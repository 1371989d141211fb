"""CrisisMMD in the release's own layout; posts are our own words."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from encoded_pictures import encoded, smooth_picture
from threatclip.errors import BadRow, InputError
from threatclip.pairs.pair import Pair
from threatclip.pairs.sources import CrisisMmd
from threatclip.pairs.sources.rows import Row

JPEG = encoded(smooth_picture(height=8, width=9), "JPEG")
SPLIT = "event_name tweet_id image_id tweet_text image label label_text label_image label_text_image".split()
ANNOTATED = (
    "tweet_id image_id text_info text_info_conf image_info image_info_conf text_human text_human_conf image_human "
    "image_human_conf image_damage image_damage_conf tweet_text image_url image_path"
).split()
PICTURE = "data_image/big_flood/3_9_2017/{}.jpg"
WORDS = 'The "old" bridge is closed, please take the road through the hills #BigFlood'


def table(path: Path, header: list[str], *rows: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("\t".join(row) + "\n" for row in (header, *rows)), encoding="utf-8")


def split_row(image: str, label: str, of_text: str) -> list[str]:
    picture = PICTURE.format(image)
    return ["big_flood", image.partition("_")[0], image, WORDS, picture, label, of_text, label, "Positive"]


@pytest.fixture
def release(tmp_path: Path) -> Path:
    root = tmp_path / "CrisisMMD_v2.0"
    for image in ("1_0", "1_1", "2_0", "3_0"):
        (root / PICTURE.format(image)).parent.mkdir(parents=True, exist_ok=True)
        (root / PICTURE.format(image)).write_bytes(JPEG)
    agreed, whole = root / "crisismmd_datasplit_agreed_label", root / "crisismmd_datasplit_all"
    for name, images in (("train", ("1_0", "1_1")), ("dev", ("2_0",)), ("test", ("3_0",))):
        rows = [split_row(image, "not_humanitarian", "not_humanitarian") for image in images]
        table(agreed / f"task_humanitarian_text_img_agreed_lab_{name}.tsv", SPLIT, *rows)
        rows = [split_row(image, "vehicle_damage", "not_humanitarian") for image in images]
        table(whole / f"task_humanitarian_text_img_{name}.tsv", SPLIT, *rows)
        damage = [["big_flood", image, PICTURE.format(image), "mild_damage"] for image in images]
        table(whole / f"task_damage_text_img_{name}.tsv", ["Event_name", "Image_id", "Image", "Label"], *damage)
    halves = [("informative", "informative", "mild_damage"), ("informative", "not_informative", "")]
    rows = [
        ["1", f"1_{n}", text, "1", image, "0.7", "x", "1", "x", "1", damage, "1", WORDS, "u", PICTURE.format(f"1_{n}")]
        for n, (text, image, damage) in enumerate(halves)
    ]
    table(root / "annotations" / "big_flood_final_data.tsv", ANNOTATED, *rows)
    return root


def pairs(rows: list[Row]) -> list[Pair]:
    assert all(isinstance(row, Pair) for row in rows), [str(row) for row in rows if not isinstance(row, Pair)]
    return [row for row in rows if isinstance(row, Pair)]


def test_the_agreed_split_is_read_with_words_picture_label_and_day(release: Path) -> None:
    found = pairs(list(CrisisMmd().read(release)))
    assert {pair.id: pair.split for pair in found} == {
        "1_0": "train",
        "1_1": "train",
        "2_0": "validation",
        "3_0": "test",
    }
    (one,) = (pair for pair in found if pair.id == "1_1")
    assert one == Pair(
        id="1_1",
        view=JPEG,
        caption='The "old" bridge is closed, please take the road through the hills Big Flood',
        label="not_humanitarian",
        group="1",
        time=datetime(2017, 9, 3, tzinfo=UTC),
        split="train",
        meta={
            "source": "crisismmd",
            "event": "big_flood",
            "label_text": "not_humanitarian",
            "label_image": "not_humanitarian",
            "language": "en",
        },
    )


def test_the_other_variants_and_tasks_are_read(release: Path) -> None:
    whole = pairs(list(CrisisMmd(variant="all").read(release)))
    assert {(pair.label, pair.meta["label_text"]) for pair in whole} == {("vehicle_damage", "not_humanitarian")}
    damage = pairs(list(CrisisMmd(variant="all", task="damage").read(release)))
    assert damage[0].meta["event"] == "big_flood"
    assert (damage[0].label, damage[0].caption, damage[0].group) == ("mild_damage", None, "2")
    for task, labels in (("informative", ["informative", None]), ("damage", ["mild_damage", None])):
        found = pairs(list(CrisisMmd(variant="annotations", task=task).read(release)))  # type: ignore[arg-type]
        assert [pair.label for pair in found] == labels
        assert [(pair.split, pair.meta["event"]) for pair in found] == [(None, "big_flood")] * 2


def test_one_file_and_pictures_elsewhere(release: Path, tmp_path: Path) -> None:
    file = release / "crisismmd_datasplit_agreed_label" / "task_humanitarian_text_img_agreed_lab_dev.tsv"
    assert [pair.split for pair in pairs(list(CrisisMmd().read(file)))] == ["validation"]
    alone = tmp_path / "elsewhere" / file.name
    alone.parent.mkdir()
    file.rename(alone)
    with pytest.raises(InputError, match=r"no folder data_image .* --images"):
        list(CrisisMmd().read(alone))
    assert len(pairs(list(CrisisMmd(images=str(release)).read(alone)))) == 1


def test_broken_rows_are_told(release: Path) -> None:
    file = release / "one_train.tsv"
    good = split_row("1_0", "a", "a")
    gone, out, bare = (split_row(image, "a", "a") for image in ("9_0", "8_0", "7_0"))
    out[4], bare[4] = "../../etc/hostname", ""
    table(file, SPLIT, good, gone, out, bare, good[:-1], good)
    with file.open("ab") as stream:
        stream.write(b"\xff\n")
    rows = list(CrisisMmd().read(file))
    told = {row.line: row.reason for row in rows if isinstance(row, BadRow)}
    assert list(told) == [3, 4, 5, 6, 7, 8]
    assert "no picture" in told[3]
    assert "lies outside" in told[4]
    assert told[5] == "no picture is named"
    assert told[6] == "8 fields, the header has 9"
    assert "occurs twice" in told[7]
    assert told[8].startswith("not UTF-8")


def test_what_is_not_the_release_is_refused(release: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file task_informative_text_img_agreed_lab_\*\.tsv"):
        list(CrisisMmd(task="informative").read(release))
    table(release / "x.tsv", ["a", "b"], ["1", "2"])
    with pytest.raises(InputError, match="no columns image_id"):
        list(CrisisMmd().read(release / "x.tsv"))
