"""`threatclip repair`: a better bundle whose card says what was done; one line for what cannot be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import Command, visible_and_hidden

from detecting_cases import PROMPTS, fresh_suspect
from threatclip.artifacts import read_tensors
from threatclip.cli.main import main
from threatclip.defenses.contracts import Suspect
from threatclip.defenses.repairs.fine_tuning import FineTuning
from threatclip.encoders.dual import DualEncoder
from threatclip.errors import DivergedError
from threatclip.experiments.contrastive.bundle import DualBundle
from threatclip.pairs.table import write_pairs
from threatclip.training.dual.settings import Fit

HOSTILE = "# A card\n\n<script>alert(1)</script>\n```\n[x](javascript:y)\x1b\n"
QUICK = ["--epochs", "1", "--batch-rows", "16", "--weight-decay", "0"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repair")
    for modality in ("image", "text"):
        case = fresh_suspect(modality)  # type: ignore[arg-type]
        prompts = PROMPTS if modality == "image" else {}
        bundle = DualBundle(dual=case.dual, modality=case.modality, prompts=prompts)
        bundle.save(folder / modality, card=HOSTILE)
        write_pairs(folder / f"{modality}.parquet", case.trusted, modality=case.modality)
    return folder


def test_a_bundle_is_repaired_and_its_card_says_how(place: Path, tmp_path: Path, threatclip: Command) -> None:
    before = visible_and_hidden(place / "image")
    out = tmp_path / "fixed"
    arguments = ["repair", place / "image", "--method", "clean-clip", "--trusted", place / "image.parquet", "-o", out]
    rates = ["--learning-rate", "1e-3", "--learning-rate", "1e-2"]
    done = threatclip(*arguments, *QUICK, *rates, "--set", "self_weight=0.5", "--tolerance", "0.9", "--json", "-q")
    assert (done.code, done.errors) == (0, [])
    told = done.json
    assert (told["method"], told["learning_rate"], told["chosen_by"]) == ("clean_clip", 1e-2, "clean_accuracy_1")
    assert told["settings"]["self_weight"] == 0.5
    assert told["n_trusted"] + told["n_held_out"] == 80
    assert [one["learning_rate"] for one in told["tried"]] == [1e-3, 1e-2]
    assert told["before"].keys() == told["after"].keys() == told["change"].keys()
    assert {"clean_accuracy_1", "i2t_r_1", "t2i_r_10"} <= told["after"].keys()
    made = DualBundle.load(out)
    assert (made.model, dict(made.prompts)) == (told["model"], {name: tuple(own) for name, own in PROMPTS.items()})
    old, new = (read_tensors(folder / "weights.safetensors") for folder in (place / "image", out))
    assert any((old[name] != new[name]).any() for name in old)
    card = (out / "README.md").read_text()
    for part in ("clean\\_clip", told["trusted_hash"][:40], "0.01", "self\\_weight = 0.5", "zero-shot accuracy"):
        assert part in card
    assert "\n    <script>alert(1)</script>\n" in card, "a stranger's card stands as text"
    assert "\x1b" not in card
    assert visible_and_hidden(place / "image") == before
    assert [path.name for path in tmp_path.iterdir()] == ["fixed"], "nothing else is left"


def test_a_model_without_prompts_is_chosen_and_measured_by_recall(
    place: Path, tmp_path: Path, threatclip: Command
) -> None:
    arguments = ["repair", place / "text", "-m", "fine_tuning", "--trusted", place / "text.parquet"]
    done = threatclip(*arguments, "-o", tmp_path / "fixed", *QUICK, "--learning-rate", "1e-3")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].split()[:3] == ["held-out", "figure", "suspect"]
    assert lines[1].split()[0] == "i2t_r_1"
    assert lines[-2].startswith("learning rate: 0.001")
    assert "given" in (tmp_path / "fixed" / "README.md").read_text()


def test_a_stopped_repair_goes_on_with_what_is_left(
    place: Path, tmp_path: Path, threatclip: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[float] = []
    repair: Callable[..., DualEncoder] = FineTuning.repair

    def stopping(self: FineTuning, suspect: Suspect, fit: Fit, **options: Any) -> DualEncoder:
        tried.append(fit.learning_rate)
        if len(tried) == 2:
            raise KeyboardInterrupt
        return repair(self, suspect, fit, **options)

    monkeypatch.setattr(FineTuning, "repair", stopping)
    arguments = ["repair", place / "image", "-m", "fine-tuning", "--trusted", place / "image.parquet", *QUICK]
    rates = ["--learning-rate", "1e-3", "--learning-rate", "1e-4"]
    done = threatclip(*arguments, "-o", tmp_path / "fixed", *rates, "-q")
    assert (done.code, done.error) == (2, "stopped; the same command goes on with the learning rates that are left")
    assert not (tmp_path / "fixed").exists()
    again = threatclip(*arguments, "-o", tmp_path / "fixed", *rates, "--json", "-q")
    assert (again.code, tried) == (0, [1e-3, 1e-4, 1e-4])
    whole = threatclip(*arguments, "-o", tmp_path / "whole", *rates, "--json", "-q")
    assert whole.json["model"] != "", "the same weights come of one go"
    first, second = (read_tensors(tmp_path / name / "weights.safetensors") for name in ("fixed", "whole"))
    assert all((first[name] == second[name]).all() for name in first)


def test_where_every_rate_diverges_nothing_is_written(
    place: Path, tmp_path: Path, threatclip: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverging(*_: object, **__: object) -> None:
        raise DivergedError("loss nan")

    monkeypatch.setattr(FineTuning, "repair", diverging)
    arguments = ["repair", place / "image", "-m", "fine_tuning", "--trusted", place / "image.parquet", *QUICK]
    done = threatclip(*arguments, "-o", tmp_path / "fixed", "-q")
    assert (done.code, done.error.partition(" at ")[0]) == (2, "fine_tuning left the finite numbers")
    assert not (tmp_path / "fixed").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"-m": "cleanest"}, "unknown repair 'cleanest'; choose from fine_tuning, clean_clip"),
        ({"--set": "self_weight=-1"}, "self_weight"),
        ({"--set": "tau=1"}, "unknown key 'tau'"),
        ({"--trusted": "text.parquet"}, "holds text pairs"),
        ({"--trusted": "none.parquet"}, "none.parquet"),
        ({"--held-out": "1.5"}, "--held-out is 1.5; it must be above 0 and below 1"),
        ({"--held-out": "0.999"}, "trust more pairs"),
        ({"--learning-rate": "-1"}, "--learning-rate -1 must be above 0"),
        ({"--batch-rows": "500"}, "batches of 500"),
        ({"-o": "image"}, "a repair is never written over something"),
    ],
)
def test_what_cannot_be_is_one_line(
    place: Path, threatclip: Command, change: dict[str, str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    del capsys
    given = {"-m": "clean_clip", "--trusted": "image.parquet", "-o": "new", "--batch-rows": "16", **change}
    paths = {"--trusted", "-o"}
    options = [part for name, value in given.items() for part in (name, place / value if name in paths else value)]
    done = threatclip("repair", place / "image", *options, "-q")
    assert (done.code, done.out) == (2, "")
    assert says in done.error
    assert not (place / "new").exists()


def test_the_verb_is_there() -> None:
    assert main(["repair", "--help"]) == 0
