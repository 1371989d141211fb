"""An optimized bundle answers as the original does, or is not written."""

from __future__ import annotations

from pathlib import Path

import pytest
from experiment_cases import TinyRun

from threatclip.artifacts import read_json, verify_manifest
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.experiments import optimizing
from threatclip.experiments.classifier import PayloadClassifier
from threatclip.experiments.optimizing import EngineTrial, Wanted, optimize
from threatclip.experiments.progress import ignore
from threatclip.pairs.table import PairTable

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
pytest.importorskip("onnxscript", reason="onnxscript is not installed")


def test_an_optimized_bundle_answers_as_the_original(tiny: TinyRun, tmp_path: Path) -> None:
    out = tmp_path / "fast"
    wanted = Wanted(backend="onnx", precision="fp32", rows=24)
    report = optimize(tiny.folder, out, wanted=wanted, pairs=None, on_progress=ignore)
    (trial,) = report["measured"]["payload"]["trials"]
    assert trial["agreement"] == 1.0
    assert trial["least_cosine"] > 0.9999
    assert report["left_out"].keys() == {"text"}
    views = PairTable.open(tiny.folder / "pairs.parquet").column("view")[:16]
    plain, fast = PayloadClassifier.load(tiny.folder), PayloadClassifier.load(out)
    assert fast.encoder is not None
    assert fast.model != plain.model
    assert plain.probabilities(views) == pytest.approx(fast.probabilities(views), abs=1e-4)
    files = verify_manifest(out)["files"]
    assert {"engines.json", "engines/payload.onnx", "weights.safetensors"} <= files.keys()
    assert "## Optimized" in (out / "README.md").read_text()
    assert read_json(out / "engines.json")["bound"] == 0.99
    graph = out / "engines" / "payload.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"x")
    with pytest.raises(DamagedArtifactError, match="was changed"):
        PayloadClassifier.load(out)


def test_what_disagrees_is_refused(tiny: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = EngineTrial(
        backend="onnx", precision="int8", rows_per_cpu_s=1e6, agreement=0.98, mean_cosine=1.0, least_cosine=0.5
    )
    monkeypatch.setattr(optimizing, "_trials", lambda *_: [bad])
    with pytest.raises(InputError, match=r"no back end agrees .*onnx int8: 0.9800.*nothing was written"):
        optimize(tiny.folder, tmp_path / "fast", wanted=Wanted(rows=8), pairs=None, on_progress=ignore)
    assert not (tmp_path / "fast").exists()


def test_the_fastest_that_agrees_is_chosen(tiny: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {"agreement": 1.0, "mean_cosine": 1.0, "least_cosine": 1.0}
    trials = [
        EngineTrial(backend="torch", precision="fp32", rows_per_cpu_s=10.0, **facts),
        EngineTrial(backend="torch", precision="bf16", rows_per_cpu_s=20.0, **facts),
        EngineTrial(backend="onnx", precision="int8", rows_per_cpu_s=90.0, **{**facts, "mean_cosine": 0.98}),
        EngineTrial(backend="openvino", precision="fp32", reason="not installed"),
    ]
    monkeypatch.setattr(optimizing, "_trials", lambda *_: trials)
    report = optimize(tiny.folder, tmp_path / "fast", wanted=Wanted(rows=8), pairs=None, on_progress=ignore)
    assert report["measured"]["payload"]["chosen"] == "torch bf16"
    assert PayloadClassifier.load(tmp_path / "fast").encoder is not None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"backend": "tensorrt"}, "--backend"),
        ({"precision": "int4"}, "--precision"),
        ({"min_agreement": 1.5}, "--min-agreement"),
        ({"rows": 1}, "--rows"),
    ],
)
def test_wishes_that_cannot_be_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Wanted(**settings)


def test_combinations_that_are_not_offered_and_bundles_without_rows(tiny: TinyRun, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no openvino in int8"):
        _ = Wanted(backend="openvino", precision="int8").candidates
    with pytest.raises(InputError, match="--pairs TABLE"):
        optimize(tiny.bundle, tmp_path / "fast", wanted=Wanted(), pairs=None, on_progress=ignore)
    with pytest.raises(InputError, match="is the bundle itself"):
        optimize(tiny.folder, tiny.bundle, wanted=Wanted(), pairs=None, on_progress=ignore)
