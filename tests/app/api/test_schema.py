"""What the description of REST allows, and much that it does not, sent to it at random."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks
from starlette.applications import Starlette

from app.api.endpoints import create_api
from app.people.consent import give_consent
from app.people.sessions import create_api_token
from app.web.application import create_middleware, create_routes
from tasks.services import Services
from tests.factories import make_blob, make_job
from tests.people import HERE, make_person

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
    checks.ignored_auth,
]
pytestmark = pytest.mark.slow

EXAMPLES = 15
OPERATIONS = [
    (method.upper(), path)
    for path, methods in create_api(None).openapi()["paths"].items()  # type: ignore[arg-type]
    for method in methods
]


class Script:
    """A member with a token, and something of theirs for each kind of id."""

    def __init__(self, services: Services) -> None:
        self.mei = make_person(services)
        self.token = create_api_token(services, self.mei, "tests", HERE)
        give_consent(services, self.mei, "faceswap", HERE)
        with services.database.write() as session:
            job = make_job(session, self.mei, outputs={"image": make_blob(session)})
        self.known: dict[str, Any] = {"job_id": str(job.id), "tool": "faceswap"}
        app = Starlette(routes=create_routes(services), middleware=create_middleware(services))
        self.schema = schemathesis.openapi.from_asgi("/api/openapi.json", app, headers=self.headers)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@pytest.fixture
def script(any_services: Services) -> Script:
    return Script(any_services)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_nothing_that_is_sent_goes_unanswered_or_unexplained(
    script: Script, method: str, path: str
) -> None:
    operation = script.schema[path][method]
    names = [name for name in script.known if f"{{{name}}}" in path]
    known = {"path_parameters": {name: script.known[name] for name in names}} if names else {}
    cases = st.one_of(
        operation.as_strategy(),
        operation.as_strategy(GenerationMode.NEGATIVE),
        operation.as_strategy(**known),
    )

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def send(case: Case) -> None:
        answer = case.call(headers=script.headers)
        case.validate_response(answer, checks=CHECKS, headers=script.headers)
        if answer.status_code >= 400:
            refusal = answer.json()
            assert refusal["code"]
            assert refusal["message"]

    send()
