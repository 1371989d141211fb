"""The victim of a sweep: towers trained on the clean pool, and what poisoned pairs make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from threatclip.artifacts import MANIFEST
from threatclip.attacks.captions import template_captions
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.towers import view_modality
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.experiments.contrastive.places import make_tower
from threatclip.experiments.poisoning.material import sweep_root
from threatclip.experiments.poisoning.recipe import Line, Sweep
from threatclip.pairs.pair import Modality, Pair, view_text
from threatclip.pairs.weaknesses import WEAKNESSES
from threatclip.seeds import stream_seed
from threatclip.training.dual.fit import fit_dual
from threatclip.training.dual.prepared import prepare_pairs
from threatclip.training.dual.settings import Fit

_PROMPTS_PER_CLASS = 32  # of natural captions: more would only slow the judge down


def new_towers(sweep: Sweep, pool: Sequence[Pair], *, seed: int) -> DualEncoder:
    """Return untrained towers; vocabularies are made from the pool: captions, and the views where they are texts."""
    texts = list(dict.fromkeys(pair.caption or "" for pair in pool))
    views = list(dict.fromkeys(view_text(pair.view) for pair in pool)) if is_text(sweep) else texts
    root = sweep_root(sweep.rows)
    return DualEncoder(
        view_tower=make_tower(sweep.victim.view_tower, root, seed=seed, texts=views),
        text_tower=make_tower(sweep.victim.text_tower, root, seed=stream_seed(seed, "sweep/text_tower"), texts=texts),
    )


def is_text(sweep: Sweep) -> bool:
    """Tell whether the views of a sweep are texts."""
    return view_modality(sweep.victim.view_tower) == "text"


def trained(dual: DualEncoder, pairs: Sequence[Pair], fit: Fit, *, seed: int) -> DualEncoder:
    """Train `dual` in place on pairs and return it."""
    return fit_dual(dual, prepare_pairs(pairs, dual), fit, seed=seed)


def line_model(
    sweep: Sweep, line: Line, clean_pool: Sequence[Pair], pairs: Sequence[Pair], victim: Path, *, seed: int
) -> DualEncoder:
    """Return what learning `pairs` makes of the victim, or of new towers.

    Args:
        clean_pool: what the text tower's vocabulary is made from: poisoning does not change it.
        pairs: poisoned, or clean.
        victim: the victim's bundle.
        seed: of the order of rows and all else that training draws.
    """
    if line.start == "scratch":
        return trained(new_towers(sweep, clean_pool, seed=seed), pairs, sweep.victim.fit, seed=seed)
    dual = DualBundle.load(victim).dual
    frozen: Mapping[str, Any] = {"both": None, "view": "text", "text": "view"}
    return trained(dual, pairs, replace(sweep.continued, freeze=frozen[line.trains]), seed=seed)


def class_texts(sweep: Sweep, pool: Sequence[Pair], classes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the prompts of each class: what zero-shot answers are made from.

    Raises:
        InputError: a class has none.
    """
    prompts: dict[str, tuple[str, ...]] = {}
    for name in classes:
        match sweep.prompts:
            case "templates":
                prompts[name] = tuple(template_captions(name))
            case "weaknesses":
                prompts[name] = WEAKNESSES[name].anchors if name in WEAKNESSES else ()
            case "captions":
                own = dict.fromkeys(pair.caption for pair in pool if pair.label == name and pair.caption)
                prompts[name] = tuple(own)[:_PROMPTS_PER_CLASS]
        if not prompts[name]:
            raise InputError(f"class {name!r} has no prompts of kind {sweep.prompts!r}; choose another kind")
    return prompts


def save_model(
    dual: DualEncoder, folder: Path, *, modality: Modality, prompts: Mapping[str, Sequence[str]], about: str
) -> None:
    """Keep a model of the sweep as a bundle, unless a finished one is there already."""
    if not is_kept(folder):
        bundle = DualBundle(dual=dual, modality=modality, prompts=prompts)
        bundle.save(folder, card=f"# {about}\n\nA model of an attack sweep, kept for the judge and for repairs.\n")


def is_kept(folder: Path) -> bool:
    """Tell whether a whole bundle lies in `folder`."""
    if not (folder / MANIFEST).is_file():
        return False
    try:
        DualBundle.load(folder)
    except DamagedArtifactError:
        return False
    return True
