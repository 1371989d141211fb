"""`evaluate` of an event run: figures with intervals, halves taken away, words drawn in, and the baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.classification.scores import softmax
from threatclip.encoders.bpe import BpeTower
from threatclip.encoders.image import ResnetTower
from threatclip.errors import InputError
from threatclip.evaluation.summary import summarize
from threatclip.experiments.evaluated import keep_evaluation, recipe_of
from threatclip.experiments.events.baselines import (
    FITS,
    HASHTAGS,
    UNTRAINED,
    ZERO_SHOT,
    Folds,
    fitted_out_of_fold,
    side_by_side,
    with_texts,
)
from threatclip.experiments.events.bundle import load_events
from threatclip.experiments.events.classifier import EventClassifier
from threatclip.experiments.events.features import PICTURE, WORDS, PostFeatures
from threatclip.experiments.events.fitting import Labeled, out_of_fold
from threatclip.experiments.events.judging import (
    METRICS,
    changed_answers,
    differences,
    judged_posts,
    model_metrics,
    plain_judgment,
)
from threatclip.experiments.events.model import BOTH
from threatclip.experiments.events.posts import half_counts, plain_post, relabeled
from threatclip.experiments.events.recipe import Events, Picture, Words
from threatclip.experiments.events.train import make_reader, plan_of, probed_features, read_out_of_fold
from threatclip.experiments.events.typography import PROBES
from threatclip.experiments.events.zero_shot import SENTENCE_TEMPERATURE, prompt_logits
from threatclip.experiments.judging import Judged, plain_metrics
from threatclip.experiments.material import read_file, root_folder
from threatclip.experiments.progress import Counted, OnProgress
from threatclip.experiments.run_folder import PAIRS
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import PairTable

_TAKEN_AWAY = {f"no_{WORDS}": PICTURE, f"no_{PICTURE}": WORDS}
"""Probe -> the half that is left."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Judgment:
    """Rows, and what the model makes of them as they are and under every probe."""

    judged: Judged
    probabilities: Mapping[str, np.ndarray]
    answered: np.ndarray
    own: bool  # the run's own posts, out of fold


def evaluate_events(
    run: Path, *, pairs: Path | None, probes: bool, baselines: bool, out: Path | None, on_progress: OnProgress
) -> dict[str, Any]:
    """Judge a run on its own posts, out of fold, or its model on the table `pairs`; write metrics.json and report.html.

    Args:
        run: the run folder.
        pairs: an image table; rows without a label of the run are counted, not judged.
        probes: also without the picture, without the words, and with words drawn into the picture (`typography`).
        baselines: also the baselines, fitted on the same posts; on the run's own posts in the same folds.
        out: where to write; default RUN/evaluation, or RUN/evaluation-TABLE.
        on_progress: told of each part.

    Raises:
        InputError: no run, no table, or nothing to judge.
        DamagedArtifactError: the bundle or the table was changed.
    """
    classifier = load_events(run)
    recipe = recipe_of(Events, run)
    known = list(PairTable.open(run / PAIRS).iter_pairs())
    told = Counted(stage="evaluate", total=2 + baselines * (len(FITS) + 3), on_progress=on_progress)
    judgment = _own(run, known, recipe) if pairs is None else _foreign(pairs, classifier, recipe, probes=probes)
    told()
    result: dict[str, Any] = {
        "run": str(run),
        "task": recipe.task,
        "seed": recipe.seed,
        "table": str(pairs or run / PAIRS),
        "judged": "out of fold" if judgment.own else "by the model of all posts",
        "probes": {},
        "baselines": {},
        **_headline(judgment),
    }
    if probes:
        result["probes"] = _probes(judgment)
    result["halves"] = _halves(judgment)
    if baselines:
        work = _Baselines(run=run, recipe=recipe, classifier=classifier, known=known, judgment=judgment, told=told)
        result["baselines"], result["comparisons"], result["left_out"] = work.results()
    kept = keep_evaluation(result, run=run, pairs=pairs, out=out, model=classifier.model)
    told()
    return kept


def _own(run: Path, known: Sequence[Pair], recipe: Events) -> _Judgment:
    kept = read_out_of_fold(run)
    judged = judged_posts(known, classes=recipe.data.classes, seed=recipe.seed)
    return _Judgment(judged=judged, probabilities=kept.probabilities, answered=kept.answered, own=True)


def _foreign(pairs: Path, classifier: EventClassifier, recipe: Events, *, probes: bool) -> _Judgment:
    table = PairTable.open(pairs)
    if table.modality != "image":
        raise InputError(f"{pairs} holds {table.modality} pairs; this run judges posts of picture and words")
    posts = (plain_post(pair, hashtags=classifier.hashtags) for pair in table.iter_pairs())
    rows = [relabeled(pair, recipe.data) for pair in posts]
    if not any(pair.label in classifier.classes for pair in rows):
        raise InputError(f"{pairs} has no row with a class of this run ({', '.join(classifier.classes)})")
    judged = judged_posts(rows, classes=classifier.classes, seed=recipe.seed)
    features = classifier.reader.features(rows)
    model = classifier.fitted
    found = {
        BOTH: model.probabilities(features),
        PICTURE: model.probabilities(features.without(WORDS)),
        WORDS: model.probabilities(features.without(PICTURE)),
    }
    if probes:
        for name, changed in probed_features(classifier.reader, rows, seed=recipe.seed).items():
            found[name] = model.probabilities(changed)
            found[f"{name}_{PICTURE}"] = model.probabilities(changed.without(WORDS))
    return _Judgment(judged=judged, probabilities=found, answered=model.answers(features, found[BOTH]), own=False)


def _headline(judgment: _Judgment) -> dict[str, Any]:
    judged, probabilities = judgment.judged, judgment.probabilities[BOTH]
    summary = summarize(judged.predictions(probabilities), {"accuracy": METRICS["accuracy"]}, rng=judged.draw())
    plain = summary.as_dict()
    plain["metrics"] = model_metrics(judged, probabilities, judgment.answered)
    plain["n_unlabeled"] = len(judged.pairs) - summary.n
    return plain


def _halves(judgment: _Judgment) -> dict[str, Any]:
    """Return which halves the posts have, and what both together gain over each."""
    judged, found = judgment.judged, judgment.probabilities
    gain = {half: plain_metrics(differences(judged, found[BOTH], found[half])) for half in (PICTURE, WORDS)}
    return {"counts": half_counts(judged.pairs), "gain": gain}


def _probes(judgment: _Judgment) -> dict[str, Any]:
    """Return the metrics under every probe, and how many answers it changed: of the post, or of its picture alone."""
    judged, found = judgment.judged, judgment.probabilities
    shown: dict[str, tuple[str, str]] = {name: (half, BOTH) for name, half in _TAKEN_AWAY.items()}
    for name in PROBES:
        shown |= {name: (name, BOTH), f"{name}_{PICTURE}": (f"{name}_{PICTURE}", PICTURE)}
    return {
        name: plain_judgment(judged, found[part]) | changed_answers(judged, found[part], found[plain])
        for name, (part, plain) in shown.items()
        if part in found
    }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Baselines:
    """Every baseline on the rows of a judgment."""

    run: Path
    recipe: Events
    classifier: EventClassifier
    known: Sequence[Pair]
    judgment: _Judgment
    told: Counted

    def results(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
        """Return metrics, our differences to each, and why some were left out."""
        judged = self.judgment.judged
        answers, left_out = self._answers()
        metrics = {name: plain_judgment(judged, one) for name, one in answers.items()}
        ours = self.judgment.probabilities[BOTH]
        compared = {name: plain_metrics(differences(judged, ours, one)) for name, one in answers.items()}
        return metrics, compared, left_out

    def _answers(self) -> tuple[dict[str, np.ndarray], dict[str, str]]:
        reader = self.classifier.reader
        learned = self._labeled(reader.features(self.known, cached=True))
        asked = learned.rows if self.judgment.own else reader.features(self.judgment.judged.pairs)
        answers = {}
        for name, fit in FITS.items():
            answers[name] = self._judge(fit, learned, asked)
            self.told()
        answers[ZERO_SHOT] = self._zero_shot(asked)
        self.told()
        answers[UNTRAINED] = self._untrained()
        self.told()
        left_out = {}
        if self.judgment.own and hasattr(self.recipe.data.posts.source, "hashtags"):
            answers[HASHTAGS] = self._with_hashtags(learned)
        else:
            left_out[HASHTAGS] = "hashtags can only leak from the source that the run itself was made of"
        self.told()
        return answers, left_out

    def _judge(self, fit: Any, learned: Labeled, asked: PostFeatures) -> np.ndarray:
        n_classes, seed = len(self.classifier.classes), self.recipe.seed
        if self.judgment.own:
            folds = Folds(n_classes=n_classes, n_folds=self.recipe.data.folds, seed=seed)
            return fitted_out_of_fold(fit, learned, folds)
        return np.asarray(fit(learned, asked, n_classes, seed))

    def _labeled(self, rows: PostFeatures) -> Labeled:
        labels = [self.classifier.classes.index(pair.label or "") for pair in self.known]
        groups = {group: number for number, group in enumerate(dict.fromkeys(pair.group for pair in self.known))}
        clusters = np.array([groups[pair.group] for pair in self.known])
        return Labeled(rows=rows, labels=np.array(labels), clusters=clusters)

    def _zero_shot(self, asked: PostFeatures) -> np.ndarray:
        """Words against the catalogue's prompts: the un-adapted text tower, and no label at all."""
        texts = self.classifier.catalogue.prompts(WORDS)
        vectors = self.classifier.reader.word_vectors([text for own in texts.values() for text in own])
        logits = prompt_logits(asked.words, vectors, texts, temperature=SENTENCE_TEMPERATURE)
        shares = np.full(logits.shape, 1 / logits.shape[1])
        return np.where(asked.has_words[:, None], softmax(logits), shares)

    def _untrained(self) -> np.ndarray:
        """Towers with their first random weights, and a linear head."""
        recipe = replace(
            self.recipe, picture=Picture(tower=ResnetTower(), mirrored=False), words=Words(tower=BpeTower())
        )
        texts = [pair.caption or "" for pair in self.known]
        reader = make_reader(recipe, root_folder(None), texts=texts)
        learned = self._labeled(reader.features(self.known))
        asked = learned.rows if self.judgment.own else reader.features(self.judgment.judged.pairs)
        return self._judge(side_by_side, learned, asked)

    def _with_hashtags(self, learned: Labeled) -> np.ndarray:
        """The whole model on posts whose hashtags were kept as words: what the label's own tag is worth."""
        data = self.recipe.data
        source = replace(data.posts.source, hashtags="words")  # type: ignore[type-var]
        file = replace(data.posts, source=source)
        captions = {pair.id: pair.caption for pair in read_file(file, root_folder(data.root))}
        leaky = [
            plain_post(replace(pair, view=b"", caption=captions.get(pair.id)), hashtags="words") for pair in self.known
        ]
        rows = with_texts(learned.rows, self.classifier.reader.features(leaky, cached=True))
        posts = replace(learned, rows=rows)
        return out_of_fold(posts, plan_of(self.recipe), n_folds=data.folds).probabilities[BOTH]
