"""A pytest plugin: lets torchvision be imported where its operators were built for another torch.

PyPI's torchvision wants the library of the CUDA build; beside a CPU build of torch its import fails for want of two
operators that no tower uses. Named here, they let open_clip be imported and its models be computed. For tests only: an
installation needs the torchvision of its torch.
"""

from __future__ import annotations

import sys

import torch

OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

try:
    import torchvision  # noqa: F401
except RuntimeError:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    LIBRARY = torch.library.Library("torchvision", "DEF")  # kept: the operators go with it
    for operator in OPERATORS:
        LIBRARY.define(operator)
