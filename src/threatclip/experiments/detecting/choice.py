"""Members of a union of defenses as the command line names them: kinds and their parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from threatclip.errors import InputError
from threatclip.experiments.config import parse


def chosen(
    union: Mapping[str, Any], kinds: Sequence[str], settings: Mapping[str, Any], *, modality: str, what: str
) -> list[Any]:
    """Return members of a union by their kinds; hyphens stand for underscores.

    Args:
        union: classes by kind.
        kinds: which, in order.
        settings: a table of parameters for each kind.
        modality: of the views that they must judge.
        what: what a member is called, as "detector".

    Raises:
        InputError: an unknown kind, one named twice, parameters of a kind that is not run, or the wrong modality.
        RecipeError: an unknown parameter, or a value that does not fit.
    """
    names = [kind.strip().replace("-", "_") for kind in kinds]
    for name in (*names, *settings):
        if name not in union:
            raise InputError(f"unknown {what} {name!r}; choose from {', '.join(union)}")
    unused = next((name for name in settings if name not in names), None)
    if unused is not None:
        raise InputError(f"--set {unused}...: {what} {unused} is not run; name it, or leave the setting out")
    if not names or len(set(names)) < len(names):
        raise InputError(f"name each {what} once; got {', '.join(names) or 'none'}")
    found = []
    for name in names:
        table = settings.get(name, {})
        if not isinstance(table, Mapping):
            raise InputError(f"--set {name} is {table!r}; name a parameter, as in --set {name}.PARAMETER=VALUE")
        member = parse(union[name], {**table, "kind": name}, where=f"{what} {name}")
        if modality not in member.modalities:
            raise InputError(
                f"{what} {name} judges {' and '.join(member.modalities)} views; the model reads {modality}s"
            )
        found.append(member)
    return found
