"""The HTML report of one evaluation: a single file without script or outside resources, safe to open and to mail.

Everything of the evaluation is text here: escaped by the template engine, control characters made visible, payloads
cut and defanged. A Content-Security-Policy forbids what escaping should already have prevented.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from threatclip.artifacts import write_text
from threatclip.experiments import report_text
from threatclip.experiments.report_data import Evaluation
from threatclip.experiments.report_sections import SECTIONS
from threatclip.experiments.report_verdict import verdict

_PACKAGE = "threatclip.experiments"
_FACTS = ("task", "table", "seed", "model", "version")


def write_report(path: Path, evaluation: Mapping[str, Any]) -> None:
    """Write the report of what `threatclip evaluate` found, whole or not at all.

    Args:
        path: the HTML file.
        evaluation: the JSON of `threatclip evaluate`; every part but `metrics` may be absent. `abstention` holds
            coverage and precision of the judged rows, not of those the threshold was fitted on.

    Raises:
        StorageError: the disk refused.
    """
    write_text(path, render_report(evaluation))


def render_report(evaluation: Evaluation) -> str:
    """Return the report as one HTML document."""
    sections = [(key, title, build(evaluation)) for key, title, build in SECTIONS]
    shown = [(key, title, section) for key, title, section in sections if section is not None]
    return (
        page_environment()
        .get_template("report.html")
        .render(
            run=str(evaluation.get("run") or "unnamed run"),
            facts=[(name, str(evaluation[name])) for name in _FACTS if evaluation.get(name) is not None],
            verdict=verdict(evaluation),
            sections=shown,
        )
    )


@cache
def page_environment() -> Environment:
    """Return what renders the templates of every report: escaping on, hidden characters shown, nothing undefined."""
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    for name in ("count", "share", "figure", "interval", "points", "points_interval", "p_value"):
        environment.filters[name] = getattr(report_text, name)
    return environment


def _finalized(value: Any) -> Any:
    """Make hidden characters of every text that reaches the page visible; markup of our own passes."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else report_text.visible(value)
