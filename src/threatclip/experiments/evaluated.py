"""What every evaluation of a run starts from and ends with: its recipe, and figures with their page in one folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from threatclip import __version__
from threatclip.artifacts import read_json, write_json
from threatclip.experiments.config import parse
from threatclip.experiments.report import write_report
from threatclip.experiments.run_folder import ENVIRONMENT, RECIPE

RecipeT = TypeVar("RecipeT")


def recipe_of(kind: type[RecipeT], run: Path) -> RecipeT:
    """Return the resolved recipe of a run.

    Raises:
        InputError: there is none.
        RecipeError: it is not of this kind.
        DamagedArtifactError: it is not JSON.
    """
    recipe: RecipeT = parse(kind, read_json(run / RECIPE), where=str(run / RECIPE))
    return recipe


def keep_evaluation(
    figures: Mapping[str, Any],
    *,
    run: Path,
    pairs: Path | None,
    out: Path | None,
    model: str | None,
    write_page: Callable[[Path, Mapping[str, Any]], None] = write_report,
) -> dict[str, Any]:
    """Write metrics.json and report.html, and return what metrics.json says: figures, versions, settings.

    Args:
        figures: what was found.
        run: the run folder.
        pairs: the table that was judged; None: the run's own rows.
        out: where to write; None: RUN/evaluation, or RUN/evaluation-TABLE.
        model: hash of the bundle that answered; None leaves it out.
        write_page: writes the page of an evaluation.

    Raises:
        StorageError: the disk refused.
    """
    folder = out or run / ("evaluation" if pairs is None else f"evaluation-{pairs.stem}")
    page = folder / "report.html"
    result = {
        **figures,
        "version": __version__,
        **({} if model is None else {"model": model}),
        "environment": read_json(run / ENVIRONMENT),
        "settings": read_json(run / RECIPE),
        "report": str(page),
    }
    write_json(folder / "metrics.json", result)
    write_page(page, result)
    return result
