"""The OpenAPI document says what the service does: schemathesis sends what it allows, and what it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fake_runs import FakeClassifier, fake_run
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.python import asgi

from threatclip.service.app import create_app, stop
from threatclip.service.settings import Settings

# its modules load when they are first used; pytest rewrites them then, which Python 3.11 cannot do as deep as a fixture
# after a test that ran out of stack
schemathesis.openapi.from_dict({"openapi": "3.1.0", "info": {"title": "none", "version": "0"}, "paths": {}})
HOST = "http://127.0.0.1"
schemathesis.serializer.alias("application/vnd.apache.parquet", "application/octet-stream")
READ = (
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /v1/models",
    "GET /v1/models/{name}",
    "GET /v1/indexes",
    "GET /v1/audit",
    "GET /v1/audit/{job_id}",
    "GET /v1/audit/{job_id}/events",
    "GET /v1/audit/{job_id}/files/{file}",
    "DELETE /v1/audit/{job_id}",
)
SENT = (
    "POST /v1/classify",
    "POST /v1/search",
    "POST /v1/audit",
    "POST /v1/export/stix",
    "POST /v1/export/navigator",
    "POST /v1/export/misp",
)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The document of a service whose run answers by rule."""
    folder = tmp_path_factory.mktemp("openapi")
    fake_run(folder / "runs" / "one")
    made = FakeClassifier()
    made.go.set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("threatclip.service.models.load_classifier", lambda _: made)
        app = create_app(Settings(runs=folder / "runs", jobs=folder / "jobs"))

        async def alone(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":  # schemathesis ends a lifespan after each test; this service lives through all
                await app(scope, receive, send)

        yield schemathesis.openapi.from_asgi("/openapi.json", alone, headers={"Host": "127.0.0.1"})
        asgi._get_portal().call(stop, app.state.service)


def test_every_operation_is_asked(document: Any) -> None:
    found = {one.ok().label for one in document.get_all_operations()}
    assert found == {*READ, *SENT}


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fit", "unfit"])
@pytest.mark.parametrize("label", [*READ, *SENT])
def test_the_service_does_what_it_says(document: Any, label: str, mode: GenerationMode) -> None:
    operation = next(one.ok() for one in document.get_all_operations() if one.ok().label == label)
    if mode is GenerationMode.NEGATIVE and not (label in SENT or "{file}" in label):
        pytest.skip("nothing in such a request can be unfit: any name may be asked for")

    @hypothesis_settings(
        max_examples=6 if label in SENT else 2,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),  # what fails is short enough without being made shorter
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode))
    def asked(case: Any) -> None:
        # what fits the document may still be no picture, no pair table or no known label: 422 says so
        case.call_and_validate(base_url=HOST, excluded_checks=[CHECKS.get_one("positive_data_acceptance")])

    asked()
