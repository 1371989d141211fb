"""A made-up evaluation of the exact shape that `threatclip evaluate` writes, measured by the real metrics."""

from __future__ import annotations

from typing import Any

import numpy as np

from threatclip.evaluation.metrics import accuracy, macro_f1
from threatclip.evaluation.paired import mcnemar, paired_difference
from threatclip.evaluation.predictions import Predictions
from threatclip.evaluation.shortcuts import SHORTCUT_PROBES, shortcut_score
from threatclip.evaluation.summary import measure, summarize
from threatclip.pairs.weaknesses import WEAKNESSES
from threatclip.seeds import rng

SHARES = (0.22, 0.14, 0.13, 0.18, 0.07, 0.05, 0.03, 0.03, 0.05, 0.01, 0.03, 0.06)
SKILLS = {"full": 2.6, "no_headers": 2.4, "values_only": 2.2, "template_swap": 2.0, "marker_swap": 2.3}
PROBED = {**SKILLS, "endpoint_only": 0.1, "case_flip": 2.1}


def answers(n: int, *, skill: float, seed: int, classes: tuple[str, ...]) -> Predictions:
    """Answers of a model of some skill to one and the same made-up test set."""
    generator = rng(0, "truth")
    shares = np.resize(np.array(SHARES), len(classes))
    truth = generator.choice(len(classes), size=n, p=shares / shares.sum())
    groups = generator.integers(n * 2 // 3, size=n)
    ease = np.linspace(1.6, 0.5, len(classes))[truth]
    scores = rng(seed, f"scores/{skill}").normal(size=(n, len(classes)))
    scores += skill * ease[:, None] * np.eye(len(classes))[truth] + 0.8 * np.log(shares)
    odds = np.exp(1.6 * scores)
    return Predictions(
        truth=truth,
        probabilities=odds / odds.sum(axis=1, keepdims=True),
        groups=groups,
        ids=tuple(f"row-{i}" for i in range(n)),
        classes=classes,
    )


def _figures(predictions: Predictions, draws: int) -> dict[str, Any]:
    found = measure(predictions, rng=rng(0, "bootstrap"), n_resamples=draws)
    return {name: one.as_dict() for name, one in found.items()}


def _short(predictions: Predictions, draws: int) -> dict[str, Any]:
    return {name: one for name, one in _figures(predictions, draws).items() if name in ("accuracy", "macro_f1")}


def _curve(predictions: Predictions) -> list[dict[str, float]]:
    order = np.argsort(-predictions.confidence)
    right = np.cumsum(predictions.correct[order]) / np.arange(1, len(order) + 1)
    return [
        {
            "coverage": (i + 1) / len(order),
            "precision": float(right[i]),
            "threshold": float(predictions.confidence[order[i]]),
        }
        for i in range(0, len(order), 5)
    ]


def _rule(predictions: Predictions, *, threshold: float) -> dict[str, float]:
    answered = predictions.confidence >= threshold
    precision = float(predictions.correct[answered].mean())
    return {"threshold": threshold, "target": 0.9, "coverage": float(answered.mean()), "precision": precision}


def make_evaluation(*, n: int = 240, draws: int = 20, classes: tuple[str, ...] | None = None) -> dict[str, Any]:
    """Return an evaluation with every optional part."""
    names = classes or tuple(WEAKNESSES)[: len(SHARES)]
    model = {name: answers(n, skill=skill, seed=1, classes=names) for name, skill in PROBED.items()}
    svc = {name: answers(n, skill=0.85 * skill, seed=2, classes=names) for name, skill in PROBED.items()}
    others = {"word_forest": 1.9, "char_svc": 2.1, "minilm_logistic": 1.5, "minilm_knn_5": 1.2, "majority": 0.0}
    summary = summarize(model["full"], rng=rng(0, "bootstrap"), n_resamples=draws).as_dict()
    summary.pop("confusion_rates")
    shortcuts, untrained, theirs = (
        shortcut_score(one["full"], one, probes=probes, rng=rng(0, "bootstrap"), n_resamples=draws).as_dict()
        for one, probes in ((model, SHORTCUT_PROBES), (model, ("marker_swap",)), (svc, SHORTCUT_PROBES))
    )
    differences = paired_difference(
        model["full"], svc["full"], {"accuracy": accuracy, "macro_f1": macro_f1}, rng=rng(0, "b"), n_resamples=draws
    )
    probed = {name: _figures(one, draws) for name, one in svc.items() if name != "full"}
    return {
        **summary,
        "run": "runs/payload",
        "task": "payload-weakness",
        "table": "payloads.parquet",
        "seed": 0,
        "model": "3f1c" * 16,
        "version": "0.1.0",
        "coverage_curve": _curve(model["full"]),
        "abstention": _rule(model["full"], threshold=0.47),
        "probes": {name: _figures(one, draws) for name, one in model.items() if name != "full"},
        "shortcuts": {**shortcuts, "trained_probes": ["template_swap"], "untrained": untrained},
        "baselines": {
            "word_svc": {**_figures(svc["full"], draws), "probes": probed, "shortcuts": theirs},
            **{name: _figures(answers(n, skill=s, seed=3, classes=names), draws) for name, s in others.items()},
        },
        "members": {
            name: _short(answers(n, skill=skill, seed=4, classes=names), draws)
            for name, skill in {"anchors": 1.9, "linear": 2.1, "neighbors": 1.7, "ngrams": 2.2}.items()
        },
        "comparison": {
            "baseline": "word_svc",
            "differences": {name: one.as_dict() for name, one in differences.items()},
            "mcnemar": mcnemar(model["full"], svc["full"]).as_dict(),
        },
        "leakage": {
            "sizes": {"train": 1617, "validation": 503, "test": n},
            "unused": 12,
            "dropped": 3,
            "near_duplicate_threshold": 0.9,
            "overlaps": [
                {
                    "earlier": "train",
                    "later": "test",
                    "rows": n,
                    "exact_duplicates": 2,
                    "near_duplicates": 9,
                    "shared_groups": 0,
                    "shared_vendors": 120,
                    "exact_duplicates_rate": 2 / n,
                    "near_duplicates_rate": 9 / n,
                    "shared_groups_rate": 0.0,
                    "shared_vendors_rate": 120 / n,
                }
            ],
        },
        "worst_rows": [
            {
                "id": f"row-{i}",
                "truth": names[0],
                "answer": names[1],
                "probability": 0.99 - 0.01 * i,
                "payload": payload,
            }
            for i, payload in enumerate(PAYLOADS)
        ],
        "settings": {"data": {"root": "data", "classes": list(names)}, "stage2": {"steps": 2000, "infonce": 0.5}},
        "environment": {"python": "3.11.2", "torch": "2.13.0", "device": "cpu"},
    }


PAYLOADS = (
    "GET /search.php?q=%3Cscript%3Ealert(1)%3C/script%3E HTTP/1.1\r\nHost: www.example.com\r\n\r\n",
    "POST /upload HTTP/1.1\r\nHost: example.org\r\nContent-Type: text/html\r\n\r\n"
    "<script src=http://evil.test/x.js></script><img src=x onerror=alert(1)>\x00\x1b[31m\u202egnp.exe" + "A" * 600,
    "GET /go?next=https://phish.test/login HTTP/1.1\nHost: example.net\n\n",
)

HOSTILE = "</title></style></pre>\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}\x00\u202e\ud800&lt;"
