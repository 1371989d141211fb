"""`evaluate` of a technique labeler: figures of its own test rows by origin, or of a table, beside the baselines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.errors import InputError
from threatclip.evaluation.paired import mcnemar
from threatclip.experiments.evaluated import keep_evaluation, recipe_of
from threatclip.experiments.progress import OnProgress, Progress
from threatclip.experiments.rows import Rows
from threatclip.experiments.run_folder import PAIRS
from threatclip.experiments.technique.baselines import (
    WORDS_SVC,
    ZERO_SHOT,
    nearest_description,
    untuned_tower,
    words_svc,
)
from threatclip.experiments.technique.bundle import load_technique
from threatclip.experiments.technique.judging import (
    answered,
    difference,
    figures,
    plain_difference,
    predictions,
    scale_free,
)
from threatclip.experiments.technique.model import TechniqueModel
from threatclip.experiments.technique.recipe import Technique
from threatclip.experiments.technique.rows import labeled, origin
from threatclip.pairs.pair import Pair
from threatclip.pairs.table import PairTable

_LEAST_ROWS = 10  # of a part that gets figures of its own


def evaluate_technique(
    run: Path, *, pairs: Path | None, baselines: bool, out: Path | None, on_progress: OnProgress
) -> dict[str, Any]:
    """Judge a run on its own test rows, by origin, or on the table `pairs`; write metrics.json and report.html.

    Args:
        run: the run folder.
        pairs: a table of sentences; rows whose label is no technique of the model are counted, not judged.
        baselines: also words with a linear SVM, fitted on the same rows, and untuned descriptions.
        out: where to write; default RUN/evaluation, or RUN/evaluation-TABLE.
        on_progress: told of each part.

    Raises:
        InputError: no run, no table, or nothing to judge.
        DamagedArtifactError: the bundle or the table was changed.
    """
    classifier = load_technique(run)
    recipe = recipe_of(Technique, run)
    model, known = classifier.fitted, list(PairTable.open(run / PAIRS).iter_pairs())
    learned = labeled([pair for pair in known if pair.split != "test"], model.techniques)
    asked = [pair for pair in known if pair.split == "test"] if pairs is None else _foreign(pairs)
    rows = labeled(asked, model.techniques)
    if not len(rows):
        where = pairs or run / PAIRS
        raise InputError(
            f"{where} has no sentence to judge on: none with a technique of the model; give --pairs TABLE, or train "
            "with data.test_from"
        )
    names = [origin(pair) for pair in rows.pairs] if pairs is None else ["table"] * len(rows)
    main = names[0]
    judge = _Judge(model=model, rows=rows, learned=learned, seed=recipe.seed)
    ours = model.probabilities(rows.views, cached=True)
    on_progress(Progress(stage="evaluate", done=1, total=2 + 2 * baselines))
    others: dict[str, np.ndarray] = {}
    if baselines:
        margins = words_svc(learned, rows.views, model.techniques, seed=recipe.seed)
        others[WORDS_SVC] = scale_free(margins)
        on_progress(Progress(stage="evaluate", done=2, total=4))
        others[ZERO_SHOT] = scale_free(nearest_description(rows.views, model.techniques, untuned_tower()))
        on_progress(Progress(stage="evaluate", done=3, total=4))
    origins = {name: judge(np.array([one == name for one in names]), ours, others) for name in dict.fromkeys(names)}
    result: dict[str, Any] = {
        "run": str(run),
        "task": recipe.task,
        "seed": recipe.seed,
        "table": str(pairs or run / PAIRS),
        "judged": main,
        **origins[main],
        "probes": {},
        "origins": origins,
        "n_unlabeled": len(asked) - len(rows),
    }
    kept = keep_evaluation(result, run=run, pairs=pairs, out=out, model=classifier.model)
    on_progress(Progress(stage="evaluate", done=2 + 2 * baselines, total=2 + 2 * baselines))
    return kept


class _Judge:
    """Figures of some of the judged rows."""

    def __init__(self, *, model: TechniqueModel, rows: Rows, learned: Rows, seed: int) -> None:
        self._model, self._rows, self._seed = model, rows, seed
        self._seen = np.isin(rows.labels, learned.labels)

    def __call__(self, mask: np.ndarray, ours: np.ndarray, others: dict[str, np.ndarray]) -> dict[str, Any]:
        rows, techniques, seed = self._rows.take(mask), self._model.techniques, self._seed
        metrics = figures(rows, techniques, ours[mask], seed=seed)
        result: dict[str, Any] = {
            "n": len(rows),
            "metrics": metrics | answered(self._model, rows, ours[mask], seed=seed),
            "baselines": {name: figures(rows, techniques, one[mask], seed=seed) for name, one in others.items()},
            "comparisons": {
                name: plain_difference(difference(rows, techniques, ours[mask], one[mask], seed=seed))
                for name, one in others.items()
            },
            "mcnemar": {
                name: mcnemar(
                    predictions(rows, techniques, ours[mask]), predictions(rows, techniques, one[mask])
                ).as_dict()
                for name, one in others.items()
            },
        }
        for name, part in (("seen", mask & self._seen), ("unseen", mask & ~self._seen)):
            if part.sum() >= _LEAST_ROWS:
                own = self._rows.take(part)
                result[name] = {
                    "n": len(own),
                    "metrics": figures(own, techniques, ours[part], seed=seed),
                    "baselines": {k: figures(own, techniques, one[part], seed=seed) for k, one in others.items()},
                }
        return result


def _foreign(path: Path) -> list[Pair]:
    table = PairTable.open(path)
    if table.modality != "text":
        raise InputError(f"{path} holds {table.modality} pairs; this run judges sentences")
    return [replace(pair, id=f"table/{pair.id}") for pair in table.iter_pairs()]
