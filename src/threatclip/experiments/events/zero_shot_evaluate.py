"""`evaluate` of zero-shot events: what was found before and after adapting, by each half, by both, and by transfer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.artifacts import read_json, read_tensors
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.evaluation.ranking import random_pr_auc_macro
from threatclip.evaluation.retrieval import QueryScores, mean_over_groups
from threatclip.evaluation.summary import measure, summarize
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.evaluated import keep_evaluation, recipe_of
from threatclip.experiments.events.catalogue import Catalogue
from threatclip.experiments.events.features import PICTURE, WORDS
from threatclip.experiments.events.judging import METRICS, differences, judged_posts, plain_judgment
from threatclip.experiments.events.posts import half_counts, plain_post, relabeled
from threatclip.experiments.events.space import Space
from threatclip.experiments.events.transfer import CELLS, SUPERVISED
from threatclip.experiments.events.zero_shot import JOINED, alone, joined
from threatclip.experiments.events.zero_shot_recipe import EventsZeroShot
from threatclip.experiments.events.zero_shot_train import AFTER, BEFORE, CATALOGUE, JUDGED, MATCHING
from threatclip.experiments.judging import Judged, plain_metrics
from threatclip.experiments.progress import OnProgress, Progress
from threatclip.experiments.run_folder import PAIRS
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import PairTable
from threatclip.seeds import rng

RANDOM = "random"
_OF_BOTH_HALVES = {f"{when} {cell}" for when in (BEFORE, AFTER) for cell in CELLS}


def evaluate_zero_shot(
    run: Path, *, pairs: Path | None, baselines: bool, out: Path | None, on_progress: OnProgress
) -> dict[str, Any]:
    """Judge a run on its own posts, each by a space adapted without its fold, or its model on the table `pairs`.

    With `baselines`, also every part and variant: each half alone, ways to join them, weights fitted on other folds,
    the space before adapting, the four cells of transfer (on posts with both halves), a supervised head, and chance.

    Raises:
        InputError: no run, no table, or nothing to judge.
        DamagedArtifactError: the bundle or the table was changed.
    """
    recipe = recipe_of(EventsZeroShot, run)
    bundle = DualBundle.load(run)
    if pairs is None:
        rows = list(PairTable.open(run / PAIRS).iter_pairs())
        found, matching = read_tensors(run / JUDGED), _matching(run)
    else:
        rows = _foreign(pairs, recipe)
        found, matching = _answers(bundle, rows, _catalogue(run)), {}
    judged = judged_posts(rows, classes=recipe.data.classes, seed=recipe.seed)
    main = f"{AFTER} {recipe.joined}"
    on_progress(Progress(stage="evaluate", done=1, total=2 + baselines))
    summary = summarize(judged.predictions(found[main]), {"accuracy": METRICS["accuracy"]}, rng=judged.draw())
    result: dict[str, Any] = {
        "run": str(run),
        "task": recipe.task,
        "seed": recipe.seed,
        "table": str(pairs or run / PAIRS),
        "judged": "by spaces adapted to other folds" if pairs is None else "by the space adapted to all posts",
        "probes": {},
        "baselines": {},
        **summary.as_dict(),
        "halves": {"counts": half_counts(rows)},
    }
    result["metrics"] = plain_judgment(judged, found[main]) | _matching_metrics(matching, AFTER, recipe.seed)
    if baselines:
        work = _Compared(judged=judged, found=found, matching=matching, main=main, seed=recipe.seed)
        result["baselines"], result["comparisons"] = work.baselines(), work.comparisons()
        on_progress(Progress(stage="evaluate", done=2, total=3))
    return keep_evaluation(result, run=run, pairs=pairs, out=out, model=bundle.model)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Compared:
    """Every answer there is, judged on the same posts; transfer on those with both halves."""

    judged: Judged
    found: Mapping[str, np.ndarray]
    matching: Mapping[str, QueryScores]
    main: str
    seed: int

    def baselines(self) -> dict[str, Any]:
        """Return the metrics of everything but the run's own answer."""
        metrics: dict[str, Any] = {}
        for name in sorted(self.found, key=_order):
            if name != self.main and not self._unchanged(name):
                rows, answers = self._rows(name)
                metrics[_title(name)] = plain_judgment(rows, answers[name])
        before = f"{BEFORE} {self.main.removeprefix(f'{AFTER} ')}"
        if before in self.found:
            metrics[_title(before)] |= _matching_metrics(self.matching, BEFORE, self.seed)
        area = measure(
            self.judged.predictions(self.found[self.main]),
            {"pr_auc_macro": random_pr_auc_macro},
            rng=self.judged.draw(),
            n_resamples=1,
        )
        return {**metrics, RANDOM: plain_metrics(area)}

    def comparisons(self) -> dict[str, Any]:
        """Return paired differences: our answer to each half, and everything after adapting to itself before."""
        compared: dict[str, Any] = {}
        for half in (PICTURE, WORDS):
            ours, theirs = self.found[self.main], self.found[f"{AFTER} {half}"]
            compared[_title(f"{AFTER} {half}")] = plain_metrics(differences(self.judged, ours, theirs))
        for name in sorted(self.found, key=_order):
            when, _, part = name.partition(" ")
            if when != AFTER or f"{BEFORE} {part}" not in self.found or self._unchanged(f"{BEFORE} {part}"):
                continue
            rows, answers = self._rows(name)
            change = plain_metrics(differences(rows, answers[name], answers[f"{BEFORE} {part}"]))
            if name == self.main:
                change |= self._matching_change()
            compared[f"adapting, {part}"] = change
        return compared

    def _unchanged(self, name: str) -> bool:
        """Tell whether an answer of before adapting is the one after: that of a frozen text tower's own space."""
        when, _, part = name.partition(" ")
        after = self.found.get(f"{AFTER} {part}")
        return when == BEFORE and after is not None and np.array_equal(self.found[name], after)

    def _matching_change(self) -> dict[str, Any]:
        if not self.matching:
            return {}
        before, after = self.matching[BEFORE], self.matching[AFTER]
        return plain_metrics(mean_over_groups(after, minus=before, rng=rng(self.seed, "bootstrap")))

    def _rows(self, name: str) -> tuple[Judged, Mapping[str, np.ndarray]]:
        if name not in _OF_BOTH_HALVES:
            return self.judged, self.found
        both = np.array([bool(pair.view and pair.caption) for pair in self.judged.pairs])
        kept = tuple(pair for pair, there in zip(self.judged.pairs, both.tolist(), strict=True) if there)
        rows = Judged(pairs=kept, classes=self.judged.classes, seed=self.judged.seed)
        return rows, {one: answers[both] for one, answers in self.found.items()}


def _order(name: str) -> tuple[int, int]:
    """Sort as a reader wants it: ways to join, halves, transfer; after before before."""
    when, _, part = name.partition(" ")
    parts = (*JOINED, "weighed", PICTURE, WORDS, "words_in_joint_space", SUPERVISED, *CELLS)
    return (parts.index(part) if part in parts else len(parts), when == BEFORE)


def _title(name: str) -> str:
    """Return the published name of an answer: the adapted space is the rule, the one before says so."""
    when, _, part = name.partition(" ")
    return part if when == AFTER else f"{part}, before adapting"


def _foreign(pairs: Path, recipe: EventsZeroShot) -> list[Pair]:
    table = PairTable.open(pairs)
    if table.modality != "image":
        raise InputError(f"{pairs} holds {table.modality} pairs; this run judges posts of picture and words")
    posts = (plain_post(pair, hashtags=recipe.data.hashtags) for pair in table.iter_pairs())
    rows = [relabeled(pair, recipe.data) for pair in posts]
    if not any(pair.label in recipe.data.classes for pair in rows):
        raise InputError(f"{pairs} has no row with a class of this run ({', '.join(recipe.data.classes)})")
    return rows


def _catalogue(run: Path) -> Catalogue:
    """Return the prompts that a run was judged with, whatever became of their file."""
    try:
        return Catalogue.from_plain(read_json(run / CATALOGUE))
    except (KeyError, TypeError, InputError) as error:
        raise DamagedArtifactError(f"{run / CATALOGUE} is not what was written ({error!r}); train it anew") from error


def _answers(bundle: DualBundle, rows: Sequence[Pair], catalogue: Catalogue) -> dict[str, np.ndarray]:
    """Return what the run's model makes of other posts: zero-shot alone, since its heads were of folds."""
    space = Space(dual=bundle.dual)
    vectors = space.vectors(rows)
    logits, in_joint = space.logits(vectors, catalogue), space.logits(vectors, catalogue, in_joint=True)
    found: dict[str, np.ndarray] = {how: joined(logits, how=how) for how in JOINED}
    found |= {PICTURE: alone(logits, "picture"), WORDS: alone(logits, "words")}
    found["words_in_joint_space"] = alone(in_joint, "words")
    return {f"{AFTER} {name}": answers for name, answers in found.items()}


def _matching(run: Path) -> dict[str, QueryScores]:
    try:
        return {
            when: {
                name: (np.asarray(values, dtype=np.float64), np.array(groups, dtype=object))
                for name, (values, groups) in scores.items()
            }
            for when, scores in read_json(run / MATCHING).items()
        }
    except (AttributeError, TypeError, ValueError) as error:
        raise DamagedArtifactError(f"{run / MATCHING} is not what was written ({error}); train it anew") from error


def _matching_metrics(matching: Mapping[str, QueryScores], when: str, seed: int) -> dict[str, Any]:
    if when not in matching:
        return {}
    return plain_metrics(mean_over_groups(matching[when], rng=rng(seed, "bootstrap")))
