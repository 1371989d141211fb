"""Every tower: the union of their settings, making one, taking one apart and putting it together again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal, assert_never, get_args

import numpy as np
import torch
from torch import nn

from threatclip.encoders.bpe import BpeNetwork, BpeTower, rebuild_bpe, train_bpe
from threatclip.encoders.byte import ByteNetwork, ByteTower
from threatclip.encoders.clip import (
    ClipImageNetwork,
    ClipImageTower,
    ClipTextNetwork,
    ClipTextTower,
    build_clip_image,
    build_clip_text,
    rebuild_clip_image,
    rebuild_clip_text,
)
from threatclip.encoders.image import ResnetNetwork, ResnetTower, VitNetwork, VitTower
from threatclip.encoders.image_pretrained import (
    PretrainedImageNetwork,
    PretrainedImageTower,
    build_pretrained_image,
    rebuild_pretrained_image,
)
from threatclip.encoders.open_clip import (
    OpenClipImageNetwork,
    OpenClipImageTower,
    OpenClipTextNetwork,
    OpenClipTextTower,
    build_open_clip_image,
    build_open_clip_text,
    rebuild_open_clip_image,
    rebuild_open_clip_text,
)
from threatclip.encoders.pretrained import PretrainedNetwork, PretrainedTower, build_pretrained, rebuild_pretrained
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.seeds import stream_seed

ReadTowerConfig = (
    PretrainedTower | PretrainedImageTower | ClipImageTower | ClipTextTower | OpenClipImageTower | OpenClipTextTower
)
ImageTowerConfig = ResnetTower | VitTower | PretrainedImageTower | ClipImageTower | OpenClipImageTower
ImageTower = ResnetNetwork | VitNetwork | PretrainedImageNetwork | ClipImageNetwork | OpenClipImageNetwork
TowerConfig = ByteTower | BpeTower | PretrainedTower | ClipTextTower | OpenClipTextTower | ImageTowerConfig
Tower = ByteNetwork | BpeNetwork | PretrainedNetwork | ClipTextNetwork | OpenClipTextNetwork | ImageTower


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TowerState:
    """A tower as plain data: settings (JSON), weights (frozen ones too), and the files it needs."""

    config: dict[str, Any]
    weights: dict[str, np.ndarray[Any, np.dtype[Any]]]
    assets: dict[str, bytes]


def build_tower(
    config: TowerConfig,
    *,
    seed: int,
    texts: Sequence[str] | None = None,
    assets: Mapping[str, bytes] | None = None,
) -> Tower:
    """Make a tower; its first weights depend on `seed` alone and the global generator is left as it was.

    Args:
        config: settings.
        seed: experiment seed; stream "tower/weights".
        texts: what a BPE tower's vocabulary is made from; others do not read it.
        assets: files of an earlier tower, in place of texts or source; the weights are then to be loaded.

    Raises:
        InputError: no texts where they are needed, or a source that cannot be read.
        DamagedArtifactError: assets that are not ours.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, "tower/weights"))
        match config:
            case ByteTower():
                return ByteNetwork(config)
            case BpeTower():
                if assets is not None:
                    return rebuild_bpe(config, assets)
                if not texts:
                    raise InputError("a BPE tower needs texts to make its vocabulary from; give it the training texts")
                return BpeNetwork(config, tokenizer=train_bpe(config, texts))
            case ResnetTower():
                return ResnetNetwork(config)
            case VitTower():
                return VitNetwork(config)
            case _:
                return _build_read(config, assets)


def _build_read(config: ReadTowerConfig, assets: Mapping[str, bytes] | None) -> Tower:
    """Make a tower that somebody else trained: from its source, or in the shape that its assets tell."""
    match config:
        case PretrainedTower():
            return build_pretrained(config) if assets is None else rebuild_pretrained(config, assets)
        case PretrainedImageTower():
            return build_pretrained_image(config) if assets is None else rebuild_pretrained_image(config, assets)
        case ClipImageTower():
            return build_clip_image(config) if assets is None else rebuild_clip_image(config, assets)
        case ClipTextTower():
            return build_clip_text(config) if assets is None else rebuild_clip_text(config, assets)
        case OpenClipImageTower():
            return build_open_clip_image(config) if assets is None else rebuild_open_clip_image(config, assets)
        case OpenClipTextTower():
            return build_open_clip_text(config) if assets is None else rebuild_open_clip_text(config, assets)
        case _:
            assert_never(config)


def view_modality(tower: Tower | TowerConfig) -> Literal["image", "text"]:
    """Return what a tower reads: encoded pictures, or the bytes of a text or payload."""
    return "image" if isinstance(tower, ImageTower | ImageTowerConfig) else "text"


def tower_config(settings: Mapping[str, Any]) -> TowerConfig:
    """Return the settings object of a JSON mapping, by its `kind`.

    Raises:
        InputError: an unknown kind or key; the message lists the allowed ones.
    """
    kinds: dict[str, Any] = {kind.__dataclass_fields__["kind"].default: kind for kind in get_args(TowerConfig)}
    kind = settings.get("kind")
    if kind not in kinds:
        raise InputError(f"tower kind {kind!r} is not one of {', '.join(sorted(kinds))}")
    allowed = [field.name for field in dataclasses.fields(kinds[kind])]
    unknown = sorted(set(settings) - set(allowed))
    if unknown:
        raise InputError(f"a {kind} tower has no setting {unknown[0]!r}; allowed: {', '.join(allowed)}")
    needed = [field.name for field in dataclasses.fields(kinds[kind]) if field.default is dataclasses.MISSING]
    missing = sorted(set(needed) - set(settings))
    if missing:
        raise InputError(f"a {kind} tower needs {missing[0]!r}; give it")
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
    return kinds[kind](**plain)  # type: ignore[no-any-return]


def tower_state(tower: Tower) -> TowerState:
    """Return everything that `load_tower` needs."""
    config = dataclasses.asdict(tower.config)
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in config.items()}
    return TowerState(config=plain, weights=module_weights(tower), assets=tower.assets())


def load_tower(state: TowerState) -> Tower:
    """Put a tower together again, every weight or none, in evaluation mode.

    Raises:
        DamagedArtifactError: weights missing, unexpected or of another shape; assets that are not ours.
    """
    config = tower_config(state.config)
    if not isinstance(config, ClipImageTower | ClipTextTower):  # these are made without memory anyway
        with torch.device("meta"):  # a stranger's shape costs nothing until the weights are seen to be of it
            check_weights(build_tower(config, seed=0, assets=state.assets), state.weights)
    tower = build_tower(config, seed=0, assets=state.assets)
    load_weights(tower, state.weights)
    return tower.eval()


def module_weights(module: nn.Module) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
    """Return a module's parameters and buffers as arrays of their own."""
    return {name: tensor.detach().cpu().float().numpy().copy() for name, tensor in module.state_dict().items()}


def load_weights(module: nn.Module, weights: Mapping[str, np.ndarray[Any, np.dtype[Any]]]) -> None:
    """Copy `weights` into `module`, or give it them where it has but a shape; names and shapes must be exactly its own.

    Raises:
        DamagedArtifactError: they are not; the module is then unchanged.
    """
    check_weights(module, weights)
    own = module.state_dict()
    loaded = {name: torch.from_numpy(np.array(weights[name])).to(tensor.dtype) for name, tensor in own.items()}
    module.load_state_dict(loaded, strict=True, assign=any(tensor.is_meta for tensor in own.values()))


def check_weights(module: nn.Module, weights: Mapping[str, np.ndarray[Any, np.dtype[Any]]]) -> None:
    """Refuse weights whose names or shapes are not exactly the module's.

    Raises:
        DamagedArtifactError: see above.
    """
    own = module.state_dict()
    missing, unexpected = sorted(set(own) - set(weights)), sorted(set(weights) - set(own))
    if missing or unexpected:
        what = f"lack {missing[0]!r}" if missing else f"hold {unexpected[0]!r}, which the model has not"
        count = len(missing) + len(unexpected)
        raise DamagedArtifactError(f"weights {what} ({count} names differ); they belong to another config.json")
    for name, tensor in own.items():
        if tuple(weights[name].shape) != tuple(tensor.shape):
            raise DamagedArtifactError(
                f"weight {name!r} has shape {tuple(weights[name].shape)}, the model wants {tuple(tensor.shape)}; "
                "it belongs to another config.json"
            )
