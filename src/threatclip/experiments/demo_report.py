"""The demo's own page: both halves of the job in one table, what the filter found, and where the details are.

One file without script or outside resources; requests and captions are shown escaped.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from threatclip.artifacts import write_text
from threatclip.experiments.report import page_environment
from threatclip.experiments.report_data import metric

_COLUMNS = ("clean_accuracy_1", "asr_1", "asr_floor_1")
_DETECTED = ("auroc", "precision_at_n", "recall_top_10")


def write_demo_report(
    path: Path, *, table: Sequence[Mapping[str, Any]], backdoor: Mapping[str, Any], details: Path
) -> None:
    """Write the page, whole or not at all.

    Args:
        path: the HTML file.
        table: the demo's rows about the payload classifier.
        backdoor: what `run_backdoor` returned.
        details: report of the payload classifier, linked from here.

    Raises:
        StorageError: the disk refused.
    """
    write_text(path, render_demo(table=table, backdoor=backdoor, details=os.path.relpath(details, path.parent)))


def render_demo(*, table: Sequence[Mapping[str, Any]], backdoor: Mapping[str, Any], details: str) -> str:
    """Return the page as one HTML document; `details` is a relative link."""
    found = backdoor["filter"]
    return (
        page_environment()
        .get_template("demo.html")
        .render(
            rows=[
                {
                    "model": row["model"],
                    "metrics": [metric(row["metrics"], name) for name in _COLUMNS],
                    "seconds": row["seconds"],
                }
                for row in backdoor["rows"]
            ],
            attack=backdoor["attack"],
            target=backdoor["target"],
            planted=backdoor["planted"],
            n=backdoor["n"],
            repairs=backdoor["repairs"],
            found=found,
            detected=[(name, metric(found["metrics"], name)) for name in _DETECTED if name in found["metrics"]],
            classifier=table,
            details=details,
        )
    )
