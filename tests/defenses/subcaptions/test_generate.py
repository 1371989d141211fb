"""What the generator promises of every caption: true ones say less, false ones say something else of the same."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threatclip.defenses.subcaptions.decompose import decompose
from threatclip.defenses.subcaptions.generate import SWAPPED, Generator, Swapped
from threatclip.defenses.subcaptions.lexicon import Lexicon, words_of
from threatclip.defenses.subcaptions.lexicons import lexicon_of
from threatclip.errors import RecipeError
from threatclip.pairs.image_captions import CIFAR10_NOUNS, caption_pictures, class_prompts
from threatclip.pairs.weaknesses import TEXT_WEAKNESSES
from threatclip.seeds import rng

LEXICONS: dict[str, Lexicon] = {
    "pictures": lexicon_of("image", {name: class_prompts(name) for name in CIFAR10_NOUNS}),
    "threats": lexicon_of("payload"),
}


@cache
def vocabulary(name: str) -> tuple[str, ...]:
    lexicon = LEXICONS[name]
    known = [" ".join(phrase) for phrase in lexicon.entries]
    return (
        *known,
        *sorted(lexicon.functions),
        *lexicon.frames,
        "zorb",
        "glimmering",
        "colorless",
        ",",
        ".",
        "3.2",
        "É",
    )


def captions(name: str) -> st.SearchStrategy[str]:
    """Return captions made of what the lexicon knows, in any order, with what it does not know between."""
    words = st.sampled_from(vocabulary(name))
    cased = st.tuples(words, st.sampled_from([str, str.title, str.upper])).map(lambda drawn: drawn[1](drawn[0]))
    gaps = st.sampled_from([" ", " ", " ", "  ", ", ", "-"])
    return st.lists(st.tuples(cased, gaps), max_size=12).map(lambda parts: "".join(word + gap for word, gap in parts))


def named(text: str, lexicon: Lexicon) -> set[str]:
    return {token.concept.name for token in decompose(text, lexicon) if token.concept is not None}


def is_part_of(part: str, whole: str) -> bool:
    words = iter(words_of(whole))
    return all(word in words for word in words_of(part))


def kept_pieces(caption: str, gone: str, lexicon: Lexicon) -> list[str]:
    """Return what stands between the words of one concept, without the articles before them."""
    pieces, start = [], 0
    for token in decompose(caption, lexicon):
        if token.concept is not None and token.concept.name == gone:
            pieces.append(re.sub(r"\b(an?)\s*$", "", caption[start : token.start], flags=re.IGNORECASE))
            start = token.end
    return [*pieces, caption[start:]]


@pytest.mark.parametrize("name", LEXICONS)
@settings(deadline=None, max_examples=120)
@given(st.data())
def test_the_promises_hold_for_any_caption(name: str, data: st.DataObject) -> None:
    lexicon = LEXICONS[name]
    caption = data.draw(captions(name) | st.text(max_size=80))
    label = data.draw(st.sampled_from([None, "no such class", *lexicon.classes]))
    swapped = data.draw(st.lists(st.sampled_from(SWAPPED), min_size=1, unique=True))
    generator = Generator(lexicon=lexicon, swapped=tuple(swapped))
    seed = data.draw(st.integers(0, 1000))
    made = generator.make(caption, n=4, rng=rng(seed, "test"), label=label)
    assert made == generator.make(caption, n=4, rng=rng(seed, "test"), label=label)

    assert is_part_of(made.positive, caption)
    assert bool(words_of(made.positive)) == bool(words_of(caption))

    true = named(caption, lexicon)
    meanings = {concept.name: concept for concept in lexicon.concepts}
    assert len(set(made.negatives)) == len(made.negatives) <= 4
    for negative in made.negatives:
        now = named(negative, lexicon)
        gone, put = true - now, now - true
        assert negative != caption
        assert len(gone) == len(put) == 1  # one meaning for one other
        (before,), (after,) = gone, put
        assert lexicon.unlike(meanings[before], meanings[after])
        assert meanings[before].role == meanings[after].role in swapped
        assert after not in lexicon.of_class(label)
        at = 0
        for piece in kept_pieces(caption, before, lexicon):  # what was not replaced is still there, in its order
            at = negative.find(piece, at) + len(piece)
            assert at >= len(piece), (piece, negative)


@pytest.mark.parametrize("swapped", SWAPPED)
def test_captions_of_pictures_get_three_negatives_of_each_kind(swapped: Swapped) -> None:
    pixels = rng(0, "pixels").integers(0, 255, size=(60, 3, 32, 32), dtype=np.uint8)
    labels = [sorted(CIFAR10_NOUNS)[at % 10] for at in range(60)]
    texts = caption_pictures(pixels, labels, rng=rng(0, "captions"), attribute_rate=1.0, drop_rate=0.0)
    generator = Generator(lexicon=LEXICONS["pictures"], swapped=(swapped,))
    for text, label in zip(texts, labels, strict=True):
        made = generator.make(text, n=3, rng=rng(1, text), label=label)
        assert len(made.negatives) == 3
        assert len(made.positive) < len(text)
        own = set(CIFAR10_NOUNS[label])
        assert set(words_of(made.positive)) & own  # what it is about stays
        for negative in made.negatives:
            assert bool(set(words_of(negative)) & own) == (swapped != "object")


def test_the_example_of_the_paper() -> None:
    generator = Generator(lexicon=LEXICONS["pictures"])
    parts = generator.parts("green grapes, yellow lemons, oranges and kiwi on a blue table")
    found = {generator.positive(parts, rng(seed, "paper")) for seed in range(300)}
    assert "green grapes on a blue table" in found
    assert all("grapes" in text for text in found)


def test_a_word_that_stands_twice_is_replaced_twice_and_articles_fit() -> None:
    generator = Generator(lexicon=LEXICONS["pictures"], swapped=("object",))
    found = {
        text for seed in range(60) for text in generator.make("A dog sees a dog", n=4, rng=rng(seed, "x")).negatives
    }
    assert found
    assert all("dog" not in text for text in found)
    assert "An airplane sees an airplane" in found or "An aircraft sees an airplane" in found
    assert not any(" a airplane" in text or " an cat" in text for text in found)


def test_plurals_stay_plural() -> None:
    generator = Generator(lexicon=LEXICONS["pictures"], swapped=("object",))
    made = generator.make("two dogs", n=8, rng=rng(0, "x"))
    known = {form for concept in generator.lexicon.groups["thing"] for form in concept.forms[1:2] for form in form}
    assert made.negatives
    assert all(text.removeprefix("two ") in known for text in made.negatives)


def test_a_weakness_is_never_turned_into_the_one_of_the_label() -> None:
    generator = Generator(lexicon=LEXICONS["threats"], swapped=("object",))
    text = "SQL injection lets remote attackers read the database"
    for label in TEXT_WEAKNESSES:
        barred = generator.lexicon.of_class(label) | {"sql-injection"}
        for seed in range(20):
            for negative in generator.make(text, n=4, rng=rng(seed, label), label=label).negatives:
                assert not (named(negative, generator.lexicon) - named(text, generator.lexicon)) & barred


@pytest.mark.parametrize("text", ["", " ", "...", "zorb", "a photo of"])
def test_a_caption_with_nothing_to_say_stays_as_it_is(text: str) -> None:
    made = Generator(lexicon=LEXICONS["pictures"]).make(text, n=3, rng=rng(0, "x"))
    assert made.negatives == ()
    assert made.positive == text or words_of(made.positive)


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(RecipeError, match="drop is 0"):
        Generator(lexicon=LEXICONS["pictures"], drop=0)
    with pytest.raises(RecipeError, match="swapped is"):
        Generator(lexicon=LEXICONS["pictures"], swapped=())
