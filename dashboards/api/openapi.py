"""The OpenAPI document of the questions by JSON, made from the types that read and write them.

Source: OpenAPI Specification 3.1.1, https://spec.openapis.org/oas/v3.1.1.html
"""

from typing import Any

import msgspec

from dashboards.api.door import Refusal
from dashboards.api.v1_types import AnswerV1, QueryV1
from dashboards.api.v2_types import AnswerV2, QueryV2

PATH = "/api/v1/openapi.json"

_SCHEMES = "#/components/schemas/{name}"
_REFUSED = {
    "400": "The request is no question, or one that nothing could answer.",
    "401": "There is no key, or none for this.",
    "403": "The key is not for this site.",
    "404": "The policy has no such site.",
    "413": "The request is too long.",
    "429": "Wrong keys came too often.",
    "503": "The store or the keys can't be read at the moment.",
}
_UNDECLARED = {"422": "The policy declares no statistic for this; `policy` has the lines for one."}


def openapi_document() -> bytes:
    """Return the document as JSON."""
    types = (QueryV1, AnswerV1, QueryV2, AnswerV2, Refusal)
    references, schemas = msgspec.json.schema_components(types, ref_template=_SCHEMES)
    of = dict(zip(types, references, strict=True))
    refusal = of[Refusal]
    return msgspec.json.encode(
        {
            "openapi": "3.1.1",
            "info": {
                "title": "Discreet",
                "version": "1",
                "description": "Questions about declared statistics. No group below the size"
                " that the policy sets is ever told.",
            },
            "security": [{"key": []}],
            "paths": {
                "/api/v1/query": _post(
                    "Ask about one site.", of[QueryV1], of[AnswerV1], refusal, _UNDECLARED
                ),
                "/api/v2/query": _post(
                    "The same in the shape of Plausible's Stats API v2, as far as what it names"
                    " exists here.",
                    of[QueryV2],
                    of[AnswerV2],
                    refusal,
                    {},
                ),
            },
            "components": {
                "schemas": schemas,
                "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            },
        }
    )


def _post(
    summary: str,
    asked: dict[str, Any],
    answered: dict[str, Any],
    refusal: dict[str, Any],
    refused_besides: dict[str, str],
) -> dict[str, object]:
    refused = {**_REFUSED, **refused_besides}
    return {
        "post": {
            "summary": summary,
            "requestBody": {"required": True, "content": _json(asked)},
            "responses": {
                "200": {"description": "The answer.", "content": _json(answered)},
                **{
                    status: {"description": told, "content": _json(refusal)}
                    for status, told in sorted(refused.items())
                },
            },
        }
    }


def _json(schema: dict[str, Any]) -> dict[str, object]:
    return {"application/json": {"schema": schema}}
