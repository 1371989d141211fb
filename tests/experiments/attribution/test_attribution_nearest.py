"""The nearest sentence of each group, against plain loops."""

from __future__ import annotations

import numpy as np

from threatclip.experiments.attribution.nearest import fit_nearest
from threatclip.experiments.attribution.techniques import fit_techniques
from threatclip.seeds import rng


def test_the_nearest_sentence_of_each_group_counts() -> None:
    generator = rng(0, "tests/nearest")
    targets = np.array([[1, 0, 0], [0, 1, 0], [0, 0.5, 0.5], [0, 0, 1], [1, 0, 0], [0, 0.5, 0.5]])
    vectors = generator.standard_normal((6, 4)).astype(np.float32)
    asked = generator.standard_normal((2, 4)).astype(np.float32)
    found = fit_nearest(targets, vectors).scores(asked)
    cosines = asked @ vectors.T
    for row in range(2):
        for group in range(3):
            own = [cosines[row, known] * targets[known, group] ** 0.25 for known in range(6) if targets[known, group]]
            np.testing.assert_allclose(found[row, group], max(own), rtol=1e-5)


def test_techniques_are_counted_from_software_alone(rows: object) -> None:
    from threatclip.experiments.attribution.rows import AttackRows

    assert isinstance(rows, AttackRows)
    learned = [*rows.of("group")[:30], *rows.of("software")[:12]]
    groups = sorted({row.group or "" for row in learned})
    targets = np.eye(len(groups))[[groups.index(row.group or "") for row in learned]]
    vectors = rng(0, "tests/techniques").standard_normal((len(learned), 5)).astype(np.float32)
    model = fit_techniques(learned, targets, vectors)
    for number, group in enumerate(groups):
        own = {row.technique for row in learned if row.group == group and row.kind == "software"}
        only = {row.technique for row in learned if row.group == group and row.kind == "group"} - own
        odds = dict(zip(model.ids, model.odds[number].tolist(), strict=True))
        for technique in own:
            assert all(odds[technique] > odds[other] for other in only)
    np.testing.assert_allclose(model.techniques(vectors).sum(axis=1), 1.0)
