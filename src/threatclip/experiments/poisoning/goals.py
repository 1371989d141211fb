"""What an attack without a trigger wants: which words are to find which views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from threatclip.attacks import Attack
from threatclip.attacks.truth import Truth
from threatclip.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Words of class `queries` shall find views of class `found`, or the view of one pair.

    Attributes:
        queries: the class whose words ask; None for the words of all classes but the one to be found.
        found: the class that is to be found; None where it is one view.
        pair_id: the pair whose view is to be found; None where it is a class.
        keyed: the attack's key goes into the words.
    """

    queries: str | None
    found: str | None = None
    pair_id: str | None = None
    keyed: bool = False

    def asks(self, label: str | None) -> bool:
        """Tell whether words of a class ask."""
        return label == self.queries if self.queries is not None else label != self.found


def goals_of(attack: Attack, truth: Truth) -> list[Goal]:
    """Return the goals of an attack, what it chose itself read from the truth.

    Raises:
        InputError: an attack that has a trigger in place of goals.
    """
    settings: dict[str, Any] = dict(truth.attack)
    match settings["kind"]:
        case "single_image":
            return [Goal(queries=settings["queries"], pair_id=settings["target_id"])]
        case "single_label":
            return [Goal(queries=settings["queries"], found=settings["target"])]
        case "toxic_text":
            return [Goal(queries=None, found=settings["target"], keyed=True)]
        case "multi_label":
            both = zip(settings["queries"], settings["targets"], strict=True)
            return [Goal(queries=queries, found=target) for queries, target in both]
    raise InputError(f"attack {attack.kind} has no queries to judge; it is judged by its trigger")
