"""What anyone would try first on the same sentences: words and a linear SVM, and descriptions without any tuning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from threatclip.classification.heads import AnchorHead
from threatclip.classification.scores import UNSEEN_SCORE, spread
from threatclip.encoders.pretrained import PretrainedTower
from threatclip.encoders.towers import Tower, build_tower
from threatclip.experiments.rows import Rows
from threatclip.experiments.technique.rows import Techniques
from threatclip.experiments.technique.space import vectors
from threatclip.pairs.pair import view_text
from threatclip.seeds import rng

WORDS_SVC, ZERO_SHOT = "words_svc", "zero_shot_untuned"


def words_svc(learned: Rows, texts: Sequence[bytes], techniques: Techniques, *, seed: int) -> np.ndarray:
    """Return the margins [n, c] of scikit-learn's own TF-IDF of one and two words with a linear SVM.

    Classes are balanced and term counts are logarithms: the bar that `docs/results/attack-technique.md` names.
    """
    features = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    train = features.fit_transform([view_text(view) for view in learned.views])
    state = int(rng(seed, "technique/baseline").integers(2**31))
    model = LinearSVC(class_weight="balanced", random_state=state).fit(train, learned.labels)
    margins = np.asarray(model.decision_function(features.transform([view_text(text) for text in texts])))
    if margins.ndim == 1:
        margins = np.stack([-margins, margins], axis=1)
    return spread(margins, classes=model.classes_, n_classes=len(techniques.all), fill=UNSEEN_SCORE)


def untuned_tower() -> Tower:
    """Return all-MiniLM-L6-v2 as it is."""
    return build_tower(PretrainedTower(max_tokens=128), seed=0).eval()


def nearest_description(texts: Sequence[bytes], techniques: Techniques, tower: Tower) -> np.ndarray:
    """Return the cosine [n, c] of sentences to "name. first sentence of the description" of each technique."""
    captions = [one.captions[0].encode() for one in techniques.all]
    owner = np.arange(len(captions), dtype=np.int64)
    head = AnchorHead(anchors=vectors(tower, captions, cached=True), owner=owner, n_classes=len(captions))
    return head.scores(vectors(tower, texts, cached=True))
