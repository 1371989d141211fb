"""What a request may ask a model about, and the pairs that it becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from threatclip.pairs.images import image_fault
from threatclip.pairs.pair import Modality, Pair, pair_fault
from threatclip.pairs.sources.rows import RowFault
from threatclip.pairs.sources.values import from_base64
from threatclip.service.problems import KINDS
from threatclip.service.settings import Limits

_TEXT_CHARS = 2**20
_PICTURE_CHARS = 44 * 2**20
_BASE64 = r"^[A-Za-z0-9+/\s]*={0,2}\s*$"

Id = Annotated[str, Field(min_length=1, max_length=200, description="Comes back with the answer.")]
Text = Annotated[str, Field(min_length=1, max_length=_TEXT_CHARS)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Payload(_Strict):
    """A payload as text; it is read as UTF-8."""

    payload: Text
    id: Id | None = None


class PayloadBytes(_Strict):
    """A payload of any bytes, as base64."""

    payload_base64: Annotated[str, Field(min_length=4, max_length=2 * _TEXT_CHARS, pattern=_BASE64)]
    id: Id | None = None


class Words(_Strict):
    """A text: a sentence of a report, or a post without a picture."""

    text: Text
    id: Id | None = None


class Picture(_Strict):
    """A post with a picture (JPEG, PNG, GIF, WebP, BMP) as base64, and its words if it has any."""

    picture_base64: Annotated[str, Field(min_length=4, max_length=_PICTURE_CHARS, pattern=_BASE64)]
    text: Text | None = None
    id: Id | None = None


def kind_of(value: object) -> str | None:
    """Return the kind of input that the keys of a value name; its faults are then told, and not those of every kind."""
    keys = value if isinstance(value, Mapping) else vars(value) if isinstance(value, BaseModel) else {}
    return next((kind for kind in KINDS if KINDS[kind] in keys), None)


def told_by(*keys: str) -> Discriminator:
    """Return what tells apart inputs that are named by these keys."""
    return Discriminator(
        kind_of, custom_error_type="input", custom_error_message=f"give an object with one of {', '.join(keys)}"
    )


PayloadInput = Annotated[Payload, Tag("Payload")]
PayloadBytesInput = Annotated[PayloadBytes, Tag("PayloadBytes")]
WordsInput = Annotated[Words, Tag("Words")]
PictureInput = Annotated[Picture, Tag("Picture")]
Input = Annotated[
    PayloadInput | PayloadBytesInput | WordsInput | PictureInput,
    told_by("payload", "payload_base64", "text", "picture_base64"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The pairs of a request, and why the rest of its inputs are none."""

    pairs: tuple[Pair, ...]
    faults: tuple[dict[str, Any], ...]


def modality_of(inputs: Sequence[Payload | PayloadBytes | Words | Picture]) -> Modality:
    """Return what a model must read to answer all of these: posts where any has a picture, texts, else payloads."""
    if any(isinstance(one, Picture) for one in inputs):
        return "image"
    return "text" if any(isinstance(one, Words) for one in inputs) else "payload"


def read_inputs(inputs: Sequence[Payload | PayloadBytes | Words | Picture], *, reads: str, limits: Limits) -> Read:
    """Turn inputs into pairs of the modality `reads`; pictures are decoded once to see that they can be.

    An input without an id is called by its place, from 1.
    """
    pairs: list[Pair] = []
    faults: list[dict[str, Any]] = []
    for place, one in enumerate(inputs):
        name = one.id or f"input:{place + 1}"
        try:
            pair = _pair(one, name, reads=reads)
            fault = _fault(pair, reads=reads, limits=limits)
        except RowFault as reason:
            fault = str(reason)
        if fault is None:
            pairs.append(pair)
        else:
            faults.append({"where": ["body", "inputs", place], "reason": fault})
    return Read(pairs=tuple(pairs), faults=tuple(faults))


def _pair(one: Payload | PayloadBytes | Words | Picture, name: str, *, reads: str) -> Pair:
    if reads == "image":
        if isinstance(one, Picture):
            return Pair(id=name, view=from_base64(one.picture_base64, what="picture_base64"), caption=one.text)
        if isinstance(one, Words):
            return Pair(id=name, view=b"", caption=one.text)
        raise RowFault("this run reads posts of picture and words; give text, picture_base64, or both")
    if reads == "payload":
        if isinstance(one, Payload):
            return Pair(id=name, view=one.payload.encode())
        if isinstance(one, PayloadBytes):
            return Pair(id=name, view=from_base64(one.payload_base64, what="payload_base64"))
        raise RowFault("this run reads payloads; give payload or payload_base64")
    if isinstance(one, Words):
        return Pair(id=name, view=one.text.encode())
    raise RowFault("this run reads texts; give text")


def _fault(pair: Pair, *, reads: str, limits: Limits) -> str | None:
    modality: Modality = "image" if reads == "image" else "payload" if reads == "payload" else "text"
    fault = pair_fault(pair, modality=modality)
    if fault is not None:
        return fault
    if reads == "image":
        if len((pair.caption or "").encode()) > limits.view_bytes:
            return f"the text has more than {limits.view_bytes:,} bytes"
        return image_fault(pair.view, limits=limits.pictures) if pair.view else None
    if len(pair.view) > limits.view_bytes:
        return f"the input has {len(pair.view):,} bytes, more than {limits.view_bytes:,}"
    return None
