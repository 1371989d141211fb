"""What OASIS's validator says of a bundle."""

from __future__ import annotations

import inspect
from typing import Any

from stix2validator import ValidationOptions
from stix2validator.v21.musts import list_musts
from stix2validator.v21.shoulds import list_shoulds


def faults(bundle: dict[str, Any]) -> list[str]:
    """Return what the OASIS validator's own rules say, beyond the schemas, which its package does not carry."""
    # SHOULD use UUIDv4: ids are UUIDv5 on purpose, which the standard allows
    options = ValidationOptions(version="2.1", strict=True, disabled="uuid-check")
    checks = [*list_musts(options), *list_shoulds(options)]
    found = []
    for one in (bundle, *bundle["objects"]):
        for check in checks:
            wants_options = "options" in inspect.signature(check).parameters
            found += [str(fault) for fault in (check(one, options) if wants_options else check(one)) or ()]
    return found
