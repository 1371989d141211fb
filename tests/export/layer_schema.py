"""The Navigator's layer format 4.5 as a JSON schema, after its specification's property tables."""

from __future__ import annotations

from typing import Any


def _object(required: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


STRING, BOOLEAN, NUMBER = {"type": "string"}, {"type": "boolean"}, {"type": "number"}
COLOR = {"type": "string", "pattern": "^#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?$"}
_DIVIDER = _object("divider", divider=BOOLEAN)
METADATA = {"type": "array", "items": {"anyOf": [_object("name value", name=STRING, value=STRING), _DIVIDER]}}
_URL = {"type": "string", "pattern": "^https?://"}
LINKS = {"type": "array", "items": {"anyOf": [_object("label url", label=STRING, url=_URL), _DIVIDER]}}
TECHNIQUE = _object(
    "techniqueID",
    techniqueID={"type": "string", "pattern": r"^T\d{4}(\.\d{3})?$"},
    tactic=STRING,
    comment=STRING,
    enabled=BOOLEAN,
    score=NUMBER,
    color=COLOR,
    metadata=METADATA,
    links=LINKS,
    showSubtechniques=BOOLEAN,
)
LAYER = _object(
    "name domain",
    versions=_object(
        "navigator layer", attack=STRING, navigator={"type": "string", "pattern": r"^\d+\.\d+"}, layer={"const": "4.5"}
    ),
    name=STRING,
    description=STRING,
    domain={"enum": ["enterprise-attack", "mobile-attack", "ics-attack"]},
    customDataURL=_URL,
    filters=_object("", platforms={"type": "array", "items": STRING}),
    sorting={"enum": [0, 1, 2, 3]},
    layout=_object(
        "",
        layout={"enum": ["side", "flat", "mini"]},
        showID=BOOLEAN,
        showName=BOOLEAN,
        showAggregateScores=BOOLEAN,
        countUnscored=BOOLEAN,
        aggregateFunction={"enum": ["average", "min", "max", "sum"]},
        expandedSubtechniques={"enum": ["none", "all", "annotated"]},
    ),
    hideDisabled=BOOLEAN,
    techniques={"type": "array", "items": TECHNIQUE},
    gradient=_object(
        "colors minValue maxValue",
        colors={"type": "array", "items": COLOR, "minItems": 2},
        minValue=NUMBER,
        maxValue=NUMBER,
    ),
    legendItems={"type": "array", "items": _object("label color", label=STRING, color=COLOR)},
    showTacticRowBackground=BOOLEAN,
    tacticRowBackground=COLOR,
    selectTechniquesAcrossTactics=BOOLEAN,
    selectSubtechniquesWithParent=BOOLEAN,
    selectVisibleTechniques=BOOLEAN,
    metadata=METADATA,
    links=LINKS,
)
