"""The space of a dual encoder as event models use it: posts and prompts as vectors, bodies read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from threatclip.classification.heads import unit
from threatclip.encoders.dual import DualEncoder
from threatclip.encoders.encode import encode, prepare_encoder
from threatclip.encoders.feature_cache import cached_features, picture_features
from threatclip.encoders.pretrained import PretrainedNetwork
from threatclip.encoders.towers import ImageTower, Tower
from threatclip.errors import InputError
from threatclip.experiments.events.catalogue import Catalogue
from threatclip.experiments.events.features import PICTURE, WORDS
from threatclip.experiments.events.zero_shot import SENTENCE_TEMPERATURE, Logits, prompt_logits
from threatclip.pairs.pair import Pair
from threatclip.training.dual.prepared import body_is_frozen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PostVectors:
    """Vectors of n posts; a missing half is a row of zeros and False.

    Attributes:
        picture: unit rows [n, d] in the joint space.
        words: unit rows [n, d] in the joint space.
        sentence: unit rows [n, w] of the text tower's own body, where somebody else trained that; else `words`.
        has_picture: bool [n].
        has_words: bool [n].
    """

    picture: np.ndarray
    words: np.ndarray
    sentence: np.ndarray
    has_picture: np.ndarray
    has_words: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Space:
    """A dual encoder of pictures and texts."""

    dual: DualEncoder

    def __post_init__(self) -> None:
        if not isinstance(self.dual.view_tower, ImageTower):
            raise InputError(
                f"a dual encoder of {self.dual.view_tower.config.kind!r} views reads no pictures; events need one that "
                "does"
            )

    @property
    def has_sentences(self) -> bool:
        """Whether the text tower brings a space of its own."""
        return isinstance(self.dual.text_tower, PretrainedNetwork) and body_is_frozen(self.dual.text_tower)

    def vectors(self, pairs: Sequence[Pair]) -> PostVectors:
        """Return the vectors of posts, in fp32.

        Raises:
            ImageFaultError: a picture cannot be read safely.
        """
        views, captions = [pair.view for pair in pairs], [pair.caption or "" for pair in pairs]
        seen = [row for row, view in enumerate(views) if view]
        said = [row for row, text in enumerate(captions) if text]
        texts = [captions[row] for row in said]
        words, sentence = self.texts(texts)
        there = (np.isin(np.arange(len(pairs)), rows) for rows in (seen, said))
        has_picture, has_words = there
        return PostVectors(
            picture=_placed(self.pictures([views[row] for row in seen]), has_picture),
            words=_placed(words, has_words),
            sentence=_placed(sentence, has_words),
            has_picture=has_picture,
            has_words=has_words,
        )

    def pictures(self, views: Sequence[bytes]) -> np.ndarray:
        """Return unit vectors [n, d] of encoded pictures."""
        tower = self.dual.view_tower
        if not isinstance(tower, ImageTower) or not views:
            return np.zeros((0, self.dual.dim), dtype=np.float32)
        if not _is_read_once(tower):
            return encode(tower, views, precision="fp32")
        return _projected(tower, picture_features(tower, views))

    def texts(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return unit vectors of texts in the joint space [n, d] and in the text tower's own [n, w]."""
        tower = self.dual.text_tower
        rows = [text.encode("utf-8", "replace") for text in texts]
        if not self.has_sentences or not rows:
            vectors = encode(tower, rows, precision="fp32") if rows else np.zeros((0, tower.dim), dtype=np.float32)
            return vectors, vectors
        encoder = prepare_encoder(tower, precision="fp32")

        def compute(missing: Sequence[bytes]) -> np.ndarray:
            return encoder(missing, output="features")

        features = cached_features(tower, rows, width=compute(rows[:1]).shape[1], compute=compute)
        return _projected(tower, features), unit(features)

    def logits(self, vectors: PostVectors, catalogue: Catalogue, *, in_joint: bool = False) -> Logits:
        """Return the zero-shot logits of posts.

        Args:
            vectors: of the posts.
            catalogue: events and their prompts.
            in_joint: compare words with prompts in the joint space, even where the text tower has one of its own.

        Raises:
            InputError: a class has no prompts.
        """
        temperature = float(self.dual.temperature.detach())
        pictures, words = catalogue.prompts(PICTURE), catalogue.prompts(WORDS)
        shown, _ = self.texts([text for texts in pictures.values() for text in texts])
        joint, sentence = self.texts([text for texts in words.values() for text in texts])
        own = self.has_sentences and not in_joint
        return Logits(
            picture=prompt_logits(vectors.picture, shown, pictures, temperature=temperature),
            words=prompt_logits(
                vectors.sentence if own else vectors.words,
                sentence if own else joint,
                words,
                temperature=SENTENCE_TEMPERATURE if own else temperature,
            ),
            has_picture=vectors.has_picture,
            has_words=vectors.has_words,
        )


def _is_read_once(tower: Tower) -> bool:
    # of bodies that a run trained, the disk would fill up
    config = tower.config
    published = getattr(config, "source", None) is not None and not getattr(config, "n_trainable_layers", 0)
    return published and body_is_frozen(tower)


def _projected(tower: Tower, features: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return np.asarray(tower.project(torch.from_numpy(features)).float().numpy())


def _placed(found: np.ndarray, there: np.ndarray) -> np.ndarray:
    vectors = np.zeros((len(there), found.shape[1]), dtype=np.float32)
    vectors[there] = found
    return vectors
