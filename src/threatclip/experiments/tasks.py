"""What each task does: the one place where a recipe's `task`, or a bundle's kind, chooses the code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, assert_never, get_args

from threatclip.artifacts import read_json, verify_manifest
from threatclip.errors import DamagedArtifactError, InputError, RecipeError
from threatclip.experiments.attribution.recipe import Attribution
from threatclip.experiments.config import parse, read_recipe, tags_of
from threatclip.experiments.contrastive.recipe import Contrastive
from threatclip.experiments.events.recipe import Events
from threatclip.experiments.events.zero_shot_recipe import EventsZeroShot
from threatclip.experiments.group_seed.recipe import GroupSeed
from threatclip.experiments.progress import OnProgress
from threatclip.experiments.recipe import PayloadWeakness
from threatclip.experiments.recipes import Recipe
from threatclip.experiments.run_folder import RECIPE, bundle_folder
from threatclip.experiments.technique.recipe import Technique
from threatclip.pairs.pair import Pair


class Classifier(Protocol):
    """A bundle that answers: ranked labels, a confidence, evidence."""

    @property
    def modality(self) -> str:
        """The modality of the pairs that it reads."""
        ...

    @property
    def model(self) -> str:
        """The hash that names the bundle."""
        ...

    def classify_pairs(self, pairs: Sequence[Pair]) -> list[dict[str, Any]]:
        """Return one answer a pair, as DESIGN's machine-readable contract has it."""
        ...


def train_run(recipe: Recipe, out: Path, *, resume: bool, on_progress: OnProgress) -> dict[str, Any]:
    """Train what a recipe says into the run folder `out`, or go on with it, and return its summary.

    Raises:
        InputError: the folder is taken, or data is missing or unusable.
        StorageError: the disk refused.
    """
    match recipe:
        case PayloadWeakness():
            from threatclip.experiments.run import train_run as train_payload_weakness

            return train_payload_weakness(recipe, out, resume=resume, on_progress=on_progress)
        case Contrastive():
            from threatclip.experiments.contrastive.train import train_contrastive

            return train_contrastive(recipe, out, resume=resume, on_progress=on_progress)
        case Events():
            from threatclip.experiments.events.train import train_events

            return train_events(recipe, out, resume=resume, on_progress=on_progress)
        case EventsZeroShot():
            from threatclip.experiments.events.zero_shot_train import train_zero_shot

            return train_zero_shot(recipe, out, resume=resume, on_progress=on_progress)
        case GroupSeed():
            from threatclip.experiments.group_seed.train import train_group_seed

            return train_group_seed(recipe, out, resume=resume, on_progress=on_progress)
        case Attribution():
            from threatclip.experiments.attribution.train import train_attribution

            return train_attribution(recipe, out, resume=resume, on_progress=on_progress)
        case Technique():
            from threatclip.experiments.technique.train import train_technique

            return train_technique(recipe, out, resume=resume, on_progress=on_progress)
        case _:
            assert_never(recipe)


def evaluate_run(
    run: Path, *, pairs: Path | None, probes: bool, baselines: bool, out: Path | None, on_progress: OnProgress
) -> dict[str, Any]:
    """Judge a run on its own test rows or on the table `pairs`; write metrics.json and report.html.

    Raises:
        InputError: no run, no table, or nothing to judge.
        DamagedArtifactError: the run or the table was changed.
    """
    recipe = run_recipe(run)
    match recipe:
        case PayloadWeakness():
            from threatclip.experiments.evaluate import evaluate_run as evaluate_payload_weakness

            return evaluate_payload_weakness(
                run, pairs=pairs, probes=probes, baselines=baselines, out=out, on_progress=on_progress
            )
        case Contrastive():
            from threatclip.experiments.contrastive.evaluate import evaluate_contrastive

            return evaluate_contrastive(run, pairs=pairs, baselines=baselines, out=out, on_progress=on_progress)
        case Events():
            from threatclip.experiments.events.evaluate import evaluate_events

            return evaluate_events(
                run, pairs=pairs, probes=probes, baselines=baselines, out=out, on_progress=on_progress
            )
        case EventsZeroShot():
            from threatclip.experiments.events.zero_shot_evaluate import evaluate_zero_shot

            return evaluate_zero_shot(run, pairs=pairs, baselines=baselines, out=out, on_progress=on_progress)
        case GroupSeed():
            from threatclip.experiments.group_seed.evaluate import evaluate_group_seed

            return evaluate_group_seed(run, pairs=pairs, baselines=baselines, out=out, on_progress=on_progress)
        case Attribution():
            from threatclip.experiments.attribution.evaluate import evaluate_attribution

            return evaluate_attribution(run, pairs=pairs, baselines=baselines, out=out)
        case Technique():
            from threatclip.experiments.technique.evaluate import evaluate_technique

            return evaluate_technique(run, pairs=pairs, baselines=baselines, out=out, on_progress=on_progress)
        case _:
            assert_never(recipe)


def run_recipe(run: Path) -> Recipe:
    """Return the recipe that a run folder was made by.

    Raises:
        InputError: it is no run folder.
        DamagedArtifactError: its recipe is not what was written.
    """
    bundle_folder(run)  # says how to make a run where there is none
    if not (run / RECIPE).is_file():
        raise InputError(f"{run} is a bundle without its run: name the run folder, which knows the rows to judge on")
    values = read_json(run / RECIPE)
    if not isinstance(values, dict):
        raise DamagedArtifactError(f"{run / RECIPE} holds no recipe; restore it, or train anew")
    recipe: Recipe = parse(Recipe, values, where=str(run / RECIPE))
    return recipe


def bundle_kind(folder: Path) -> str:
    """Return the kind of a bundle, or of a run's bundle.

    Raises:
        InputError: there is none.
        DamagedArtifactError: a file of it was changed.
    """
    return str(verify_manifest(bundle_folder(folder)).get("kind"))


def load_classifier(folder: Path, *, catalogue: Path | None = None) -> Classifier:
    """Load a bundle that classifies, or the one of a run folder.

    Args:
        folder: of the bundle or run.
        catalogue: events and prompts in place of the bundle's own: for zero-shot models.

    Raises:
        InputError: there is none, it does not classify, or it takes no catalogue.
        DamagedArtifactError: a file of it was changed.
    """
    kind = bundle_kind(folder)
    if kind == "dual-encoder":
        from threatclip.experiments.events.prompted import load_prompted

        return load_prompted(folder, catalogue=catalogue)
    if catalogue is not None:
        raise InputError(f"{folder} is a bundle of kind {kind!r}, which answers without prompts; leave --catalogue out")
    if kind == "payload-weakness":
        from threatclip.experiments.classifier import PayloadClassifier

        return PayloadClassifier.load(folder)
    if kind == "events":
        from threatclip.experiments.events.bundle import load_events

        return load_events(folder)
    if kind == "attack-group":
        from threatclip.experiments.attribution.bundle import load_attribution

        return load_attribution(folder)
    if kind == "group-seed":
        from threatclip.experiments.group_seed.classifier import GroupSeedClassifier

        return GroupSeedClassifier.load(folder)
    if kind == "attack-technique":
        from threatclip.experiments.technique.bundle import load_technique

        return load_technique(folder)
    raise InputError(f"{folder} is a bundle of kind {kind!r}, which does not classify")


def run_bench(path: Path, overrides: Sequence[str], out: Path, *, jobs: int, on_progress: OnProgress) -> dict[str, Any]:
    """Run every cell of a study that `out` does not hold yet, and write its document.

    Raises:
        RecipeError: it is no study, or a wrong one.
        InputError: data is missing.
    """
    task = read_recipe(path).get("task")
    match task:
        case "study":
            from threatclip.experiments.study import run_study as run
        case "run-study":
            from threatclip.experiments.run_study import run_runs as run
        case "attack-group-study":
            from threatclip.experiments.attribution.study import run_attribution as run
        case "attack-technique-study":
            from threatclip.experiments.technique.study import run_technique_study as run
        case "attack-sweep":
            from threatclip.experiments.poisoning.sweep import run_sweep as run
        case "attack-sweeps":
            from threatclip.experiments.poisoning.sweep import run_sweeps as run
        case "defense-matrix":
            from threatclip.experiments.matrix.run import run_matrix as run
        case "defense-matrices":
            from threatclip.experiments.matrix.run import run_matrices as run
        case _:
            raise _no_study(path, task)
    return run(path, overrides, out, jobs=jobs, on_progress=on_progress)


def _no_study(path: Path, task: object) -> RecipeError:
    singles = [tag for option in get_args(Recipe) for tag in tags_of(option, "task")]
    if task in singles:
        return RecipeError(f"{path} is one experiment of task {task!r}, not a study; run it with `threatclip train`")
    known = (
        "study, run-study, attack-group-study, attack-technique-study, attack-sweep, attack-sweeps, defense-matrix, "
        "defense-matrices"
    )
    return RecipeError(f"{path}: task {task!r} is not one of {known}")
