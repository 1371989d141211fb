"""The Markdown document of a study: every figure computed from what the cells wrote, nothing else."""

from __future__ import annotations

from pathlib import Path

from threatclip.evaluation.intervals import N_RESAMPLES
from threatclip.experiments.study import Study
from threatclip.experiments.study_ablations import ablations
from threatclip.experiments.study_cells import read_cells
from threatclip.experiments.study_figures import Judge
from threatclip.experiments.study_headline import (
    against_baselines,
    by_class,
    how_made,
    split_test,
    without_vague_classes,
)
from threatclip.experiments.study_markdown import document, escape
from threatclip.experiments.study_probes import under_probes
from threatclip.experiments.study_sources import other_sources
from threatclip.experiments.study_splits import other_splits
from threatclip.experiments.study_zero_shot import costs, zero_shot


def study_document(study: Study, out: Path, *, command: str, n_resamples: int = N_RESAMPLES) -> str:
    """Return the document of a study as Markdown; cells that are missing are named in it.

    Args:
        study: the study whose cells `out` holds.
        out: the study's folder: `cells/` and `environment.json`.
        command: the command line that makes this document.
        n_resamples: bootstrap resamples behind every interval.

    Raises:
        DamagedArtifactError: a cell's files are not what the study wrote.
        InputError: variations that should be judged on the same rows were not.
    """
    cells = read_cells(study, out)
    judge = Judge(n_resamples=n_resamples)
    return document(
        [
            f"# {escape(study.title)}",
            *how_made(cells, judge, out, command=command),
            *split_test(cells, judge),
            *against_baselines(cells, judge),
            *under_probes(cells, judge),
            *without_vague_classes(cells, judge),
            *by_class(cells, judge),
            *ablations(cells, judge),
            *other_splits(cells, judge),
            *other_sources(cells, judge),
            *zero_shot(cells),
            *costs(cells),
        ]
    )
