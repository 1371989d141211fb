"""`train` of a contrastive recipe: stage after stage, each leaving a bundle, all of it resumable."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from threatclip.artifacts import MANIFEST, read_json, write_json
from threatclip.encoders.clip_dual import dual_from_clip
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.interpolate import interpolate
from threatclip.errors import InputError, ThreatclipError
from threatclip.experiments.config import as_plain
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.contrastive.card import dual_card
from threatclip.experiments.contrastive.judging import judge_retrieval
from threatclip.experiments.contrastive.material import Material, StageRows, load_stages
from threatclip.experiments.contrastive.places import input_files, make_tower, under_root
from threatclip.experiments.contrastive.recipe import Contrastive, FromClip, FromRun, Stage
from threatclip.experiments.judging import plain_metrics
from threatclip.experiments.material import root_folder
from threatclip.experiments.progress import OnProgress, Progress, ignore
from threatclip.experiments.run_folder import BUNDLE, CHECKPOINTS, PAIRS, STEPS, SUMMARY, StepLog, data_hashes, open_run
from threatclip.pairs.table import write_pairs
from threatclip.seeds import rng, stream_seed
from threatclip.training.distributed import World, number_from_main, this_accelerator, world_of
from threatclip.training.dual.fit import Keeping, fit_steps
from threatclip.training.dual.prepared import prepare_pairs

STAGES, START = "stages", "start"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Work:
    """One run: the experiment, its rows, where it is written, and who is told; many processes may share it."""

    recipe: Contrastive
    material: Material
    root: Path
    out: Path
    hashes: dict[str, str]
    world: World
    on_progress: OnProgress

    @property
    def main(self) -> bool:
        return self.world.index == 0

    def bundle(self, name: str) -> Path:
        """Return where the bundle of a stage lies; the last one's is the run's."""
        return self.out / BUNDLE if name == self.recipe.stages[-1].name else self.out / STAGES / name / BUNDLE

    def wait(self) -> None:
        """Let every process reach this place."""
        number_from_main(0, world=self.world)


def train_contrastive(recipe: Contrastive, out: Path, *, resume: bool, on_progress: OnProgress) -> dict[str, Any]:
    """Train every stage and save it; a killed run goes on from its last whole checkpoint with `resume`.

    Raises:
        InputError: the folder is taken, or data is missing or unusable.
        StorageError: the disk refused.
    """
    world = world_of(this_accelerator())
    root = root_folder(recipe.data.root)
    hashes = data_hashes(root, input_files(recipe, root))
    done = open_run(out, as_plain(recipe), resume=resume, data=hashes) if world.index == 0 else False
    if number_from_main(int(done), world=world):
        finished: dict[str, Any] = read_json(out / SUMMARY)
        return finished
    began = time.monotonic()
    work = _Work(
        recipe=recipe,
        material=load_stages(recipe, root),
        root=root,
        out=out,
        hashes=hashes,
        world=world,
        on_progress=on_progress if world.index == 0 else ignore,
    )
    last = _trained(work)
    stage = work.material.stages[-1]
    summary = {
        "run": str(out),
        "task": recipe.task,
        "seed": recipe.seed,
        "n_train": len(stage.train),
        "n_validation": len(stage.validation),
        "n_test": len(stage.test),
        "stages": {one.name: _counts(one) for one in work.material.stages},
        "metrics": _validation(work, last, stage),
        "seconds": time.monotonic() - began,
    }
    if work.main:
        write_json(out / SUMMARY, summary)
        shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)
    return summary


def _trained(work: _Work) -> DualBundle:
    """Run every stage that is not finished yet; return the last one's model."""
    for rows in work.material.stages:
        if work.main:
            _write_judged(work, rows)
    dual, before = _finished(work, START), START
    if dual is None:
        dual = start_dual(work.recipe, work.material.texts, work.root).eval()
        _save(work, START, dual)
    for stage, rows in zip(work.recipe.stages, work.material.stages, strict=True):
        done = _finished(work, stage.name)
        dual = _tuned(work, dual, stage, rows, before=before) if done is None else done
        if done is None:
            _save(work, stage.name, dual)
        before = stage.name
    return DualBundle(dual=dual, modality=work.material.modality, prompts=work.recipe.prompts)


def start_dual(recipe: Contrastive, texts: tuple[str, ...], root: Path) -> DualEncoder:
    """Return the model that the first stage starts from: new towers, a run's, or a CLIP model.

    Raises:
        InputError: a source that cannot be read, or towers that do not fit each other.
    """
    match recipe.start:
        case FromRun(path=path):
            return DualBundle.load(Path(under_root(path, root))).dual
        case FromClip() as start:
            dual = dual_from_clip(
                under_root(start.source, root),
                revision=start.revision,
                n_trainable_view_layers=start.n_trainable_view_layers,
                n_trainable_text_layers=start.n_trainable_text_layers,
                max_tokens=start.max_tokens,
                learn_temperature=recipe.learn_temperature,
            )
            for tower in (dual.view_tower, dual.text_tower):  # the name in the recipe, not the machine's path
                tower.config = replace(tower.config, source=start.source)  # type: ignore[arg-type]
            return dual
    if recipe.view_tower is None or recipe.text_tower is None:
        raise InputError("the recipe has neither towers nor a start; give it one of them")
    own = list(texts)
    return DualEncoder(
        view_tower=make_tower(recipe.view_tower, root, seed=recipe.seed, texts=own),
        text_tower=make_tower(recipe.text_tower, root, seed=stream_seed(recipe.seed, "text"), texts=own),
        temperature=recipe.temperature,
        learn_temperature=recipe.learn_temperature,
    )


def _tuned(work: _Work, dual: DualEncoder, stage: Stage, rows: StageRows, *, before: str) -> DualEncoder:
    """Train one stage on from `dual`, and mix it with the model of the stage `before` it if asked."""
    for _ in _steps(work, dual, stage, rows):
        pass
    # the towers themselves stay where they computed; bundles and judgments are made on the CPU
    dual.to(torch.device("cpu"))
    if stage.interpolate >= 1:
        return dual
    return interpolate(DualBundle.load(work.bundle(before)).dual, dual, alpha=stage.interpolate).eval()


def _steps(work: _Work, dual: DualEncoder, stage: Stage, rows: StageRows) -> Iterator[None]:
    log = StepLog(work.out / STEPS)
    checkpoints = work.out / CHECKPOINTS / stage.name
    # asked to resume a stage that has no checkpoint yet, the loop starts it
    keeping = Keeping(checkpoints=checkpoints, resume=True, identity={"stage": stage.name})
    fit, seed = stage.fit, stream_seed(work.recipe.seed, f"stage/{stage.name}")
    if stage.training is None:
        steps = fit_steps(dual, prepare_pairs(rows.train, dual, freeze=fit.freeze), fit, seed=seed, keeping=keeping)
    else:
        modality = work.material.modality
        steps = stage.training.steps(dual, rows.train, fit, seed=seed, modality=modality, keeping=keeping)
    n_rows = len({pair.view for pair in rows.train}) if fit.visits == "view" else len(rows.train)
    total = fit.epochs * (n_rows // fit.batch_rows)
    for step in steps:
        if work.main:
            log(stage.name, step)
        work.on_progress(Progress(stage=stage.name, done=step.step, total=total, facts=step.losses))
        yield


def _finished(work: _Work, name: str) -> DualEncoder | None:
    """Return the model of a stage that an earlier call finished; one that is damaged is made anew.

    The main process decides for all: another one could see what the main process wrote a moment ago.
    """
    found = _whole(work.bundle(name)) if work.main else None
    if not number_from_main(int(found is not None), world=work.world):
        return None
    return DualBundle.load(work.bundle(name)).dual if found is None else found


def _whole(folder: Path) -> DualEncoder | None:
    if (folder / MANIFEST).is_file():
        with suppress(ThreatclipError):
            return DualBundle.load(folder).dual
    return None


def _save(work: _Work, name: str, dual: DualEncoder) -> None:
    if work.main:
        bundle = DualBundle(dual=dual, modality=work.material.modality, prompts=work.recipe.prompts)
        bundle.save(work.bundle(name), card=dual_card(work.recipe, name, work.material, work.hashes))
    work.wait()


def _write_judged(work: _Work, stage: StageRows) -> None:
    """Keep what a stage is judged on in the run folder, so that it can be judged without the data."""
    path = work.out / STAGES / stage.name / PAIRS
    if not path.exists():
        write_pairs(path, stage.judged, modality=work.material.modality)


def _counts(stage: StageRows) -> dict[str, int]:
    return {
        "n_train": len(stage.train),
        "n_validation": len(stage.validation),
        "n_test": len(stage.test),
        "n_left_out_without_a_half": stage.n_halves,
        "n_left_out_as_copies": stage.n_copies,
    }


def _validation(work: _Work, bundle: DualBundle, stage: StageRows) -> dict[str, Any]:
    """Return retrieval on the validation rows; nothing where there are none."""
    if not stage.validation:
        return {}
    draw = rng(work.recipe.seed, "bootstrap/validation")
    found = judge_retrieval(bundle, stage.validation, pool=work.recipe.matching_pool, rng=draw)
    return plain_metrics(found.metrics)
