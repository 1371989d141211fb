"""Detectors: score single views at inference. New detector = one file + one `|` in `Detector` below."""

from __future__ import annotations

from typing import Any, get_args

from threatclip.defenses.detectors.bdetclip import BDetClip
from threatclip.defenses.detectors.blending import Blending
from threatclip.defenses.detectors.masking import Masking
from threatclip.defenses.detectors.outlier import Outlier

Detector = BDetClip | Masking | Blending | Outlier
DETECTORS: dict[str, Any] = {detector.__dataclass_fields__["kind"].default: detector for detector in get_args(Detector)}
