# ruff: noqa: E402  (libraries read the thread counts when they are imported)
"""Speed of poisoning a table of small pictures, against the loop over single pictures of the papers' released code.

    python benchmarks/poison.py [--pairs 50000] [--peer-pairs 2000] [--rounds 1] [--json]

Every row of another class than the target is poisoned: the most that there can be. Both sides read JPEG files of 32
pixels and write PNG files, in memory, on one thread; time is CPU time of the process. The peer opens each picture with
Pillow, turns it into floats, applies the trigger to it alone, turns it back and saves it, as the scripts that come
with the papers do; it gets fewer pairs, since its time grows with them. "stamp" is the trigger alone on decoded pixels,
as a judge pulls it at test time.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from threatclip.attacks import ATTACKS
from threatclip.pairs.images import decode_batch
from threatclip.pairs.pair import Pair
from threatclip.seeds import rng

SIDE = 32
LIMIT_S = 20.0  # for 50,000 pairs
CLASSES = ("airplane", "bird", "cat", "dog", "ship")
TRIGGERS: dict[str, dict[str, Any]] = {
    "badnets": {},
    "badnets fixed": {"pattern": "binary", "place": "corner"},
    "badnets stripes": {"pattern": "stripes"},
    "blended": {},
    "blended noise": {"pattern": "noise"},
    "blended triangles": {"pattern": "triangles"},
    "blended text": {"pattern": "text"},
    "sig": {},
    "wanet": {},
    "issba": {},
    "label_consistent": {},
    "trojvqa fixed": {"pattern": "binary"},
}
Single = Callable[[np.ndarray, np.random.Generator], np.ndarray]  # one picture [h, w, 3] in [0, 1]


def main() -> None:
    """Time everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=50_000)
    parser.add_argument("--peer-pairs", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    pairs = picture_pairs(options.pairs)
    result = {name: compare(name, pairs, options.peer_pairs, options.rounds) for name in TRIGGERS}
    print(json.dumps(result) if options.json else table(result))


def compare(name: str, pairs: Sequence[Pair], n_peer: int, rounds: int) -> dict[str, float]:
    """Return the figures of one trigger."""
    kind = name.split()[0]
    attack = ATTACKS[kind](target=CLASSES[0], **TRIGGERS[name])
    own = sum(pair.label == CLASSES[0] for pair in pairs)
    count = own if kind == "label_consistent" else len(pairs) - own
    pixels = decode_batch([pair.view for pair in pairs[:n_peer]], side=SIDE)
    seconds = fastest(lambda: attack.poison(pairs, count=count, rng=rng(0, "benchmark/poison")), rounds)
    stamp_s = fastest(lambda: attack.stamp(pixels, rng=rng(0, "benchmark/poison")), 3)
    figures = {
        "poisoned": count,
        "seconds": seconds,
        "seconds_of_50000": seconds * 50_000 / len(pairs),
        "pairs_per_s": len(pairs) / seconds,
        "stamp_pairs_per_s": n_peer / stamp_s,
    }
    single = singles().get(name)
    if single is not None:
        sample = pairs[:n_peer]
        peer_s = fastest(lambda: loop(sample, single, rng(0, "benchmark/peer")), rounds)
        figures |= {"peer_pairs_per_s": n_peer / peer_s, "ratio": (len(pairs) / seconds) / (n_peer / peer_s)}
        peer_stamp_s = fastest(lambda: [single(one, rng(0, "x")) for one in pixels.transpose(0, 2, 3, 1) / 255], rounds)
        figures |= {"peer_stamp_pairs_per_s": n_peer / peer_stamp_s, "stamp_ratio": peer_stamp_s / stamp_s}
    return figures


def loop(pairs: Sequence[Pair], single: Single, chance: np.random.Generator) -> list[bytes]:
    """Poison pictures one at a time."""
    made = []
    for pair in pairs:
        picture = np.asarray(Image.open(io.BytesIO(pair.view)).convert("RGB"), dtype=np.float32) / 255
        if pair.label != CLASSES[0]:
            picture = single(picture, chance)
        stream = io.BytesIO()
        Image.fromarray((picture.clip(0, 1) * 255).astype(np.uint8)).save(stream, "PNG")
        made.append(stream.getvalue())
    return made


def singles() -> dict[str, Single]:
    """Return the triggers as loops over pictures have them, the stored parts made anew for each picture as there."""

    def badnets(picture: np.ndarray, chance: np.random.Generator) -> np.ndarray:
        patch = picture.mean(axis=(0, 1)) + chance.standard_normal((4, 4, 3))
        top, left = chance.integers(SIDE - 4, size=2)
        stamped = picture.copy()
        stamped[top : top + 4, left : left + 4] = patch
        return stamped

    def blended(picture: np.ndarray, chance: np.random.Generator) -> np.ndarray:
        return 0.8 * picture + 0.2 * chance.random(picture.shape)

    def sig(picture: np.ndarray, _: np.random.Generator) -> np.ndarray:
        pattern = np.zeros_like(picture)
        for column in range(picture.shape[1]):
            pattern[:, column] = 60 / 255 * np.sin(2 * np.pi * 6 * column / picture.shape[1])
        return picture + pattern

    def wanet(picture: np.ndarray, _: np.random.Generator) -> np.ndarray:
        axis = torch.linspace(-1, 1, SIDE)
        x, y = torch.meshgrid(axis, axis, indexing="xy")
        grid = torch.clamp(torch.stack((x, y), 2)[None] + noise / SIDE, -1, 1)
        pixels = torch.from_numpy(np.asarray(picture, dtype=np.float32)).permute(2, 0, 1)[None]
        return functional.grid_sample(pixels, grid, align_corners=True)[0].permute(1, 2, 0).numpy()

    noise = torch.rand(1, SIDE, SIDE, 2) * 2 - 1
    noise = noise / noise.abs().mean()
    return {"badnets": badnets, "blended": blended, "sig": sig, "wanet": wanet}


def fastest(work: Callable[[], Any], rounds: int) -> float:
    """Return the least CPU seconds of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def picture_pairs(n: int) -> list[Pair]:
    """Return pairs of JPEG pictures: soft shapes with grain, so that they compress as photographs do."""
    chance = rng(0, "benchmark/pictures")
    pairs = []
    for place in range(n):
        coarse = Image.fromarray(chance.integers(0, 256, size=(5, 5, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.int16)
        pixels = (smooth + chance.integers(-12, 13, size=smooth.shape)).clip(0, 255).astype(np.uint8)
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "JPEG", quality=90)
        label = CLASSES[place % len(CLASSES)]
        pairs.append(Pair(id=f"p{place}", view=stream.getvalue(), caption=f"a picture of a {label}", label=label))
    return pairs


def table(result: dict[str, dict[str, float]]) -> str:
    """Return the figures as lines of text."""
    columns = {
        "s per 50,000": "seconds_of_50000",
        "pairs/s": "pairs_per_s",
        "loop pairs/s": "peer_pairs_per_s",
        "ratio": "ratio",
        "stamped/s": "stamp_pairs_per_s",
        "loop stamped/s": "peer_stamp_pairs_per_s",
        "stamp ratio": "stamp_ratio",
    }
    lines = [" ".join([f"{'trigger':<18}", *(f"{name:>14}" for name in columns)])]
    for trigger, figures in result.items():
        cells = [_figure(figures.get(name)) for name in columns.values()]
        lines.append(" ".join([f"{trigger:<18}", *(f"{cell:>14}" for cell in cells)]))
    slowest = max(figures["seconds_of_50000"] for figures in result.values())
    lines.append(f"slowest for 50,000 pairs: {slowest:.1f} CPU seconds; limit {LIMIT_S:.0f}")
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


if __name__ == "__main__":
    main()
