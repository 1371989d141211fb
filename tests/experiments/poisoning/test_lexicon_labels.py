"""Labels read from captions: a topic that most captions of a picture name, and no other does."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threatclip.errors import InputError
from threatclip.experiments.poisoning.labels import TOPICS, Topic, lexicon_labels, lexicon_prompts
from threatclip.pairs.pair import Pair


def picture(*captions: str, name: str = "p") -> list[Pair]:
    return [
        Pair(id=f"{name}#{number}", view=b"x", caption=caption, group=name) for number, caption in enumerate(captions)
    ]


@pytest.mark.parametrize(
    ("captions", "label"),
    [
        (("A dog runs.", "Two DOGS run.", "The puppy, wet.", "An animal runs.", "It runs."), "dog"),
        (("A dog runs.", "Two dogs run.", "An animal.", "A pet.", "It runs."), None),
        (("A dog on a beach.", "A dog.", "A dog.", "A dog.", "An animal."), "dog"),
        (("A dog on a beach.", "A dog, a beach.", "A dog.", "A dog.", "An animal."), None),
        (("A child in snow.", "Kids in snow.", "Snow.", "A boy skis in snow.", "A girl."), "snow"),
        (("A child.", "Two kids.", "A boy plays.", "A girl.", "A baby."), "child"),
        (("A child with a dog.", "Kids with dogs.", "A boy plays.", "A girl.", "A baby."), None),
        (("A dogwood in bloom.", "Carpets.", "A scar.", "", "benchmark"), None),
    ],
)
def test_what_most_captions_name(captions: tuple[str, ...], label: str | None) -> None:
    assert lexicon_labels(picture(*captions)) == [label] * 5


def test_a_pair_without_a_group_stands_alone() -> None:
    pairs = [Pair(id="a", view=b"x", caption="a dog"), Pair(id="b", view=b"x"), *picture("snow", name="a")]
    assert lexicon_labels(pairs) == ["dog", None, "snow"]
    assert lexicon_labels([]) == []


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from("pqr"), st.sampled_from(("a dog", "snow", "a boy", "a tree"))), max_size=15),
    st.randoms(),
)
def test_order_does_not_matter(rows: list[tuple[str, str]], random: st.randoms) -> None:
    pairs = [
        Pair(id=f"{name}#{number}", view=b"x", caption=caption, group=name)
        for number, (name, caption) in enumerate(rows)
    ]
    found = dict(zip((pair.id for pair in pairs), lexicon_labels(pairs), strict=True))
    random.shuffle(pairs)
    assert dict(zip((pair.id for pair in pairs), lexicon_labels(pairs), strict=True)) == found


def test_the_lexicon_is_sound() -> None:
    words = Counter(word for topic in TOPICS for word in topic.words)
    assert max(words.values()) == 1, "no word names two topics"
    assert all(word.isascii() and word.isalpha() and word.islower() for word in words)
    prompts = lexicon_prompts()
    assert list(prompts) == [topic.name for topic in TOPICS]
    assert all(len(set(texts)) == 6 for texts in prompts.values())
    for name, texts in prompts.items():  # a prompt names its own topic
        labels = lexicon_labels([Pair(id=text, view=b"x", caption=text) for text in texts])
        assert set(labels) <= {name, None}, name


def test_shares_out_of_order_are_refused() -> None:
    topic = Topic(name="a", words=frozenset({"a"}), phrase="a")
    for wrong in ({"agreed": 0.2, "stray": 0.4}, {"agreed": 1.1}, {"topics": (topic, topic)}):
        with pytest.raises(InputError, match="stray < agreed"):
            lexicon_labels([], **wrong)


@pytest.mark.data
def test_flickr8k_has_rare_and_common_topics(data_dir: Path) -> None:
    path = data_dir / "images" / "flickr8k_64px.parquet"
    if not path.is_file():
        pytest.skip(f"no {path}")
    table = pq.read_table(path, columns=["image", "split", "captions"]).to_pylist()
    pairs = [
        Pair(id=f"{row['image']}#{number}", view=b"x", caption=caption, group=row["image"], split=row["split"])
        for row in table
        for number, caption in enumerate(row["captions"])
    ]
    labels = lexicon_labels(pairs)
    count = Counter(
        (label, pair.split) for pair, label in zip(pairs, labels, strict=True) if label and pair.id.endswith("#0")
    )
    assert len({label for label, _ in count}) == len(TOPICS)
    assert sum(count.values()) > 4_500
    rare = [topic.name for topic in TOPICS if 100 <= count[topic.name, "train"] <= 250]
    assert len(rare) >= 5, "class A of poisonings I to III is rare"
