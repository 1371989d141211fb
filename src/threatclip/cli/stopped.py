"""An interrupt that knows how the work goes on."""

from __future__ import annotations

from threatclip.errors import ThreatclipError


class StoppedError(ThreatclipError):
    """The user stopped the work; the message says how to go on with it."""
