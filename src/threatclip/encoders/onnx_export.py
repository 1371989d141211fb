"""A tower of payloads or texts as an ONNX graph: from padded tokens and their lengths to unit vectors."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from threatclip.encoders.bpe import BpeNetwork
from threatclip.encoders.byte import ByteNetwork
from threatclip.encoders.pretrained import PretrainedNetwork
from threatclip.encoders.towers import Tower
from threatclip.errors import InputError, NotInstalledError

INPUTS, OUTPUT = ("tokens", "lengths"), "unit_vectors"
OPSET = 18
_EXAMPLE_ROWS, _EXAMPLE_STEPS = 3, 6

Exportable = ByteNetwork | BpeNetwork | PretrainedNetwork


def why_not(tower: Tower) -> str | None:
    """Return why a tower cannot be exported, or None where it can."""
    if isinstance(tower, Exportable):
        return None
    return f"a tower of kind {tower.config.kind!r} is not exported; byte, bpe and pretrained ones are"


def length_step(tower: Tower) -> int:
    """Return what the padded length of a batch must be a multiple of."""
    if isinstance(tower, ByteNetwork):
        return int(tower.config.stem_stride * 2 ** len(tower.stages))
    return 1


def export_onnx(tower: Tower, path: Path) -> None:
    """Write the graph of `tower` with any number of rows and any length.

    Raises:
        InputError: a tower of a kind that is not exported, or that torch's exporter does not take.
        NotInstalledError: no onnx or onnxscript.
    """
    reason = why_not(tower)
    if reason is not None:
        raise InputError(reason)
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise NotInstalledError(f"the export needs {error.name}; install threatclip[onnx]") from error
    step = length_step(tower)
    length = step * _EXAMPLE_STEPS
    tokens = torch.ones(_EXAMPLE_ROWS, length, dtype=torch.int64)
    lengths = torch.tensor([length, length - 1, 1])
    rows = torch.export.Dim("rows", min=1, max=2**16)
    steps = torch.export.Dim("steps", min=1, max=2**15)
    shapes: dict[str, Any] = {"tokens": {0: rows, 1: step * steps if step > 1 else steps}, "lengths": {0: rows}}
    training = tower.training
    tower.eval()
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the exporter's own making, about its own code
            program = torch.onnx.export(
                _Plain(tower),
                (tokens, lengths),
                dynamo=True,
                opset_version=OPSET,
                input_names=list(INPUTS),
                output_names=[OUTPUT],
                dynamic_shapes=shapes,
                verbose=False,
            )
            if program is None:
                raise InputError("torch's exporter returned nothing; is onnxscript whole?")
            program.save(str(path), external_data=False)
    except (torch.onnx.OnnxExporterError, RuntimeError, TypeError, ValueError) as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(f"torch's exporter does not take this {tower.config.kind} tower ({said})") from error
    finally:
        logger.setLevel(level)
        tower.train(training)


class _Plain(nn.Module):
    """The tower's forward alone."""

    def __init__(self, tower: Tower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Return unit vectors."""
        found: Tensor = self.tower(tokens, lengths)
        return found
