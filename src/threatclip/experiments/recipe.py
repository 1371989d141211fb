"""The recipe of one payload-weakness experiment: what its TOML file may say, and what each value means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from threatclip.checks import at_least, check, distinct, fraction, not_negative, positive
from threatclip.encoders.bpe import BpeTower
from threatclip.encoders.byte import ByteTower
from threatclip.encoders.pretrained import PretrainedTower
from threatclip.encoders.towers import TowerConfig, view_modality
from threatclip.errors import RecipeError
from threatclip.pairs.sources import Source
from threatclip.pairs.splits import SplitSpec
from threatclip.pairs.weaknesses import WEAKNESSES

_MINILM_WIDTH = 384

Member = Literal["anchors", "linear", "neighbors", "ngrams", "ngrams_nb"]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of pairs: its path under `data.root` and the source that reads it."""

    path: str
    source: Source | None = None  # None: a pair table written by `threatclip pairs build`
    skip_bad: bool = False

    def __post_init__(self) -> None:
        check("path", self.path, bool(self.path.strip()), "the path of a file")


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """Pairs that are trained on beside the split's own, and never judged."""

    name: str
    file: File | None = None  # None: pairs of the embedded generator
    n: int | None = None  # pairs of the generator, or at most so many of the file, drawn evenly over classes
    weight: float = 0.3  # of one row, against 1 for a row of the split
    framed: bool = False  # the views are bare attack values: put each into a random request
    labels_from_tags: bool = False  # rows without a class take it from the template's own tags
    benign_fraction: float = 0.0  # of the generator's pairs: harmless requests, which teach the model to doubt
    ngrams: bool = True  # whether the linear n-gram view trains on them too

    def __post_init__(self) -> None:
        check("name", self.name, bool(self.name.strip()), "a name")
        at_least(self, 1, "n")
        not_negative(self, "weight")
        fraction(self, "benign_fraction")
        of_files, of_generator = self.framed or self.labels_from_tags, self.benign_fraction > 0
        if (of_files and self.file is None) or (of_generator and self.file is not None):
            raise RecipeError(
                f"extra {self.name!r}: framed and labels_from_tags need a file, benign_fraction the generator (no file)"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What is learned from and what is judged."""

    pairs: File
    split: SplitSpec
    root: str | None = None  # folder that every path here starts from; None: THREATCLIP_DATA, else ../shared/data
    split_seed: int = 0  # of splits at random: all seeds of a recipe are judged on the same rows
    descriptions: File | None = None  # text for stage 1: rows of test groups and of later years are left out
    classes: tuple[str, ...] = tuple(WEAKNESSES)
    anchors: dict[str, tuple[str, ...]] = field(default_factory=dict)  # texts of classes outside the catalogue
    single_requests: bool = False  # every request a row of its own, as the leaky control wants it
    held_out_classes: tuple[str, ...] = ()  # never trained on: zero-shot by their anchors alone
    extra: tuple[Extra, ...] = ()

    def __post_init__(self) -> None:
        check("classes", self.classes, len(self.classes) > 1, "two classes or more")
        distinct("a class", self.classes)
        distinct("the name of an extra", tuple(extra.name for extra in self.extra))
        for what, names in (("held_out_classes", self.held_out_classes), ("anchors", tuple(self.anchors))):
            stranger = next((name for name in names if name not in self.classes), None)
            check(what, stranger, stranger is None, f"one of the classes {', '.join(self.classes)}")
        distinct("held_out_classes", self.held_out_classes)
        n_learned = len(self.classes) - len(self.held_out_classes)
        check("held_out_classes", self.held_out_classes, n_learned > 1, "few enough to leave two classes to learn")
        for name in self.classes:
            texts = self.anchors.get(name, () if name not in WEAKNESSES else WEAKNESSES[name].anchors)
            if not texts or not all(text.strip() for text in texts):
                raise RecipeError(f"class {name!r} has no anchor texts, or an empty one; give some under data.anchors")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage1:
    """Shaping the text space by the classes of descriptions [arXiv 2603.20181, stage 1]."""

    loss: Literal["triplet", "supcon", "infonce", "none"] = "supcon"
    epochs: int = 6
    rows_per_class: int = 16
    learning_rate: float = 1e-3
    temperature: float = 0.1
    margin: float = 0.2  # of the triplet loss, on cosine distance
    word_dropout: float = 0.15  # of the second view that infonce needs

    def __post_init__(self) -> None:
        at_least(self, 1, "epochs")
        at_least(self, 2, "rows_per_class")
        positive(self, "learning_rate", "temperature")
        not_negative(self, "margin")
        fraction(self, "word_dropout")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage2:
    """Bringing payloads into the text space; the loss is the weighted sum of its terms."""

    steps: int = 2000
    batch_rows: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    squared: float = 0.0  # weight of ||f_p(p) - f_t(d)||^2, the paper's loss
    infonce: float = 0.5  # weight of symmetric InfoNCE with same-class positives
    anchors: float = 1.0  # weight of cross-entropy to the generic anchors
    targets: Literal["text", "one_hot"] = "text"  # one_hot: orthogonal class vectors in place of anchor texts
    temperature: float = 0.07
    label_smoothing: float = 0.05
    class_balance: float = 0.5  # rows are drawn by (class size)^-this; 1 is balanced
    text_rate: float = 0.0  # learning rate of the text projection relative to the payload tower's; 0 freezes it
    chunk_rows: int | None = None
    checkpoint_every_steps: int = 500
    precision: Literal["auto", "bf16", "fp32"] = "fp32"

    def __post_init__(self) -> None:
        at_least(self, 1, "steps", "chunk_rows", "checkpoint_every_steps")
        at_least(self, 2, "batch_rows")
        positive(self, "learning_rate", "temperature")
        not_negative(self, "weight_decay", "squared", "infonce", "anchors", "class_balance", "text_rate")
        check("label_smoothing", self.label_smoothing, 0 <= self.label_smoothing < 1, "in [0, 1)")
        if self.squared + self.infonce + self.anchors == 0:
            raise RecipeError("squared, infonce and anchors are all 0; give one of them weight")


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """How a training payload may be shown; each value is a probability."""

    no_headers: float = 0.15
    values_only: float = 0.15
    template_swap: float = 0.15
    decoded: float = 0.35  # one or two levels of URL encoding undone
    noise: float = 0.4  # some words and numbers replaced by random letters
    noise_share: float = 0.15  # share of words replaced where `noise` strikes

    def __post_init__(self) -> None:
        fraction(self, "no_headers", "values_only", "template_swap", "decoded", "noise", "noise_share")
        if self.no_headers + self.values_only + self.template_swap > 1 + 1e-9:
            raise RecipeError("no_headers + values_only + template_swap exceed 1; lower one")

    @property
    def trained_probes(self) -> tuple[str, ...]:
        """Probes that training has seen: in-distribution views, which no longer measure shortcuts."""
        return tuple(name for name in ("no_headers", "values_only", "template_swap") if getattr(self, name) > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How vectors become answers."""

    members: tuple[Member, ...] = ("anchors", "linear", "neighbors", "ngrams", "ngrams_nb")
    neighbors: int = 5
    linear_c: float = 10.0  # inverse regularization of the linear head on vectors
    ngram_c: float = 1.0  # of the linear support vector machine on n-grams
    ngram_nb_c: float = 0.1  # of the one on n-grams scaled by log-count ratios
    ngram_noisy: int = 1  # noisy copies of each row that the n-gram members train on, beside the row itself
    ngram_framed: int = 1  # copies of its values in a random request: template_swap is then a trained probe
    precision: float = 0.9  # that answers must have on validation; below it the model abstains
    refit: bool = True  # fit again on training + validation once everything was chosen

    def __post_init__(self) -> None:
        check("members", self.members, bool(self.members), "one member or more")
        distinct("a member", self.members)
        at_least(self, 1, "neighbors")
        at_least(self, 0, "ngram_noisy", "ngram_framed")
        positive(self, "linear_c", "ngram_c", "ngram_nb_c")
        check("precision", self.precision, 0 < self.precision <= 1, "in (0, 1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadWeakness:
    """Which weakness does this payload exploit: two-stage payload-description contrastive learning."""

    task: Literal["payload-weakness"]
    data: Data
    seed: int = 0
    text_tower: TowerConfig = field(default_factory=lambda: PretrainedTower(projection="mlp", max_tokens=128))
    payload_tower: TowerConfig = field(default_factory=ByteTower)
    stage1: Stage1 = Stage1()
    stage2: Stage2 = Stage2()
    views: Views = Views()
    answer: Answer = Answer()

    @property
    def trained_probes(self) -> tuple[str, ...]:
        """Probes that any part of the model has seen in training: they no longer measure shortcuts."""
        framed = self.answer.ngram_framed > 0 and any(name.startswith("ngrams") for name in self.answer.members)
        seen = {*self.views.trained_probes, *(["template_swap"] if framed else [])}
        return tuple(name for name in ("no_headers", "values_only", "template_swap") if name in seen)

    def __post_init__(self) -> None:
        text = self.text_tower
        if isinstance(text, ByteTower):
            raise RecipeError("text_tower: kind 'byte' reads payloads; choose 'pretrained' or 'bpe'")
        if not isinstance(text, PretrainedTower | BpeTower):
            raise RecipeError(f"text_tower: kind {text.kind!r} is for pairs of pictures; choose 'pretrained' or 'bpe'")
        if view_modality(self.payload_tower) == "image":
            raise RecipeError(f"payload_tower: kind {self.payload_tower.kind!r} reads pictures; choose 'byte' or 'bpe'")
        frozen = isinstance(text, PretrainedTower) and text.projection == "none" and not text.n_trainable_layers
        if frozen and self.stage1.loss != "none":
            raise RecipeError("text_tower: everything is frozen; set projection = 'mlp', or stage1.loss = 'none'")
        dim, other = _width(text), _width(self.payload_tower)
        if dim is not None and other is not None and dim != other:
            raise RecipeError(f"text_tower makes {dim} numbers, payload_tower {other}; give both the same dim")
        if self.stage2.targets == "one_hot" and dim is not None and dim < len(self.data.classes):
            raise RecipeError(f"stage2.targets = 'one_hot' needs dim >= {len(self.data.classes)} classes, got {dim}")


def _width(tower: TowerConfig) -> int | None:
    """Return the length of a tower's vectors, None where only its source can tell."""
    dim: int | None = getattr(tower, "dim", None)
    if dim is None and isinstance(tower, PretrainedTower) and tower.source == "minilm":
        return _MINILM_WIDTH
    return dim
