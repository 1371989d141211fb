"""Tuning a pretrained encoder on texts by guessing hidden words [Devlin 2019]: transformers' own trainer and collator.

The trainer's checkpoints are not crash-safe (written in place, resumed silently without their optimizer), so none is
asked for: the tuned model is written once, whole or not at all, and a run that was killed tunes anew.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset
from transformers import (
    AutoModelForMaskedLM,
    DataCollatorForLanguageModeling,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from threatclip.artifacts import atomic_folder
from threatclip.encoders.hub import (
    check_complete,
    check_weight_files,
    quiet_transformers,
    read_config,
    read_model,
    read_tokenizer,
    reading_hub,
    refuse_code,
)
from threatclip.errors import DivergedError, InputError
from threatclip.seeds import stream_seed
from threatclip.training.contracts import Step
from threatclip.training.precision import uses_bf16
from threatclip.training.settings import Precision

KIND = "language-model"
# how a sentence encoder reads its texts: what transformers does not write itself
_READING = ("modules.json", "sentence_bert_config.json", "config_sentence_transformers.json")
_WANT = "use an encoder such as MPNet or BERT"
_MOST_CHARS = 16_384  # of a text, before the tokenizer sees it
_SEED_LIMIT = 2**32
_TRIES = 100  # at hiding a word of a batch
_NOT_HIDDEN = -100  # the collator's label of a token that is not to be guessed


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageSettings:
    """The numbers of one tuning."""

    epochs: int = 3
    max_steps: int | None = None  # updates at most; the learning rate falls to zero over those
    learning_rate: float = 5e-5
    batch_rows: int = 16
    mask_share: float = 0.15  # of the tokens: 80% of them hidden, 10% replaced, 10% as they were
    max_tokens: int = 128
    weight_decay: float = 0.01
    warmup_fraction: float = 0.06
    precision: Precision = "auto"
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedLanguage:
    """What a tuning did: updates, the mean loss of the last ones, and the head's weights that the source had not."""

    steps: int
    loss: float
    new_weights: tuple[str, ...]


def tune_language(
    source: Path,
    texts: Sequence[str],
    settings: LanguageSettings,
    out: Path,
    *,
    on_step: Callable[[Step, int], None],
) -> TunedLanguage:
    """Tune the encoder in `source` on `texts` and write it to `out` in the hub's own format (safetensors).

    A source without a masked-language head (a sentence encoder, say) gets a fresh one, and `new_weights` names its
    parts; weights of the encoder itself must all be there. torch's, numpy's and Python's global generators are left
    as they were.

    Args:
        source: a model folder: no code, no pickles.
        texts: to learn from.
        settings: see there.
        out: the folder to write, whole or not at all.
        on_step: told of every update, and how many there will be.

    Raises:
        InputError: the source is no encoder with a mask token, or lacks weights; or there is no text.
        DamagedArtifactError: the source's weights are not safetensors.
        DivergedError: the loss is not finite.
        StorageError: the disk refused.
    """
    if not texts:
        raise InputError("masked-language tuning has no text to learn from; give it some")
    with _own_randomness(settings.seed):
        model, tokenizer, new = _load(source)
        rows = tokenizer([text[:_MOST_CHARS] for text in texts], truncation=True, max_length=settings.max_tokens)
        collator = DataCollatorForLanguageModeling(
            tokenizer, mlm_probability=settings.mask_share, seed=_seed(settings.seed, "masked-language/masks")
        )
        told = _Told(on_step)
        with tempfile.TemporaryDirectory() as scratch, quiet_transformers():
            trainer = Trainer(
                model=model,
                args=_arguments(settings, Path(scratch)),
                train_dataset=_Rows(rows["input_ids"]),
                data_collator=_Hiding(collator),
                callbacks=[told],
            )
            trainer.remove_callback(PrinterCallback)  # it prints to stdout
            trainer.train()
    if not np.isfinite(told.losses).all():
        raise DivergedError(f"masked-language tuning of {source} left the finite numbers; lower its learning rate")
    _write(model, tokenizer, source, out)
    return TunedLanguage(steps=len(told.losses), loss=float(np.mean(told.losses[-50:])), new_weights=new)


class _Rows(Dataset[dict[str, list[int]]]):
    def __init__(self, rows: Sequence[list[int]]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        return {"input_ids": self._rows[index]}


@dataclass(frozen=True, slots=True)
class _Hiding:
    """The collator, asked again where it hid nothing: the mean over no token is no number, and would end the model."""

    collator: DataCollatorForLanguageModeling

    def __call__(self, rows: list[dict[str, list[int]]]) -> Any:
        for _ in range(_TRIES):
            batch = self.collator(rows)
            if bool((batch["labels"] != _NOT_HIDDEN).any()):
                return batch
        raise InputError("a batch of texts has no word to hide; give longer texts, or larger batches")


class _Told(TrainerCallback):  # type: ignore[misc]
    """Turns the trainer's logs into records."""

    def __init__(self, on_step: Callable[[Step, int], None]) -> None:
        self.losses: list[float] = []
        self._on_step = on_step

    def on_log(self, args: Any, state: Any, *_: Any, logs: Mapping[str, float] | None = None, **__: Any) -> None:
        """Pass on one update; the trainer's closing summary has no `loss` of its own."""
        if not logs or "loss" not in logs:
            return
        self.losses.append(float(logs["loss"]))
        step = Step(
            step=int(state.global_step),
            epoch=int(state.epoch or 0),
            losses={"loss": float(logs["loss"])},
            lr=float(logs.get("learning_rate", 0.0)),
            grad_norm=float(logs.get("grad_norm", 0.0)),
            seconds=0.0,
            rows=int(args.per_device_train_batch_size),
        )
        self._on_step(step, int(state.max_steps))


def _arguments(settings: LanguageSettings, scratch: Path) -> TrainingArguments:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return TrainingArguments(
        output_dir=str(scratch),
        num_train_epochs=settings.epochs,
        max_steps=settings.max_steps or -1,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup_steps=settings.warmup_fraction,
        per_device_train_batch_size=settings.batch_rows,
        bf16=uses_bf16(settings.precision, device=device),
        use_cpu=device.type == "cpu",
        seed=_seed(settings.seed, "masked-language/trainer"),
        data_seed=_seed(settings.seed, "masked-language/order"),
        save_strategy="no",
        eval_strategy="no",
        logging_strategy="steps",
        logging_steps=1,
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
        remove_unused_columns=False,
    )


def _load(source: Path) -> tuple[Any, Any, tuple[str, ...]]:
    """Return the encoder with its masked-language head, the tokenizer, and the weights that are new."""
    refuse_code(source)
    check_weight_files(source)
    with reading_hub(source, "a masked language model", want=_WANT):
        config, tokenizer = read_config(source), read_tokenizer(source)
        model, report = read_model(AutoModelForMaskedLM, source, config)
    own = f"{model.base_model_prefix}."
    missing = sorted(report["missing_keys"])
    lost = [name for name in missing if name.startswith(own) and "pooler" not in name]
    check_complete(source, lost, report)
    if tokenizer.mask_token_id is None:
        raise InputError(f"{source}: the tokenizer has no mask token; {_WANT}")
    return model, tokenizer, tuple(missing)


def _write(model: Any, tokenizer: Any, source: Path, out: Path) -> None:
    with atomic_folder(out, manifest={"kind": KIND}) as part, quiet_transformers():
        model.save_pretrained(part)
        tokenizer.save_pretrained(part)
        for name in _READING:
            if (source / name).is_file():
                shutil.copyfile(source / name, part / name)
        for path in source.glob("*_Pooling/config.json"):
            (part / path.parent.name).mkdir()
            shutil.copyfile(path, part / path.parent.name / path.name)


def _seed(seed: int, stream: str) -> int:
    return stream_seed(seed, stream) % _SEED_LIMIT


@contextlib.contextmanager
def _own_randomness(seed: int) -> Iterator[None]:
    """Seed what the trainer draws from under this block, and leave every global generator as it was."""
    python, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002 - the trainer seeds the global one
    with torch.random.fork_rng():
        torch.manual_seed(stream_seed(seed, "masked-language/head"))
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(arrays)  # noqa: NPY002
