"""Posts become words: nothing that is not said stays, and no string breaks it."""

from __future__ import annotations

from pathlib import Path
from time import process_time

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from threatclip.errors import InputError
from threatclip.pairs.posts import MAX_CHARACTERS, Hashtags, language_of, normalize_post, split_hashtag

HOSTILE = ["&#" + "1" * 30_000 + ";", "a" * 10**6, "a." * 10**5, "a-" * 10**5, "@" * 10**5, "#" * 10**5, "a@" * 10**5]
HOSTILE += ["🔥" * 10**5, "👨‍" * 10**5, "&amp;" * 10**5, "Ã" * 10**5, "http://" * 10**5, "A1" * 10**5, "\ud800" * 10**5]


@pytest.mark.parametrize(
    ("post", "words"),
    [
        ("Water on Elm St https://t.co/aB3 now", "Water on Elm St now"),
        ("see www.example.org/x?y=1 or example.com or bit.ly/3xYz", "see or or"),
        ("it flooded.it was bad", "it flooded.it was bad"),
        ("cut off http…", "cut off"),
        ("write to desk@news.example please", "write to please"),
        ("RT @some.body: help @other_1, at 5", "help , at 5"),
        ("we met @ the station", "we met @ the station"),
        ("fire 🔥🔥🔥 again 🔥", "fire fire again fire"),
        ("🙏🏻🙏🏽 stay safe ❤️", "folded hands stay safe red heart"),
        ("👩‍🚒🇸🇪", "woman firefighter Sweden"),
        ("&amp;lt;b&amp;gt; &quot;hi&quot; caf&eacute; &#x1F525;", '<b> "hi" café fire'),
        ("Itâ€™s a cafÃ© ðŸ”¥", "It's a café fire"),
        ("á½„F thanks", "clapping hands thanks"),
        ("𝗳𝗹𝗼𝗼𝗱 ｗａｔｅｒ", "flood water"),
        ("one\r\ntwo\x00\u2028three\u00a0four", "one two three four"),
        ("fi\u200bre fl\u200cood a\ud800b", "fire flood a b"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("@one @two https://x.example", ""),
        ("!!! ...", ""),
        ("", ""),
    ],
)
def test_a_post_becomes_its_words(post: str, words: str) -> None:
    assert normalize_post(post) == words


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("StructureFire", "Structure Fire"),
        ("LAFDMajorFire", "LAFD Major Fire"),
        ("hurricaneSandy2012", "hurricane Sandy 2012"),
        ("4thAlarm", "4th Alarm"),
        ("4thalarm", "4 thalarm"),
        ("FireStation9", "Fire Station 9"),
        ("I635", "I 635"),
        ("SOS", "SOS"),
        ("USAToday", "USA Today"),
        ("big_water__rescue", "big water rescue"),
        ("buildingfire", "buildingfire"),
        ("ÜberschwemmungKöln", "Überschwemmung Köln"),
        ("केरल_बाढ़", "केरल बाढ़"),
        ("", ""),
    ],
)
def test_a_hashtag_is_cut_at_capitals_and_digits(tag: str, words: str) -> None:
    assert split_hashtag(tag) == words


@pytest.mark.parametrize(
    ("hashtags", "words"),
    [
        ("words", "Help Flood Relief fdny 343, we are 1"),
        ("strip", "Help , we are"),
        ("keep", "Help #FloodRelief #fdny343, we are #1"),
    ],
)
def test_hashtags_become_words_or_go_or_stay(hashtags: Hashtags, words: str) -> None:
    assert normalize_post("Help #FloodRelief#fdny343, we are #1", hashtags=hashtags) == words


@pytest.mark.parametrize(
    "tag", ["#flood", "＃flood", "#\u200bflood", "#\u200cflood", "##flood", "&#35;flood", "x#flood"]
)
def test_no_hashtag_hides_from_stripping(tag: str) -> None:
    assert "flood" not in normalize_post(f"a word {tag}", hashtags="strip")


def test_another_treatment_of_hashtags_is_refused() -> None:
    with pytest.raises(InputError, match="words, strip, keep"):
        normalize_post("x", hashtags="drop")  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=120))
@example(text="#＃\u200b#a")
def test_any_string_gives_one_clean_line(text: str) -> None:
    words = normalize_post(text, hashtags="strip")
    assert "#" not in words
    assert words == " ".join(words.split())
    assert not any(ord(character) < 32 or 0xD800 <= ord(character) < 0xE000 for character in words)
    assert "https://" not in words
    words.encode()


@settings(max_examples=40, deadline=None)
@given(tag=st.text(max_size=60))
def test_splitting_a_hashtag_loses_no_character(tag: str) -> None:
    assert "".join(split_hashtag(tag).split()) == "".join(tag.replace("_", " ").split())


@settings(max_examples=25, deadline=None)
@given(words=st.lists(st.text(st.characters(categories=["Ll", "Lu"]), min_size=1), min_size=1, max_size=8))
def test_plain_words_stay_words(words: list[str]) -> None:
    once = normalize_post(" ".join(words))
    assert normalize_post(once) == once


@pytest.mark.parametrize("post", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_posts_cost_little(post: str) -> None:
    start = process_time()
    assert len(normalize_post(post)) <= 100 * MAX_CHARACTERS
    language_of(post)
    assert process_time() - start < 10


@pytest.mark.parametrize(
    ("post", "language"),
    [
        ("The river has flooded the whole lower town this morning", "en"),
        ("Skogsbranden har spridit sig mot de norra delarna av kommunen", "sv"),
        ("El incendio forestal sigue sin control cerca de las casas", "es"),
        ("Лесной пожар продолжается уже третий день", "ru"),
        ("洪水が町の中心部まで達しました", "ja"),
        ("#flood #fire @someone https://t.co/x 😀", "und"),
        ("wow", "und"),
        ("🔥🔥🔥🔥🔥🔥🔥🔥", "und"),
        ("", "und"),
    ],
)
def test_the_language_of_a_post(post: str, language: str) -> None:
    assert language_of(post) == language


@pytest.mark.data
def test_real_posts_lose_every_hashtag_and_address(data_dir: Path) -> None:
    table = pq.read_table(data_dir / "images" / "dmd_fire_flood_pairs_128px.parquet", columns=["text"])
    posts = [text for text in table["text"].to_pylist() if text]
    words = [normalize_post(text, hashtags="strip") for text in posts]
    assert not [line for line in words if "#" in line or "http" in line]
    assert 0.05 < sum(not line for line in words) / len(words) < 0.2
    assert sum(language_of(text) == "en" for text in posts) > 0.6 * len(posts)
