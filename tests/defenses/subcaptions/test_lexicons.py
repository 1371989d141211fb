"""What words mean, which classes they name, and what a model's prompts add."""

from __future__ import annotations

import itertools

import pytest

from threatclip.defenses.subcaptions.lexicon import THING, Concept, Lexicon, concepts, words_of
from threatclip.defenses.subcaptions.lexicons import class_nouns, lexicon_of
from threatclip.defenses.subcaptions.picture_words import picture_lexicon
from threatclip.defenses.subcaptions.threat_words import threat_lexicon
from threatclip.errors import InputError
from threatclip.pairs.image_captions import CIFAR10_NOUNS, COLOR_WORDS, LIGHT_WORDS, class_prompts
from threatclip.pairs.topics import TOPICS
from threatclip.pairs.weaknesses import TEXT_WEAKNESSES

LEXICONS = [picture_lexicon(), threat_lexicon()]


@pytest.mark.parametrize("lexicon", LEXICONS, ids=["pictures", "threats"])
def test_concepts_of_a_group_have_one_role_and_name_only_concepts_that_there_are(lexicon: Lexicon) -> None:
    names = {concept.name for concept in lexicon.concepts}
    for members in lexicon.groups.values():
        assert len({concept.role for concept in members}) == 1
        assert len(members) > 1, members
    for concept in lexicon.concepts:
        assert concept.near <= names, (concept.name, concept.near - names)
        assert all(form == " ".join(form.split()) for forms in concept.forms for form in forms)


@pytest.mark.parametrize("lexicon", LEXICONS, ids=["pictures", "threats"])
def test_unlike_goes_both_ways_and_never_with_itself(lexicon: Lexicon) -> None:
    for one, other in itertools.product(lexicon.concepts, repeat=2):
        assert lexicon.unlike(one, other) == lexicon.unlike(other, one)
        assert not lexicon.unlike(one, one)


def test_every_noun_of_cifar_means_its_class_and_no_other() -> None:
    lexicon = picture_lexicon()
    meant = {name: {lexicon.entries[noun,].concept.name for noun in nouns} for name, nouns in CIFAR10_NOUNS.items()}
    assert all(len(concepts_of) == 1 for concepts_of in meant.values())
    assert len(set().union(*meant.values())) == len(CIFAR10_NOUNS)
    # topics of the same name cover more: a duck is a bird
    assert all(lexicon.of_class(name) >= concepts_of for name, concepts_of in meant.items())


def test_the_words_of_the_picture_captions_have_their_roles() -> None:
    lexicon = picture_lexicon()
    for word in (*COLOR_WORDS, *LIGHT_WORDS):
        assert lexicon.entries[word,].concept.role == "attribute"
    assert lexicon.entries["on",].concept.role == "relation"


def test_every_topic_and_weakness_bars_something() -> None:
    pictures, threats = LEXICONS
    assert [topic.name for topic in TOPICS if not pictures.of_class(topic.name)] == []
    assert [name for name in TEXT_WEAKNESSES if not threats.of_class(name)] == []
    assert pictures.of_class("car") >= {"automobile", "truck"}  # a topic may cover what another set tells apart
    assert threats.of_class("T1566") == {"T1566"}
    assert threats.of_class(None) == threats.of_class("no such class") == frozenset()


def test_prompts_name_their_classes() -> None:
    prompts = {name: class_prompts(name) for name in CIFAR10_NOUNS}
    found = class_nouns(prompts, picture_lexicon().functions)
    assert {name: set(nouns) for name, nouns in found.items()} == {
        name: set(nouns) for name, nouns in CIFAR10_NOUNS.items()
    }


def test_prompts_that_are_descriptions_name_nothing() -> None:
    prompts = {name: weakness.anchors for name, weakness in TEXT_WEAKNESSES.items()}
    assert not any(class_nouns(prompts, threat_lexicon().functions).values())


def test_classes_of_a_stranger_become_things() -> None:
    prompts = {name: [f"a photo of {text}"] for name, text in {"quokka": "a quokka", "dog": "a dog", "x": ""}.items()}
    lexicon = lexicon_of("image", prompts)
    assert lexicon.entries["quokka",].concept.group == THING
    assert lexicon.of_class("quokka") == {"quokka"}
    assert lexicon.of_class("dog") >= {"dog"}
    assert lexicon_of("image").of_class("quokka") == frozenset()


def test_a_class_with_an_old_and_a_new_name_is_one_concept() -> None:
    lexicon = picture_lexicon().with_classes({"hound": ["dog", "mutt"]})
    assert lexicon.entries["mutt",].concept.name == lexicon.entries["dog",].concept.name
    assert lexicon.of_class("hound") == {"dog"}


def test_only_what_captions_say_is_put_in_and_the_rest_is_still_known() -> None:
    captions = ["a red dog", "a blue cat on a car", "a green puppy", "dogs"]
    whole = picture_lexicon()
    lexicon = whole.of_captions(captions)
    assert lexicon.entries.keys() == whole.entries.keys()
    assert {name: entry.concept.name for name, entry in lexicon.entries.items()} == {
        name: entry.concept.name for name, entry in whole.entries.items()
    }
    put_in = {concept.name: concept.forms for concept in lexicon.groups["thing"]}
    assert put_in == {"dog": (("dog", "puppy"), ("dogs",)), "cat": (("cat",), ()), "automobile": (("car",), ())}
    assert {concept.name for concept in lexicon.groups["color"]} == {"red", "blue", "green"}
    assert lexicon.groups["preposition"] == whole.groups["preposition"]  # one is too few to choose from


def test_a_phrase_that_means_two_things_is_refused() -> None:
    both = concepts("object", "thing", "bank | banks\nshore bank | shores")
    with pytest.raises(InputError, match="'bank' means 'bank' and 'shore'"):
        Lexicon(concepts=both)
    twice = Concept(name="bank", role="object", group="thing", forms=(("sofa",),))
    with pytest.raises(InputError, match="twice"):
        Lexicon(concepts=(both[0], twice))


def test_words_are_parted_by_hyphens_and_kept_whole_in_numbers() -> None:
    assert words_of("Cross-site scripting, isn't it?") == ("cross", "site", "scripting", "isn't", "it")
    assert words_of("before 1.2.3") == ("before", "1.2.3")
