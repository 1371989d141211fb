"""Other back ends give the tower's vectors, for any number of rows and any length."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from threatclip.encoders.byte import ByteTower
from threatclip.encoders.encode import encode, engine_encoder
from threatclip.encoders.engines import OFFERED, EngineSpec, quantized
from threatclip.encoders.image import ResnetTower
from threatclip.encoders.onnx_export import export_onnx, length_step, why_not
from threatclip.encoders.towers import Tower, build_tower
from threatclip.errors import DamagedArtifactError, InputError

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
pytest.importorskip("onnxscript", reason="onnxscript is not installed")
VIEWS = [b"GET /%d?x=<script>" % number * (1 + number % 5) for number in range(12)] + [b"", b"\xff" * 300]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tower, Path]:
    """A byte tower, its graph, and the graph in int8; the exporter takes seconds."""
    folder = tmp_path_factory.mktemp("graphs")
    tower = build_tower(ByteTower(dim=8, widths=(12, 16), embedding=8, max_bytes=128), seed=0).eval()
    export_onnx(tower, folder / "plain.onnx")
    quantized(folder / "plain.onnx", folder / "int8.onnx")
    return tower, folder


@pytest.mark.parametrize(("backend", "precision"), OFFERED)
def test_vectors_are_those_of_the_tower(exported: tuple[Tower, Path], backend: str, precision: str) -> None:
    if backend == "openvino":
        pytest.importorskip("openvino", reason="openvino is not installed")
    tower, folder = exported
    file = None if backend == "torch" else "int8.onnx" if precision == "int8" else "plain.onnx"
    plain = {"backend": backend, "precision": precision, "file": file}
    spec = EngineSpec.from_plain({**plain, "length_step": length_step(tower) if file else 1})
    try:
        encoder = engine_encoder(tower, spec, folder)
    except InputError as error:
        pytest.skip(str(error))  # a processor without bf16
    reference = encode(tower, VIEWS, precision="fp32")
    least = 0.99999 if precision == "fp32" else 0.99
    for views in (VIEWS, VIEWS[:1], VIEWS[::-1]):
        wanted = reference if views is VIEWS else reference[:1] if len(views) == 1 else reference[::-1]
        vectors = encoder(views)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        assert (vectors * wanted).sum(axis=1).min() >= least
    assert EngineSpec.from_plain(spec.as_plain()) == spec


def test_a_tower_that_is_not_exported_says_so(tmp_path: Path) -> None:
    tower = build_tower(ResnetTower(side=16, width=8, stages=2, blocks=1, dim=8), seed=0)
    assert why_not(tower) == "a tower of kind 'resnet' is not exported; byte, bpe and pretrained ones are"
    with pytest.raises(InputError, match="'resnet' is not exported"):
        export_onnx(tower, tmp_path / "x.onnx")


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_a_graph_that_is_none_is_refused(exported: tuple[Tower, Path], tmp_path: Path, backend: str) -> None:
    if backend == "openvino":
        pytest.importorskip("openvino", reason="openvino is not installed")
    (tmp_path / "x.onnx").write_bytes(b"\x08\x07no graph")
    spec = EngineSpec.from_plain({"backend": backend, "precision": "fp32", "file": "x.onnx"})
    with pytest.raises(DamagedArtifactError, match="does not read"):
        engine_encoder(exported[0], spec, tmp_path)


@pytest.mark.parametrize(
    "values",
    [
        {"backend": "tensorrt", "precision": "fp32", "file": "x"},
        {"backend": "onnx", "precision": "fp32", "file": None},
        {"backend": "torch", "precision": "fp32", "file": "x"},
        {"backend": "onnx", "precision": "fp32", "file": "../x"},
        {"backend": "onnx", "precision": "fp32", "file": "x", "length_step": 0},
        {"backend": "onnx"},
    ],
)
def test_a_spec_that_is_not_ours_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(DamagedArtifactError):
        EngineSpec.from_plain(values)
