"""What every cell of a matrix works with: the attacked model, the pairs, the judge, and the truth for it alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from threatclip.attacks import Attack
from threatclip.attacks.truth import Truth, read_truth
from threatclip.defenses.contracts import Suspect
from threatclip.encoders.dual import DualEncoder
from threatclip.errors import DamagedArtifactError
from threatclip.experiments.cells import Cell
from threatclip.experiments.config import parse
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.matrix.folder import sweep_folder
from threatclip.experiments.matrix.material import Material, read_material
from threatclip.experiments.matrix.plan import Ask
from threatclip.experiments.poisoning.doses import partner_of
from threatclip.experiments.poisoning.judge import Judge
from threatclip.experiments.poisoning.plan import Asked, name_of
from threatclip.experiments.poisoning.planted import Planted, plant
from threatclip.experiments.poisoning.row_scores import RowScores, read_scores
from threatclip.experiments.poisoning.sweep import JUDGE_SEED, model_folder

HELD_OUT = {"clean_accuracy_1": "held_out_accuracy_1", "i2t_r_10": "held_out_i2t_r_10"}
"""What is asked of held-out trusted pairs, and what the figure is called."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Desk:
    """One cell with all it may look at.

    Attributes:
        cell: of the matrix.
        folder: of the sweep.
        material: the pairs.
    """

    cell: Cell
    folder: Path
    material: Material

    @classmethod
    def of(cls, cell: Cell) -> Desk:
        """Read what a cell works with.

        Raises:
            InputError: the matrix or its sweep has not been run.
            DamagedArtifactError: what is there is not what was written.
        """
        ask: Ask = cell.spec
        return cls(
            cell=cell,
            folder=sweep_folder(cell.folder),
            material=read_material(ask.attacked.sweep, cell.folder),
        )

    @property
    def ask(self) -> Ask:
        """What is asked."""
        spec: Ask = self.cell.spec
        return spec

    @property
    def attacked(self) -> Asked:
        """The sweep's cell that made the model."""
        return self.ask.attacked

    @property
    def seed(self) -> int:
        """Of all that is drawn."""
        return self.attacked.seed

    @cached_property
    def bundle(self) -> DualBundle:
        """The attacked model."""
        return self.model(self.attacked)

    def model(self, asked: Asked) -> DualBundle:
        """Return a model of the sweep."""
        return DualBundle.load(model_folder(self.folder, name_of(asked)))

    @cached_property
    def truth(self) -> Truth | None:
        """What the attacker did, for the judge; None of a model that nobody attacked."""
        if self.attacked.line is None or self.attacked.line.attack is None:
            return None
        return read_truth(self._swept.file("-truth.json"))

    @cached_property
    def attack(self) -> Attack:
        """The attack with its fitted trigger, for the judge."""
        if self.truth is None:
            raise DamagedArtifactError(f"{self._swept.name} was not attacked, so there is nothing to judge")
        found: Attack = parse(Attack, self.truth.attack, where=str(self._swept.file("-truth.json")))
        return found

    @cached_property
    def judge(self) -> Judge:
        """Asks every model the same, of the sweep's test rows."""
        return Judge(pairs=self.material.pairs, prompts=self.bundle.prompts, seed=JUDGE_SEED, heads=False)

    @property
    def _swept(self) -> Cell:
        return Cell(name=name_of(self.attacked), spec=self.attacked, folder=self.folder)

    def suspect(self) -> Suspect:
        """Return what a defender sees: a copy of the attacked model of its own, and the trusted pairs."""
        bundle = self.model(self.attacked)
        return Suspect(
            dual=bundle.dual, modality=bundle.modality, prompts=bundle.prompts, trusted=self.material.trusted
        )

    def answering(self, dual: DualEncoder) -> DualBundle:
        """Return a model that answers with the attacked one's prompts."""
        return DualBundle(dual=dual, modality=self.bundle.modality, prompts=self.bundle.prompts)

    def scores(self, model: DualBundle) -> RowScores:
        """Return what the judge says of a model, row by row, with the clean model's floor from the sweep's cell."""
        chooser = Judge(pairs=self.material.chooser, prompts=model.prompts, seed=JUDGE_SEED, heads=False)
        held_out = chooser.utility(model)
        found = self.judge.utility(model) | {HELD_OUT[name]: held_out[name] for name in HELD_OUT if name in held_out}
        if self.truth is None:
            return found
        reached = self.judge.damage(model, None, self.attack, self.truth)
        swept = read_scores(self._swept)
        floors = {partner_of(name): swept[partner_of(name)] for name in reached if partner_of(name) in swept}
        return found | reached | floors

    def planted(self) -> Planted:
        """Return the pairs that the attacked model learned, poisoned anew as the sweep did.

        Raises:
            DamagedArtifactError: they are not those that the sweep's truth tells of.
        """
        pairs = [*self.material.pairs.pool, *self.material.pairs.test]
        victim = model_folder(self.folder, f"victim-{self.seed}")
        done = plant(self.attack, pairs, victim, count=self.attacked.count, seed=self.seed)
        if self.truth is None or done.truth.changes != self.truth.changes:
            raise DamagedArtifactError(
                f"{self._swept.file('-truth.json')} tells of other poisons than the attack makes; run the sweep anew"
            )
        return done

    def about(self) -> dict[str, Any]:
        """Return the facts that every cell tells of itself."""
        pairs, line = self.material.pairs, self.attacked.line
        return {
            "task": "defense-matrix",
            "attack": "none" if self.truth is None else str(self.truth.attack["kind"]),
            "line": "victim" if line is None else line.name,
            "rate": self.attacked.count / len(pairs.pool),
            "count": self.attacked.count,
            "seed": self.seed,
            "work": self.ask.work.work,
            "n_pool": len(pairs.pool),
            "n_test": len(pairs.test),
            "n_views": len(self.judge.rows),
            "n_trusted": len(self.material.trusted),
            "n_held_out": len(self.material.held_out),
            "classes": list(pairs.classes),
        }
