"""Back ends other than torch that compute a tower's unit vectors: ONNX Runtime and OpenVINO."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from threatclip.encoders.onnx_export import INPUTS, OUTPUT
from threatclip.errors import DamagedArtifactError, InputError, NotInstalledError

Backend = Literal["torch", "onnx", "openvino"]
EnginePrecision = Literal["fp32", "bf16", "int8"]
BACKENDS: tuple[str, ...] = get_args(Backend)
PRECISIONS: tuple[str, ...] = get_args(EnginePrecision)
OFFERED: tuple[tuple[Backend, EnginePrecision], ...] = (
    ("torch", "fp32"),
    ("torch", "bf16"),
    ("onnx", "fp32"),
    ("onnx", "int8"),
    ("openvino", "fp32"),
    ("openvino", "bf16"),
)
_QUANTIZED = ["MatMul", "Gemm", "Conv"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSpec:
    """Which back end computes a tower, and from which file (none: torch's own weights)."""

    backend: Backend
    precision: EnginePrecision
    file: str | None
    length_step: int = 1

    def as_plain(self) -> dict[str, Any]:
        """Return the spec as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> EngineSpec:
        """Return the spec that `as_plain` wrote.

        Raises:
            DamagedArtifactError: it is none.
        """
        try:
            spec = cls(**values)
        except TypeError as error:
            raise DamagedArtifactError(f"an engine is not what was written ({error}); optimize anew") from error
        plain_name = spec.file is None or spec.file == Path(str(spec.file)).name
        if (spec.backend, spec.precision) not in OFFERED or (spec.file is None) != (spec.backend == "torch"):
            raise DamagedArtifactError(f"no engine {spec.backend!r} in {spec.precision!r}; optimize anew")
        if not plain_name or not isinstance(spec.length_step, int) or spec.length_step < 1:
            raise DamagedArtifactError("an engine's file or step is not what was written; optimize anew")
        return spec


class Engine:
    """A compiled graph, called as the tower is: with padded tokens and their lengths."""

    def __init__(self, spec: EngineSpec, path: Path) -> None:
        """Compile the graph in `path` for this machine, on as many threads as torch uses.

        Raises:
            NotInstalledError: the back end is not installed.
            DamagedArtifactError: it does not read the file.
            InputError: this machine does not compute in that precision.
        """
        self.spec = spec
        run = _open_onnx(path) if spec.backend == "onnx" else _open_openvino(path, spec.precision)
        self._run = run

    def __call__(self, tokens: Int[Tensor, "n l"], lengths: Int[Tensor, " n"]) -> Float[Tensor, "n d"]:
        """Return unit vectors."""
        step = self.spec.length_step
        padded = torch.nn.functional.pad(tokens, (0, -tokens.shape[1] % step))
        vectors = self._run(padded.numpy().astype(np.int64), lengths.numpy().astype(np.int64))
        norms = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return torch.from_numpy(np.asarray(vectors / norms, dtype=np.float32))

    def features(self, **_: Tensor) -> Float[Tensor, "n w"]:
        """Refuse: a graph gives unit vectors only.

        Raises:
            InputError: always.
        """
        raise InputError(f"an engine of {self.spec.backend} gives no features; use the bundle it was made from")


def quantized(path: Path, out: Path) -> None:
    """Write the graph with int8 weights, one scale an output channel, and activations scaled as they come.

    The scale of an activation is that of its whole batch: a row's vector then depends, slightly, on its batch.

    Raises:
        NotInstalledError: no onnxruntime.
    """
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:
        raise NotInstalledError("int8 needs onnxruntime; install threatclip[onnx]") from error
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it advises a step that it does not need here
    try:
        with tempfile.TemporaryDirectory() as folder:
            cleaned = _without_shapes(path, Path(folder) / "cleaned.onnx")
            quantize_dynamic(
                cleaned, out, per_channel=True, weight_type=QuantType.QInt8, op_types_to_quantize=list(_QUANTIZED)
            )
    finally:
        root.setLevel(level)


def _without_shapes(path: Path, out: Path) -> Path:
    """Drop what the exporter says of inner shapes: the quantizer infers them anew, and stumbles over a difference."""
    import onnx

    model = onnx.load(str(path))
    del model.graph.value_info[:]
    onnx.save(model, str(out))
    return out


def _open_onnx(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise NotInstalledError("this bundle needs onnxruntime; install threatclip[onnx]") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own exceptions share no base below this one
        raise DamagedArtifactError(f"onnxruntime does not read {path} ({_line(error)}); optimize anew") from error

    def run(tokens: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        found: np.ndarray = session.run([OUTPUT], dict(zip(INPUTS, (tokens, lengths), strict=True)))[0]
        return found

    return run


def _open_openvino(path: Path, precision: str) -> Any:
    try:
        import openvino
    except ImportError as error:
        raise NotInstalledError("this bundle needs openvino; install threatclip[openvino]") from error
    core = openvino.Core()
    if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise InputError("this processor has no bf16; use fp32 or int8")
    hint = {"fp32": "f32", "bf16": "bf16"}[precision]
    settings = {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": torch.get_num_threads(), "NUM_STREAMS": 1}
    try:
        request = core.compile_model(core.read_model(str(path)), "CPU", settings).create_infer_request()
    except RuntimeError as error:
        raise DamagedArtifactError(f"openvino does not read {path} ({_line(error)}); optimize anew") from error

    def run(tokens: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        found = request.infer(dict(zip(INPUTS, (tokens, lengths), strict=True)))
        return np.array(found[OUTPUT])

    return run


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
