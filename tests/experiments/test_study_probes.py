from __future__ import annotations

from pathlib import Path

import numpy as np
from study_cases import RIGHT, answers, cells_of, study, write_cell

from threatclip.experiments.study import Study, Variation
from threatclip.experiments.study_tables import study_document

FULL = Variation(name="full", title="everything", seeds=(0, 1), probes=True)
BASE = Variation(name="baselines", title="baselines", model="baselines", probes=True)
# the word baseline takes the last 4 rows for the first class: accuracy 0.6
SVC = (0, 0, 0, 0, 1, 1, 0, 0, 0, 0)


def document(study_: Study, out: Path) -> str:
    return study_document(study_, out, command="threatclip bench study.toml -o out", n_resamples=200)


def probed(picked: tuple[int, ...], names: tuple[str, ...], model: str) -> dict[str, np.ndarray]:
    return {f"{model}/test@{name}": answers(picked) for name in names}


def test_the_shortcut_score_is_the_mean_loss_over_probes_and_seeds(tmp_path: Path) -> None:
    losing = probed(SVC, ("no_headers", "values_only", "template_swap"), "model")
    kept = probed(RIGHT, ("marker_swap", "endpoint_only", "dilution"), "model")
    for seed in (0, 1):
        write_cell(tmp_path, "full", seed, {"model/test": answers(RIGHT), **losing, **kept})
    write_cell(tmp_path, "baselines", 0, {"word_svc/test": answers(SVC), **probed(SVC, ("no_headers",), "word_svc")})
    text = document(study(FULL, BASE), tmp_path)
    # F1 of SVC: 8/12, 4/6, 0: macro 4/9; loss 55.6 on three of four probes, 0 on the untrained one
    line = cells_of(text, "### Shortcut score", "full")
    loss = 100 * (1 - 4 / 9)
    assert line[1].startswith(f"+{0.75 * loss:.1f} (")
    assert line[2].startswith("0.0 (")
    assert line[-1] == r"no\_headers"
    assert cells_of(text, "### Macro-F1", r"no\_headers")[1].startswith("44.4 (")
    assert cells_of(text, "### Macro-F1", "dilution")[1].startswith("100.0 (")
    assert cells_of(text, "### full minus TF-IDF word + LinearSVC", r"no\_headers")[1].startswith("0.0 (")
    assert cells_of(text, "### full minus TF-IDF word + LinearSVC", "dilution")[1:] == ["–", "–"]
    assert "would reach 40.0" in text
    assert r"| TF-IDF word + LinearSVC | – | – | 0.0 (0.0 to 0.0) | – | – | – | no\_headers |" in text


def test_probes_that_the_cell_says_were_trained_are_left_out_of_the_untrained_score(tmp_path: Path) -> None:
    losing, kept = probed(SVC, ("no_headers",), "model"), probed(RIGHT, ("template_swap",), "model")
    write_cell(tmp_path, "full", 0, {"model/test": answers(RIGHT), **losing, **kept}, trained_probes=["template_swap"])
    line = cells_of(document(study(Variation(name="full", title="t")), tmp_path), "### Shortcut score", "full")
    assert line[1].startswith("+27.8 (")
    assert line[2].startswith("+55.6 (")
