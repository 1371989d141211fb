"""What `threatclip pairs` prints for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from threatclip.cli.terminal import show, show_table

if TYPE_CHECKING:
    from threatclip.pairs.image_facts import ImageFacts
    from threatclip.pairs.inspect import TableDescription
    from threatclip.pairs.sources.build import BuildReport

_SHOWN_LANGUAGES = 8


def show_build(report: BuildReport) -> None:
    """Print what became of a source's rows."""
    show(f"{report.path}: {report.rows:,} {report.modality} pairs, content hash {report.content_hash[:16]}")
    if report.bad:
        show(f"bad rows left out: {report.bad:,}")
    for reason, count in sorted(report.skipped.items(), key=lambda item: -item[1]):
        show(f"skipped {count:,}: {reason}")


def show_description(description: TableDescription) -> None:
    """Print a table's description."""
    d = description
    show(f"{d.path}: {d.rows:,} {d.modality} pairs, content hash {d.content_hash[:16]}")
    show(f"with caption {d.captions:,}, with label {d.labeled:,}, groups {d.groups:,}")
    if d.first_time is not None and d.last_time is not None:
        show(f"from {d.first_time:%Y-%m-%d} to {d.last_time:%Y-%m-%d}")
    _show_duplicates(d)
    if d.images is not None:
        _show_images(d.images)
    show()
    lengths = {"view, bytes": d.view_bytes, "caption, characters": d.caption_characters}
    quantiles = list(d.view_bytes)
    show_table(
        ["length quantile", *quantiles],
        [[name, *(f"{values[q]:,}" for q in quantiles)] for name, values in lengths.items() if values],
    )
    if d.classes or d.split_info or set(d.splits) != {"unused"}:
        show()
        names = [name for name in ("train", "validation", "test", "unused") if name in d.splits]
        labels = [*d.classes, *(["(none)"] if d.labeled < d.rows else [])]
        counts = {label: [d.splits[name].get(label, 0) for name in names] for label in labels}
        rows = [[label, f"{sum(own):,}", *(f"{count:,}" for count in own)] for label, own in counts.items()]
        show_table(["class", "rows", *names], rows)
    if d.split_info is not None:
        show()
        show_leakage(d.split_info.get("leakage", {}))


def _show_duplicates(description: TableDescription) -> None:
    found = description.duplicates
    near = "not searched for" if found.near_rows is None else f"{found.near_rows:,}"
    largest = "" if found.largest_cluster is None else f" (largest cluster {found.largest_cluster:,} rows)"
    show(f"duplicates: exact {found.exact_rows:,}, near {near}{largest}; with another label {found.conflicting_rows:,}")


def _show_images(images: ImageFacts) -> None:
    formats = ", ".join(f"{name} {count:,}" for name, count in images.formats.items())
    show(f"pictures: {images.pictures:,} distinct ({formats or 'none'})")
    if images.width_px:
        for name, side in (("width", images.width_px), ("height", images.height_px)):
            show(f"{name} {side['0']:,} to {side['1']:,} px, median {side['0.5']:,}")
    if images.unreadable:
        show(f"unreadable pictures: {images.unreadable:,}, the first: {images.first_fault}")
    if images.without_picture or images.without_words:
        show(f"without picture {images.without_picture:,}, without words {images.without_words:,}")
    if images.languages:
        known = [f"{name} {count:,}" for name, count in list(images.languages.items())[:_SHOWN_LANGUAGES]]
        more = len(images.languages) - len(known)
        show(f"languages: {', '.join(known)}{f' and {more} more' if more else ''}")


def show_leakage(leakage: Mapping[str, Any]) -> None:
    """Print a leakage report as `LeakageReport.as_dict` gives it."""
    from threatclip.pairs.leakage import KINDS

    sizes = leakage.get("sizes", {})
    parts = [f"{name} {sizes[name]:,}" for name in ("train", "validation", "test") if name in sizes]
    parts += [f"{name.replace('_', ' ')} {leakage[name]:,}" for name in ("unused", "dropped") if leakage.get(name)]
    if leakage.get("absent_ids"):
        parts.append(f"ids not in the table {leakage['absent_ids']:,}")
    show(f"split: {', '.join(parts)}")
    overlaps = leakage.get("overlaps", ())
    kinds = [kind for kind in KINDS if all(kind in one for one in overlaps)]
    rows = [
        [f"{one['later']} in {one['earlier']}", *(f"{one[kind]:,} ({one[f'{kind}_rate']:.1%})" for kind in kinds)]
        for one in overlaps
    ]
    if rows:
        show_table(["leakage", *(kind.replace("_", " ") for kind in kinds)], rows)
