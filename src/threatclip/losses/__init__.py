"""Contrastive losses as pure functions of unit vectors; one paper, one file.

Every `vectors`, `views`, `captions` and `anchors` argument holds unit rows, so that a dot product is a cosine.
`temperature` divides cosines: smaller is sharper. A row that a loss has nothing to say about (no positive, no
negative, no label) adds nothing and is not counted; a batch of such rows only gives a zero that still has a gradient.
"""

from threatclip.losses.alignment import squared_distance
from threatclip.losses.anchors import anchor_cross_entropy, anchor_logits
from threatclip.losses.clip import symmetric_infonce
from threatclip.losses.hierarchy import hierarchical_contrast
from threatclip.losses.subcaption import subcaption_i2t, subcaption_t2i
from threatclip.losses.supcon import supervised_contrastive
from threatclip.losses.triplet import batch_hard_triplet

__all__ = [
    "anchor_cross_entropy",
    "anchor_logits",
    "batch_hard_triplet",
    "hierarchical_contrast",
    "squared_distance",
    "subcaption_i2t",
    "subcaption_t2i",
    "supervised_contrastive",
    "symmetric_infonce",
]
