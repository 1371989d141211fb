"""Made-up payloads of three classes, easy enough for every model to learn something."""

from __future__ import annotations

import numpy as np

CLASSES = ("xss", "sqli", "traversal")
_ATTACKS = (
    ("<script>alert({n})</script>", '"><img src=x onerror=prompt({n})>'),
    ("' OR {n}={n} -- -", "1 UNION SELECT {n},NULL FROM users"),
    ("../../../etc/shadow{n}", "..%2f..%2fboot.ini?{n}"),
)


def payloads(n: int, seed: int) -> tuple[list[bytes], np.ndarray]:
    """Return n requests and their class indices; a tenth of the labels is wrong."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(len(CLASSES), size=n)
    views = []
    for label in truth:
        attack = _ATTACKS[label][rng.integers(2)].format(n=rng.integers(1000))
        page = ("index", "search", "login", "übersicht")[rng.integers(4)]
        views.append(f"GET /{page}?id={attack} HTTP/1.1\r\nHost: www{rng.integers(50)}.test\r\n\r\n".encode())
    noisy = rng.random(n) < 0.1
    truth[noisy] = rng.integers(len(CLASSES), size=int(noisy.sum()))
    return views, truth


def clouds(n: int, d: int, c: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return n unit vectors around c centers (the same for every seed) and their class indices."""
    centers = np.random.default_rng(99).normal(size=(c, d))
    rng = np.random.default_rng(seed)
    truth = rng.integers(c, size=n)
    z = centers[truth] + 0.8 * rng.normal(size=(n, d))
    return (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32), truth
