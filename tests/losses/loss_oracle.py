"""Slow, obvious versions of every loss: plain loops over floats."""

from __future__ import annotations

import math

from torch import Tensor


def dot(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def log_softmax(row: list[float], at: int) -> float:
    return row[at] - math.log(sum(math.exp(value) for value in row))


def triplet(vectors: Tensor, labels: list[int], margin: float, soft: bool) -> float:
    rows, losses = vectors.tolist(), []
    for i, anchor in enumerate(rows):
        positive = [1 - dot(anchor, rows[j]) for j in range(len(rows)) if j != i and labels[j] == labels[i]]
        negative = [1 - dot(anchor, rows[j]) for j in range(len(rows)) if labels[j] != labels[i]]
        if positive and negative:
            gap = max(positive) - min(negative)
            losses.append(math.log1p(math.exp(gap)) if soft else max(0.0, gap + margin))
    return mean(losses)


def supcon(vectors: Tensor, labels: list[int], temperature: float) -> float:
    rows, losses = vectors.tolist(), []
    for i, anchor in enumerate(rows):
        crowd = sum(math.exp(dot(anchor, rows[a]) / temperature) for a in range(len(rows)) if a != i)
        terms = [
            math.log(math.exp(dot(anchor, rows[p]) / temperature) / crowd)
            for p in range(len(rows))
            if p != i and labels[p] == labels[i]
        ]
        if terms:
            losses.append(-mean(terms))
    return mean(losses)


def infonce(views: Tensor, captions: Tensor, temperature: float, positives: list[list[bool]]) -> float:
    logits = [[dot(v, c) / temperature for c in captions.tolist()] for v in views.tolist()]

    def direction(grid: list[list[float]], mask: list[list[bool]]) -> float:
        losses = []
        for row, hits in zip(grid, mask, strict=True):
            terms = [log_softmax(row, j) for j, hit in enumerate(hits) if hit]
            if terms:
                losses.append(-mean(terms))
        return mean(losses)

    turned = [list(column) for column in zip(*logits, strict=True)]
    turned_mask = [list(column) for column in zip(*positives, strict=True)]
    return (direction(logits, positives) + direction(turned, turned_mask)) / 2


def anchor_logits(
    vectors: Tensor, anchors: Tensor, owners: list[int], n_classes: int, temperature: float, pooling: str
) -> list[list[float]]:
    result = []
    for vector in vectors.tolist():
        row = []
        for c in range(n_classes):
            own = [
                dot(vector, anchor) / temperature
                for anchor, owner in zip(anchors.tolist(), owners, strict=True)
                if owner == c
            ]
            if pooling == "max":
                row.append(max(own))
            elif pooling == "mean":
                row.append(mean(own))
            else:
                row.append(math.log(mean([math.exp(value) for value in own])))
        result.append(row)
    return result


def cross_entropy(logits: Tensor, targets: list[list[float]], weights: list[float], smoothing: float) -> float:
    total, weight_sum = 0.0, 0.0
    for row, target in zip(logits.tolist(), targets, strict=True):
        if sum(target) == 0:
            continue
        weight = dot(target, weights)
        smooth = [(1 - smoothing) * t + smoothing / len(row) for t in target]
        total -= weight * sum(s * log_softmax(row, c) for c, s in enumerate(smooth))
        weight_sum += weight
    return total / weight_sum if weight_sum else 0.0


def hierarchy(
    views: Tensor, captions: Tensor, labels: list[int], families: list[int], temperature: float, kin: float
) -> tuple[float, float]:
    """Return the symmetric part, and the contrast among the views."""
    v, c, n = views.tolist(), captions.tolist(), len(labels)

    def weight(i: int, j: int) -> float:
        return kin if families[i] == families[j] and labels[i] != labels[j] else 1.0

    def direction(a: list[list[float]], b: list[list[float]], *, diagonal: bool) -> float:
        losses = []
        for i in range(n):
            others = [j for j in range(n) if diagonal or j != i]
            crowd = sum(weight(i, j) * math.exp(dot(a[i], b[j]) / temperature) for j in others)
            terms = [
                math.log(math.exp(dot(a[i], b[p]) / temperature) / crowd) for p in others if labels[p] == labels[i]
            ]
            if terms:
                losses.append(-mean(terms))
        return mean(losses)

    both = (direction(v, c, diagonal=True) + direction(c, v, diagonal=True)) / 2
    return both, direction(v, v, diagonal=False)
