"""Checks every answer that the official Python SDK receives, whatever a test goes on to ask of it."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import stripe

from tests.wire.annotations import class_for, violations

Json = dict[str, Any]

ERROR_MEMBERS = frozenset(
    {
        "advice_code",
        "charge",
        "code",
        "decline_code",
        "doc_url",
        "message",
        "network_advice_code",
        "network_decline_code",
        "param",
        "payment_intent",
        "payment_method",
        "payment_method_type",
        "request_log_url",
        "setup_intent",
        "source",
        "type",
    }
)
"""What an error may tell: the members that the SDKs of all languages read."""

ERROR_OBJECTS = ("payment_intent", "payment_method", "setup_intent")
STATUSES_BY_TYPE: dict[str, tuple[int, ...]] = {
    "card_error": (402,),
    "idempotency_error": (400,),
    "invalid_request_error": (400, 401, 403, 404, 405, 409, 413, 415, 431),
    "api_error": (500, 503),
}
"""Python and Node choose an error's class by the status, Go by the type: the two have to agree."""


met: set[tuple[str, str, int]] = set()
"""Method, path and status of every answer, for those who compare them with what the documentation promises."""


class CheckingClient(stripe.HTTPClient):
    """The SDK's own HTTP client, with a look at each answer before the SDK gets it."""

    name = "checking"

    def __init__(self) -> None:
        super().__init__()
        self._inner: Any = stripe.new_default_http_client()

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        answer: tuple[str, int, Mapping[str, str]] = self._inner.request(method, url, headers, post_data)
        content, status, answer_headers = answer
        path = urlsplit(url).path
        met.add((method.upper(), path, status))
        key = (headers or {}).get("Authorization", "").removeprefix("Bearer ")
        check_answer(path, status, answer_headers, content, reduced=key.startswith("pk_"))
        return answer

    def close(self) -> None:
        self._inner.close()


def check_answer(
    path: str, status: int, headers: Mapping[str, str], content: bytes | str, *, reduced: bool = False
) -> None:
    """`reduced` is what a publishable key sees: members may be left out, and those that are there are checked."""
    found = list(_complaints(path, status, headers, content, reduced=reduced))
    assert not found, f"{path} was answered with {status}, and:\n  " + "\n  ".join(found)


def _complaints(
    path: str, status: int, headers: Mapping[str, str], content: bytes | str, *, reduced: bool
) -> list[str]:
    found = [] if any(name.lower() == "request-id" for name in headers) else ["the answer names no request"]
    payload = json.loads(content)
    if status != 200:
        return found + error_complaints(payload, status, reduced=reduced)
    if payload.get("object") in ("list", "search_result") and payload.get("url") != unquote(path):
        found.append(f"$.url: {payload.get('url')!r} is not the path that was asked")
    return found + object_complaints(payload, reduced=reduced)


def object_complaints(payload: Json, *, reduced: bool = False) -> list[str]:
    """An object by the class of its name; a list by that of each of its members."""
    kind = payload.get("object")
    if kind == "list":
        found = violations({**payload, "data": []}, stripe.ListObject)
    elif kind == "search_result":
        found = violations({**payload, "data": []}, stripe.SearchResultObject)
    else:
        found = violations(payload, class_for(str(kind)))
        return [complaint for complaint in found if not (reduced and _is_top_level_absence(complaint))]
    for index, member in enumerate(payload.get("data", [])):
        found += [f"$.data[{index}]{complaint[1:]}" for complaint in object_complaints(member)]
    return found


def error_complaints(payload: Any, status: int, *, reduced: bool = False) -> list[str]:
    error = payload.get("error")
    if not isinstance(error, dict):
        return ["$.error: expected an object"]
    found = [f"$.error.{name}: no SDK reads this" for name in error.keys() - ERROR_MEMBERS]
    kind = error.get("type")
    if status not in STATUSES_BY_TYPE.get(str(kind), ()):
        found.append(f"$.error.type: {kind!r} does not go with {status}")
    empty = [name for name in ("message", "type") if not error.get(name)]
    given = error.keys() - {*ERROR_OBJECTS, "source"}
    untold = [name for name in given if error[name] is not None and not isinstance(error[name], str)]
    found += [f"$.error.{name}: expected a text" for name in [*empty, *untold]]
    for name in ERROR_OBJECTS:
        if error.get(name) is not None:
            about = object_complaints(error[name], reduced=reduced)
            found += [f"$.error.{name}{complaint[1:]}" for complaint in about]
    return found


def _is_top_level_absence(complaint: str) -> bool:
    place, _, what = complaint.partition(": ")
    return what == "missing" and place.count(".") == 1 and "[" not in place


def undocumented(document: Json) -> list[str]:
    """Answers that were met, and that the OpenAPI document does not promise."""
    routes = {
        template: re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template))) for template in document["paths"]
    }
    found = set()
    for method, path, status in met:
        # The more of a template is fixed the earlier it counts: /search is no id.
        fitting = [template for template, route in routes.items() if route.fullmatch(path)]
        for template in sorted(fitting, key=lambda each: each.count("{"))[:1]:
            operation = document["paths"][template].get(method.lower())
            if operation is not None and str(status) not in operation["responses"]:
                found.add(f"{method} {template} answers {status}, which the OpenAPI document does not promise")
    return sorted(found)
