"""Reading of a CLIP folder in the hub's format: every weight that its config.json promises, and none besides.

Refused before a byte of the weights is read: pickles, code (`auto_map`), adapters, numbers over a limit, names or
shapes that config.json does not promise. An unnoticed difference there gives vectors that look right and are not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer
from transformers import AutoTokenizer, CLIPConfig, CLIPModel

from threatclip.artifacts import check_safetensors_header, read_json
from threatclip.encoders.clip_pictures import ClipReading, picture_reading
from threatclip.encoders.clip_shape import ImageShape, TextShape, clip_config, shapes_of
from threatclip.encoders.hub import check_finite, check_weight_files, quiet_transformers, refuse_code
from threatclip.errors import DamagedArtifactError, InputError

LEGACY_END = 2  # eos_token_id of configurations before 2023, which was never the end mark's number
_UNUSED = {"text_model.embeddings.position_ids", "vision_model.embeddings.position_ids"}  # counted, not learned
_COUNTERS = ("position_ids", "num_batches_tracked")  # the only whole numbers among weights
_FLOATS = {"F16", "BF16", "F32", "F64"}
_MOST_LOG_SCALE = math.log(100.0) + 1e-3  # CLIP clips its scale at 100 [Radford 2021, section 2.5]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The special tokens of a CLIP tokenizer by their part, and what else transformers writes beside tokenizer.json."""

    tokenizer_class: str
    bos_token: str | None
    eos_token: str
    pad_token: str | None
    unk_token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipParts:
    """A CLIP model as read from its folder."""

    model: CLIPModel  # fp32
    image: ImageShape
    text: TextShape
    reading: ClipReading
    tokenizer: Tokenizer
    marks: Marks
    max_tokens: int


def load_clip(folder: Path) -> ClipParts:
    """Return the fp32 model of a folder, its tokenizer, and how it reads pictures.

    Raises:
        InputError: no CLIP model, or one that cannot be read without code or pickles; weights missing, left over or of
            other shapes than config.json says; numbers over a limit; a tokenizer that does not fit.
        DamagedArtifactError: weights that are no safetensors, or not finite.
    """
    image, text = _shapes(folder)
    check_weight_files(folder)
    config = clip_config(image, text)
    _check_names(folder, _weight_files(folder), config)
    reading = picture_reading(folder, side=image.side)
    tokenizer, marks, max_tokens = _tokenizer(folder, text)
    with quiet_transformers():
        try:
            model, report = CLIPModel.from_pretrained(
                folder,
                config=config,
                local_files_only=True,
                use_safetensors=True,
                dtype=torch.float32,
                attn_implementation="sdpa",
                output_loading_info=True,
            )
        # the library raises whatever a wrong file leads to
        except Exception as error:
            raise InputError(f"{folder} cannot be read as a CLIP model ({_first_line(error)})") from error
    if report["missing_keys"] or report["mismatched_keys"]:
        names = sorted([*report["missing_keys"], *map(str, report["mismatched_keys"])])
        raise InputError(f"{folder} lacks weights or has wrong shapes ({names[:3]}); restore it")
    check_finite(folder, model)
    check_scale(folder, float(model.logit_scale.detach()))
    return ClipParts(
        model=model.eval(),
        image=image,
        text=text,
        reading=reading,
        tokenizer=tokenizer,
        marks=marks,
        max_tokens=max_tokens,
    )


def expected_shapes(config: CLIPConfig) -> dict[str, tuple[int, ...]]:
    """Return name and shape of every weight of a configuration's model, without making one."""
    with torch.device("meta"):
        model = CLIPModel(config)
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def check_tensors(
    found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]], *, where: Path
) -> None:
    """Refuse weights that are not exactly those expected.

    Raises:
        InputError: one is missing, left over or of another shape; the first is named.
    """
    missing, unexpected = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    if missing or unexpected:
        what = f"lack {missing[0]!r}" if missing else f"hold {unexpected[0]!r}, which it has not"
        raise InputError(f"the weights of {where} do not fit its config.json: they {what}; restore the folder")
    for name, shape in expected.items():
        if found[name] != shape:
            raise InputError(
                f"the weights of {where} do not fit its config.json: {name!r} has shape {found[name]}, not {shape}; "
                "restore the folder"
            )


def tensor_shapes(paths: Iterable[Path]) -> dict[str, tuple[int, ...]]:
    """Return name and shape of every tensor of some safetensors files, from their headers alone.

    Raises:
        InputError: a name in two files, or numbers that are no floats.
        DamagedArtifactError: a file is not whole.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for path in paths:
        check_safetensors_header(path)
        try:
            with safe_open(path, framework="numpy") as file:
                for name in file.keys():  # noqa: SIM118  (no mapping)
                    part = file.get_slice(name)
                    if name in shapes:
                        raise InputError(f"{path} holds {name!r} a second time; restore the folder")
                    if part.get_dtype() not in _FLOATS and not name.endswith(_COUNTERS):
                        raise InputError(
                            f"{path} holds {name!r} as {part.get_dtype()}, not as floats; use the original"
                        )
                    shapes[name] = tuple(part.get_shape())
        except SafetensorError as error:
            raise DamagedArtifactError(f"{path} is not a whole safetensors file ({error}); restore it") from error
    return shapes


def check_scale(folder: Path, log_scale: float) -> None:
    """Refuse a scale that our dual encoders would clip: the logits would differ.

    Raises:
        InputError: see above.
    """
    if not 0.0 <= log_scale <= _MOST_LOG_SCALE:
        scale = math.exp(min(log_scale, 700.0))
        raise InputError(f"{folder} multiplies cosines by {scale:.4g}; a CLIP model has 1 to 100 there")


def _shapes(folder: Path) -> tuple[ImageShape, TextShape]:
    refuse_code(folder)
    raw = read_json(folder / "config.json")
    if raw.get("model_type") != "clip":
        raise InputError(
            f"{folder} is a {raw.get('model_type')!r}, not a CLIP model (model_type 'clip' in config.json)"
        )
    if "quantization_config" in raw or (folder / "adapter_config.json").is_file():
        raise InputError(f"{folder} is quantized or holds an adapter; merge it into plain weights first")
    with quiet_transformers():
        try:
            return shapes_of(CLIPConfig(**raw))
        except InputError as error:
            raise InputError(f"{folder / 'config.json'}: {error}") from error
        # the library raises whatever a wrong file leads to
        except Exception as error:
            raise InputError(f"{folder / 'config.json'} is not that of a CLIP model ({_first_line(error)})") from error


def _weight_files(folder: Path) -> list[Path]:
    """Return the files that transformers will read: one, or the shards that its index names."""
    single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if single.is_file():
        return [single]
    if not index.is_file():
        raise InputError(f"{folder} has safetensors files, but no model.safetensors or its index; name it so")
    content = read_json(index)
    names = set(content.get("weight_map", {}).values()) if isinstance(content, dict) else set()
    if not names or not all(isinstance(name, str) and Path(name).name == name for name in names):
        raise InputError(f"{index} names no shards of its own folder; restore it")
    return [folder / name for name in sorted(names)]


def _check_names(folder: Path, files: Iterable[Path], config: CLIPConfig) -> None:
    found = tensor_shapes(files)
    check_tensors({name: found[name] for name in set(found) - _UNUSED}, expected_shapes(config), where=folder)


def _tokenizer(folder: Path, shape: TextShape) -> tuple[Tokenizer, Marks, int]:
    with quiet_transformers():
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
            backend.no_padding()
            backend.no_truncation()
            marks = Marks(
                tokenizer_class=type(tokenizer).__name__,
                **{name: getattr(tokenizer, name) for name in ("bos_token", "eos_token", "pad_token", "unk_token")},
            )
        # the library raises whatever a wrong file leads to; tokenizers bare Exception
        except Exception as error:
            raise InputError(
                f"{folder} has no tokenizer that can be read ({_first_line(error)}); restore it"
            ) from error
    check_end(backend, shape, where=str(folder))
    return backend, marks, min(int(tokenizer.model_max_length), shape.positions)


def check_end(tokenizer: Tokenizer, shape: TextShape, *, where: str) -> None:
    """Refuse a tokenizer whose texts do not end where the model reads their vector, or with unknown numbers.

    Raises:
        InputError: see above.
    """
    largest = max(tokenizer.get_vocab(with_added_tokens=True).values(), default=0)
    if largest >= shape.vocabulary:
        raise InputError(f"{where}: the tokenizer has token {largest}, the model only {shape.vocabulary}; they differ")
    for text in ("a", ""):
        ids = tokenizer.encode(text).ids
        read_at = ids.index(max(ids) if shape.end_id == LEGACY_END else shape.end_id) if _ends(ids, shape) else -1
        if read_at != len(ids) - 1:
            raise InputError(
                f"{where}: the model reads a text's vector at token {shape.end_id} (eos_token_id), but the tokenizer "
                f"gives {ids} for {text!r}; they belong to different models"
            )


def _ends(ids: list[int], shape: TextShape) -> bool:
    return bool(ids) and (shape.end_id == LEGACY_END or shape.end_id in ids)


def marks_json(marks: Marks, *, max_tokens: int) -> bytes:
    """Return the special tokens as the file that lies beside a text tower's weights."""
    return json.dumps({**asdict(marks), "max_tokens": max_tokens}, sort_keys=True).encode()


def marks_from_json(content: bytes) -> tuple[Marks, int]:
    """Return what `marks_json` wrote; raises whatever a wrong file leads to."""
    plain: dict[str, Any] = json.loads(content)
    return Marks(**{name: value for name, value in plain.items() if name != "max_tokens"}), int(plain["max_tokens"])


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:300]
