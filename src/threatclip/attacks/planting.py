"""From chosen rows and what goes into them to a poisoned table and its truth."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from threatclip.attacks.truth import Change, Poisoned, Truth, attack_settings, changed_parts
from threatclip.pairs.pair import Pair


def plant(
    attack: Any,
    clean: Sequence[Pair],
    *,
    rows: Sequence[int],
    target: str | Mapping[int, str],
    views: Mapping[int, bytes] | None = None,
    captions: Mapping[int, str | None] | None = None,
    labels: Mapping[int, str | None] | None = None,
    sources: Mapping[int, str] | None = None,
    facts: Mapping[str, float] | None = None,
) -> Poisoned:
    """Replace views, captions or labels of `rows` and nothing else; order, ids and every other field stay.

    Args:
        attack: the attack's dataclass; its parameters go into the truth.
        clean: the pairs; pictures that stay are re-encoded already (`pictures.reencoded`): encoding tells nothing.
        rows: row numbers that count as poisoned, whether or not a mapping names them.
        target: what the attacker wants, of all rows or of each.
        views: row number -> view.
        captions: row number -> caption.
        labels: row number -> label.
        sources: row number -> id of the row that gave the view or the caption.
        facts: figures for the truth.
    """
    columns = {"view": views or {}, "caption": captions or {}, "label": labels or {}}
    pairs, changes = list(clean), []
    for row in sorted(rows):
        planted = {name: values[row] for name, values in columns.items() if row in values}
        pairs[row] = dataclasses.replace(clean[row], **planted)  # type: ignore[arg-type]
        changes.append(
            Change(
                id=clean[row].id,
                parts=changed_parts(clean[row], pairs[row]),
                target=target if isinstance(target, str) else target[row],
                label=clean[row].label,
                source=(sources or {}).get(row),
            )
        )
    truth = Truth(
        attack=attack_settings(attack), clean_rows=len(clean), changes=tuple(changes), facts=dict(facts or {})
    )
    return Poisoned(pairs=tuple(pairs), truth=truth)
