"""The server against its own description, by schemathesis: no 5xx, and nothing undescribed.

Requests that are right are sent and ones that are wrong in one place; answers are kept short, for
the model's words are not what is looked at.
"""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import GenerationMode
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
NIGHTLY = settings().max_examples >= 100


def _schema(mode: GenerationMode) -> schemathesis.schemas.BaseSchema:
    """Return the description, as what makes requests that are right, or wrong in one place."""
    schema = schemathesis.openapi.from_dict(document())
    # One mode at a time, since making both at once takes twenty seconds.
    schema.config.generation.update(modes=[mode])
    # Every boundary of every field, some 40 requests an endpoint, is for the nightly tests.
    schema.config.phases.coverage.enabled = NIGHTLY
    return schema


RIGHT = _schema(GenerationMode.POSITIVE)
# What asks for no token and takes no field can be asked in no wrong way.
WRONG = _schema(GenerationMode.NEGATIVE).exclude(path="/health")
HOW = settings(
    max_examples=tries(12),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # The same requests each time, but for the nightly tests, which look for new ones.
    derandomize=not NIGHTLY,
)


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
            if isinstance(body.get(name), int | float)
        },
    }


def _ask(case: schemathesis.Case[Any], server: Running) -> None:
    case.body = _short(case.body)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    case.call_and_validate(base_url=server.url, headers=headers, checks=CHECKS, timeout=60)


@RIGHT.parametrize()
@HOW
def test_what_is_right_is_answered_as_described(
    case: schemathesis.Case[Any], server: Running
) -> None:
    _ask(case, server)


@WRONG.parametrize()
@HOW
def test_what_is_wrong_is_refused_as_described(
    case: schemathesis.Case[Any], server: Running
) -> None:
    _ask(case, server)
