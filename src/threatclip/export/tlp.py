"""To whom a file may be passed on: the Traffic Light Protocol [FIRST, TLP 2.0] as STIX and MISP write it.

STIX 2.1 defines four marks itself, with TLP:CLEAR under its older name TLP:WHITE [STIX 2.1, section 7.2.1.4]. Every
importer knows these, so they are taken; TLP:AMBER+STRICT is that of OASIS's extension for TLP 2.0.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

from threatclip.errors import InputError

Tlp = Literal["clear", "green", "amber", "amber+strict", "red"]
TLPS: tuple[Tlp, ...] = get_args(Tlp)

_MARKS = {
    "clear": ("613f2e26-407d-48c7-9eca-b8e91df99dc9", "white"),
    "green": ("34098fce-860f-48ae-8e50-ebd3cc5e41da", "green"),
    "amber": ("f88d31f6-486f-44da-b317-01333bde0b82", "amber"),
    "red": ("5e57c739-391a-4eb3-b6be-7d15ca92d5ed", "red"),
}
_STRICT = "939a9414-2ddd-4d32-a0cd-375ea402b003"
_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"


def tlp_of(text: str) -> Tlp:
    """Return the level that a person wrote: "amber", "TLP:AMBER"; "white" is clear.

    Raises:
        InputError: it is no level.
    """
    level = text.strip().lower().removeprefix("tlp:")
    level = "clear" if level == "white" else level
    if level not in TLPS:
        raise InputError(f"TLP {text[:40]!a} is none of {', '.join(TLPS)}")
    return level


def tlp_marking(tlp: Tlp) -> dict[str, Any]:
    """Return the marking definition that STIX objects refer to, as plain JSON values."""
    common = {"type": "marking-definition", "spec_version": "2.1"}
    if tlp == "amber+strict":
        extension = {_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": tlp}}
        made = {"created": "2022-10-01T00:00:00.000Z", "name": tlp_name(tlp)}
        return {**common, "id": f"marking-definition--{_STRICT}", **made, "extensions": extension}
    uuid, level = _MARKS[tlp]
    made = {"created": "2017-01-20T00:00:00.000Z", "definition_type": "tlp", "name": f"TLP:{level.upper()}"}
    return {**common, "id": f"marking-definition--{uuid}", **made, "definition": {"tlp": level}}


def tlp_name(tlp: Tlp) -> str:
    """Return the level as people write it: "TLP:AMBER"."""
    return f"TLP:{tlp.upper()}"
