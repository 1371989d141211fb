"""The cells of the study: what is fitted on which split, and the scores it leaves for the document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from threatclip.artifacts import read_json, read_tensors, write_json, write_tensors
from threatclip.errors import InputError
from threatclip.experiments.attribution.baselines import BASELINES, READS_FEATURES, sides_of
from threatclip.experiments.attribution.encoder import recipe_encoder
from threatclip.experiments.attribution.fitting import Bench, fit_group_model
from threatclip.experiments.attribution.incidents import pooled
from threatclip.experiments.attribution.model import GroupModel, Verdict
from threatclip.experiments.attribution.recipe import Attribution, AttributionStudy
from threatclip.experiments.attribution.rows import AttackRow, AttackRows, support_rows
from threatclip.experiments.attribution.splits import GroupSplit, split_h, split_k, split_random
from threatclip.experiments.attribution.train import recipe_rows
from threatclip.experiments.cells import Cell
from threatclip.experiments.material import root_folder
from threatclip.seeds import rng

Kind = Literal["model", "unseen", "quick", "slow", "raw", "masked"]
K = -1  # in the place of a seed
QUICK = (
    "majority",
    "complement_nb",
    "minilm_centroid",
    "technique_profile",
    "word_svc",
    "word_svc+software",
    "bm25",
    "bm25+software",
)
SLOW = ("char_svc", "minilm_knn", "minilm_logistic", "minilm_logistic+software")
SOFTWARE = "+software"
_UNSEEN_SHARE = 0.2
_CONTROLS = {"raw": "word_svc", "masked": "word_svc"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What decides one cell; `seed` is that of split H, -1 for split K."""

    kind: Kind
    seed: int
    recipe: Attribution

    @property
    def name(self) -> str:
        """The name of the cell's files."""
        return f"{self.kind}-{'K' if self.seed == K else f'H{self.seed}'}"


def cells_of(study: AttributionStudy, recipe: Attribution, out: Path) -> Iterator[Cell]:
    """Yield every cell of a study, the ones that its claims rest on first."""
    asked: list[tuple[Kind, int]] = []
    for seed in (*study.seeds, K):
        asked += [("quick", seed), ("model", seed)]
    asked += [("unseen", seed) for seed in study.unseen_seeds]
    asked += [("slow", seed) for seed in (*study.side_seeds, K)]
    asked += [("raw", study.seeds[0]), ("masked", study.seeds[0])]
    for kind, seed in asked:
        spec = Asked(kind=kind, seed=seed, recipe=replace(recipe, seed=max(seed, 0)))
        yield Cell(name=spec.name, spec=spec, folder=out)


def run_cell(cell: Cell) -> dict[str, Any]:
    """Fit what a cell asks for, keep its scores, and return what the document counts.

    Raises:
        InputError: data is missing, or cannot be split.
    """
    asked: Asked = cell.spec
    root = root_folder(asked.recipe.data.root)
    rows = recipe_rows(asked.recipe, root)
    if asked.kind in _CONTROLS:
        split, scores = _control(rows, raw=asked.kind == "raw")
        tensors, facts = {_CONTROLS[asked.kind]: scores}, dict[str, Any]()
    else:
        split = study_split(asked, rows, root)
        work = {"model": _model, "unseen": _unseen, "quick": _baselines, "slow": _baselines}[asked.kind]
        tensors, facts, split = work(asked, split, rows, root)
    write_tensors(cell.file(".safetensors"), tensors)
    write_json(cell.file("-rows.json"), split.truths())
    sizes = {"train": len(split.train), "test": len(split.test), "dropped": split.dropped, "foreign": split.foreign}
    return {"task": "attack-group", "kind": asked.kind, "seed": asked.seed, "split": split.name, **sizes, **facts}


def study_split(asked: Asked, rows: AttackRows, root: Path) -> GroupSplit:
    """Return the split of a cell."""
    if asked.seed == K:
        return split_k(rows)
    splits = asked.recipe.data.splits
    return split_h(rows, asked.seed, file=None if splits is None else root / splits)


def read_cell(out: Path, name: str) -> tuple[GroupSplit | None, Mapping[str, np.ndarray], dict[str, Any]]:
    """Return the split, with its rows' ids alone, the tensors and the facts of a finished cell; None where it is not.

    Raises:
        DamagedArtifactError: its files are not what was written.
    """
    stem = out / "cells" / name
    try:
        facts = read_json(stem.with_name(f"{name}.json"))
    except InputError:
        return None, {}, {}
    split = GroupSplit.told(read_json(stem.with_name(f"{name}-rows.json")))
    return split, read_tensors(stem.with_name(f"{name}.safetensors")), facts


Result = tuple[dict[str, np.ndarray], dict[str, Any], GroupSplit]


def _baselines(asked: Asked, split: GroupSplit, rows: AttackRows, root: Path) -> Result:
    """Fit the quick or the slow baselines, with and without software."""
    names = QUICK if asked.kind == "quick" else SLOW
    software = [
        row for row in support_rows(rows, groups=split.groups, without=split.held_out) if row.kind == "software"
    ]
    embed = recipe_encoder(asked.recipe, root)
    tensors = {}
    for name in names:
        support = software if name.endswith(SOFTWARE) else []
        plain = name.removesuffix(SOFTWARE)
        features = _unit(embed, [*split.train, *support, *split.test]) if plain in READS_FEATURES else None
        sides = sides_of(split, seed=asked.seed, support=support, features=features)
        tensors[name] = BASELINES[plain](sides).astype(np.float32)
    return tensors, {"software": len(software)}, split


def _unit(embed: Any, rows: Sequence[AttackRow]) -> dict[str, np.ndarray]:
    features = embed([row.text for row in rows])
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    return {row.id: vector for row, vector in zip(rows, unit, strict=True)}


def _model(asked: Asked, split: GroupSplit, rows: AttackRows, root: Path) -> Result:
    """Fit our model and keep what it says, member by member."""
    bench = _bench(asked, rows, root)
    model = fit_group_model(split, bench)
    texts = [row.text for row in split.test]
    features = bench.embed(texts)
    members = model.members.incident_scores(texts, features, split.incidents)
    tensors = {f"member {name}": scores.astype(np.float32) for name, scores in members.items()}
    tensors |= _verdict("incident", model.incidents(texts, features, split.incidents))
    tensors |= _verdict("sentence", model.sentences(texts, features))
    return tensors, _facts(model), split


def _unseen(asked: Asked, split: GroupSplit, rows: AttackRows, root: Path) -> Result:
    """Hold a fifth of the test groups out whole, and see what is said of their incidents, and of the others'."""
    groups = sorted(set(split.truth))
    generator = rng(asked.seed, "attribution/never-seen")
    hidden = set(generator.permutation(np.array(groups))[: round(_UNSEEN_SHARE * len(groups))].tolist())
    bench = _bench(asked, rows, root)
    shown = replace(split, train=tuple(row for row in split.train if row.group not in hidden))
    known = [place for place, group in enumerate(split.truth) if group not in hidden]
    judged = replace(
        shown,
        test=tuple(split.test[place] for place in known),
        incidents=tuple(split.incidents[place] for place in known),
        truth=tuple(split.truth[place] for place in known),
    )
    strange = [place for place, group in enumerate(split.truth) if group in hidden]
    model = fit_group_model(replace(judged, test=split.test), bench)
    tensors: dict[str, np.ndarray] = {}
    for name, places in (("known", known), ("hidden", strange)):
        texts = [split.test[place].text for place in places]
        tensors |= _verdict(name, model.incidents(texts, bench.embed(texts), [split.incidents[p] for p in places]))
    return tensors, {**_facts(model), "hidden_groups": sorted(hidden)}, judged


def _bench(asked: Asked, rows: AttackRows, root: Path) -> Bench:
    return Bench(
        rows=rows, embed=recipe_encoder(asked.recipe, root), settings=asked.recipe.model, seed=asked.recipe.seed
    )


def _verdict(name: str, verdict: Verdict) -> dict[str, np.ndarray]:
    return {
        f"{name} probabilities": verdict.probabilities.astype(np.float64),
        f"{name} unknown": verdict.unknown,
        f"{name} answered": verdict.answered.astype(np.uint8),
    }


def _facts(model: GroupModel) -> dict[str, Any]:
    judge = model.judge
    return {
        "pool": dict(zip(judge.pool.members, judge.pool.weights.tolist(), strict=True)),
        "doubt": {"bias": judge.doubt.bias, "slope": judge.doubt.slope},
        "rules": {"incident": judge.incident.config(), "sentence": judge.sentence.config()},
    }


def _control(rows: AttackRows, *, raw: bool) -> tuple[GroupSplit, np.ndarray]:
    """Score every row by five folds at random: what a leak is worth."""
    parts: list[GroupSplit] = []
    scores: list[np.ndarray] = []
    for split in split_random(rows, 0):
        parts.append(split)
        scores.append(BASELINES["word_svc"](sides_of(split, seed=0, raw=raw)))
    whole = replace(
        parts[0],
        name="random",
        test=tuple(row for part in parts for row in part.test),
        incidents=tuple(f"{part.name}/{one}" for part in parts for one in part.incidents),
        truth=tuple(one for part in parts for one in part.truth),
    )
    return whole, np.concatenate(scores).astype(np.float32)


def baseline_incidents(split: GroupSplit, scores: np.ndarray) -> np.ndarray:
    """Return a baseline's scores of incidents, as the protocol pools them."""
    return pooled(np.asarray(scores, dtype=np.float64), split.incidents)
