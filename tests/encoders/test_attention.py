"""Attention: plain products for training in bf16 equal the fused ones, in towers of ours and of transformers."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from clip_cases import PICTURES
from threatclip.encoders import attention as attention_module
from threatclip.encoders.attention import attended
from threatclip.encoders.clip import ClipImageTower, ClipTextTower
from threatclip.encoders.image_pretrained import PretrainedImageTower
from threatclip.encoders.pretrained import PretrainedTower
from threatclip.encoders.towers import ImageTower, Tower, TowerConfig, build_tower
from threatclip.encoders.transformer import TransformerLayer


def oracle(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """Attention in plain loops and fp64."""
    out = torch.zeros(value.shape, dtype=torch.float64)
    n_rows, n_heads, length, width = query.shape
    for row in range(n_rows):
        seen = [at for at in range(length) if mask is None or bool(mask[row, 0, 0, at])]
        for head in range(n_heads):
            for at in range(length):
                scores = [float(query[row, head, at].double() @ key[row, head, other].double()) for other in seen]
                weights = torch.tensor([score / math.sqrt(width) for score in scores], dtype=torch.float64).softmax(0)
                for weight, other in zip(weights, seen, strict=True):
                    out[row, head, at] += weight * value[row, head, other].double()
    return out


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("trains", [False, True])
def test_attention_equals_the_oracle(dtype: torch.dtype, masked: bool, trains: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, 2, 5, 8, generator=generator).to(dtype) for _ in range(3))
    mask = torch.tensor([[1, 1, 0, 1, 0], [1, 1, 1, 1, 1]]).bool()[:, None, None, :] if masked else None
    found = attended(query.requires_grad_(trains), key, value, mask, dropout=0.0)
    assert found.dtype == dtype
    tolerance = 1e-5 if dtype == torch.float32 else 0.02
    torch.testing.assert_close(found.double(), oracle(query.detach(), key, value, mask), atol=tolerance, rtol=0)


@pytest.mark.parametrize("masked", [False, True])
def test_gradients_in_bf16_are_those_of_fp32(masked: bool) -> None:
    generator = torch.Generator().manual_seed(1)
    first = [torch.randn(3, 2, 6, 8, generator=generator).bfloat16() for _ in range(3)]
    mask = (torch.arange(6) < torch.tensor([6, 2, 4])[:, None])[:, None, None, :] if masked else None
    rough = [value.clone().requires_grad_() for value in first]
    exact = [value.float().requires_grad_() for value in first]
    attended(*rough, mask, dropout=0.0).float().square().sum().backward()
    functional.scaled_dot_product_attention(*exact, attn_mask=mask).square().sum().backward()
    for found, expected in zip(rough, exact, strict=True):
        assert found.grad is not None
        assert expected.grad is not None
        assert functional.cosine_similarity(found.grad.float().flatten(), expected.grad.flatten(), dim=0) > 0.999


def test_dropout_drops_weights_and_keeps_their_mean() -> None:
    value = torch.ones(1, 1, 200, 4).bfloat16()
    query = torch.zeros(1, 1, 200, 4).bfloat16().requires_grad_()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        dropped = attended(query, query, value, None, dropout=0.5).detach().float()
    assert dropped.std() > 0.01
    assert dropped.mean() == pytest.approx(1, abs=0.05)


def test_a_layer_under_autocast_does_not_see_padding() -> None:
    layer = TransformerLayer(width=16, heads=2, dropout=0.0)
    hidden = torch.randn(2, 6, 16, generator=torch.Generator().manual_seed(0))
    valid = torch.tensor([[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]]).bool()
    other = hidden.clone()
    other[0, 4:] = 9.0
    with torch.autocast("cpu", torch.bfloat16):
        one, two = layer(hidden, valid), layer(other, valid)
        whole = layer(hidden[1:], None)
    assert torch.equal(one[0, :4], two[0, :4])
    torch.testing.assert_close(one[1:], whole, atol=0.02, rtol=0.02)


KINDS = ["bert", "clip-image", "clip-text", "vit"]


def towers_of(kind: str, tiny_bert: Path, tiny_clip: Path, tiny_vit: Path) -> tuple[Tower, dict[str, Tensor]]:
    """Return a tower around a model of transformers, all of which trains but embeddings, and a batch of its own."""
    texts = [b"a short text", b"a much longer text about a path and the file at its end", b""]
    config: TowerConfig
    match kind:
        case "bert":
            config = PretrainedTower(source=str(tiny_bert), n_trainable_layers=3, trainable_embeddings=True)
        case "clip-image":
            config = ClipImageTower(source=str(tiny_clip))
        case "clip-text":
            config = ClipTextTower(source=str(tiny_clip))
        case _:
            config = PretrainedImageTower(source=str(tiny_vit), n_trainable_layers=5)
    tower = build_tower(config, seed=0).eval()
    return tower, tower.collate(PICTURES if isinstance(tower, ImageTower) else texts)


@pytest.mark.parametrize("kind", KINDS)
def test_models_of_transformers_train_by_plain_products(
    kind: str, tiny_bert: Path, tiny_clip: Path, tiny_vit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tower, batch = towers_of(kind, tiny_bert, tiny_clip, tiny_vit)
    asked: list[bool] = []
    plain = attention_module.attended

    def counting(*tensors: Tensor | None, **settings: float | None) -> Tensor:
        asked.append(True)
        return plain(*tensors, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(attention_module, "attended", counting)

    def gradients(*, bf16: bool) -> tuple[Tensor, list[Tensor]]:
        tower.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            vectors = tower(**batch)
        (vectors * torch.linspace(-1, 1, vectors.shape[1])).sum(dim=1).square().sum().backward()
        return vectors.detach(), [p.grad.clone() for p in tower.parameters() if p.grad is not None]

    exact, exact_gradients = gradients(bf16=False)
    assert not asked
    rough, rough_gradients = gradients(bf16=True)
    assert len(asked) == 3  # layers
    assert (exact * rough).sum(dim=1).min() > 0.999
    one, other = (torch.cat([value.flatten() for value in each]) for each in (exact_gradients, rough_gradients))
    assert functional.cosine_similarity(one, other, dim=0) > 0.98
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        tower(**batch)
    assert len(asked) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_reading_is_the_library_s_own_to_the_bit(kind: str, tiny_bert: Path, tiny_clip: Path, tiny_vit: Path) -> None:
    tower, batch = towers_of(kind, tiny_bert, tiny_clip, tiny_vit)
    found = tower(**batch).detach()
    for module in tower.modules():
        if getattr(getattr(module, "config", None), "_attn_implementation", None) == "threatclip":
            module.config._attn_implementation = "sdpa"  # type: ignore[union-attr]
    assert torch.equal(tower(**batch).detach(), found)
    for name, content in tower.assets().items():
        assert b"threatclip" not in content, name
