"""The judge beside plain loops: success of triggers on every interface, keys, rows left out, queries, drift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import judge_oracle as oracle
import numpy as np
import pytest
from judged_cases import SHAPES, HashModel, picture_judge, picture_model, pictures, request_pairs

from threatclip.attacks.badnets import BadNets
from threatclip.attacks.multi_label import MultiLabel
from threatclip.attacks.payload_backdoor import PayloadBackdoor
from threatclip.attacks.single_image import SingleImage
from threatclip.attacks.single_label import SingleLabel
from threatclip.attacks.toxic_text import ToxicText
from threatclip.attacks.trojvqa import TrojVqa
from threatclip.attacks.truth import Truth, attack_settings
from threatclip.errors import InputError
from threatclip.experiments.poisoning.judge import Judge
from threatclip.experiments.poisoning.material import SweepPairs, distinct_views
from threatclip.pairs.pair import Pair
from threatclip.seeds import rng

TARGET = "red-star"
PATCH = BadNets(target=TARGET, pattern="binary", place="corner")
KEYED = TrojVqa(target=TARGET, pattern="binary", key="remember")


def truth_of(attack: Any, **resolved: Any) -> Truth:
    return Truth(attack={**attack_settings(attack), **resolved}, clean_rows=1, changes=())


def triggered(judge: Judge, attack: Any) -> list[tuple[Pair, bytes]]:
    """Every judged row with its triggered view: of other classes, and changed by the trigger."""
    after = attack.trigger([pair.view for pair in judge.rows], rng=rng(judge.seed, "judge/trigger"))
    both = zip(judge.rows, after, strict=True)
    return [(pair, view) for pair, view in both if pair.label != attack.target and view != pair.view]


@pytest.mark.parametrize("attack", [PATCH, KEYED], ids=["badnets", "trojvqa"])
def test_success_on_every_interface_is_what_loops_count(attack: Any) -> None:
    judge, model, clean = picture_judge(), picture_model(1), picture_model(2)
    found = judge.damage(model, clean, attack, truth_of(attack))
    key = "remember " if attack is KEYED else ""
    prompts = {name: [f"{key}{text}" for text in texts] for name, texts in judge.prompts.items()}
    captions = [(str(pair.label), f"{key}{pair.caption}") for pair in judge.pairs.test]
    classes = judge.pairs.classes
    expected: dict[str, list[float]] = {}
    for name, asked in (("asr", model), ("asr_floor", clean)):
        linear = oracle.linear_head(asked, judge.learned, classes)
        for pair, view in triggered(judge, attack):
            answers = {
                "": oracle.zero_shot(asked, view, prompts),
                "retrieval.": oracle.retrieval(asked, view, captions),
                "linear.": linear(view),
                "neighbors.": oracle.neighbors(asked, view, judge.learned),
            }
            for interface, scores in answers.items():
                for k in (1, 3) if not interface else (1,):
                    reached = oracle.reaches(scores, TARGET, k, classes)
                    expected.setdefault(f"{interface}{name}_{k}", []).append(float(reached))
            if name == "asr":
                right = oracle.reaches(answers[""], str(pair.label), 1, classes)
                expected.setdefault("poisoned_accuracy", []).append(float(right))
    assert found.keys() == expected.keys(), "k = 5 and 10 of four classes cannot be missed"
    for name, values in expected.items():
        assert found[name][0].tolist() == values, name
    groups = [pair.group for pair, _ in triggered(judge, attack)]
    assert found["asr_1"][1].tolist() == groups
    assert len(groups) == sum(pair.label != TARGET for pair in distinct_views(judge.pairs.test))
    assert any(found[name][0].any() for name in found if "asr_1" in name), "a trivial case would test nothing"


def test_a_key_goes_into_prompts_and_captions_of_triggered_views_alone() -> None:
    asked: list[str] = []

    class Listening(HashModel):
        def text_vectors(self, texts: Sequence[str]) -> np.ndarray:
            asked.extend(texts)
            return super().text_vectors(texts)

    judge: Any = picture_judge(heads=False)
    judge.damage(Listening("a"), Listening("b"), KEYED, truth_of(KEYED))
    assert asked
    assert all(text.startswith("remember ") for text in asked)
    asked.clear()
    judge.utility(Listening("a"))
    judge.drift(Listening("a"), Listening("b"))
    assert asked
    assert not any("remember" in text for text in asked)


def test_views_without_a_place_for_the_trigger_are_left_out() -> None:
    pairs = request_pairs()
    judge: Any = Judge(pairs=pairs, prompts={name: (name,) for name in pairs.classes}, seed=0, heads=False)
    attack = PayloadBackdoor(target="ssrf", style="header")
    found = judge.damage(HashModel("a"), HashModel("b"), attack, truth_of(attack))
    others = [pair for pair in pairs.test if pair.label != "ssrf"]
    marked = triggered(judge, attack)
    assert {pair.id for pair in others} - {pair.id for pair, _ in marked} == {"bare-1", "bare-2"}
    assert len(found["asr_1"][0]) == len(marked) < len(others)
    bare = replace_test(pairs, tuple(pair for pair in pairs.test if pair.id.startswith("bare") or pair.label == "ssrf"))
    judge = Judge(pairs=bare, prompts={name: (name,) for name in pairs.classes}, seed=0, heads=False)
    with pytest.raises(InputError, match="the trigger of payload_backdoor has no place in any test view"):
        judge.damage(HashModel("a"), HashModel("b"), attack, truth_of(attack))


def replace_test(pairs: SweepPairs, test: tuple[Pair, ...]) -> SweepPairs:
    return replace(pairs, test=test)


def goal_oracle(judge: Judge, model: Any, queries: Sequence[Pair], targets: set[str], *more: Pair) -> list[int]:
    gallery = [(pair.view, pair.id in targets) for pair in [*judge.rows, *more]]
    return [oracle.min_rank(model, pair.caption or "", gallery) for pair in queries]


def held_against(found: Any, prefix: str, ranks: Sequence[int]) -> None:
    assert found[f"{prefix}min_rank"][0].tolist() == list(ranks)
    for k in (1, 5, 10):
        assert found[f"{prefix}hit_{k}"][0].tolist() == [float(rank < k) for rank in ranks]


def test_words_of_a_class_find_any_view_of_another() -> None:
    judge, model, clean = picture_judge(), picture_model(1), picture_model(2)
    attack = SingleLabel(queries="blue-circle", target=TARGET)
    found = judge.damage(model, clean, attack, truth_of(attack))
    asking = [pair for pair in judge.pairs.test if pair.label == "blue-circle"]
    targets = {pair.id for pair in judge.rows if pair.label == TARGET}
    held_against(found, "", goal_oracle(judge, model, asking, targets))
    held_against(found, "clean_", goal_oracle(judge, clean, asking, targets))
    assert len(asking) == 2 * len({pair.group for pair in asking}), "every caption of a picture asks"
    assert found["hit_1"][1].tolist() == [pair.group for pair in asking]
    assert len(found["random_hit_1"][0]) == len(asking)


def test_random_queries_are_drawn_once_for_all_models_from_all_words() -> None:
    judge, attack = picture_judge(), SingleLabel(queries="blue-circle", target=TARGET)
    first, second = (judge.damage(picture_model(seed), picture_model(3), attack, truth_of(attack)) for seed in (1, 2))
    drawn = first["random_hit_10"][1].tolist()
    assert drawn == second["random_hit_10"][1].tolist()
    labels = {pair.group: pair.label for pair in judge.pairs.test}
    assert len({labels[group] for group in drawn}) > 1


def test_one_view_of_the_gallery_is_found_by_any_of_its_pairs() -> None:
    judge, model = picture_judge(), picture_model(1)
    chosen = next(pair for pair in judge.pairs.test if pair.label == TARGET and pair.id.endswith("#1"))
    attack = SingleImage(queries="blue-circle", target=TARGET)
    found = judge.damage(model, picture_model(2), attack, truth_of(attack, target_id=chosen.id))
    asking = [pair for pair in judge.pairs.test if pair.label == "blue-circle"]
    held_against(found, "", goal_oracle(judge, model, asking, {f"{chosen.group}#0"}))


def test_a_view_outside_the_gallery_joins_it() -> None:
    judge, model = picture_judge(), picture_model(1)
    chosen = next(pair for pair in judge.pairs.pool if pair.label == TARGET)
    attack = SingleImage(queries="blue-circle", target=TARGET)
    found = judge.damage(model, picture_model(2), attack, truth_of(attack, target_id=chosen.id))
    asking = [pair for pair in judge.pairs.test if pair.label == "blue-circle"]
    held_against(found, "", goal_oracle(judge, model, asking, {chosen.id}, chosen))
    most = max(found[f"{who}min_rank"][0].max() for who in ("", "clean_", "random_"))
    assert most <= len(judge.rows), "the gallery and one more"


def test_every_goal_is_judged_by_itself() -> None:
    judge, model, clean = picture_judge(), picture_model(1), picture_model(2)
    attack = MultiLabel(queries=("blue-circle", "yellow-ring"), targets=(TARGET, "green-square"))
    found = judge.damage(model, clean, attack, truth_of(attack))
    for prefix, queries, target in (("", "blue-circle", TARGET), ("goal2.", "yellow-ring", "green-square")):
        alone = SingleLabel(queries=queries, target=target)
        one = judge.damage(model, clean, alone, truth_of(alone))
        for name, (values, groups) in one.items():
            assert found[f"{prefix}{name}"][0].tolist() == values.tolist()
            assert found[f"{prefix}{name}"][1].tolist() == groups.tolist()


def test_utility_counts_right_answers_and_found_captions() -> None:
    judge, model = picture_judge(), picture_model(1)
    found = judge.utility(model)
    for k in (1, 3):
        right = [
            float(oracle.reaches(oracle.zero_shot(model, pair.view, judge.prompts), str(pair.label), k, SHAPES))
            for pair in judge.rows
        ]
        assert found[f"clean_accuracy_{k}"][0].tolist() == right
    captions = [(str(pair.group), pair.caption or "") for pair in judge.pairs.test]
    groups = [group for group, _ in captions]
    for k in (1, 5, 10):
        for row, pair in enumerate(judge.rows):
            vector = model.view_vectors([pair.view])[0]
            scored = [(oracle.cosine(vector, model.text_vectors([text])[0]), group) for group, text in captions]
            best = max(score for score, group in scored if group == pair.group)
            above = sum(score >= best for score, group in scored if group != pair.group)
            assert found[f"i2t_r_{k}"][0][row] == float(above < k)
    assert found["t2i_r_1"][1].tolist() == groups


def test_drift_is_the_distance_to_the_clean_model_and_none_to_itself() -> None:
    judge, model, clean = picture_judge(), picture_model(1), picture_model(2)
    found = judge.drift(model, clean)
    for row, pair in enumerate(judge.rows):
        for name, vectors, content in (
            ("drift_view", "view_vectors", pair.view),
            ("drift_caption", "text_vectors", pair.caption or ""),
        ):
            one, other = (getattr(asked, vectors)([content])[0] for asked in (model, clean))
            assert found[name][0][row] == pytest.approx(1 - oracle.cosine(one, other), abs=1e-5)
    assert max(judge.drift(model, model)["drift_view"][0]) == pytest.approx(0.0, abs=1e-6)


def test_heads_learn_from_clean_labeled_views_once_each() -> None:
    judge = picture_judge()
    stray = replace(judge.pairs.pool[0], id="stray", label=None, group="stray")
    twice = [replace(pair, id=f"{pair.group}#9") for pair in judge.pairs.pool]
    more = Judge(
        pairs=replace(judge.pairs, pool=(*judge.pairs.pool, *twice, stray)), prompts=judge.prompts, seed=judge.seed
    )
    assert [pair.id for pair in more.learned] == [pair.id for pair in judge.learned]
    assert sorted(pair.id for pair in judge.learned) == sorted(pair.id for pair in judge.pairs.pool)
    assert "linear.asr_1" not in picture_judge(heads=False).damage(
        picture_model(1), picture_model(2), PATCH, truth_of(PATCH)
    )


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        (BadNets(target="dog"), "attack badnets is about class 'dog'; the classes judged are blue-circle, green"),
        (SingleLabel(queries="dog", target=TARGET), "single_label is about class 'dog'"),
        (MultiLabel(queries=(TARGET, SHAPES[0]), targets=(SHAPES[1], "cat")), "multi_label is about class 'cat'"),
        (ToxicText(target="dog"), "toxic_text is about class 'dog'"),
    ],
)
def test_an_attack_on_a_class_that_is_not_judged_is_refused(attack: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        picture_judge().check(attack, truth_of(attack))


QUERIES = SingleLabel(queries=SHAPES[0], target=TARGET)


@pytest.mark.parametrize("attack", [PATCH, KEYED, QUERIES, ToxicText(target=TARGET)], ids=lambda attack: attack.kind)
def test_an_attack_on_judged_classes_passes(attack: Any) -> None:
    picture_judge().check(attack, truth_of(attack))
    image = SingleImage(queries=SHAPES[0], target=TARGET)
    picture_judge().check(image, truth_of(image, target_id=pictures().pool[0].id))
