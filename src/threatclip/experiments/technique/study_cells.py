"""The cells of the study of technique labelers: who learns from what, and what each makes of the judged sentences."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedGroupKFold, StratifiedKFold

from threatclip.artifacts import read_json, read_tensors, write_json, write_tensors
from threatclip.encoders.towers import Tower
from threatclip.errors import DamagedArtifactError, RecipeError
from threatclip.experiments.cells import Cell
from threatclip.experiments.material import root_folder
from threatclip.experiments.progress import ignore
from threatclip.experiments.rows import Rows
from threatclip.experiments.technique.baselines import (
    WORDS_SVC,
    ZERO_SHOT,
    nearest_description,
    untuned_tower,
    words_svc,
)
from threatclip.experiments.technique.judging import figures, scale_free
from threatclip.experiments.technique.model import TechniqueModel, family_probabilities, fit_model
from threatclip.experiments.technique.recipe import Technique
from threatclip.experiments.technique.rows import (
    PROCEDURES,
    Techniques,
    labeled,
    load_material,
    origin,
    read_attack,
    read_sentences,
    without_copies,
)
from threatclip.experiments.technique.study import InFolds
from threatclip.experiments.technique.train import tower_maker
from threatclip.pairs.near_duplicates import near_duplicate_clusters
from threatclip.pairs.pair import Pair

OURS = "threatclip"
WORDS_SVC_MORE = "words_svc_more_rows"
"""The baseline on all rows that the model has, descriptions included: what the model adds beside more rows."""
_ANSWERS, _ROWS = ".safetensors", ".rows.json"
_MASKS = ("fresh", "seen", "named", "fallen", "right_parent")


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What methods made of judged rows.

    Attributes:
        rows: judged sentences.
        techniques: catalogue of the answers.
        by_method: method -> probabilities [n, c].
        masks: "fresh" (no near-duplicate was learned), "seen" (the technique has sentences), "named" and "fallen" (our
            model names the technique, or its parent), "right_parent"; all bool [n].
        facts: of the cell.
    """

    rows: Rows
    techniques: Techniques
    by_method: Mapping[str, np.ndarray]
    masks: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]

    def write(self, cell: Cell) -> None:
        """Keep them in the cell's files."""
        arrays = {f"method.{name}": value.astype(np.float32) for name, value in self.by_method.items()}
        arrays |= {f"mask.{name}": value.astype(np.uint8) for name, value in self.masks.items()}
        cell.file(_ANSWERS).parent.mkdir(parents=True, exist_ok=True)
        write_tensors(cell.file(_ANSWERS), arrays)
        plain = {
            "ids": [pair.id for pair in self.rows.pairs],
            "groups": [pair.group for pair in self.rows.pairs],
            "labels": self.rows.labels.tolist(),
            "techniques": list(self.techniques.ids),
            "families": [one.family for one in self.techniques.all],
        }
        write_json(cell.file(_ROWS), plain)

    def metrics(self) -> dict[str, Any]:
        """Return our own figures."""
        return figures(self.rows, self.techniques, self.by_method[OURS], seed=0)


def read_answers(cell: Cell) -> Answers:
    """Return what a finished cell kept; sentences and descriptions are not among it.

    Raises:
        DamagedArtifactError: the files are not what was written.
    """
    from threatclip.experiments.technique.rows import Described

    arrays, plain = read_tensors(cell.file(_ANSWERS)), read_json(cell.file(_ROWS))
    try:
        rows = zip(plain["ids"], plain["groups"], strict=True)
        techniques = Techniques(
            all=tuple(
                Described(id=one, name=one, family=family, captions=(), sentences=())
                for one, family in zip(plain["techniques"], plain["families"], strict=True)
            )
        )
        labels = np.array(plain["labels"], dtype=np.int64)
        return Answers(
            rows=Rows(
                pairs=tuple(Pair(id=name, view=b"", group=group) for name, group in rows),
                labels=labels,
                weights=np.ones(len(labels)),
            ),
            techniques=techniques,
            by_method={name.removeprefix("method."): a for name, a in arrays.items() if name.startswith("method.")},
            masks={name: arrays[f"mask.{name}"].astype(bool) for name in _MASKS},
            facts={},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedArtifactError(f"{cell.file(_ROWS)} is not what was written ({error!r}); delete it") from error


def judged_in_folds(recipe: Technique, settings: InFolds, *, by_report: bool) -> Answers:
    """Judge labeled sentences out of fold; the folds part reports, or rows at random.

    Every model also learns from procedures of ATT&CK, but those that nearly are one of the sentences. The space never
    sees a labeled sentence.

    Raises:
        RecipeError: the recipe has no sentences of that name.
        InputError: data is missing.
    """
    root = root_folder(recipe.data.root)
    chosen = next((one for one in recipe.data.sentences if one.name == settings.sentences), None)
    if chosen is None:
        raise RecipeError(f"in_folds.sentences is {settings.sentences!r}; the recipe has no sentences of that name")
    attack = read_attack(recipe.data, root)
    sentences = read_sentences(chosen, root, attack.catalogue)
    techniques = attack.techniques.only(pair.label or "" for pair in sentences)
    rows = labeled(sentences, techniques)
    extra = without_copies(labeled(attack.procedures, techniques, weight=settings.procedure_weight), rows.pairs)
    tower = tower_maker(recipe, techniques, root, on_progress=ignore)(replace(extra, weights=np.ones(len(extra))))
    clusters = near_duplicate_clusters(rows.views)
    found: dict[str, np.ndarray] = {}
    masks = {name: np.zeros(len(rows), dtype=bool) for name in _MASKS}
    for learned, asked in folds_of(rows, n_folds=settings.folds, by_report=by_report, seed=recipe.seed):
        train, test = rows.take(learned), rows.take(asked)
        model = _fitted(recipe, settings, train, extra, techniques, tower, by_report=by_report)
        answers = _asked(model, test)
        answers[WORDS_SVC] = scale_free(words_svc(train, test.views, techniques, seed=recipe.seed))
        for name, one in answers.items():
            found.setdefault(name, np.zeros((len(rows), len(techniques.all))))[asked] = one
        masks["fresh"][asked] = ~np.isin(clusters[asked], clusters[learned])
        masks["seen"][asked] = np.isin(test.labels, train.labels)
        for name, one in _levels(model, test, answers[OURS]).items():
            masks[name][asked] = one
    facts = {"n": len(rows), "n_extra": len(extra), "n_reports": len({pair.group for pair in rows.pairs})}
    return Answers(rows=rows, techniques=techniques, by_method=found, masks=masks, facts=facts)


def judged_on_years(recipe: Technique) -> Answers:
    """Judge all techniques on the procedures of `data.test_from` on, learned from those before it.

    Raises:
        InputError: data is missing.
    """
    root = root_folder(recipe.data.root)
    material = load_material(recipe.data, root, seed=recipe.seed)
    techniques, test = material.attack.techniques, material.tests[PROCEDURES]
    rows = material.train.joined(material.validation)
    model = fit_model(
        rows,
        techniques,
        recipe.answer,
        inner=[(np.arange(len(material.train)), np.arange(len(material.train), len(rows)))],
        make_tower=tower_maker(recipe, techniques, root, on_progress=ignore),
        seed=recipe.seed,
    )
    answers = _asked(model, test)
    own = rows.take(np.array([origin(pair) == PROCEDURES for pair in rows.pairs]))
    answers[WORDS_SVC] = scale_free(words_svc(own, test.views, techniques, seed=recipe.seed))
    more = rows.joined(labeled(_described_pairs(techniques), techniques))
    answers[WORDS_SVC_MORE] = scale_free(words_svc(more, test.views, techniques, seed=recipe.seed))
    answers[ZERO_SHOT] = scale_free(nearest_description(test.views, techniques, untuned_tower()))
    clusters = near_duplicate_clusters([*rows.views, *test.views])
    masks = {
        "fresh": ~np.isin(clusters[len(rows) :], clusters[: len(rows)]),
        "seen": np.isin(test.labels, rows.labels),
        **_levels(model, test, answers[OURS]),
    }
    facts = {"n": len(test), "n_train": len(rows), "n_techniques": len(techniques.all)}
    return Answers(rows=test, techniques=techniques, by_method=answers, masks=masks, facts=facts)


def folds_of(rows: Rows, *, n_folds: int, by_report: bool, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (learned rows, judged rows) of every fold, techniques spread evenly; a report is in one fold only."""
    places = np.zeros(len(rows))
    with warnings.catch_warnings():  # a technique of fewer sentences than folds is judged where it is
        warnings.simplefilter("ignore", UserWarning)
        if by_report:
            splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
            return list(splitter.split(places, rows.labels, _reports(rows)))
        return list(StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(places, rows.labels))


def _reports(rows: Rows) -> list[str]:
    return [pair.group or pair.id for pair in rows.pairs]


def _fitted(
    recipe: Technique,
    settings: InFolds,
    train: Rows,
    extra: Rows,
    techniques: Techniques,
    tower: Tower,
    *,
    by_report: bool,
) -> TechniqueModel:
    """Fit on labeled sentences and procedures; weights and thresholds on some of the training reports, or rows."""
    if by_report:
        splitter: Any = GroupShuffleSplit(1, test_size=settings.inner, random_state=recipe.seed)
        learned, asked = next(splitter.split(np.zeros(len(train)), groups=_reports(train)))
    else:
        splitter = ShuffleSplit(1, test_size=settings.inner, random_state=recipe.seed)
        learned, asked = next(splitter.split(np.zeros(len(train))))
    rows = train.joined(extra)
    always = np.arange(len(train), len(rows))
    return fit_model(
        rows,
        techniques,
        settings.answer,
        inner=[(np.concatenate([learned, always]), asked)],
        make_tower=lambda _: tower,
        seed=recipe.seed,
    )


def _asked(model: TechniqueModel, rows: Rows) -> dict[str, np.ndarray]:
    """Return what the model makes of rows, and each of its members alone."""
    scores = model.member_scores(rows.views, cached=True)
    alone = {f"{name} alone": model.pool.alone(name).probabilities(scores) for name in scores}
    return {OURS: model.pool.probabilities(scores), **alone}


def _levels(model: TechniqueModel, rows: Rows, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    families = family_probabilities(probabilities, model.techniques)
    named = model.technique.answers(probabilities)
    return {
        "named": named,
        "fallen": ~named & model.parent.answers(families),
        "right_parent": families.argmax(axis=1) == model.techniques.family_of[rows.labels],
    }


def _described_pairs(techniques: Techniques) -> Sequence[Pair]:
    return [
        Pair(id=f"{one.id}#{number}", view=text.encode(), label=one.id)
        for one in techniques.all
        for number, text in enumerate(one.sentences)
    ]
