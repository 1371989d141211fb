"""The bundle: answers are the same in every process, damage is refused, hostile payloads are only read."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiment_cases import TinyRun, files_of

from threatclip.artifacts import read_json, read_tensors, sha256_file, write_json, write_manifest, write_tensors
from threatclip.errors import DamagedArtifactError, InputError
from threatclip.experiments.classifier import KIND, KnownCase, PayloadClassifier
from threatclip.pairs.pair import Pair
from threatclip.pairs.samples import CLASSES
from threatclip.pairs.table import PairTable, write_pairs
from threatclip.pairs.weaknesses import WEAKNESSES

HERE = Path(__file__).parent
HOSTILE = [
    b"",
    b"\x00",
    b"\x00" * 3000,
    b"\xff\xfe\x80\xc3(" * 50,
    "GET /?q=\u202e\u0000\ud7ff HTTP/1.1".encode(),
    b"A" * 2**20,
    b"GET /?" + b"a=%25%32%35&" * 80_000 + b" HTTP/1.1",
    b"<script>" * 2000,
    b"{" * 5000,
    b"\r\n" * 4000,
    b"GET / HTTP/1.1\nHost: x\n\n" * 3000,
]


@pytest.fixture(scope="module")
def classifier(tiny: TinyRun) -> PayloadClassifier:
    return PayloadClassifier.load(tiny.folder)


@pytest.fixture
def copy(tiny: TinyRun, tmp_path: Path) -> Path:
    """A copy of the bundle that a test may spoil."""
    return Path(shutil.copytree(tiny.bundle, tmp_path / "bundle"))


def own_payloads(tiny: TinyRun) -> list[bytes]:
    views: list[bytes] = PairTable.open(tiny.folder / "pairs.parquet").column("view")
    return views[:24]


def check_answer(answer: dict[str, Any], *, model: str) -> None:
    """Check one answer against the contract of `classify`."""
    assert list(answer) == ["id", "answers", "abstained", "evidence", "model"]
    ranked = answer["answers"]
    assert all(list(entry) == ["label", "name", "probability"] for entry in ranked)
    assert {entry["label"] for entry in ranked} == set(CLASSES)
    assert all(entry["name"] == WEAKNESSES[entry["label"]].title for entry in ranked)
    chances = [entry["probability"] for entry in ranked]
    assert chances == sorted(chances, reverse=True)
    assert all(0 <= chance <= 1 for chance in chances)
    assert sum(chances) == pytest.approx(1, abs=1e-9)
    assert isinstance(answer["abstained"], bool)
    assert answer["model"] == model
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer


def test_answers_keep_their_contract(tiny: TinyRun, classifier: PayloadClassifier) -> None:
    views = own_payloads(tiny)
    ids = [f"row {number}" for number in range(len(views))]
    answers = classifier.classify(views, ids)
    assert [answer["id"] for answer in answers] == ids
    for answer in answers:
        check_answer(answer, model=sha256_file(tiny.bundle / "manifest.json"))
    chances = classifier.probabilities(views)
    assert [answer["answers"][0]["label"] for answer in answers] == [
        classifier.classes[k] for k in chances.argmax(axis=1)
    ]
    abstained = [answer["abstained"] for answer in answers]
    assert abstained == (chances.max(axis=1) < classifier.abstention.threshold).tolist()


def test_evidence_is_known_cases_an_anchor_and_n_grams(tiny: TinyRun, classifier: PayloadClassifier) -> None:
    rows = {pair.id: pair for pair in PairTable.open(tiny.folder / "pairs.parquet").iter_pairs()}
    learned = [pair for pair in rows.values() if pair.split == "train"][:5]
    for answer in classifier.classify([pair.view for pair in learned], [pair.id for pair in learned]):
        *cases, anchor, ngrams = answer["evidence"]
        assert [case["kind"] for case in cases] == ["known case"] * 3
        cosines = [case["cosine"] for case in cases]
        assert cosines == sorted(cosines, reverse=True)
        assert cosines[0] == pytest.approx(1, abs=1e-4)  # the row itself is known
        for case in cases:
            row = rows[case["id"]]
            assert row.split in ("train", "validation")
            assert (case["label"], case["group"], case["caption"]) == (row.label, row.group, (row.caption or "")[:400])
        assert anchor["kind"] == "anchor"
        assert anchor["label"] == answer["answers"][0]["label"]
        assert anchor["text"] in WEAKNESSES[anchor["label"]].anchors
        assert ngrams["kind"] == "n-grams"
        assert 0 < len(ngrams["terms"]) <= 5
        assert all(term["weight"] > 0 for term in ngrams["terms"])


def test_no_payload_no_answer(classifier: PayloadClassifier) -> None:
    assert classifier.classify([], []) == []
    assert classifier.probabilities([]).shape == (0, len(CLASSES))
    with pytest.raises(InputError, match="2 payloads have 1 ids"):
        classifier.classify([b"a", b"b"], ["a"])


def test_hostile_payloads_are_only_read(classifier: PayloadClassifier) -> None:
    began = time.process_time()
    answers = classifier.classify(HOSTILE, [f"h{number}" for number in range(len(HOSTILE))])
    assert time.process_time() - began < 10
    for answer in answers:
        check_answer(answer, model=classifier.model)


def test_an_answer_hardly_depends_on_its_company(tiny: TinyRun, classifier: PayloadClassifier) -> None:
    views = [*own_payloads(tiny)[:4], b"", b"A" * 2**18]
    together = classifier.probabilities(views)
    for view, row in zip(views, together, strict=True):
        assert classifier.probabilities([view])[0] == pytest.approx(row, abs=1e-5)


@pytest.fixture(scope="module")
def offline(tiny: TinyRun, classifier: PayloadClassifier, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a fresh process without a network says: answers, and an evaluation on rows without captions."""
    folder = tmp_path_factory.mktemp("offline")
    rows = [
        replace(pair, id=f"o{number}", caption=None, split=None, label=pair.label if number % 3 else None)
        for number, pair in enumerate(PairTable.open(tiny.folder / "pairs.parquet").iter_pairs())
    ]
    table, out = folder / "other.parquet", folder / "out"
    write_pairs(table, [*rows[:40], Pair(id="strange", view=b"x", label="no class")], modality="payload")
    payloads = [view.decode("latin-1") for view in [*own_payloads(tiny), *HOSTILE[:5]]]
    done = subprocess.run(
        [sys.executable, str(HERE / "offline.py"), str(tiny.folder), str(table), str(out)],
        input=json.dumps(payloads),
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "0"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout)
    told["payloads"], told["out"] = payloads, out
    return told


def test_a_fresh_process_without_a_network_answers_bit_for_bit(
    offline: dict[str, Any], classifier: PayloadClassifier
) -> None:
    views = [text.encode("latin-1") for text in offline["payloads"]]
    assert offline["answers"] == classifier.classify(views, [str(number) for number in range(len(views))])


def test_rows_without_captions_and_labels_are_judged_in_a_fresh_process(offline: dict[str, Any]) -> None:
    told = offline["evaluation"]
    assert told["n"] == 26  # of 40 rows every third has no label
    assert told["n_unlabeled"] == 15
    assert 0 <= told["unlabeled_answered"] <= 1
    assert told == read_json(offline["out"] / "metrics.json")
    assert (offline["out"] / "report.html").stat().st_size > 1000


def test_saving_what_was_loaded_gives_the_same_bundle(
    tiny: TinyRun, classifier: PayloadClassifier, tmp_path: Path
) -> None:
    classifier.save(tmp_path / "again", card=(tiny.bundle / "README.md").read_text())
    assert files_of(tmp_path / "again") == files_of(tiny.bundle)


def test_a_bundle_or_its_run_may_be_named(tiny: TinyRun, tmp_path: Path) -> None:
    assert PayloadClassifier.load(tiny.bundle).model == PayloadClassifier.load(tiny.folder).model
    with pytest.raises(InputError, match="no bundle in"):
        PayloadClassifier.load(tmp_path)


def test_hostile_captions_can_be_kept_and_shown(classifier: PayloadClassifier, tmp_path: Path) -> None:
    case = KnownCase(id="a", label="xss", group=None, caption="lone \ud800 surrogate \x1b[2J \u202e")
    spoiled = replace(classifier, known=(case, *classifier.known[1:]))
    spoiled.save(tmp_path / "bundle", card="card")
    assert PayloadClassifier.load(tmp_path / "bundle").known[0] == case


# --- damage ---


def test_one_byte_changed_in_any_file_is_damage(tiny: TinyRun, copy: Path) -> None:
    names = [name for name in files_of(copy) if name != "manifest.json"]
    assert len(names) > 5
    for name in names:
        whole = (copy / name).read_bytes()
        place = len(whole) // 2
        (copy / name).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(DamagedArtifactError, match=f"{name} was changed"):
            PayloadClassifier.load(copy)
        (copy / name).write_bytes(whole)
    assert PayloadClassifier.load(copy).model == PayloadClassifier.load(tiny.bundle).model


def test_one_digit_changed_in_the_manifest_is_damage(copy: Path) -> None:
    manifest = copy / "manifest.json"
    text = manifest.read_text()
    digest = read_json(manifest)["files"]["config.json"]["sha256"]
    manifest.write_text(text.replace(digest, digest[::-1]))
    with pytest.raises(DamagedArtifactError, match="was changed"):
        PayloadClassifier.load(copy)
    manifest.write_text(text[:-10])
    with pytest.raises(DamagedArtifactError, match="is not JSON"):
        PayloadClassifier.load(copy)


def test_a_file_too_few_or_too_many_is_damage(copy: Path) -> None:
    (copy / "extra.bin").write_bytes(b"x")
    with pytest.raises(DamagedArtifactError, match="is not in the manifest"):
        PayloadClassifier.load(copy)
    (copy / "extra.bin").unlink()
    (copy / "known.json").unlink()
    with pytest.raises(DamagedArtifactError, match="is missing"):
        PayloadClassifier.load(copy)


class Exploit:
    """Whoever unpickles this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.path),)


def test_a_pickle_dressed_as_weights_is_never_read(copy: Path, tmp_path: Path) -> None:
    (copy / "weights.safetensors").write_bytes(pickle.dumps(Exploit(tmp_path / "owned")))
    write_manifest(copy, extra={"kind": KIND})
    with pytest.raises(DamagedArtifactError, match="a pickle is never read"):
        PayloadClassifier.load(copy)
    assert not (tmp_path / "owned").exists()


def config_change(**changes: Any) -> Callable[[Path], None]:
    def change(bundle: Path) -> None:
        write_json(bundle / "config.json", {**read_json(bundle / "config.json"), **changes})

    return change


def tensor_change(name: str, change_array: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    def change(bundle: Path) -> None:
        tensors = read_tensors(bundle / "weights.safetensors")
        write_tensors(bundle / "weights.safetensors", {**tensors, name: change_array(tensors[name])})

    return change


def known_change(change_cases: Callable[[list[Any]], object]) -> Callable[[Path], None]:
    def change(bundle: Path) -> None:
        write_json(bundle / "known.json", change_cases(read_json(bundle / "known.json")))

    return change


def tower_change(tower: str, **changes: Any) -> Callable[[Path], None]:
    def change(bundle: Path) -> None:
        config = read_json(bundle / "config.json")
        write_json(bundle / "config.json", {**config, tower: {**config[tower], **changes}})

    return change


MISFITS: dict[str, Callable[[Path], None]] = {
    "no classes": config_change(classes=[]),
    "other classes": config_change(classes=[{"label": "xss", "name": "x"}]),
    "classes of another shape": config_change(classes=["xss"]),
    "no anchor texts": config_change(anchor_texts=[]),
    "an unknown member": config_change(members={"oracle": {}}),
    "no members": config_change(members={}),
    "no pool": config_change(pool={}),
    "a member the pool does not know": config_change(pool={"members": ["anchors", "linear"]}),
    "no abstention": config_change(abstention={}),
    "no tower": config_change(payload_tower=None),
    "a wider tower": tower_change("payload_tower", dim=48),
    "an unknown tower": tower_change("text_tower", kind="telepathy"),
    "an impossible tower": tower_change("payload_tower", max_bytes=3),
    "an unknown setting": tower_change("payload_tower", color="red"),
    "fewer known cases": known_change(lambda cases: cases[:-1]),
    "known cases of another shape": known_change(lambda cases: [{"id": 1} for _ in cases]),
    "known cases that are no list": known_change(lambda cases: {"a": 1}),
    "fewer known vectors": tensor_change("known.vectors", lambda array: array[:-1]),
    "narrower known vectors": tensor_change("known.vectors", lambda array: array[:, :-1]),
    "fewer anchors": tensor_change("anchors.vectors", lambda array: array[:-1]),
    "anchors of no class": tensor_change("anchors.owners", lambda array: np.zeros_like(array)),
    "a narrower head": tensor_change("member.linear.weight", lambda array: array[:, :-1]),
    "a head of fewer classes": tensor_change("member.neighbors.labels", lambda array: array + 40),
    "weights that are no numbers": tensor_change("payload.embedding.weight", lambda array: array * np.nan),
    "a negative weight": tensor_change("pool.weights", lambda array: array - 9),
    "a missing weight": tensor_change("payload.embedding.weight", lambda array: array[:0]),
}


@pytest.mark.parametrize("misfit", list(MISFITS))
def test_parts_that_do_not_fit_are_refused_at_the_door(misfit: str, copy: Path) -> None:
    """Whoever made such a bundle also wrote its manifest: every hash is right."""
    MISFITS[misfit](copy)
    write_manifest(copy, extra={"kind": KIND})
    with pytest.raises(DamagedArtifactError):
        PayloadClassifier.load(copy)


READ_AS_JSON = ["config.json", "known.json", "assets/text/tokenizer.json", "assets/member.ngrams/terms.json"]


@pytest.mark.parametrize("name", READ_AS_JSON)
@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{", b"[" * 100_000, b"\xff\xfe"])
def test_files_of_another_form_are_refused(name: str, content: bytes, copy: Path) -> None:
    (copy / name).write_bytes(content)
    write_manifest(copy, extra={"kind": KIND})
    with pytest.raises(DamagedArtifactError):
        PayloadClassifier.load(copy)


def test_a_bundle_of_another_kind_is_no_classifier(copy: Path) -> None:
    write_manifest(copy, extra={"kind": "something-else"})
    with pytest.raises(InputError, match="is a bundle of kind 'something-else'"):
        PayloadClassifier.load(copy)


def test_classes_outside_the_catalogue_are_shown_by_their_own_name(classifier: PayloadClassifier) -> None:
    renamed = replace(classifier, classes=("own-class", *classifier.classes[1:]))
    names = {entry["label"]: entry["name"] for entry in renamed.classify([b"a"], ["a"])[0]["answers"]}
    assert names["own-class"] == "own-class"
