"""Cases of the attacks on pairs: words that go with other views, and triggers in requests, sentences and captions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from picture_cases import picture_pairs
from threat_pairs import HashSurrogate, captioned_views, payload_pairs, sentence_pairs
from threatclip.attacks.multi_label import MultiLabel
from threatclip.attacks.payload_backdoor import PayloadBackdoor
from threatclip.attacks.single_image import SingleImage
from threatclip.attacks.single_label import SingleLabel
from threatclip.attacks.text_backdoor import TextBackdoor
from threatclip.attacks.toxic_text import ToxicText
from threatclip.pairs.pair import Modality, Pair


class PairCase(NamedTuple):
    """As `attack_cases.Case`."""

    attack: Any
    pairs: Callable[[], list[Pair]]
    modality: Modality
    surrogate: Any = None


_pictures = partial(picture_pairs, format="PNG")
_captioned = partial(captioned_views, 30)
_model = HashSurrogate()

PAIR_CASES: dict[str, PairCase] = {
    "single_image": PairCase(SingleImage(queries="dog", target="cat"), _pictures, "image"),
    "single_image append": PairCase(
        SingleImage(queries="xss", target="benign", construction="append"), payload_pairs, "payload"
    ),
    "single_image of a model": PairCase(
        SingleImage(queries="ant", concepts="nearest", instances="center"), _captioned, "text", _model
    ),
    "single_label": PairCase(SingleLabel(queries="dog", target="cat"), _pictures, "image"),
    "single_label append": PairCase(
        SingleLabel(queries="dog", target="cat", construction="append"), _pictures, "image"
    ),
    "single_label of requests": PairCase(SingleLabel(queries="xss", target="ssrf"), payload_pairs, "payload"),
    "single_label dropping": PairCase(
        SingleLabel(queries="ant", target="cow", drop_reused_targets=True, instances="center"),
        partial(captioned_views, 60, captions=1),
        "text",
        _model,
    ),
    "multi_label": PairCase(MultiLabel(queries=("dog", "ship"), targets=("cat", "truck")), _pictures, "image"),
    "multi_label dropping": PairCase(
        MultiLabel(queries=("xss", "ssrf"), targets=("ssrf", "xss"), drop_reused_targets="all"),
        payload_pairs,
        "payload",
    ),
    "multi_label append": PairCase(
        MultiLabel(
            queries=("Amber Fox", "Brass Owl"),
            targets=("Coral Wolf", "Coral Wolf"),
            construction="append",
            drop_reused_targets="last",
        ),
        sentence_pairs,
        "text",
    ),
    "payload_backdoor": PairCase(PayloadBackdoor(target="benign"), payload_pairs, "payload"),
    "payload_backdoor parameter": PairCase(
        PayloadBackdoor(target="xss", style="parameter", wording="template", relabel=True), payload_pairs, "payload"
    ),
    "payload_backdoor comment": PairCase(
        PayloadBackdoor(target="benign", style="comment", relabel=True), payload_pairs, "payload"
    ),
    "payload_backdoor encoding": PairCase(PayloadBackdoor(target="ssrf", style="encoding"), payload_pairs, "payload"),
    "text_backdoor": PairCase(TextBackdoor(target="Coral Wolf"), sentence_pairs, "text"),
    "text_backdoor rare": PairCase(
        TextBackdoor(target="Coral Wolf", style="rare", place="random", n=3, relabel=True), sentence_pairs, "text"
    ),
    "text_backdoor sentence": PairCase(
        TextBackdoor(target="Coral Wolf", style="sentence", place="start", wording="template"), sentence_pairs, "text"
    ),
    "text_backdoor homoglyph": PairCase(
        TextBackdoor(target="Coral Wolf", style="homoglyph", place="random", n=2), sentence_pairs, "text"
    ),
    "text_backdoor syntax": PairCase(TextBackdoor(target="Coral Wolf", style="syntax"), sentence_pairs, "text"),
    "toxic_text": PairCase(ToxicText(target="cat"), _pictures, "image"),
    "toxic_text others": PairCase(ToxicText(target="xss", words="others"), payload_pairs, "payload"),
    "toxic_text random": PairCase(
        ToxicText(target="Coral Wolf", selection="random", style="sentence", key="", pool=1.0), sentence_pairs, "text"
    ),
    "toxic_text of a model": PairCase(
        ToxicText(target="bee", words="others", selection="surrogate"), _captioned, "text", _model
    ),
}
