"""Scenes of threat events, and of peace: what sample posts show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from threatclip.pairs.drawing.canvas import Color, box, grid, noise, paint, plain
from threatclip.pairs.drawing.scenery import (
    boat,
    flame,
    flames,
    ground,
    haze,
    houses,
    palms,
    rain,
    skyline,
    slab,
    smoke,
    tower,
    trees,
    water,
)
from threatclip.pairs.drawing.shapes import varied

KINDS = ("flood", "wildfire", "building-fire", "earthquake", "storm", "peace")
TIMES = ("morning", "afternoon", "evening", "night")

_SKIES: Mapping[str, tuple[Color, Color]] = {  # top and horizon
    "morning": ((0.52, 0.70, 0.92), (0.93, 0.86, 0.78)),
    "afternoon": ((0.34, 0.58, 0.90), (0.78, 0.88, 0.97)),
    "evening": ((0.30, 0.28, 0.52), (0.95, 0.55, 0.32)),
    "night": ((0.02, 0.03, 0.09), (0.10, 0.11, 0.20)),
}
_CLEAR_WATER: Color = (0.22, 0.42, 0.58)
_MUD: Color = (0.48, 0.36, 0.22)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a picture shows: `kind` of KINDS, `time` of TIMES, `severity` from 0 (little) to 1 (disaster)."""

    kind: str
    time: str
    severity: float
    tropical: bool = False
    coastal: bool = False


def draw_scene(scene: Scene, rng: np.random.Generator, side: int) -> np.ndarray:
    """Return a scene as a canvas, float32 `[side, side, 3]`; the generator chooses what the facts leave open."""
    horizon = rng.uniform(0.42, 0.58)
    canvas = _sky(scene, rng, side)
    _PAINTERS[scene.kind](canvas, scene, rng, horizon)
    dim = {"night": 0.75, "evening": 0.9}.get(scene.time, 1.0)
    canvas *= np.float32(dim * rng.uniform(0.92, 1.08))
    canvas += rng.normal(0, 0.015, canvas.shape[:2])[..., None].astype(np.float32)
    return canvas


def _sky(scene: Scene, rng: np.random.Generator, side: int) -> np.ndarray:
    top, low = (varied(rng, color) for color in _SKIES[scene.time])
    if scene.kind == "storm" and scene.time != "night":
        top, low = varied(rng, (0.36, 0.39, 0.44)), varied(rng, (0.60, 0.62, 0.64))
    canvas = plain(side, top)
    _, y = grid(side)
    paint(canvas, np.clip(y * 1.8, 0, 1), low)
    clouds = noise(rng, side, cells=6)
    bright = 0.25 if scene.time == "night" else 0.95
    paint(canvas, np.clip(clouds * 2 - 1.2, 0, 0.7) * (y < 0.5), (bright, bright, bright))
    return canvas


def _flood(canvas: np.ndarray, scene: Scene, rng: np.random.Generator, horizon: float) -> None:
    ground(canvas, rng, horizon, (0.42, 0.46, 0.36))
    houses(canvas, rng, horizon + 0.1, low=scene.tropical, night=scene.time == "night")
    if scene.tropical:
        palms(canvas, rng, horizon + 0.1, lean=0.0)
    surface = horizon + 0.22 - 0.24 * scene.severity
    water(canvas, rng, surface, _MUD if scene.tropical or rng.random() < 0.6 else _CLEAR_WATER)
    if scene.severity > 0.5 and rng.random() < 0.6:
        boat(canvas, rng, surface)


def _wildfire(canvas: np.ndarray, scene: Scene, rng: np.random.Generator, horizon: float) -> None:
    ground(canvas, rng, horizon, (0.22, 0.27, 0.12))
    haze(canvas, scene.severity)
    smoke(canvas, rng, horizon, scene.severity)
    trees(canvas, rng, horizon, count=int(rng.integers(5, 10)))
    flames(canvas, rng, horizon + 0.12, count=2 + int(10 * scene.severity), height=0.12 + 0.3 * scene.severity)


def _building_fire(canvas: np.ndarray, scene: Scene, rng: np.random.Generator, horizon: float) -> None:
    ground(canvas, rng, horizon + 0.15, (0.30, 0.30, 0.32))
    left, width, top = rng.uniform(0.12, 0.4), rng.uniform(0.34, 0.5), rng.uniform(0.14, 0.34)
    smoke(canvas, rng, top + 0.15, scene.severity)
    tower(canvas, rng, left, left + width, top, horizon + 0.3, night=scene.time == "night")
    for _ in range(1 + int(4 * scene.severity)):
        x, y = rng.uniform(left, left + width), rng.uniform(top, horizon + 0.2)
        flame(canvas, x, y + 0.05, rng.uniform(0.04, 0.08), rng.uniform(0.1, 0.16) + 0.16 * scene.severity)
    if rng.random() < 0.5:  # an engine in front
        at = rng.uniform(0.05, 0.7)
        paint(canvas, box(canvas.shape[0], at, 0.86, at + 0.26, 0.95), (0.80, 0.08, 0.08))


def _earthquake(canvas: np.ndarray, scene: Scene, rng: np.random.Generator, horizon: float) -> None:
    ground(canvas, rng, horizon, (0.52, 0.47, 0.40))
    houses(canvas, rng, horizon + 0.1, low=False, night=scene.time == "night")
    for _ in range(10 + int(40 * scene.severity)):
        gray = rng.uniform(0.35, 0.75)
        x, y, radius = rng.uniform(0, 1), rng.uniform(horizon - 0.12 * scene.severity, 1), rng.uniform(0.02, 0.07)
        paint(canvas, slab(canvas.shape[0], x, y, radius, rng.uniform(0, np.pi)), (gray, gray * 0.95, gray * 0.88))


def _storm(canvas: np.ndarray, scene: Scene, rng: np.random.Generator, horizon: float) -> None:
    if scene.coastal:
        skyline(canvas, rng, horizon, lit=scene.time == "night" and scene.severity < 0.6)
        water(canvas, rng, horizon, (0.24, 0.32, 0.38), swell=0.06 + 0.08 * scene.severity)
    else:
        ground(canvas, rng, horizon, (0.33, 0.40, 0.28))
        houses(canvas, rng, horizon + 0.1, low=False, night=scene.time == "night")
    palms(canvas, rng, horizon + 0.15, lean=0.15 + 0.2 * scene.severity)
    rain(canvas, rng, scene.severity)


def _peace(canvas: np.ndarray, scene: Scene, rng: np.random.Generator, horizon: float) -> None:
    """Draw what looks a little like an event and is none: a lake, a town, a wood, a beach, a campfire."""
    ground(canvas, rng, horizon, (0.36, 0.58, 0.26))
    sight = int(rng.random() * 4)
    if sight == 0 or scene.coastal:
        water(canvas, rng, horizon + 0.12, (0.20, 0.52, 0.68))
    elif sight == 1:
        houses(canvas, rng, horizon + 0.1, low=False, night=scene.time == "night")
    if sight >= 2:
        trees(canvas, rng, horizon, count=int(rng.integers(3, 7)))
    if sight == 3:
        flame(canvas, rng.uniform(0.3, 0.7), 0.9, 0.04, 0.1)


_Painter = Callable[[np.ndarray, Scene, np.random.Generator, float], None]
_PAINTERS: Mapping[str, _Painter] = {
    "flood": _flood,
    "wildfire": _wildfire,
    "building-fire": _building_fire,
    "earthquake": _earthquake,
    "storm": _storm,
    "peace": _peace,
}
