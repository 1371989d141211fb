"""Known cases of a model: which towers read what, and the search from a query's bytes to the nearest cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

from threatclip.artifacts import MANIFEST, read_json
from threatclip.encoders.encode import Encoder, Precision, prepare_encoder
from threatclip.encoders.towers import Tower
from threatclip.errors import ImageFaultError, InputError
from threatclip.experiments.auditing.encoders import MINILM
from threatclip.experiments.run_folder import bundle_folder
from threatclip.index.cases import Hit
from threatclip.index.search import Index, open_index
from threatclip.index.where import Where
from threatclip.pairs.pair import Modality

QueryKind = Literal["text", "payload", "image", "caption"]
MAX_QUERY_BYTES = 2**24


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What cases are sought by.

    Attributes:
        id: names the query in answers.
        kind: "payload", "image" and "text" are views of these modalities; "caption" is a description, which every
            model reads. A "text" is read as a caption by models of payloads and pictures.
        content: raw bytes; of a text or caption as UTF-8.
    """

    id: str
    kind: QueryKind
    content: bytes


@dataclass(slots=True, kw_only=True, eq=False)
class ModelEncoder:
    """Two towers of one space. The precision is chosen with the first rows of each tower, and then kept.

    Attributes:
        model: the hash that names the model.
        kind: of its bundle.
        modality: of the views that the view tower reads.
        asked: the precision asked for.
    """

    model: str
    kind: str
    modality: Modality
    view_tower: Tower
    text_tower: Tower
    asked: Precision = "fp32"
    _encoders: dict[str, Encoder] = field(default_factory=dict)

    @property
    def dim(self) -> int:
        """Components of a vector."""
        return self.view_tower.dim

    @property
    def precision(self) -> str:
        """What it computed in: one name, or one for each tower."""
        return " ".join(sorted({encoder.precision for encoder in self._encoders.values()}))

    def views(self, views: Sequence[bytes]) -> Float[np.ndarray, "n d"]:
        """Return one unit row a view.

        Raises:
            ImageFaultError: a view that is no picture, of a model that reads pictures.
        """
        return self._encoded("view", self.view_tower, views)

    def captions(self, captions: Sequence[str]) -> Float[np.ndarray, "n d"]:
        """Return one unit row a caption."""
        return self._encoded("text", self.text_tower, [caption.encode("utf-8", "replace") for caption in captions])

    def queries(self, queries: Sequence[Query]) -> Float[np.ndarray, "n d"]:
        """Return one unit row a query.

        Raises:
            InputError: a query that this model does not read, or one that is empty or too large.
            ImageFaultError: a picture that is none.
        """
        halves = [self._half(query) for query in queries]
        vectors = np.zeros((len(queries), self.dim), dtype=np.float32)
        for half in ("view", "caption"):
            rows = [row for row, own in enumerate(halves) if own == half]
            contents = [queries[row].content for row in rows]
            if half == "caption" and rows:
                vectors[rows] = self._encoded("text", self.text_tower, contents)
            elif rows:
                vectors[rows] = self._viewed([queries[row] for row in rows], contents)
        return vectors

    def _viewed(self, queries: Sequence[Query], contents: Sequence[bytes]) -> Float[np.ndarray, "n d"]:
        try:
            return self.views(contents)
        except ImageFaultError as error:
            names = ", ".join(query.id for query in queries[:3])
            raise ImageFaultError(f"{names}: {error}") from error

    def _half(self, query: Query) -> Literal["view", "caption"]:
        if not query.content:
            raise InputError(f"the query {query.id} is empty")
        if len(query.content) > MAX_QUERY_BYTES:
            raise InputError(f"the query {query.id} is larger than {MAX_QUERY_BYTES:,} bytes")
        if query.kind == "caption" or (query.kind == "text" and self.modality != "text"):
            return "caption"
        if query.kind != self.modality:
            reads = f"{self.modality}s and captions"
            raise InputError(f"the query {query.id} is of kind {query.kind}; this model reads {reads}")
        return "view"

    def _encoded(self, side: str, tower: Tower, contents: Sequence[bytes]) -> Float[np.ndarray, "n d"]:
        if side not in self._encoders:
            self._encoders[side] = prepare_encoder(tower, precision=self.asked, probe=contents)
        return self._encoders[side](contents)


def open_case_encoder(model: str, *, precision: Precision = "fp32") -> ModelEncoder:
    """Return the towers that `model` names: a run or bundle of a dual encoder or payload classifier, or "minilm".

    Raises:
        InputError: no such model, or one whose halves share no space.
        DamagedArtifactError: the model is not what was written.
    """
    if model == MINILM and not Path(model).is_dir():
        return _minilm(precision)
    kind = _kind(Path(model))
    if kind == "dual-encoder":
        from threatclip.experiments.contrastive.bundle import DualBundle

        bundle = DualBundle.load(Path(model))
        return ModelEncoder(
            model=f"bundle {bundle.model}",
            kind=kind,
            modality=bundle.modality,
            view_tower=bundle.dual.view_tower,
            text_tower=bundle.dual.text_tower,
            asked=precision,
        )
    if kind == "payload-weakness":
        from threatclip.experiments.classifier import PayloadClassifier

        classifier = PayloadClassifier.load(Path(model))
        return ModelEncoder(
            model=f"bundle {classifier.model}",
            kind=kind,
            modality="payload",
            view_tower=classifier.payload_tower,
            text_tower=classifier.text_tower,
            asked=precision,
        )
    raise InputError(
        f"{model} is a bundle of kind {kind!r}, which has no space of views and captions to search in; give a dual "
        f"encoder, a payload classifier, or {MINILM}"
    )


def _kind(folder: Path) -> str:
    """Return what a manifest says; whoever loads the bundle then holds every file to it."""
    manifest = read_json(bundle_folder(folder) / MANIFEST)
    return str(manifest.get("kind")) if isinstance(manifest, dict) else "none"


def _minilm(precision: Precision) -> ModelEncoder:
    from threatclip.encoders.hub import MINILM_SHA256
    from threatclip.encoders.pretrained import PretrainedTower, build_pretrained

    tower = build_pretrained(PretrainedTower(source=MINILM)).eval()
    return ModelEncoder(
        model=f"{MINILM} {MINILM_SHA256['model.safetensors']}",
        kind=MINILM,
        modality="text",
        view_tower=tower,
        text_tower=tower,
        asked=precision,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CaseSearch:
    """An index with the model that it was built with; safe to ask from several threads."""

    index: Index
    encoder: ModelEncoder

    def search(self, queries: Sequence[Query], *, k: int = 10, where: Where | None = None) -> list[list[Hit]]:
        """Return the k nearest cases of each query, best first; fewer where fewer pass the filter.

        Raises:
            InputError: a query that the model does not read, or k out of range.
            DamagedArtifactError: the index is not what was written.
            StorageError: the disk or the store refused.
        """
        return self.index.search(self.encoder.queries(queries), model=self.encoder.model, k=k, where=where)


def open_case_search(uri: str, model: str, *, refresh_s: float = 2.0) -> CaseSearch:
    """Open the index at `uri` and the model that it was built with.

    Raises:
        InputError: there is no index or no such model, or the index was built with another one.
        DamagedArtifactError: the index or the model is not what was written.
        StorageError: the disk or the store refused.
        NotInstalledError: LanceDB is not installed.
    """
    from threatclip.index.build import check_model

    index = open_index(uri, refresh_s=refresh_s)
    encoder = open_case_encoder(model)
    check_model(uri, index.generation, encoder.model)
    return CaseSearch(index=index, encoder=encoder)
