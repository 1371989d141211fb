"""Scanners: judge a whole model. New scanner = one file + one `|` in `Scanner` below."""

from __future__ import annotations

from typing import Any, get_args

from threatclip.defenses.scanners.decree import Decree
from threatclip.defenses.scanners.insertion import Insertion

Scanner = Decree | Insertion
SCANNERS: dict[str, Any] = {scanner.__dataclass_fields__["kind"].default: scanner for scanner in get_args(Scanner)}
