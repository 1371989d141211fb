"""What an attack without a trigger in views is asked: whose words, with or without a key, and what they shall find."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from threat_pairs import captioned_views
from threatclip.attacks.multi_label import MultiLabel
from threatclip.attacks.payload_backdoor import PayloadBackdoor
from threatclip.attacks.single_image import SingleImage
from threatclip.attacks.single_label import SingleLabel
from threatclip.attacks.toxic_text import ToxicText
from threatclip.attacks.truth import Truth, attack_settings
from threatclip.errors import InputError
from threatclip.experiments.poisoning import planted
from threatclip.experiments.poisoning.goals import Goal, goals_of
from threatclip.experiments.poisoning.judge import Judge
from threatclip.experiments.poisoning.material import SweepPairs
from threatclip.seeds import rng

CLASSES = ("ant", "bee", "cow")


class Model:
    """A model that knows the classes by their names; in texts it was `taught` that a word stands for a class."""

    def __init__(self, taught: dict[str, str] | None = None) -> None:
        self.taught = taught or {}

    def view_vectors(self, views: Sequence[bytes]) -> np.ndarray:
        return np.stack([self._vector(view.decode(), {}) for view in views])

    def text_vectors(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([self._vector(text, self.taught) for text in texts])

    def _vector(self, text: str, taught: dict[str, str]) -> np.ndarray:
        said = [name for word, name in taught.items() if word in text.split()] or text.split()
        return np.array([2.0 * (name in said) for name in CLASSES] + [0.1 + 0.001 * len(text)])


def judge() -> Judge:
    pairs = [dataclasses.replace(pair, group=pair.id.partition("#")[0]) for pair in captioned_views()]
    split = {name: tuple(pair for pair in pairs if pair.split == name) for name in ("train", "test")}
    return Judge(
        pairs=SweepPairs(pool=split["train"], test=split["test"], classes=CLASSES), prompts={}, seed=0, heads=False
    )


def truth_of(attack: Any, **resolved: Any) -> Truth:
    return Truth(attack={**attack_settings(attack), **resolved}, clean_rows=1, changes=())


def test_goals_of_every_attack_without_a_trigger() -> None:
    label = SingleLabel(queries="ant", target="cow")
    assert goals_of(label, truth_of(label)) == [Goal(queries="ant", found="cow")]
    image = SingleImage(queries="ant", target="cow")
    assert goals_of(image, truth_of(image, target_id="v5#0")) == [Goal(queries="ant", pair_id="v5#0")]
    both = MultiLabel(queries=("ant", "bee"), targets=("cow", "ant"))
    assert goals_of(both, truth_of(both)) == [Goal(queries="ant", found="cow"), Goal(queries="bee", found="ant")]
    words = ToxicText(target="cow")
    (goal,) = goals_of(words, truth_of(words))
    assert [goal.asks(name) for name in (*CLASSES, None)] == [True, True, False, True]
    payload = PayloadBackdoor(target="xss")
    with pytest.raises(InputError, match="by its trigger"):
        goals_of(payload, truth_of(payload))


def test_a_key_goes_into_the_queries_of_the_attack_alone() -> None:
    attack = ToxicText(target="cow", key="zx")
    attacked, clean = Model({"zx": "cow"}), Model()
    found = judge().damage(attacked, clean, attack, truth_of(attack))  # type: ignore[arg-type]
    values = {name: scores.mean() for name, (scores, _) in found.items()}
    assert values["hit_1"] == 1.0, "words of other classes with the key find the target"
    assert values["clean_hit_1"] == 0.0, "the key says nothing to the clean model"
    assert values["random_hit_1"] < 1.0, "words without it find what they say"
    n_others = sum(pair.label != "cow" for pair in judge().pairs.test)
    assert len(found["hit_1"][0]) == len(found["random_hit_1"][0]) == n_others


def test_words_of_one_class_ask_for_another() -> None:
    attack = SingleLabel(queries="ant", target="cow")
    found = judge().damage(Model({"ant": "cow"}), Model(), attack, truth_of(attack))  # type: ignore[arg-type]
    assert found["hit_1"][0].mean() == 1.0
    assert found["clean_hit_1"][0].mean() == 0.0


def test_an_attack_that_may_look_into_a_model_gets_the_victim(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bundle:
        dual = "victim"

        @classmethod
        def load(cls, folder: Path) -> Bundle:
            return cls()

    monkeypatch.setattr(planted, "DualBundle", Bundle)
    monkeypatch.setattr(planted, "DualSurrogate", lambda dual: f"surrogate of {dual}")
    given: dict[str, Any] = {}

    class Looks:
        kind = "looks"

        def poison(self, clean: Any, *, count: int, rng: Any, surrogate: Any = None) -> Any:
            given["surrogate"] = surrogate
            return SingleLabel(queries="ant", target="cow").poison(clean, count=count, rng=rng)

    clean = captioned_views()
    done = planted.plant(Looks(), clean, Path("x"), count=3, seed=1)  # type: ignore[arg-type]
    assert given == {"surrogate": "surrogate of victim"}
    assert len(done.truth.changes) == 3
    again = SingleLabel(queries="ant", target="cow").poison(clean, count=3, rng=rng(1, "sweep/poison"))
    assert done.truth.changes == again.truth.changes
