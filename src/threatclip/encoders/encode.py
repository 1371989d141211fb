"""Fast encoding: rows sorted by length, batches filled to a token budget, the fastest precision that is exact enough.

Sorting by token length and filling to about 2,048 tokens leaves 5 % padding instead of 65 % and keeps a batch in the
processor's cache; both were measured to matter more than the batch size that libraries let one choose. Pictures are
decoded in threads while those before them are computed.
"""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from threatclip.encoders import fast_bert
from threatclip.encoders.engines import Engine, EngineSpec
from threatclip.encoders.fast_image import fast_image_tower
from threatclip.encoders.padding import Tokens
from threatclip.encoders.pretrained import PretrainedNetwork
from threatclip.encoders.towers import ImageTower, Tower
from threatclip.errors import ImageFaultError, InputError

Precision = Literal["auto", "fp32", "bf16", "fp16"]
Progress = Callable[[int, int], None]  # rows done, rows in all
Vectors = np.ndarray[Any, np.dtype[np.float32]]
Forward = Tower | fast_bert.FastBert | Engine
Output = Literal["vectors", "features"]

LEAST_COSINE = 0.9999  # to fp32, on every probe row
LEAST_GAIN = 1.15  # times as fast as fp32: less would let noise choose
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_WINDOW_ROWS = 16_384  # tokenized and sorted at a time, so that memory does not grow with the table
_WINDOW_BYTES = 2**24  # of pictures, decoded at a time
_PROBE_ROWS = 32
_WORTH_PROBING_ROWS = 512  # texts
_WORTH_PROBING_PICTURES = 256
_HOPELESS = 2.0  # times fp32's time for one row, where a precision is emulated
_PROBE_TOKENS = 1_024
_ACCELERATOR_BUDGET = 32  # times the token budget where a batch is not held in a processor's cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What the probe saw of one precision."""

    precision: str
    seconds: float  # for one probe batch; infinite where one row was already hopeless
    least_cosine: float  # to the tower itself, over the probe rows; NaN where it was not looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """A tower ready to encode, in a chosen precision; `reason` and `trials` say why, for the run's record."""

    tower: Tower
    forward: Forward
    precision: str
    reason: str
    trials: tuple[Trial, ...] = field(default=())

    def __call__(
        self,
        views: Sequence[bytes],
        *,
        token_budget: int = 2_048,
        progress: Progress | None = None,
        output: Output = "vectors",
    ) -> Vectors:
        """Return one row a view, in the order of `views`.

        Args:
            views: raw bytes; captions as UTF-8.
            token_budget: most tokens in a batch, padding included; a longer row goes alone. Counts an eighth of a
                token a byte for a byte tower, a token 128 pixels of a picture, and 32 times as many tokens on an
                accelerator.
            progress: called after each batch.
            output: unit vectors; or the tower's `features`, from which `project` makes them.

        Raises:
            ImageFaultError: an image tower was given a view that is no picture.
        """
        tower = self.tower
        windows = _read_ahead(tower, views) if isinstance(tower, ImageTower) else _read(tower, views)
        return self._encoded(windows, len(views), token_budget, progress, output)

    def pixels(
        self,
        pixels: np.ndarray,
        *,
        token_budget: int = 2_048,
        progress: Progress | None = None,
        output: Output = "vectors",
    ) -> Vectors:
        """Return one row a decoded picture, uint8 [n, 3, h, w], as `__call__` does; for image towers only."""
        if not isinstance(self.tower, ImageTower):
            raise InputError(f"a {self.tower.config.kind} tower reads no pictures; give it views")
        windows = ((start, list(pixels[start : start + _WINDOW_ROWS])) for start in range(0, len(pixels), _WINDOW_ROWS))
        return self._encoded(windows, len(pixels), token_budget, progress, output)

    def tokens(
        self,
        tokens: Sequence[Tokens],
        *,
        token_budget: int = 2_048,
        progress: Progress | None = None,
        output: Output = "vectors",
    ) -> Vectors:
        """Return one row for each row that the tower's `tokenize` made, as `__call__` does."""
        return self._encoded([(0, tokens)], len(tokens), token_budget, progress, output)

    def _encoded(
        self,
        windows: Iterable[tuple[int, Sequence[Tokens]]],
        n_rows: int,
        token_budget: int,
        progress: Progress | None,
        output: Output,
    ) -> Vectors:
        if token_budget < 1:
            raise InputError(f"token_budget = {token_budget}; give at least 1")
        budget = token_budget * self.tower.bytes_per_token
        if _device(self.tower).type != "cpu":
            budget *= _ACCELERATOR_BUDGET
        result = np.empty((n_rows, self.tower.dim), dtype=np.float32)
        done = 0
        with _evaluating(self.tower):
            for start, tokens in windows:
                for rows in budget_batches([row.size for row in tokens], budget):
                    vectors = _run(self.tower, self.forward, [tokens[row] for row in rows], output)
                    if done == 0:
                        result = np.empty((n_rows, vectors.shape[1]), dtype=np.float32)
                    result[rows + start] = vectors
                    done += len(rows)
                    if progress is not None:
                        progress(done, n_rows)
        return result


def encode(
    tower: Tower,
    views: Sequence[bytes],
    *,
    token_budget: int = 2_048,
    precision: Precision = "auto",
    progress: Progress | None = None,
) -> Vectors:
    """Return one unit row a view; see `prepare_encoder` for the precision and `Encoder` for the rest."""
    encoder = prepare_encoder(tower, precision=precision, probe=views)
    return encoder(views, token_budget=token_budget, progress=progress)


def prepare_encoder(tower: Tower, *, precision: Precision = "auto", probe: Sequence[bytes] = ()) -> Encoder:
    """Choose a precision and return the encoder that uses it; `tower` itself stays in fp32.

    "auto" times one batch of rows of `probe` in fp32, bf16 and fp16 and takes the fastest whose least cosine to fp32
    is at least 0.9999; fp32 where `probe` has fewer than 512 rows (256 pictures), since looking would cost more than it
    saves.
    The choice follows a clock: where bytes must repeat, record the chosen precision and ask for it by name.
    """
    if precision != "auto":
        return Encoder(tower=tower, forward=_in_precision(tower, precision), precision=precision, reason="asked for")
    if len(probe) < (_WORTH_PROBING_PICTURES if isinstance(tower, ImageTower) else _WORTH_PROBING_ROWS):
        reason = f"{len(probe)} rows are too few to probe"
        return Encoder(tower=tower, forward=_in_precision(tower, "fp32"), precision="fp32", reason=reason)
    spread = np.linspace(0, len(probe) - 1, _PROBE_ROWS).astype(int)
    tokens = tower.tokenize([probe[i] for i in spread])
    forwards = {name: _in_precision(tower, name) for name in _DTYPES}
    with _evaluating(tower):
        trials = _probe(tower, tokens, forwards)
    best = _fastest_exact(trials)
    return Encoder(
        tower=tower,
        forward=forwards[best.precision],
        precision=best.precision,
        reason=f"fastest of the probe with cosine >= {LEAST_COSINE} to fp32",
        trials=trials,
    )


def engine_encoder(tower: Tower, spec: EngineSpec, folder: Path) -> Encoder:
    """Return the encoder of a tower on a chosen back end, whose graph lies in `folder`; the tower makes its tokens.

    Raises:
        NotInstalledError: the back end is not installed.
        DamagedArtifactError: it does not read the graph.
        InputError: this machine does not compute in that precision.
    """
    if spec.file is None:
        return prepare_encoder(tower, precision="bf16" if spec.precision == "bf16" else "fp32")
    forward = Engine(spec, folder / spec.file)
    return Encoder(tower=tower, forward=forward, precision=spec.precision, reason=f"the bundle's {spec.backend} graph")


def budget_batches(lengths: Sequence[int], budget: int) -> Iterator[np.ndarray[Any, np.dtype[np.int64]]]:
    """Yield row numbers, longest rows first, so that rows times longest row stays within `budget`.

    A row longer than the budget comes alone. Equal lengths keep their order, so that batches are the same every time.
    """
    sizes = np.asarray(lengths, dtype=np.int64)
    order = np.argsort(-sizes, kind="stable")
    start = 0
    while start < len(order):
        n_rows = max(1, budget // max(1, int(sizes[order[start]])))
        yield order[start : start + n_rows]
        start += n_rows


def _probe(tower: Tower, tokens: Sequence[Tokens], forwards: Mapping[str, Forward]) -> tuple[Trial, ...]:
    """Time each precision on one batch, fp32 first, and compare its rows with those of the tower itself."""
    longest_first = sorted(tokens, key=np.size, reverse=True)
    budget = _PROBE_TOKENS * tower.bytes_per_token
    timed = longest_first[: max(1, budget // max(1, longest_first[0].size))]
    reference = _run(tower, tower, tokens)
    one_row_s: dict[str, float] = {}
    trials = []
    for name, forward in forwards.items():
        _run(tower, forward, timed[:1])  # warm-up: a library sets itself up at the first call
        one_row_s[name] = _seconds(tower, forward, timed[:1])
        if one_row_s[name] > _HOPELESS * one_row_s["fp32"]:
            trials.append(Trial(precision=name, seconds=float("inf"), least_cosine=float("nan")))
            continue
        seconds = min(_seconds(tower, forward, timed) for _ in range(3))
        cosine = float((_run(tower, forward, tokens) * reference).sum(axis=1).min())
        trials.append(Trial(precision=name, seconds=seconds, least_cosine=cosine))
    return tuple(trials)


def _fastest_exact(trials: Sequence[Trial]) -> Trial:
    plain = trials[0]
    exact = [t for t in trials if t.least_cosine >= LEAST_COSINE and t.seconds * LEAST_GAIN <= plain.seconds]
    return min(exact, key=lambda trial: trial.seconds, default=plain)


def _seconds(tower: Tower, forward: Forward, tokens: Sequence[Tokens]) -> float:
    started = time.perf_counter()
    _run(tower, forward, tokens)
    return time.perf_counter() - started


def _run(tower: Tower, forward: Forward, tokens: Sequence[Tokens], output: Output = "vectors") -> Vectors:
    device = _device(tower)
    batch = {name: tensor.to(device) for name, tensor in tower.pad(tokens).items()}
    rows: Tensor = forward(**batch) if output == "vectors" else forward.features(**batch)
    result: Vectors = rows.float().cpu().numpy()
    return result


def _device(tower: Tower) -> torch.device:
    return next(tower.parameters()).device


def _in_precision(tower: Tower, precision: str) -> Forward:
    """Return what computes the tower's rows with weights in `precision`; the tower itself is left as it is."""
    dtype = _DTYPES[precision]
    if isinstance(tower, PretrainedNetwork) and fast_bert.supports(tower) and dtype != torch.float16:
        return fast_bert.FastBert(tower, dtype=dtype)
    if isinstance(tower, ImageTower):
        return fast_image_tower(tower, dtype=dtype)
    if precision == "fp32":
        return tower
    tokenizer = getattr(tower, "_tokenizer", None)
    return copy.deepcopy(tower, {id(tokenizer): tokenizer}).to(dtype).eval()


def _read(tower: Tower, views: Sequence[bytes]) -> Iterator[tuple[int, Sequence[Tokens]]]:
    for start in range(0, len(views), _WINDOW_ROWS):
        yield start, tower.tokenize(views[start : start + _WINDOW_ROWS])


def _read_ahead(tower: ImageTower, views: Sequence[bytes]) -> Iterator[tuple[int, Sequence[Tokens]]]:
    """Decode the next pictures while those before them are computed: decoders hold no lock of the interpreter."""
    n_rows = max(1, _WINDOW_BYTES // (3 * tower.side**2))
    starts = range(0, len(views), n_rows)

    def decode(start: int) -> Sequence[Tokens]:
        try:
            return tower.tokenize(views[start : start + n_rows])
        except ImageFaultError as error:
            raise ImageFaultError(f"counted from row {start}: {error}") from error

    with ThreadPoolExecutor(1) as pool:
        decoded = [pool.submit(decode, start) for start in starts[:1]]
        for start in starts:
            tokens = decoded.pop().result()
            if start + n_rows < len(views):
                decoded.append(pool.submit(decode, start + n_rows))
            yield start, tokens


@contextlib.contextmanager
def _evaluating(tower: Tower) -> Iterator[None]:
    """Switch dropout and gradients off, and leave the tower as it was."""
    training = tower.training
    tower.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        tower.train(training)
