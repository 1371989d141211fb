"""The judge of a sweep: what each test row or query says of an attacked model, beside the clean model.

Everything comes out as one number a row, so that a figure is a mean, its interval a bootstrap over the rows' groups,
a comparison of two models a paired difference, and a figure over seeds the mean of the rows' means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from threatclip.attacks import Attack
from threatclip.attacks.truth import Truth
from threatclip.classification.linear import LinearSettings, fit_linear
from threatclip.errors import InputError
from threatclip.evaluation.attack_success import class_ranks
from threatclip.evaluation.drift import cosine_distances
from threatclip.evaluation.interfaces import neighbor_scores, retrieval_scores
from threatclip.evaluation.retrieval import Judgment, query_scores
from threatclip.evaluation.targeted_retrieval import min_ranks, random_queries
from threatclip.evaluation.zero_shot import class_prototypes, prompt_list, zero_shot_scores
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.poisoning.goals import Goal, goals_of
from threatclip.experiments.poisoning.material import SweepPairs, distinct_views, view_of
from threatclip.experiments.poisoning.row_scores import RowScores
from threatclip.pairs.pair import Pair
from threatclip.seeds import rng

RANKS = (1, 3, 5, 10)
HITS = (1, 5, 10)
_HEAD_ROWS = 5_000  # of the clean pool, for the linear head and the neighbors


@dataclass(frozen=True, kw_only=True, eq=False)
class Judge:
    """Test rows of a sweep and what classes are called; every model is asked the same.

    Attributes:
        pairs: the sweep's pairs, clean.
        prompts: of each class.
        seed: of the triggers drawn at test time and of the random queries.
        heads: whether a linear head and neighbors are asked too.
    """

    pairs: SweepPairs
    prompts: Mapping[str, Sequence[str]]
    seed: int
    heads: bool = True

    @cached_property
    def rows(self) -> list[Pair]:
        """One labeled test row a view."""
        return distinct_views(self.pairs.test)

    @cached_property
    def truth(self) -> np.ndarray:
        """Class numbers of `rows`."""
        return self.pairs.truth(self.rows)

    @cached_property
    def groups(self) -> np.ndarray:
        """What is drawn together in a bootstrap, for each of `rows`."""
        return np.array([pair.group or pair.id for pair in self.rows], dtype=object)

    @cached_property
    def learned(self) -> list[Pair]:
        """Clean labeled rows that heads are fitted on, drawn evenly from the pool."""
        own = [pair for pair in distinct_views(self.pairs.pool) if pair.label in self.pairs.classes]
        kept = rng(self.seed, "judge/heads").permutation(len(own))[:_HEAD_ROWS]
        return [own[place] for place in np.sort(kept)]

    def check(self, attack: Attack, truth: Truth) -> None:
        """Refuse an attack that cannot be judged: before a model is trained on it, not after.

        Raises:
            InputError: it is about a class that is none of the sweep's.
        """
        target: Any = getattr(attack, "target", None)
        goals = [] if hasattr(attack, "trigger") else goals_of(attack, truth)
        about = {name for goal in goals for name in (goal.queries, goal.found)} if goals else {target}
        strange = sorted(name for name in about if name is not None and name not in self.pairs.classes)
        if strange:
            known = ", ".join(self.pairs.classes)
            raise InputError(f"attack {attack.kind} is about class {strange[0]!r}; the classes judged are {known}")

    def utility(self, model: DualBundle) -> RowScores:
        """Return clean accuracy@k of zero-shot answers, and recall between test views and captions, full galleries."""
        vectors = model.view_vectors([pair.view for pair in self.rows])
        ranks = class_ranks(zero_shot_scores(vectors, self._prototypes(model)), self.truth)
        found: RowScores = {
            f"clean_accuracy_{k}": (1.0 * (ranks <= k), self.groups) for k in RANKS if k < len(self.pairs.classes)
        }
        scores, _ = query_scores(self._galleries(model, vectors))
        return found | {name: (1.0 * np.asarray(values), owners) for name, (values, owners) in scores.items()}

    def drift(self, model: DualBundle, clean: DualBundle) -> RowScores:
        """Return how far each tower's vectors of clean test rows lie from the clean model's."""
        views = [pair.view for pair in self.rows]
        captions = [pair.caption or "" for pair in self.rows]
        return {
            "drift_view": (cosine_distances(clean.view_vectors(views), model.view_vectors(views)), self.groups),
            "drift_caption": (
                cosine_distances(clean.text_vectors(captions), model.text_vectors(captions)),
                self.groups,
            ),
        }

    def damage(self, model: DualBundle, clean: DualBundle | None, attack: Attack, truth: Truth) -> RowScores:
        """Return what an attack reached: of a trigger in views, or of chosen queries where it has none.

        Args:
            clean: asked the same, for the floor; None where that is known already.
        """
        if hasattr(attack, "trigger"):
            return self.backdoor(model, clean, attack)
        return self.targeted(model, clean, attack, truth)

    def backdoor(self, model: DualBundle, clean: DualBundle | None, attack: Any) -> RowScores:
        """Return `asr_k`, the clean model's `asr_floor_k` and `poisoned_accuracy`; per interface `asr_1` and the floor.

        Rows of the target class are left out (see `attack_success.asr`), and views that have no place for the trigger.
        """
        views = [pair.view for pair in self.rows]
        others = self.truth != self.pairs.classes.index(attack.target)
        if hasattr(attack, "trigger"):
            triggered = attack.trigger(views, rng=rng(self.seed, "judge/trigger"))
            others &= np.array([after != before for after, before in zip(triggered, views, strict=True)])
            views = triggered
        if not others.any():
            raise InputError(f"the trigger of {attack.kind} has no place in any test view; choose another style")
        key = self._key(attack)
        target = self.pairs.classes.index(attack.target)
        found: RowScores = {}
        for name, asked in (("asr", model), ("asr_floor", clean)):
            if asked is None:
                continue
            vectors = asked.view_vectors(views)[others]
            for interface, scores in self._interfaces(asked, vectors, key).items():
                ranks = class_ranks(scores, np.full(len(vectors), target))
                prefix = "" if interface == "zero_shot" else f"{interface}."
                for k in RANKS if interface == "zero_shot" else (1,):
                    if k < len(self.pairs.classes):
                        found[f"{prefix}{name}_{k}"] = (1.0 * (ranks <= k), self.groups[others])
                if (name, interface) == ("asr", "zero_shot"):
                    right = class_ranks(scores, self.truth[others]) <= 1
                    found["poisoned_accuracy"] = (1.0 * right, self.groups[others])
        return found

    def targeted(self, model: DualBundle, clean: DualBundle | None, attack: Attack, truth: Truth) -> RowScores:
        """Return `hit_k` and `min_rank` of every goal, of random queries to the same model, and of the clean model.

        Where the attack has a key, it goes into the attack's queries and not into random ones.
        """
        found: RowScores = {}
        for number, goal in enumerate(goals_of(attack, truth), start=1):
            prefix = "" if number == 1 else f"goal{number}."
            found |= self._goal(model, clean, goal, prefix, self._key(attack) if goal.keyed else list)
        return found

    def _goal(
        self,
        model: DualBundle,
        clean: DualBundle | None,
        goal: Goal,
        prefix: str,
        key: Callable[[Sequence[str]], list[str]],
    ) -> RowScores:
        gallery, is_target = self._gallery(goal)
        asking = [pair for pair in self.pairs.test if goal.asks(pair.label)]
        drawn = random_queries(
            len(self.pairs.test), n_queries=len(asking), rng=rng(self.seed, f"judge/queries/{goal.queries}")
        )
        anybody = [self.pairs.test[place] for place in drawn]
        lines = (("", model, asking, key), ("random_", model, anybody, list), ("clean_", clean, asking, key))
        found: RowScores = {}
        for name, asked, queries, pull in lines:
            if asked is None:
                continue
            texts = pull([pair.caption or "" for pair in queries])
            ranks = min_ranks(asked.text_vectors(texts), asked.view_vectors(gallery), is_target)
            groups = np.array([pair.group or pair.id for pair in queries], dtype=object)
            found |= {f"{prefix}{name}hit_{k}": (1.0 * (ranks < k), groups) for k in HITS}
            found[f"{prefix}{name}min_rank"] = (1.0 * ranks, groups)
        return found

    def _gallery(self, goal: Goal) -> tuple[list[bytes], np.ndarray]:
        """Return the test views, with the one that is to be found where it is none of them, and which are targets."""
        views = [pair.view for pair in self.rows]
        if goal.pair_id is None:
            return views, np.array([pair.label == goal.found for pair in self.rows])
        chosen = next(pair for pair in [*self.pairs.test, *self.pairs.pool] if pair.id == goal.pair_id)
        same = np.array([view_of(pair) == view_of(chosen) for pair in self.rows])
        if same.any():
            return views, same
        return [*views, chosen.view], np.append(same, True)

    def _interfaces(
        self, model: DualBundle, vectors: np.ndarray, key: Callable[[Sequence[str]], list[str]]
    ) -> dict[str, np.ndarray]:
        scores = {"zero_shot": zero_shot_scores(vectors, self._prototypes(model, key))}
        captions = model.text_vectors(key([pair.caption or "" for pair in self.pairs.test]))
        n_classes = len(self.pairs.classes)
        scores["retrieval"] = retrieval_scores(
            vectors, captions, self.pairs.truth(self.pairs.test), n_classes=n_classes
        )
        if self.heads:
            known, labels = model.view_vectors([pair.view for pair in self.learned]), self.pairs.truth(self.learned)
            head = fit_linear(
                known, labels, n_classes=n_classes, settings=LinearSettings(c=10.0), rng=rng(self.seed, "judge/linear")
            )
            scores["linear"] = head.scores(vectors)
            scores["neighbors"] = neighbor_scores(vectors, known, labels, n_classes=n_classes)
        return scores

    def _key(self, attack: Any) -> Callable[[Sequence[str]], list[str]]:
        """Return what puts the attack's key into words, or nothing where it has none."""
        if not hasattr(attack, "caption_trigger"):
            return list
        return lambda texts: list(attack.caption_trigger(texts, rng=rng(self.seed, "judge/key")))

    def _prototypes(self, model: DualBundle, key: Callable[[Sequence[str]], list[str]] = list) -> np.ndarray:
        classes, texts, owners = prompt_list({name: self.prompts[name] for name in self.pairs.classes})
        return class_prototypes(model.text_vectors(key(texts)), owners, n_classes=len(classes))

    def _galleries(self, model: DualBundle, vectors: np.ndarray) -> Judgment:
        captions = self.pairs.test
        return Judgment(
            views=vectors,
            captions=model.text_vectors([pair.caption or "" for pair in captions]),
            view_groups=np.array([view_of(pair) for pair in self.rows], dtype=object),
            caption_groups=np.array([view_of(pair) for pair in captions], dtype=object),
        )
