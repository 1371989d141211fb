"""The fit that recipes, attack sweeps and repairs share: a dual encoder trained in place on prepared pairs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.towers import Tower
from threatclip.errors import InputError
from threatclip.training.contracts import Batches, Step
from threatclip.training.distributed import this_accelerator
from threatclip.training.dual.batches import Looks, PairBatches
from threatclip.training.dual.features import read_features
from threatclip.training.dual.objective import MakeObjective, contrastive_objective
from threatclip.training.dual.prepared import Encoded, Features, PreparedPairs, body_is_frozen, read_column
from threatclip.training.dual.settings import Fit
from threatclip.training.loop import train
from threatclip.training.settings import TrainSettings

_HEAD = "projection"
MakeBatches = Callable[[PairBatches], Batches]


def plain_batches(batches: PairBatches) -> Batches:
    """Return the batches of a plain fit."""
    return batches


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Where a fit keeps its checkpoints and whether it goes on from them; `identity` names what must be the same."""

    checkpoints: Path
    resume: bool = False
    identity: Mapping[str, str] | None = None


def fit_dual(
    dual: DualEncoder,
    pairs: PreparedPairs,
    settings: Fit,
    *,
    seed: int,
    objective: MakeObjective = contrastive_objective,
    second: bool | Looks = False,
    keeping: Keeping | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> DualEncoder:
    """Train `dual` in place and return it in evaluation mode; see `fit_steps`.

    Args:
        on_step: told of every step.
    """
    steps = fit_steps(dual, pairs, settings, seed=seed, objective=objective, second=second, keeping=keeping)
    for step in steps:
        if on_step is not None:
            on_step(step)
    return dual


def fit_steps(
    dual: DualEncoder,
    pairs: PreparedPairs,
    settings: Fit,
    *,
    seed: int,
    objective: MakeObjective = contrastive_objective,
    second: bool | Looks = False,
    batches: MakeBatches = plain_batches,
    memory: nn.Module | None = None,
    keeping: Keeping | None = None,
) -> Iterator[Step]:
    """Train `dual` in place on `pairs` and yield a record of every step; in evaluation mode when it ends.

    A tower of which nothing but the projection learns has its features computed once, before the first step. The
    parts that `settings.freeze` names keep every weight; which parameters may learn is as before when this ends.

    Args:
        dual: moved to the accelerator's device.
        pairs: from `prepare_pairs(..., dual)`, or put together by hand.
        settings: how to train.
        seed: of the order, the captions drawn, how rows are shown, and dropout.
        objective: what is learned; default symmetric InfoNCE. It may use `dual` and parameters of `dual` only.
        second: give the objective each row shown a second time (`second_view_`, `second_caption_`), as
            `settings.augmentation` has it or in ways of its own.
        batches: makes the batches that are learned from out of the plain ones: others of the same rows, or marked.
        memory: buffers, and no parameter, that objective or batches keep from step to step: part of checkpoints.
        keeping: checkpoints, and whether to resume.

    Raises:
        InputError: fewer rows than a batch; nothing to train; a loss that is not finite; see `training.loop.train`.
    """
    dual.to(this_accelerator().device)
    with frozen_parts(dual, settings.freeze):
        dual.eval()
        ready = _with_features(dual, _read(dual, pairs), settings, seed=seed)
        module = _Trained(dual, memory)
        plain = PairBatches(pairs=ready, dual=dual, settings=settings, seed=seed, second=second)
        yield from train(
            module=module,
            objective=objective(dual),
            batches=batches(plain),
            settings=_train_settings(settings, module, seed=seed),
            checkpoints=None if keeping is None else keeping.checkpoints,
            resume=keeping is not None and keeping.resume,
            identity=None if keeping is None else keeping.identity,
        )
        dual.eval()


class _Trained(nn.Module):
    """What the optimizer and the checkpoints hold: of a tower whose body is frozen, the projection alone."""

    def __init__(self, dual: DualEncoder, memory: nn.Module | None) -> None:
        super().__init__()
        self.view = _learning_part(dual.view_tower)
        self.text = _learning_part(dual.text_tower)
        self.log_scale = dual.log_scale
        self.memory = memory


def _learning_part(tower: Tower) -> nn.Module | None:
    if not body_is_frozen(tower):
        return tower
    head: nn.Module | None = getattr(tower, _HEAD, None)
    if head is None or not any(parameter.requires_grad for parameter in head.parameters()):
        return None
    # the tower itself says whether its projection drops features out; its body is not run
    tower.training = True
    return head


@contextlib.contextmanager
def frozen_parts(dual: DualEncoder, what: str | None) -> Iterator[None]:
    """Freeze what `Fit.freeze` names under this block: a whole tower, or the bodies of both."""
    before = {name: parameter.requires_grad for name, parameter in dual.named_parameters()}
    for side, tower in (("view", dual.view_tower), ("text", dual.text_tower)):
        for name, parameter in tower.named_parameters():
            if what == side or (what == "bodies" and not name.startswith(f"{_HEAD}.")):
                parameter.requires_grad_(False)
    try:
        yield
    finally:
        for name, parameter in dual.named_parameters():
            parameter.requires_grad_(before[name])


def _read(dual: DualEncoder, pairs: PreparedPairs) -> PreparedPairs:
    """Decode and tokenize what was left as it is and yet is wanted whole: its tower's body learns."""
    ready = pairs
    if isinstance(pairs.views, Encoded) and not body_is_frozen(dual.view_tower):
        ready = replace(ready, views=read_column(dual.view_tower, pairs.views.views))
    if isinstance(pairs.captions, Encoded) and not body_is_frozen(dual.text_tower):
        ready = replace(ready, captions=read_column(dual.text_tower, pairs.captions.views))
    return ready


def _with_features(dual: DualEncoder, pairs: PreparedPairs, settings: Fit, *, seed: int) -> PreparedPairs:
    """Replace the columns of towers with a frozen body by the features that it makes of them."""
    ready = pairs
    if body_is_frozen(dual.view_tower) and not isinstance(pairs.views, Features):
        found = read_features(
            dual.view_tower, pairs.views, settings.augmentation, readings=settings.frozen_readings, seed=seed
        )
        ready = replace(ready, views=found)
    if body_is_frozen(dual.text_tower) and not isinstance(pairs.captions, Features):
        if settings.augmentation.token_dropout > 0:
            raise InputError(
                f"token_dropout = {settings.augmentation.token_dropout} needs a text tower whose body learns: the "
                "features of a frozen one are computed once; set it to 0"
            )
        found = read_features(dual.text_tower, pairs.captions, settings.augmentation, readings=1, seed=seed)
        ready = replace(ready, captions=found)
    return ready


def _train_settings(settings: Fit, module: nn.Module, *, seed: int) -> TrainSettings:
    rates: dict[str, float] = {}
    learning = [name for name, parameter in module.named_parameters() if parameter.requires_grad]
    for side, rate in (("view", settings.view_body_rate), ("text", settings.text_body_rate)):
        head, body = f"{side}.{_HEAD}.", f"{side}."
        own = [name for name in learning if name.startswith(body)]
        whole_tower = isinstance(getattr(module, side), Tower)
        if rate != 1 and whole_tower and any(not name.startswith(head) for name in own):
            rates[body] = rate
            if any(name.startswith(head) for name in own):
                rates[head] = 1.0
    return TrainSettings(
        epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup_fraction=settings.warmup_fraction,
        clip_norm=settings.clip_norm,
        chunk_rows=settings.chunk_rows,
        checkpoint_every_steps=settings.checkpoint_every_steps,
        precision=settings.precision,
        seed=seed,
        rate_multipliers=rates,
        ema_decay=settings.ema_decay,
    )
