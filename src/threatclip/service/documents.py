"""What answers look like, for the OpenAPI document; the answers themselves are made of plain values."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from threatclip.service.problems import MEDIA_TYPE, Fault, ProblemDetails


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Claim(_Open):
    """One label with its calibrated probability."""

    label: str
    name: str
    probability: float = Field(ge=0, le=1)


class Answer(_Open):
    """The line that `threatclip classify --json` prints for an input."""

    id: str
    answers: list[Claim] = Field(description="Labels, the most probable first.")
    abstained: bool = Field(description="True: the model does not know.")
    evidence: list[dict[str, Any]]
    model: str = Field(description="Hash of the bundle.")


class Classified(BaseModel):
    """Answers, in the order of the inputs; `faults` tells of inputs without one."""

    run: str
    model: str
    answers: list[Answer]
    faults: list[Fault]


class Metric(_Open):
    """A figure with its interval."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Run(BaseModel):
    """A run that is served."""

    name: str
    kind: str
    reads: str | None = Field(description="payload, text or image; null where the kind does not tell.")
    model: str = Field(description="Hash of the bundle, as answers bear it.")
    loaded: bool
    trained: dict[str, Any]
    validation: dict[str, Metric] = Field(description="Measured when it was trained.")
    test: dict[str, Metric] = Field(description="Measured by the last `threatclip evaluate`.")


class RunWithCard(Run):
    """A run with its model card."""

    card: str = Field(description="Markdown.")


class RunList(BaseModel):
    """The runs that are served."""

    runs: list[Run]


class AuditJob(BaseModel):
    """An audit, from its upload to its end."""

    id: str
    table: str = Field(description="What the uploader called it.")
    status: Literal["queued", "running", "done", "failed"]
    created: str
    ended: str | None
    n: int | None = Field(description="Pairs of the table.")
    error: str | None
    progress: dict[str, Any]
    summary: dict[str, Any] | None = Field(description="What `threatclip audit --json` prints.")
    wanted: dict[str, Any]


class AuditList(BaseModel):
    """The audits that are kept."""

    audits: list[AuditJob]


class Hit(_Open):
    """A known case near a query."""

    id: str
    score: float = Field(description="Cosine to the query.")
    source: str
    label: str | None
    group: str | None
    time: str | None
    text: str | None
    caption: str | None


class Hits(BaseModel):
    """The nearest cases of one query, best first."""

    query: str
    hits: list[Hit]


class Found(BaseModel):
    """What `threatclip index search --json` prints."""

    index: str
    generation: int
    model: str
    exact: bool
    answers: list[Hits]


class IndexList(BaseModel):
    """The indexes of known cases."""

    indexes: list[str]


class Health(BaseModel):
    """Whether the service is there."""

    status: Literal["ok", "stopping"]
    version: str


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says of errors: those of a route, and those that the guard adds to each."""
    schema = {"schema": {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}}
    return {
        status: {"description": _SAYS[status], "content": {MEDIA_TYPE: schema}} for status in (*statuses, *_GUARDED)
    }


_GUARDED = (400, 401, 403, 413, 421, 422)
_SAYS = {
    400: "The request cannot be read.",
    401: "An API key is needed.",
    403: "Sent by another site's page.",
    404: "There is no such thing.",
    408: "The body came too slowly.",
    409: "Not in this state.",
    413: "The body is too large.",
    415: "Another type of body is needed.",
    421: "The Host is not ours.",
    422: "The request does not fit.",
    429: "Too much waits already; Retry-After says when to ask again.",
    501: "An optional library is not installed.",
    503: "The service is stopping, or a model was damaged.",
    504: "The time of a request is over.",
    507: "There is no room.",
}
