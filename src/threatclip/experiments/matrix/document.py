"""The tables of a matrix as Markdown: every figure computed from what the cells wrote, nothing else."""

from __future__ import annotations

from threatclip.experiments.matrix.choice import RULE
from threatclip.experiments.matrix.findings import findings
from threatclip.experiments.matrix.frontier import BUDGET
from threatclip.experiments.matrix.resampling import N_RESAMPLES
from threatclip.experiments.matrix.spots import Spot
from threatclip.experiments.matrix.summary import Attacked, Frontier, Scored, Summary
from threatclip.experiments.study_markdown import code, difference, escape, percent, table, with_interval

MAX_MISSING = 12
_NUMBERS = {"auroc": "AUROC", "auprc": "AUPRC", "precision_at_n": "precision at n"}


def matrix_sections(summary: Summary, *, command: str) -> list[str]:
    """Return the blocks of one matrix: how it was made, findings, repairs, frontiers, scores, costs."""
    blocks = _how_made(summary, command=command)
    found = findings(summary)
    if found:
        blocks.append("\n".join(f"- {escape(f'{one.word}: {one.text}')}" for one in found))
    for attack in summary.attacks:
        blocks += [f"### {escape(f'{attack.line}, {attack.count:,} poisons')}", *_attack(attack, summary)]
    blocks += _scores(summary, "filter", "**Filters** (scores of the poisoned pairs, before training)")
    blocks += _scores(summary, "detector", "**Detectors** (clean against triggered test views)")
    blocks += _scans(summary)
    return [*blocks, *_costs(summary)]


def missing_text(summary: Summary) -> str:
    """Say which cells are not there; nothing where all are."""
    names = summary.missing
    if not names:
        return ""
    more = f" and {len(names) - MAX_MISSING} more" if len(names) > MAX_MISSING else ""
    total = len(summary.results) + len(names)
    return f"{len(names)} of {total} cells are missing, or of another recipe: {', '.join(names[:MAX_MISSING])}{more}."


def _how_made(summary: Summary, *, command: str) -> list[str]:
    matrix, where = summary.folder.matrix, summary.folder.environment
    blocks = ["All figures come from one command:", code(command)]
    known = [escape(f"{name} {where[name]}") for name in ("commit", "device") if where.get(name) is not None]
    blocks.append(f"{', '.join(known).capitalize()}." if known else "The environment was not recorded.")
    if summary.missing:
        blocks.append(escape(missing_text(summary)))
    blocks.append(escape(protocol(summary)))
    blocks.append(f"Learning rate chosen: {RULE.format(tolerance=f'{100 * matrix.tolerance:g}')}.")
    return blocks


def protocol(summary: Summary) -> str:
    """Say in words what every defense was given."""
    matrix = summary.folder.matrix
    sizes = next((told for told in summary.results if "n_trusted" in told), {})
    given = f"{sizes.get('n_trusted', matrix.trusted):,} trusted pairs, none of the pool's"
    chosen = f"{sizes.get('n_held_out', matrix.held_out):,} further ones"
    fit = matrix.budget
    epochs = f"{fit.epochs} epoch{'' if fit.epochs == 1 else 's'}"
    judged = f"judged on {sizes['n_views']:,} test views" if "n_views" in sizes else "judged on the sweep's test views"
    return (
        f"Every repair learns from the same {given}: {epochs}, batches of {fit.batch_rows}; learning rates "
        f"are chosen on {chosen}; {judged}. Figures in percent, means over seeds, with 95% intervals of a bootstrap "
        f"over the rows' groups ({N_RESAMPLES:,} resamples); differences are paired, row by row."
    )


def _attack(attack: Attacked, summary: Summary) -> list[str]:
    reach = title_of(attack.reach)
    headers = ("defense", "seeds", "learning rate", "clean accuracy", "change", reach, "change", "@3 / @5 / @10")
    rows = [_row(attack.bare, attack.reach, name="none")]
    rows += [_row(one.chosen, attack.reach) for one in attack.frontiers if one.chosen is not None]
    rows += [_row(one, attack.reach, name=without_name(one)) for one in attack.retrained]
    floor = attack.bare.metrics.get(floor_of(attack.reach))
    blocks = [
        f"At the learning rate chosen. Floor, the clean model on the same rows: {with_interval(floor)}.",
        table(headers, rows, n_text=3),
    ]
    more = [row for one in attack.frontiers if (row := _beside(one, attack.reach)) is not None]
    if more:
        beside = (
            "defense",
            f"mean {reach} over losses to {100 * BUDGET:g} points",
            f"{reach} against {summary.reference}",
            "clean accuracy against it",
            f"{reach} after later clean training",
            "rebound",
            "R@10 view to caption",
        )
        blocks += [table(beside, more)]
    return [*blocks, *_frontiers(attack)]


def _row(spot: Spot, reach: str, *, name: str | None = None) -> tuple[str, ...]:
    ks = [f"{reach[:-1]}{k}" for k in (3, 5, 10)] if reach == "asr_1" else ["hit_1", "hit_5"]
    return (
        spot.defense if name is None else name,
        seeds_told(spot),
        rates_told(spot),
        with_interval(spot.metrics.get("clean_accuracy_1")),
        "" if spot.work == "none" else difference(spot.change.get("clean_accuracy_1")),
        with_interval(spot.metrics.get(reach)),
        "" if spot.work == "none" else difference(spot.change.get(reach)),
        " / ".join(percent(spot.metrics[name].value) for name in ks if name in spot.metrics),
    )


def _beside(one: Frontier, reach: str) -> tuple[str, ...] | None:
    if one.remaining is None and one.chosen is None:
        return None
    return (
        one.defense,
        with_interval(one.remaining),
        difference(one.over.get(reach)),
        difference(one.over.get("clean_accuracy_1")),
        with_interval(None if one.rebound is None else one.rebound.metrics.get(reach)),
        difference(one.rebounded.get(reach)),
        with_interval(None if one.chosen is None else one.chosen.metrics.get("i2t_r_10")),
    )


def _frontiers(attack: Attacked) -> list[str]:
    rows = [
        (
            spot.defense,
            rates_told(spot),
            seeds_told(spot),
            with_interval(spot.metrics.get("held_out_accuracy_1")),
            with_interval(spot.metrics.get("clean_accuracy_1")),
            with_interval(spot.metrics.get(attack.reach)),
        )
        for one in attack.frontiers
        for spot in one.spots
    ]
    if not rows:
        return []
    headers = ("defense", "learning rate", "seeds", "held-out accuracy", "clean accuracy", title_of(attack.reach))
    return ["At every learning rate:", table(headers, rows, n_text=3)]


def seeds_told(spot: Spot) -> str:
    """Write the seeds, and those that diverged."""
    lost = f" ({', '.join(map(str, spot.diverged))} diverged)" if spot.diverged else ""
    return f"{', '.join(map(str, spot.seeds))}{lost}"


def rates_told(spot: Spot) -> str:
    """Write the learning rate, or that of each seed where they differ."""
    return " / ".join(f"{rate:g}" for rate in (dict.fromkeys(spot.rates) if len(set(spot.rates)) == 1 else spot.rates))


def without_name(spot: Spot) -> str:
    """Name a training that a filter had taken pairs from."""
    return f"{spot.defense} ({spot.by} encoder), top {100 * (spot.without or 0.0):g}% left out"


def title_of(reach: str) -> str:
    """Write what a figure of success is called: `ASR@1`."""
    name, _, k = reach.rpartition("_")
    return f"{'ASR' if name == 'asr' else 'Hit'}@{k}"


def floor_of(reach: str) -> str:
    """Return the name of the clean model's figure."""
    return reach.replace("asr_", "asr_floor_") if reach.startswith("asr_") else f"clean_{reach}"


def _scores(summary: Summary, work: str, heading: str) -> list[str]:
    own = [one for one in summary.scored if one.work == work]
    if not own:
        return []
    more = sorted({name for one in own for told in one.told for name in told["metrics"] if name not in _NUMBERS})
    headers = ("defense", "encoder", "attack", "seeds", *_NUMBERS.values(), *(name.replace("_", " ") for name in more))
    rows = [
        (
            one.defense,
            one.by or DASHED,
            f"{one.line}, {one.count}",
            ", ".join(str(told["seed"]) for told in one.told),
            *(_seed_mean(one, name) for name in (*_NUMBERS, *more)),
        )
        for one in own
    ]
    note = "Mean over seeds; with one seed, its 95% interval; with several, the least and the most of them."
    return [heading, note, table(headers, rows, n_text=4)]


DASHED = "–"


def _seed_mean(one: Scored, name: str) -> str:
    values = one.values(name)
    if not values:
        return DASHED
    told = one.told[0]["metrics"].get(name)
    if len(values) == 1 and isinstance(told, dict) and told.get("low") is not None and told.get("high") is not None:
        return f"{values[0]:.3f} ({told['low']:.3f}–{told['high']:.3f})"
    ends = f" ({min(values):.3f}–{max(values):.3f})" if len(values) > 1 else ""
    return f"{sum(values) / len(values):.3f}{ends}"


def _scans(summary: Summary) -> list[str]:
    own = [one for one in summary.scored if one.work == "scanner"]
    rows = [
        (
            one.defense,
            f"{one.line}, {one.count}" if one.attack != "none" else f"{one.line} (no attack)",
            scans_told(one),
        )
        for one in own
    ]
    if not rows:
        return []
    return ["**Scanners** (score of a whole model, one a seed)", table(("scanner", "model", "scores"), rows, n_text=3)]


def scans_told(one: Scored) -> str:
    """Write the score of every seed's model."""
    scores = [told.get("score") for told in one.told]
    return ", ".join(f"{score:.3f}" for score in scores if isinstance(score, int | float))


def _costs(summary: Summary) -> list[str]:
    rows = [
        (name, str(len(seconds)), f"{sum(seconds) / len(seconds):.0f}", f"{max(seconds):.0f}", f"{peak:,.0f}")
        for name, seconds, peak in costs(summary)
    ]
    if not rows:
        return []
    headers = ("defense", "cells", "seconds, mean", "most", "memory of a cell, MiB")
    note = "Wall-clock seconds of the defense alone, one thread; the memory holds the data too."
    return ["**Cost**", note, table(headers, rows)]


def costs(summary: Summary) -> list[tuple[str, list[float], float]]:
    """Return, of every defense, the seconds of each cell and the most memory of one."""
    found: dict[str, list[tuple[float, float]]] = {}
    for told in summary.results:
        seconds = told.get("defense_seconds")
        if isinstance(seconds, int | float) and told["work"] not in ("rebound", "retrain", "encoder"):
            found.setdefault(str(told["defense"]), []).append((float(seconds), float(told.get("peak_mib") or 0.0)))
    return [(name, [one for one, _ in own], max(peak for _, peak in own)) for name, own in found.items()]
