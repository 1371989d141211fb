"""The document of the study: what every model makes of the same sentences and incidents, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from threatclip.artifacts import read_json
from threatclip.evaluation.intervals import bootstrap
from threatclip.evaluation.metrics import accuracy, macro_f1, mrr, top_k, weighted_f1
from threatclip.evaluation.paired import paired_difference
from threatclip.evaluation.predictions import Predictions
from threatclip.evaluation.summary import MetricFunction
from threatclip.experiments.attribution.incidents import incident_predictions, joined, sentence_predictions
from threatclip.experiments.attribution.recipe import AttributionStudy
from threatclip.experiments.attribution.splits import GroupSplit
from threatclip.experiments.attribution.study_cells import SOFTWARE, K, baseline_incidents, read_cell
from threatclip.experiments.attribution.study_unknown import unknown_blocks
from threatclip.experiments.study_markdown import code, difference, document, escape, percents, table, with_interval
from threatclip.seeds import rng

OURS, BAR = "our model", f"word_svc{SOFTWARE}"
_SENTENCES: Mapping[str, MetricFunction] = {
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "weighted_f1": weighted_f1,
    "top_5": partial(top_k, k=5),
    "mrr": mrr,
}
INCIDENTS: Mapping[str, MetricFunction] = {"top_1": accuracy, "top_5": partial(top_k, k=5), "mrr": mrr}
_RESAMPLES = 2_000
_SEEN_BEFORE = (
    "Members, scales and the rule were chosen on report-held-out splits of the training rows of H-0 to H-2. The tests "
    "had been looked at before: H-0 to H-4 and K with a linear model that was no better than the bar, after which "
    "members that match text with known text were added, and H-0 to H-9 with members that were not yet brought to one "
    "scale. The choice to go on looking is not blind."
)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the finished cells of a folder say, by model: predictions of sentences and of incidents, by seed."""

    study: AttributionStudy
    out: Path

    @cached_property
    def sentences(self) -> dict[str, dict[int, Predictions]]:
        """Single sentences, by model and seed (-1 is split K)."""
        return self._collected[0]

    @cached_property
    def incidents(self) -> dict[str, dict[int, Predictions]]:
        """Incidents, by model and seed."""
        return self._collected[1]

    @cached_property
    def facts(self) -> dict[str, dict[str, Any]]:
        """The facts of every finished cell, by its name."""
        return self._collected[2]

    @cached_property
    def _collected(
        self,
    ) -> tuple[dict[str, dict[int, Predictions]], dict[str, dict[int, Predictions]], dict[str, dict[str, Any]]]:
        sentences: dict[str, dict[int, Predictions]] = {}
        incidents: dict[str, dict[int, Predictions]] = {}
        facts: dict[str, dict[str, Any]] = {}
        for seed in (*self.study.seeds, K):
            for kind in ("quick", "slow", "model"):
                name = f"{kind}-{'K' if seed == K else f'H{seed}'}"
                split, tensors, found = read_cell(self.out, name)
                if split is None:
                    continue
                facts[name] = found
                for model, (own, pooled) in _models(kind, split, tensors).items():
                    if own is not None:
                        sentences.setdefault(model, {})[seed] = own
                    incidents.setdefault(model, {})[seed] = pooled
        return sentences, incidents, facts

    def of(self, kind: str, model: str, seeds: Sequence[int]) -> Predictions | None:
        """Return what a model said on several splits, as one; None where a cell is missing."""
        by_seed = getattr(self, kind).get(model, {})
        return joined([by_seed[seed] for seed in seeds]) if all(seed in by_seed for seed in seeds) else None


def _models(
    kind: str, split: GroupSplit, tensors: Mapping[str, np.ndarray]
) -> dict[str, tuple[Predictions | None, Predictions]]:
    if kind != "model":
        return {
            name: (sentence_predictions(split, scores), incident_predictions(split, baseline_incidents(split, scores)))
            for name, scores in tensors.items()
        }
    ours = np.log(np.maximum(tensors["incident probabilities"], 1e-300))
    single = np.log(np.maximum(tensors["sentence probabilities"], 1e-300))
    members = {
        name: (None, incident_predictions(split, scores.astype(np.float64)))
        for name, scores in tensors.items()
        if name.startswith("member ")
    }
    return {OURS: (sentence_predictions(split, single), incident_predictions(split, ours)), **members}


def study_text(study: AttributionStudy, out: Path, *, command: str) -> str:
    """Return the document as Markdown; cells that are missing leave dashes or a line that says so."""
    found = Found(study=study, out=out)
    where = read_json(out / "environment.json")
    seeds = [seed for seed in study.seeds if all(seed in found.incidents.get(name, {}) for name in (OURS, BAR))]
    blocks = [
        f"# {escape(study.title)}",
        "All figures come from one command:",
        code(command),
        f"Commit {escape(str(where.get('commit')))}, {escape(str(where.get('device')))}. Figures in percent with 95% "
        "bootstrap intervals; whole groups are drawn, over all seeds at once, so that an interval speaks of other "
        "groups. Ties rank against the model. Sentences are masked: no name of a group, a campaign or software.",
        _SEEN_BEFORE,
        *_split_blocks(study, found, seeds),
        *_campaign_blocks(found),
        *unknown_blocks(study, out),
        *_control_blocks(study, out),
        *_pool_blocks(found, seeds),
    ]
    return document(blocks)


def _split_blocks(study: AttributionStudy, found: Found, seeds: Sequence[int]) -> list[str]:
    if not seeds:
        return ["## Reports held out", "The cells of our model and of the bar are missing: run the command again."]
    models = [name for name in found.incidents if not name.startswith("member ")]
    missing = [str(seed) for seed in study.seeds if seed not in seeds]
    rows = []
    for name in (OURS, *(name for name in models if name != OURS)):
        own = [seed for seed in seeds if seed in found.incidents[name]]
        one = found.of("incidents", name, own)
        rows.append((_titled(name, own, seeds), *_figures(one, INCIDENTS)))
    members = [name for name in found.incidents if name.startswith("member ")]
    rows += [(name, *_figures(found.of("incidents", name, seeds), INCIDENTS)) for name in members]
    sizes = [found.facts[f"model-H{seed}"] for seed in seeds]
    blocks = [
        "## Reports held out (split H): incidents",
        f"An incident is all that a group's held-out reports tell of it. Seeds {', '.join(map(str, seeds))}"
        f"{'; not finished: ' + ', '.join(missing) if missing else ''}. Training sentences "
        f"{_range(sizes, 'train')}, judged sentences {_range(sizes, 'test')}, left out {_range(sizes, 'dropped')}; of "
        f"the training sentences {_range(sizes, 'foreign')} were taken out because they cite a held-out report of "
        "another group. No row of software or of a campaign cites a held-out report either.",
        table(("model", *INCIDENTS), rows),
        *_compared(found, seeds),
        "Our model, seed by seed: " + "; ".join(_by_seed(found, seeds)) + ".",
        "## Reports held out (split H): single sentences",
        "A sentence without names hardly tells its group; whoever claims otherwise should look for a leak.",
        table(("model", *_SENTENCES), _sentence_rows(found, seeds)),
    ]
    return blocks


def _compared(found: Found, seeds: Sequence[int]) -> list[str]:
    ours = found.of("incidents", OURS, seeds)
    rows = []
    for name in (BAR, "word_svc", f"bm25{SOFTWARE}"):
        theirs = found.of("incidents", name, seeds)
        if ours is not None and theirs is not None:
            gains = paired_difference(ours, theirs, INCIDENTS, rng=rng(0, "attribution/paired"), n_resamples=_RESAMPLES)
            rows.append((f"our model minus {name}", *(difference(gains[metric]) for metric in INCIDENTS)))
    return ["Paired differences, in points:", table(("difference", *INCIDENTS), rows)]


def _by_seed(found: Found, seeds: Sequence[int]) -> list[str]:
    return [
        f"{metric} {percents([float(function(found.incidents[OURS][seed])) for seed in seeds])}"
        for metric, function in INCIDENTS.items()
    ]


def _sentence_rows(found: Found, seeds: Sequence[int]) -> list[tuple[str, ...]]:
    rows = []
    for name in (OURS, *(name for name in found.sentences if name != OURS)):
        own = [seed for seed in seeds if seed in found.sentences[name]]
        rows.append((_titled(name, own, seeds), *_figures(found.of("sentences", name, own), _SENTENCES)))
    return rows


def _campaign_blocks(found: Found) -> list[str]:
    models = [name for name, own in found.incidents.items() if K in own]
    if not models:
        return []
    rows = []
    for name in sorted(models, key=lambda one: (one != OURS, one.startswith("member "))):
        one = found.incidents[name][K]
        hits = [round(float(top_k(one, k=k)) * len(one)) for k in (1, 5)]
        rows.append((name, *(f"{hit} of {len(one)}" for hit in hits), *_figures(one, {"mrr": mrr})))
    return [
        "## Campaigns (split K)",
        "Learned from groups' sentences that cite no campaign's report, judged on campaigns of a single known group. "
        "Campaigns are few: counts, and no claim.",
        table(("model", "first", "among the first 5", "mrr"), rows),
    ]


def _control_blocks(study: AttributionStudy, out: Path) -> list[str]:
    rows = []
    for kind, title in (("raw", "raw text, random folds"), ("masked", "masked text, random folds")):
        split, tensors, _ = read_cell(out, f"{kind}-H{study.seeds[0]}")
        if split is not None:
            own = sentence_predictions(split, tensors["word_svc"].astype(np.float64))
            rows.append((f"word_svc, {title}", *_figures(own, _SENTENCES)))
    return [
        "## What a leak is worth: single sentences",
        "Raw sentences hold their group's name and link; at random, sentences of one report stand on both sides. "
        "Neither figure says anything about attribution. Beside them belong the single sentences of split H above.",
        table(("model and leak", *_SENTENCES), rows),
    ]


def _pool_blocks(found: Found, seeds: Sequence[int]) -> list[str]:
    pools = [found.facts[f"model-H{seed}"]["pool"] for seed in seeds]
    if not pools:
        return []
    rows = [(name, *(f"{pool[name]:.2f}" for pool in pools)) for name in pools[0]]
    return [
        "## What the pool listens to",
        "Weights of the members, chosen on report-held-out splits of each seed's training rows.",
        table(("member", *(f"H-{seed}" for seed in seeds)), rows),
    ]


def _figures(predictions: Predictions | None, metrics: Mapping[str, MetricFunction]) -> list[str]:
    if predictions is None:
        return [with_interval(None) for _ in metrics]
    found = bootstrap(
        {name: partial(_weighted, function, predictions) for name, function in metrics.items()},
        groups=predictions.groups,
        rng=rng(0, "attribution/intervals"),
        n_resamples=_RESAMPLES,
    )
    return [with_interval(found[name].metric()) for name in metrics]


def _weighted(function: MetricFunction, predictions: Predictions, weights: np.ndarray) -> np.ndarray:
    return np.asarray(function(predictions, weights=weights))


def _titled(name: str, own: Sequence[int], seeds: Sequence[int]) -> str:
    return name if list(own) == list(seeds) else f"{name} (seeds {', '.join(map(str, own))})"


def _range(facts: Sequence[Mapping[str, Any]], name: str) -> str:
    values = [int(one[name]) for one in facts]
    return f"{min(values):,} to {max(values):,}"
