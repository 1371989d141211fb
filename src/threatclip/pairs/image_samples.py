"""The embedded generators of sample pictures and posts: no real picture, no license, endless.

`sample_pictures` composes colored shapes: 80 classes, and captions that say exactly what was drawn [poisoning spec
7.1]. `sample_posts` draws scenes and words them as posts for the eight event tags [events spec E2], with what makes
real posts hard: halves that lack, reposts, other languages, tags that give the answer away.
Row i is a pure function of (seed, i) and the other arguments, so a longer table begins with the shorter one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np

from threatclip.errors import InputError
from threatclip.pairs.drawing.canvas import to_bytes
from threatclip.pairs.drawing.compositions import compose, pick
from threatclip.pairs.drawing.scenes import TIMES, Scene, draw_scene
from threatclip.pairs.drawing.shapes import COLORS, SHAPES
from threatclip.pairs.grammar import event_posts
from threatclip.pairs.grammar.engine import Grammar
from threatclip.pairs.images import encode_png
from threatclip.pairs.pair import Pair
from threatclip.pairs.posts import Hashtags, normalize_post
from threatclip.seeds import rng as named_rng

PICTURE_CLASSES = tuple(f"{color}-{shape}" for shape in SHAPES for color in COLORS)
PICTURE_TEMPLATES = (
    "a picture of {}",
    "a drawing of {}",
    "an image of {}",
    "there is {}",
    "this is {}",
    "here we see {}",
    "{} is shown",
    "{}",
)
EVENT_TAGS: Mapping[str, tuple[str, ...]] = {  # event tag to the kinds of scene that it may show
    "floodwater": ("flood",),
    "forrestfire": ("wildfire",),
    "buildingfire": ("building-fire",),
    "accrafloods": ("flood",),
    "disasters": ("flood", "wildfire", "building-fire", "earthquake", "storm"),
    "naturaldisaster": ("flood", "wildfire", "earthquake", "storm"),
    "hurricanesandy": ("storm", "storm", "storm", "flood"),
    "other": ("peace",),
}
MIN_SIDE, MAX_SIDE = 16, 512
_TOLD = 0.7  # probability that size, company and ground of a shape are told
_WITHOUT_PICTURE, _WITHOUT_WORDS, _REPOSTS = 0.08, 0.10, 0.04
_REPOSTS_WITHIN = 300  # rows
_WHEN = {"morning": "this morning", "afternoon": "this afternoon", "evening": "this evening", "night": "tonight"}
_FIRST_DAY = datetime(2012, 1, 1, tzinfo=UTC)
_DAYS = 8 * 365


@dataclass(frozen=True, slots=True, kw_only=True)
class _Post:
    """One post as it is written first; a repost shares it."""

    label: str
    scene: Scene
    raw: str
    language: str
    picture: np.ndarray
    time: datetime


def sample_pictures(n: int, *, seed: int, side: int = 64, classes: Sequence[str] | None = None) -> Iterator[Pair]:
    """Yield `n` pictures of colored shapes as PNG with one caption each, balanced over `classes`.

    Each is a group of its own. `classes` are labels such as "red-star", all 80 when None; `side` is 16 to 512 pixels.

    Raises:
        InputError: a negative `n`, a side out of range, an unknown or repeated class.
    """
    labels = tuple(PICTURE_CLASSES if classes is None else classes)
    _check(n, side, labels, PICTURE_CLASSES)
    return (_picture(seed, row, side, labels[row % len(labels)]) for row in range(n))


def sample_posts(
    n: int, *, seed: int, side: int = 64, classes: Sequence[str] | None = None, hashtags: Hashtags = "strip"
) -> Iterator[Pair]:
    """Yield `n` posts about threat events as image pairs, labeled with the eight event tags.

    About 8% have no picture (an empty view) and 15% no words (no caption); 4% repost an earlier one: the same words,
    the picture slightly changed, another id. `meta` names scene, severity, language, and whose repost it is.

    Args:
        n: how many; memory does not grow with it.
        seed: the seed of every choice.
        side: width and height of the pictures, 16 to 512 pixels.
        classes: event tags to draw from, all eight when None.
        hashtags: as in `normalize_post`; anything but "strip" leaves the tag, which is the label, in the words.

    Raises:
        InputError: a negative `n`, a side out of range, an unknown or repeated tag.
    """
    labels = tuple(EVENT_TAGS if classes is None else classes)
    _check(n, side, labels, tuple(EVENT_TAGS))
    return (_post_pair(seed, row, side, labels, hashtags) for row in range(n))


def _check(n: int, side: int, classes: Sequence[str], known: Sequence[str]) -> None:
    if n < 0:
        raise InputError(f"cannot make {n} sample pairs; ask for zero or more")
    if not MIN_SIDE <= side <= MAX_SIDE:
        raise InputError(f"a side of {side} pixels is not between {MIN_SIDE} and {MAX_SIDE}")
    if not classes or len(set(classes)) != len(classes) or not set(classes) <= set(known):
        raise InputError(f"sample classes {list(classes)} are not distinct names out of {', '.join(known)}")


def _picture(seed: int, row: int, side: int, label: str) -> Pair:
    rng = named_rng(seed, f"samples/picture/{row}")
    color, shape = label.split("-")
    composition = compose(rng, side, color=color, shape=shape)
    pair_id = f"picture-{seed}-{row:07d}"
    return Pair(
        id=pair_id,
        view=encode_png(to_bytes(composition.canvas)),
        caption=_caption(rng, f"{color} {shape}", composition.words),
        label=label,
        group=pair_id,
        meta={"source": "samples", **{name: words for name, words in composition.words.items() if words}},
    )


def _caption(rng: np.random.Generator, name: str, words: Mapping[str, str]) -> str:
    told = {part: value if rng.random() < _TOLD else "" for part, value in words.items()}
    thing = pick(rng, PICTURE_TEMPLATES).format(_with_article(f"{told['size']} {name}".strip()))
    ground = f"on a {told['ground']} background" if told["ground"] else ""
    return " ".join(part for part in (thing, told["second"], ground) if part)


def _with_article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _post_pair(seed: int, row: int, side: int, labels: tuple[str, ...], hashtags: Hashtags) -> Pair:
    rng = named_rng(seed, f"samples/post-row/{row}")
    origin = _origin(seed, row)
    repost = origin != row
    post = _post(seed, origin, side, labels)
    raw, picture, time = post.raw, post.picture, post.time
    if repost:
        raw, picture = f"RT {_words().expand('handle', rng)}: {raw}", _copied(picture, rng)
        time += timedelta(hours=int(rng.integers(1, 72)))
    lacking = rng.random()
    words = "" if lacking < _WITHOUT_WORDS else normalize_post(raw, hashtags=hashtags)
    shown = not words or lacking < 1 - _WITHOUT_PICTURE
    pair_id = f"post-{seed}-{row:07d}"
    facts = {
        "source": "samples",
        "scene": post.scene.kind,
        "severity": _severity(post.scene),
        "language": post.language if words else "und",
        **({"repost_of": f"post-{seed}-{origin:07d}"} if repost else {}),
    }
    view = encode_png(to_bytes(picture)) if shown else b""
    return Pair(id=pair_id, view=view, caption=words or None, label=post.label, group=pair_id, time=time, meta=facts)


def _origin(seed: int, row: int) -> int:
    """Return the row that `row` reposts, or `row` itself; what is reposted is never a repost."""
    rng = named_rng(seed, f"samples/repost/{row}")
    if row == 0 or rng.random() >= _REPOSTS:
        return row
    origin = int(rng.integers(max(0, row - _REPOSTS_WITHIN), row))
    return origin if _origin(seed, origin) == origin else row


def _post(seed: int, row: int, side: int, labels: tuple[str, ...]) -> _Post:
    rng = named_rng(seed, f"samples/post/{row}")
    label = labels[row % len(labels)]
    severity = float(rng.random())
    scene = Scene(
        kind=pick(rng, EVENT_TAGS[label]),
        time=pick(rng, TIMES if label != "hurricanesandy" else ("evening", "night", "night")),
        severity=severity,
        tropical=label == "accrafloods",
        coastal=label == "hurricanesandy" or rng.random() < 0.2,
    )
    much = "low" if severity < 0.35 else "mid" if severity < 0.7 else "high"
    grammar = _words()
    place = {"accrafloods": "Accra", "hurricanesandy": pick(rng, ("New York", "the Jersey Shore", "Long Island"))}
    bound = {
        "when": _WHEN[scene.time],
        "much": grammar.expand(f"damage_{much}", rng),
        "place": place.get(label) if rng.random() < 0.4 and label in place else grammar.expand("town", rng),
    }
    language = "en" if rng.random() < 0.9 else pick(rng, ("es", "sv"))
    return _Post(
        label=label,
        scene=scene,
        raw=_raw(rng, label, scene.kind.replace("-", "_"), language, {k: str(v) for k, v in bound.items()}),
        language=language,
        picture=draw_scene(scene, rng, side),
        time=_FIRST_DAY + timedelta(hours=int(rng.integers(_DAYS * 24))),
    )


def _raw(rng: np.random.Generator, label: str, kind: str, language: str, bound: Mapping[str, str]) -> str:
    """Return a post as it stands on the platform; some have tags only."""
    grammar = _words()
    rule = kind if language == "en" else f"{language}_{kind}"
    said = grammar.expand(rule, rng, bindings=bound) if rng.random() < 0.94 else ""
    said = " ".join(said.split()).replace(" ,", ",").replace(" .", ".")
    parts = [said[:1].upper() + said[1:]]
    if said and rng.random() < 0.3:
        parts.append(grammar.expand(f"emoji_{kind}", rng))
    parts += [grammar.expand(f"tags_{kind}", rng) for _ in range(int(rng.integers(0, 3)))]
    if label != "other":
        parts.insert(int(rng.integers(1, len(parts) + 1)), f"#{label}")
    if rng.random() < 0.3:
        parts.append(grammar.expand("link", rng))
    return " ".join(parts)


def _copied(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a picture as another account shows it: a little brighter or darker, with the noise of encoding anew."""
    noise = rng.normal(0, 0.008, picture.shape).astype(np.float32)
    return np.asarray(picture * np.float32(rng.uniform(0.93, 1.07)) + noise)


def _severity(scene: Scene) -> str:
    if scene.kind == "peace":
        return "none"
    return "little" if scene.severity < 0.35 else "mild" if scene.severity < 0.7 else "severe"


@cache
def _words() -> Grammar:
    return Grammar(event_posts.TEXT)
