"""What the page of a matrix shows, part by part: figures as estimates, drawings as markup."""

from __future__ import annotations

from typing import Any

from threatclip.experiments.matrix.document import (
    costs,
    floor_of,
    rates_told,
    scans_told,
    seeds_told,
    title_of,
    without_name,
)
from threatclip.experiments.matrix.findings import GOAL_LEFT, GOAL_LOSS
from threatclip.experiments.matrix.frontier import pareto
from threatclip.experiments.matrix.scatter import Goal, Point, Series, scatter, told_point
from threatclip.experiments.matrix.spots import Spot
from threatclip.experiments.matrix.summary import Attacked, Frontier, Scored, Summary
from threatclip.experiments.poisoning.report_sections import figure_of
from threatclip.experiments.report_data import NOTHING, estimate

_DETECTED = {"auroc": "AUROC", "auprc": "AUPRC", "precision_at_n": "precision at n"}
_KEPT = "clean_accuracy_1"


def sections(summary: Summary, *, key: str) -> dict[str, Any]:
    """Return what each part shows; `key` begins the ids of its drawings."""
    return {
        "attacks": [_attack(one, f"{key}-{place}") for place, one in enumerate(summary.attacks, start=1)],
        "reference": summary.reference,
        "filters": _scores(summary, "filter"),
        "detectors": _scores(summary, "detector"),
        "scanners": [
            {"defense": one.defense, "model": _model(one), "scores": scans_told(one)}
            for one in summary.scored
            if one.work == "scanner"
        ],
        "costs": [
            {"defense": name, "cells": len(own), "mean": sum(own) / len(own), "most": max(own), "peak": peak}
            for name, own, peak in costs(summary)
        ],
    }


def _model(one: Scored) -> str:
    return f"{one.line} (no attack)" if one.attack == "none" else f"{one.line}, {one.count}"


def _attack(attack: Attacked, key: str) -> dict[str, Any]:
    reach = attack.reach
    every = [attack.bare, *(spot for one in attack.frontiers for spot in one.spots if reach in spot.metrics)]
    best = {id(spot) for spot, is_best in zip(every, pareto(every), strict=True) if is_best}
    return {
        "title": f"{attack.line}, {attack.count:,} poisons",
        "measure": title_of(reach),
        "floor": figure_of(attack.bare.metrics, floor_of(reach)),
        "plot": _plot(attack, key),
        "chosen": [
            _row(attack.bare, reach, "no defense"),
            *(_chosen(one, reach) for one in attack.frontiers if one.chosen is not None),
            *(_row(spot, reach, without_name(spot)) for spot in attack.retrained),
        ],
        "every": [
            {**_row(spot, reach, spot.defense), "best": id(spot) in best}
            for one in attack.frontiers
            for spot in one.spots
        ],
    }


def _row(spot: Spot, reach: str, title: str) -> dict[str, Any]:
    others = [f"{reach[:-1]}{k}" for k in (3, 5, 10)] if reach == "asr_1" else ["hit_1", "hit_5"]
    return {
        "title": title,
        "seeds": seeds_told(spot),
        "rates": rates_told(spot),
        "held_out": figure_of(spot.metrics, "held_out_accuracy_1"),
        "clean": figure_of(spot.metrics, _KEPT),
        "price": NOTHING if spot.work == "none" else figure_of(spot.change, _KEPT),
        "reach": figure_of(spot.metrics, reach),
        "change": NOTHING if spot.work == "none" else figure_of(spot.change, reach),
        "others": [figure_of(spot.metrics, name) for name in others if name in spot.metrics],
        "recall": figure_of(spot.metrics, "i2t_r_10"),
        "spread": spread_told(spot, reach),
        "seconds": spot.seconds,
        "peak": spot.peak_mib,
        "remaining": NOTHING,
        "over": NOTHING,
        "rebound": NOTHING,
        "rebounded": NOTHING,
    }


def spread_told(spot: Spot, reach: str) -> str:
    """Write the least and the most success of one seed, where there are several."""
    values = spot.spread.get(reach, ())
    return f"{100 * min(values):.1f}–{100 * max(values):.1f}" if len(values) > 1 else ""


def _chosen(one: Frontier, reach: str) -> dict[str, Any]:
    if one.chosen is None:
        raise ValueError("a row needs a chosen learning rate")
    return {
        **_row(one.chosen, reach, one.defense),
        "remaining": NOTHING if one.remaining is None else estimate(one.remaining.as_dict()),
        "over": figure_of(one.over, reach),
        "rebound": NOTHING if one.rebound is None else figure_of(one.rebound.metrics, reach),
        "rebounded": figure_of(one.rebounded, reach),
    }


def _plot(attack: Attacked, key: str) -> Any:
    reach, measure = attack.reach, title_of(attack.reach)
    series = [
        Series(
            title=one.defense,
            points=tuple(
                _point(
                    spot, reach, f"{one.defense} at {rates_told(spot)}", chosen=_is_chosen(one, spot), measure=measure
                )
                for spot in one.spots
            ),
        )
        for one in attack.frontiers
    ]
    series += [
        Series(
            title=without_name(spot),
            points=(_point(spot, reach, without_name(spot), chosen=False, measure=measure),),
            joined=False,
        )
        for spot in attack.retrained
    ]
    floor = figure_of(attack.bare.metrics, floor_of(reach)).value
    before = figure_of(attack.bare.metrics, _KEPT).value
    return scatter(
        _point(attack.bare, reach, "no defense", chosen=False, measure=measure),
        series,
        key=key,
        title=f"{attack.line}: clean accuracy against {measure}",
        measure=measure,
        floor=floor,
        goal=None if before is None else Goal(accuracy=before - GOAL_LOSS, success=GOAL_LEFT),
    )


def _is_chosen(one: Frontier, spot: Spot) -> bool:
    """Tell whether most seeds take this learning rate."""
    taken = () if one.chosen is None else one.chosen.rates
    return bool(spot.rates) and 2 * sum(rate == spot.rates[0] for rate in taken) > len(taken)


def _point(spot: Spot, reach: str, title: str, *, chosen: bool, measure: str) -> Point:
    accuracy, success = figure_of(spot.metrics, _KEPT), figure_of(spot.metrics, reach)
    told = told_point(title, accuracy, success, measure=measure)
    return Point(accuracy=accuracy, success=success, told=f"{told}, chosen" if chosen else told, chosen=chosen)


def _scores(summary: Summary, work: str) -> dict[str, Any] | None:
    own = [one for one in summary.scored if one.work == work]
    if not own:
        return None
    more = sorted({name for one in own for told in one.told for name in told["metrics"] if name not in _DETECTED})
    return {
        "names": [*_DETECTED.values(), *(name.replace("_", " ") for name in more)],
        "rows": [
            {
                "defense": one.defense,
                "by": one.by,
                "attack": _model(one),
                "seeds": ", ".join(str(told["seed"]) for told in one.told),
                "cells": [_cell(one, name) for name in (*_DETECTED, *more)],
            }
            for one in own
        ],
    }


def _cell(one: Scored, name: str) -> dict[str, Any]:
    """Return the mean over seeds; below it the interval of one seed, or the least and the most of several."""
    values = one.values(name)
    if not values:
        return {"mean": None, "ends": ""}
    mean = sum(values) / len(values)
    if len(values) > 1:
        return {"mean": mean, "ends": f"{min(values):.3f}–{max(values):.3f}"}
    told = estimate(one.told[0]["metrics"].get(name))
    ends = "" if told.low is None or told.high is None else f"{told.low:.3f}–{told.high:.3f}"
    return {"mean": mean, "ends": ends}
