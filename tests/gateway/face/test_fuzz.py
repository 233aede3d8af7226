"""The server against its own description, by schemathesis: no 5xx, and nothing undescribed.

Requests that are right are sent and ones that are wrong in one place; answers are kept short, for
the model's words are not what is looked at.
"""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from engine.gateway.face.openapi import document
from tests.gateway.face.serving import TOKEN, Running
from tests.support.properties import tries

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    allow_header_conformance,
    unsupported_method,
    ignored_auth,
]
SCHEMA = schemathesis.openapi.from_dict(document())
# Every boundary of every field, some 40 requests an endpoint, is for the nightly tests.
SCHEMA.config.phases.coverage.enabled = settings().max_examples >= 100


def _short(body: Any) -> Any:
    """Return a body that asks for little, and is as right or wrong as it was."""
    if not isinstance(body, dict):
        return body
    limits = {"max_tokens": 2, "max_completion_tokens": 2, "n": 2}
    return {
        **body,
        **{name: 2 for name in ("max_tokens",) if body.get(name) is None},
        **{
            name: min(body[name], most)
            for name, most in limits.items()
            if isinstance(body.get(name), int)
        },
    }


@SCHEMA.parametrize()
@settings(
    max_examples=tries(12),
    # The same requests each time, but for the nightly tests, which look for new ones.
    derandomize=settings().max_examples < 100,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_nothing_undescribed(case: schemathesis.Case[Any], server: Running) -> None:
    case.body = _short(case.body)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    case.call_and_validate(base_url=server.url, headers=headers, checks=CHECKS, timeout=60)
