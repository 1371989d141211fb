"""Answers as people read them: the verdict, the runners-up, and what lies behind it."""

from __future__ import annotations

import re
from typing import Any

from threatclip.cli.terminal import printable

_SHOWN_SENTENCE = 160
_UNKNOWN = "unknown"  # what the models of groups call none of those they know
_ATTACK_ID = re.compile(r"[A-Z]{1,2}\d{4}(?:\.\d{3})?")  # says nothing without its name


def for_people(answer: dict[str, Any]) -> str:
    """Return one answer as lines of text: the verdict, the runners-up, and the nearest known cases."""
    best, *others = answer["answers"]
    verdict = _claim(best)
    if answer["abstained"] and best["label"] == _UNKNOWN and others:
        verdict = (
            f"don't know: {best['name']} {best['probability']:.1%}; of those known at best {_claim(others.pop(0))}"
        )
    elif answer["abstained"]:
        verdict = f"don't know; at best {verdict}"
    elif answer.get("level") == "parent":
        verdict = f"some kind of {verdict}"
    lines = [f"{answer['id']}: {verdict}"]
    if "sentence" in answer:
        lines.append(f"    of {answer['sentence'][:_SHOWN_SENTENCE]!r}")
    if others:
        shown = (_claim(one) if _ATTACK_ID.fullmatch(one["label"]) else _short(one) for one in others[:3])
        lines.append(f"    then {', '.join(shown)}")
    if "carried_by" in answer:
        carried = answer["carried_by"]
        lines.append(
            f"    carried by {carried['half']} (picture {carried['picture']:.0%}, words {carried['words']:.0%})"
        )
    if "members" in answer:
        said = (f"{one['member']} {one['label']} {one['probability']:.1%}" for one in answer["members"])
        lines.append(f"    said by {', '.join(said)}")
    lines += [f"    {told}" for case in answer["evidence"] if (told := _evidence(case)) is not None]
    return "".join(printable(line) + "\n" for line in lines)


def _claim(claim: dict[str, Any]) -> str:
    return f"{claim['name']} ({claim['label']}) {claim['probability']:.1%}"


def _short(claim: dict[str, Any]) -> str:
    return f"{claim['label']} {claim['probability']:.1%}"


def _evidence(case: dict[str, Any]) -> str | None:
    """Return one piece of evidence on a line; None where there is nothing to show a person."""
    kind = case.get("kind")
    if kind == "known case":
        caption = case["caption"][:100] + ("..." if len(case["caption"]) > 100 else "")
        if "sentence" not in case:
            return f"like {case['id']} ({case['label']}, cosine {case['cosine']:.2f}): {caption}"
        quoted = f"for {case['label']}: {case['sentence'][:100]!r}{_place(case)}"
        return f"{quoted} is like {case['id']} ({case['technique']}, cosine {case['cosine']:.2f}): {caption}"
    if kind == "caution":
        return f"caution: {case['text']}"
    if kind == "prompt":
        return f"{case['half']} like {case['text']!r} ({case['label']}, cosine {case['cosine']:.2f})"
    if kind == "sentences":
        return f"sentences: {case['read']:,} read, {case['counted']:,} near a known procedure and counted"
    return None


def _place(case: dict[str, Any]) -> str:
    """Return where a sentence stands in its report, as far as that is known."""
    if "start" not in case:
        return ""
    page = f", page {case['page']}" if "page" in case else ""
    return f" (characters {case['start']} to {case['end']}{page})"
