"""A layer of the ATT&CK Navigator, format 4.5: techniques colored by how sure the answers are [Navigator, layerformat].

The score of a technique is the highest probability any answer gives it, in percent; its metadata count the answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from threatclip.errors import InputError
from threatclip.export.answers import Pick, Selection
from threatclip.export.tlp import tlp_name
from threatclip.pairs.attack_catalogue import ENTERPRISE

LAYER_VERSION, NAVIGATOR_VERSION = "4.5", "5.1.0"
_SHOWN_ANSWERS = 10
_COLORS = ["#fff7bc", "#fec44f", "#d95f0e"]


def navigator_layer(
    selection: Selection, *, domain: str = ENTERPRISE, attack_version: str | None = None
) -> dict[str, Any]:
    """Return a layer of the techniques among the picks; groups and others are told in its description.

    Raises:
        InputError: no technique among the picks.
    """
    by_technique: dict[str, list[Pick]] = {}
    for pick in selection.picks:
        if pick.reference.kind == "technique":
            by_technique.setdefault(pick.reference.id, []).append(pick)
    if not by_technique:
        kinds = ", ".join(sorted({pick.reference.kind for pick in selection.picks}))
        raise InputError(f"no technique among the answers, only {kinds}; a Navigator layer shows techniques")
    versions = {"navigator": NAVIGATOR_VERSION, "layer": LAYER_VERSION}
    if attack_version is not None:
        versions["attack"] = attack_version.partition(".")[0]
    return {
        "name": selection.name,
        "versions": versions,
        "domain": domain,
        "description": _description(selection),
        "sorting": 3,
        "layout": {"layout": "side", "showID": True, "showName": True, "expandedSubtechniques": "annotated"},
        "hideDisabled": False,
        "techniques": [_technique(found, picks) for found, picks in sorted(by_technique.items())],
        "gradient": {"colors": _COLORS, "minValue": 0, "maxValue": 100},
        "legendItems": [{"label": "score: highest probability of an answer, in percent", "color": _COLORS[-1]}],
        "metadata": [
            {"name": "created", "value": selection.created.isoformat()},
            *({"name": "model", "value": model} for model in selection.models),
            {"name": "answers", "value": str(selection.n_answers)},
            {"name": "abstained", "value": str(selection.abstained)},
            *([{"name": "TLP", "value": tlp_name(selection.tlp)}] if selection.tlp else []),
        ],
        "showTacticRowBackground": False,
        "selectTechniquesAcrossTactics": True,
        "selectSubtechniquesWithParent": False,
        "selectVisibleTechniques": False,
    }


def _technique(found: str, picks: Sequence[Pick]) -> dict[str, Any]:
    reference = picks[0].reference
    best = sorted(picks, key=lambda pick: -pick.claim.probability)
    layer: dict[str, Any] = {
        "techniqueID": found,
        "score": round(100 * best[0].claim.probability, 1),
        "enabled": True,
        "comment": f"{reference.name}: {len(picks)} answer{'s' if len(picks) > 1 else ''}",
        "metadata": [
            {"name": "answers", "value": str(len(picks))},
            *({"name": "answer", "value": _told(pick)} for pick in best[:_SHOWN_ANSWERS]),
        ],
        "showSubtechniques": "." in found,
    }
    if reference.url is not None:
        layer["links"] = [{"label": f"ATT&CK {found}", "url": reference.url}]
    return layer


def _told(pick: Pick) -> str:
    return f"{pick.answer.id} ({pick.claim.probability:.0%})"


def _description(selection: Selection) -> str:
    counts: dict[str, int] = {}
    for pick in selection.picks:
        if pick.reference.kind != "technique":
            told = f"{pick.reference.name} ({pick.reference.id})"
            counts[told] = counts.get(told, 0) + 1
    cautions = [f"Caution: {text}" for text in selection.cautions]
    marked = [f"{tlp_name(selection.tlp)}."] if selection.tlp else []
    return " ".join([*marked, f"Answers of threatclip on {selection.n_answers} inputs.", *_others(counts), *cautions])


def _others(counts: Mapping[str, int]) -> list[str]:
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN_ANSWERS]
    return [f"Also named: {', '.join(f'{name}, {count} times' for name, count in most)}."] if most else []
