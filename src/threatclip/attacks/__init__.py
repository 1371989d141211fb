"""Attacks: pair table in, poisoned pair table and truth out. New attack = one file + one `|` in `Attack`.

Each is a frozen dataclass of its paper's parameters (`contracts.py`). Recipes, `threatclip list attacks`, the table in
docs/attacks.md and the contract tests read the union.
"""

from __future__ import annotations

from typing import Any, get_args

from threatclip.attacks.badclip import BadClip
from threatclip.attacks.badnets import BadNets
from threatclip.attacks.blended import Blended
from threatclip.attacks.issba import Issba
from threatclip.attacks.label_consistent import LabelConsistent
from threatclip.attacks.multi_label import MultiLabel
from threatclip.attacks.payload_backdoor import PayloadBackdoor
from threatclip.attacks.sig import Sig
from threatclip.attacks.single_image import SingleImage
from threatclip.attacks.single_label import SingleLabel
from threatclip.attacks.text_backdoor import TextBackdoor
from threatclip.attacks.toxic_text import ToxicText
from threatclip.attacks.trojvqa import TrojVqa
from threatclip.attacks.wanet import WaNet

Attack = (
    BadNets
    | Blended
    | Sig
    | WaNet
    | Issba
    | LabelConsistent
    | TrojVqa
    | BadClip
    | SingleImage
    | SingleLabel
    | MultiLabel
    | PayloadBackdoor
    | TextBackdoor
    | ToxicText
)
ATTACKS: dict[str, Any] = {attack.__dataclass_fields__["kind"].default: attack for attack in get_args(Attack)}
