"""BPE tower: a small transformer and a byte-level vocabulary, both made from the given texts alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float, Int
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor, nn
from torch.nn import functional

from threatclip.encoders.padding import Tokens, pad_rows, valid_positions
from threatclip.encoders.pooling import mean_over
from threatclip.encoders.settings import check_channels, check_heads, check_layers, check_share
from threatclip.encoders.texts import readable_text
from threatclip.encoders.transformer import TransformerLayer, sinusoids
from threatclip.errors import DamagedArtifactError, InputError

PAD, START = "[PAD]", "[START]"


@dataclass(frozen=True, slots=True, kw_only=True)
class BpeTower:
    """A transformer trained from scratch over byte-level BPE [Sennrich 2016]: no text is out of vocabulary."""

    kind: Literal["bpe"] = "bpe"
    dim: int = 384  # of the unit vectors
    vocabulary: int = 8_000  # at most; 258 are the bytes and two marks
    max_tokens: int = 128
    max_chars: int = 16_384  # read of a view before the tokenizer
    lowercase: bool = False
    width: int = 192
    layers: int = 4
    heads: int = 4
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.vocabulary < 258 or self.max_tokens < 2 or self.max_chars < 1:
            raise InputError("a bpe tower needs vocabulary >= 258, max_tokens >= 2 and max_chars >= 1")
        check_channels(kind=self.kind, dim=self.dim, width=self.width)
        check_layers(1, kind=self.kind, layers=self.layers)
        check_heads(kind=self.kind, width=self.width, heads=self.heads)
        check_share(kind=self.kind, dropout=self.dropout)


class BpeNetwork(nn.Module):
    """The module of a `BpeTower`."""

    bytes_per_token: ClassVar[int] = 1

    def __init__(self, config: BpeTower, *, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.config = config
        self.dim = config.dim
        self._tokenizer_json = tokenizer.to_str()
        self._tokenizer = tokenizer
        self._pad_id = tokenizer.get_vocab()[PAD]
        self.embedding = nn.Embedding(tokenizer.get_vocab_size(), config.width)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.layers = nn.ModuleList(
            TransformerLayer(width=config.width, heads=config.heads, dropout=config.dropout)
            for _ in range(config.layers)
        )
        self.last_norm = nn.LayerNorm(config.width)
        self.projection = nn.Linear(config.width, config.dim)

    def tokenize(self, views: Sequence[bytes]) -> list[Tokens]:
        """Return each view's token numbers, a start mark first, at most `max_tokens`."""
        texts = [
            readable_text(view, max_chars=self.config.max_chars, lowercase=self.config.lowercase) for view in views
        ]
        return [np.array(row.ids, dtype=np.int32) for row in self._tokenizer.encode_batch_fast(texts)]

    def pad(self, tokens: Sequence[Tokens]) -> dict[str, Tensor]:
        """Return one batch, as long as its longest row."""
        return pad_rows(tokens, value=self._pad_id)

    def collate(self, views: Sequence[bytes]) -> dict[str, Tensor]:
        """Return the batch that `forward` takes: token numbers [n, l] and their lengths [n]."""
        return self.pad(self.tokenize(views))

    def forward(self, tokens: Int[Tensor, "n l"], lengths: Int[Tensor, " n"]) -> Float[Tensor, "n d"]:
        """Return unit vectors."""
        return self.project(self.features(tokens, lengths))

    def features(self, tokens: Int[Tensor, "n l"], lengths: Int[Tensor, " n"]) -> Float[Tensor, "n w"]:
        """Return the pooled output of the layers."""
        valid = valid_positions(lengths, tokens.shape[1])
        hidden = self.embedding(tokens)
        hidden = functional.dropout(
            hidden + sinusoids(hidden.shape[1], hidden.shape[2], hidden), self.config.dropout, self.training
        )
        for layer in self.layers:
            hidden = layer(hidden, valid)
        return mean_over(self.last_norm(hidden), valid)

    def project(self, features: Float[Tensor, "n w"]) -> Float[Tensor, "n d"]:
        """Return the unit vectors of pooled outputs."""
        return functional.normalize(self.projection(features.to(self.projection.weight.dtype)).float(), dim=1)

    def assets(self) -> dict[str, bytes]:
        """Return the files beside the weights: the tokenizer."""
        return {"tokenizer.json": self._tokenizer_json.encode()}


def train_bpe(config: BpeTower, texts: Sequence[str]) -> Tokenizer:
    """Make a vocabulary from `texts`; the same texts in the same order give the same one."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=config.vocabulary,
        special_tokens=[PAD, START],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    readable = (
        readable_text(text.encode("utf-8", "replace"), max_chars=config.max_chars, lowercase=config.lowercase)
        for text in texts
    )
    tokenizer.train_from_iterator(readable, trainer=trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A", special_tokens=[(START, tokenizer.token_to_id(START))]
    )
    tokenizer.enable_truncation(max_length=config.max_tokens)
    return tokenizer


def rebuild_bpe(config: BpeTower, assets: Mapping[str, bytes]) -> BpeNetwork:
    """Make the tower's shape from its assets alone; the weights are still to be loaded.

    Raises:
        DamagedArtifactError: the tokenizer is missing or not ours.
    """
    # tokenizers raises bare Exception on a broken file
    try:
        tokenizer = Tokenizer.from_str(assets["tokenizer.json"].decode())
        if tokenizer.token_to_id(PAD) is None:
            raise ValueError(f"no {PAD} mark")
    except Exception as error:
        raise DamagedArtifactError(
            f"tokenizer.json of a bpe tower cannot be read ({error}); restore the bundle"
        ) from error
    return BpeNetwork(config, tokenizer=tokenizer)
