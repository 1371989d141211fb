"""`train` of the seed's recipe: tune the base, tune one classifier for each protocol, judge each, keep the seed's."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from threatclip.artifacts import read_json, write_json
from threatclip.classification.tuned import TunedClassifier, class_probabilities
from threatclip.experiments.attribution.rows import AttackRows, read_rows
from threatclip.experiments.config import as_plain
from threatclip.experiments.group_seed.card import caution_of, group_seed_card
from threatclip.experiments.group_seed.classifier import GroupSeedClassifier
from threatclip.experiments.group_seed.judging import TITLES, Outcome, outcome_of, read_outcome, write_outcome
from threatclip.experiments.group_seed.learning import LANGUAGE, fit_protocol, forget_checkpoints, texts_of, tuned_base
from threatclip.experiments.group_seed.protocols import Protocol, build_protocol, leaks_of
from threatclip.experiments.group_seed.recipe import HONEST, SEED_PROTOCOL, GroupSeed, ProtocolName
from threatclip.experiments.material import root_folder
from threatclip.experiments.progress import OnProgress, Progress
from threatclip.experiments.run_folder import BUNDLE, STEPS, SUMMARY, StepLog, data_hashes, open_run
from threatclip.pairs.masking import names_of
from threatclip.pairs.wordnet import WordNet, read_wordnet, wordnet_folder
from threatclip.training.contracts import Step


def train_group_seed(recipe: GroupSeed, out: Path, *, resume: bool, on_progress: OnProgress) -> dict[str, Any]:
    """Train and judge what the recipe says, and save the classifier of the seed's own protocol.

    A run that was killed goes on: a tuned language and a judged protocol are not done again, a classifier goes on from
    its last whole checkpoint; masked-language tuning that was cut short starts anew.

    Raises:
        InputError: the folder is taken; data, base or WordNet is missing or unusable.
        DivergedError: a loss is not finite.
        StorageError: the disk refused.
    """
    root = root_folder(recipe.data.root)
    dictionary = wordnet_folder(recipe.augmentation.wordnet)  # a missing one is told before anything is read
    hashes = data_hashes(root, input_files(recipe, root))
    if open_run(out, as_plain(recipe), resume=resume, data=hashes):
        finished: dict[str, Any] = read_json(out / SUMMARY)
        return finished
    began = time.monotonic()
    work = _Work(
        recipe=recipe,
        rows=attack_rows(recipe, root),
        dictionary=read_wordnet(dictionary),
        root=root,
        out=out,
        log=StepLog(out / STEPS),
        on_progress=on_progress,
    )
    base, language = tuned_base(recipe, work.rows, root, out, on_step=work.on_step)
    found = {name: work.judged(name, base, resume=resume) for name in recipe.protocols}
    table = plain_table(found, seed=recipe.seed)
    summary: dict[str, Any] = {
        "run": str(out),
        "task": recipe.task,
        "seed": recipe.seed,
        "n_train": found[SEED_PROTOCOL].n_train,
        "judged": TITLES[headline_of(found)],
        "metrics": table[headline_of(found)]["metrics"],
        "protocols": table,
        LANGUAGE: language,
    }
    network = work.fitted(work.protocol(SEED_PROTOCOL), base, resume=True)
    classifier = GroupSeedClassifier(
        network=network,
        groups={group: work.rows.catalogue.groups[group].name for group in found[SEED_PROTOCOL].classes},
        names=names_of(work.rows.catalogue),
        caution=caution_of(table),
    )
    card = group_seed_card(recipe, summary, hashes, version=work.rows.catalogue.version)
    classifier.save(out / BUNDLE, card=card, source=recipe.base.source)
    summary["seconds"] = time.monotonic() - began
    write_json(out / SUMMARY, summary)
    forget_checkpoints(out, SEED_PROTOCOL)
    return summary


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Work:
    recipe: GroupSeed
    rows: AttackRows
    dictionary: WordNet
    root: Path
    out: Path
    log: StepLog
    on_progress: OnProgress

    def judged(self, name: ProtocolName, base: Path, *, resume: bool) -> Outcome:
        """Return what the model of a protocol answers, trained now unless the run has it already."""
        before = read_outcome(self.out, name)
        if before is not None:
            return before
        protocol = self.protocol(name)
        network = self.fitted(protocol, base, resume=resume)
        outcome = outcome_of(protocol, class_probabilities(network, texts_of(protocol)), leaks_of(protocol, self.rows))
        write_outcome(self.out, outcome)
        if name != SEED_PROTOCOL:  # its last checkpoint is what the bundle is made of
            forget_checkpoints(self.out, name)
        return outcome

    def protocol(self, name: ProtocolName) -> Protocol:
        splits = None if self.recipe.data.splits is None else self.root / self.recipe.data.splits
        return build_protocol(name, self.rows, self.recipe, thesaurus=self.dictionary.synonyms, splits=splits)

    def fitted(self, protocol: Protocol, base: Path, *, resume: bool) -> TunedClassifier:
        return fit_protocol(protocol, self.recipe, base, self.out, resume=resume, on_step=self.on_step)

    def on_step(self, stage: str, step: Step, total: int) -> None:
        self.log(stage, step)
        self.on_progress(Progress(stage=stage, done=step.step, total=total, facts={"loss": step.losses["loss"]}))


def attack_rows(recipe: GroupSeed, root: Path) -> AttackRows:
    """Return ATT&CK's sentences as a recipe reads them.

    Raises:
        InputError: an unusable bundle or table.
    """
    masked = None if recipe.data.masked is None else root / recipe.data.masked
    return read_rows(root / recipe.data.bundle, masked=masked)


def plain_table(found: Mapping[ProtocolName, Outcome], *, seed: int) -> dict[str, Any]:
    """Return the table of protocols as plain values, from the leakiest to the most honest."""
    return {name: found[name].as_plain(seed=seed) for name in TITLES if name in found}


def headline_of(found: Mapping[ProtocolName, Any]) -> ProtocolName:
    """Return the protocol whose figures stand for the model: the honest one where it was run."""
    return HONEST if HONEST in found else SEED_PROTOCOL


def input_files(recipe: GroupSeed, root: Path) -> list[str]:
    """Return every path under `root` that a recipe reads."""
    data, language = recipe.data, recipe.language
    texts = None if language is None or language.texts is None else language.texts.path
    base = recipe.base.source if (root / recipe.base.source).is_dir() else None
    return [path for path in (data.bundle, data.masked, data.splits, texts, base) if path is not None]
