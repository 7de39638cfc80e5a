"""Each operation as a call: by curl, and in Python by the official SDK or, where that knows nothing of it, by httpx."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import msgspec

from bursar.http.documentation_examples import API_KEY, BASE_URL, filled_path, object_id
from bursar.http.endpoint import Surface

_PLAIN_FORM_VALUE = re.compile(r"[A-Za-z0-9_.:@*-]+")


class Calls(Protocol):
    """`public` is what needs nobody to be known."""

    def curl(self, method: str, path: str, params: Mapping[str, Any], *, public: bool) -> str: ...

    def python(self, method: str, path: str, params: Mapping[str, Any], *, public: bool) -> str: ...


class DataCalls:
    """Forms, an API key, and the SDK that merchants have already."""

    def curl(self, method: str, path: str, params: Mapping[str, Any], *, public: bool) -> str:
        lines = [f"curl {BASE_URL}{filled_path(path)}", f"-u {API_KEY}:"]
        if method == "DELETE":
            lines.insert(1, "-X DELETE")
        if method == "GET" and params:
            lines.insert(1, "-G")
        if method == "POST" and not params:
            lines.insert(1, "-X POST")
        lines += [_curl_field(name, text) for name, text in form_fields(params)]
        return " \\\n  ".join(lines)

    def python(self, method: str, path: str, params: Mapping[str, Any], *, public: bool) -> str:
        """The same by the official SDK."""
        lines = [
            "import stripe",
            "",
            "client = stripe.StripeClient(",
            f'    "{API_KEY}",',
            f'    base_addresses={{"api": "{BASE_URL}"}},',
            ")",
        ]
        call, result = sdk_method(method, path)
        arguments = [f'"{object_id(name)}"' for name in re.findall(r"\{(\w+)\}", path)]
        if params:
            arguments.append("params=" + _python_literal(params))
        lines += [f"{result} = client.{call}({', '.join(arguments)})", f"print({result})"]
        return "\n".join(lines)


class ControlCalls:
    """JSON, and the token of somebody who has signed in."""

    def curl(self, method: str, path: str, params: Mapping[str, Any], *, public: bool) -> str:
        lines = [f"curl {BASE_URL}{filled_path(path)}"]
        if method == "GET" and params:
            lines.append("-G")
        if method in ("PUT", "DELETE") or (method == "POST" and not params):
            lines.append(f"-X {method}")
        if not public:
            lines.append('-H "Authorization: Bearer $TOKEN"')
        if method in ("POST", "PUT") and params:
            lines.append("-H 'Content-Type: application/json'")
            lines.append(f"-d {shlex.quote(msgspec.json.encode(params).decode())}")
        else:
            lines += [_curl_field(name, text) for name, text in form_fields(params)]
        return " \\\n  ".join(lines)

    def python(self, method: str, path: str, params: Mapping[str, Any], *, public: bool) -> str:
        lines = ["import httpx", "", f"answer = httpx.{method.lower()}(", f'    "{BASE_URL}{filled_path(path)}",']
        if not public:
            lines = ["import os", "", *lines]
            lines.append('    headers={"Authorization": f"Bearer {os.environ[\'TOKEN\']}"},')
        if params:
            name = "json" if method in ("POST", "PUT") else "params"
            lines.append(f"    {name}={_python_literal(params, 4)},")
        return "\n".join([*lines, ")", "print(answer.json())"])


CALLS: dict[Surface, Calls] = {"data": DataCalls(), "control": ControlCalls()}


def form_fields(params: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """`{"metadata": {"a": 1}}` as `metadata[a]=1`."""
    members = params.items() if isinstance(params, Mapping) else enumerate(params)
    for name, inner in members:
        full = f"{prefix}[{name}]" if prefix else str(name)
        if isinstance(inner, Mapping | list):
            yield from form_fields(inner, full)
        else:
            yield full, str(inner).lower() if isinstance(inner, bool) else str(inner)


def _curl_field(name: str, text: str) -> str:
    field = f"{name}={text}"
    option = "-d" if _PLAIN_FORM_VALUE.fullmatch(text) else "--data-urlencode"
    if "'" in field and not re.search(r'["$`\\!]', field):
        return f'{option} "{field}"'
    return f"{option} {shlex.quote(field)}"


def sdk_method(method: str, path: str) -> tuple[str, str]:
    """`POST /v1/customers/{customer}` is `v1.customers.update`, which gives a customer."""
    segments = path.strip("/").split("/")
    words = [segment for segment in segments if not segment.startswith("{")]
    one = segments[-1].startswith("{")
    singular = words[-1].removesuffix("s") if len(words) == 2 else words[1].removesuffix("s")
    if method == "DELETE":
        return ".".join([*words, "delete"]), "deleted"
    if one:
        return ".".join([*words, "update" if method == "POST" else "retrieve"]), singular
    if words[-1] == "search" or (method == "POST" and "{" in path and not words[-1].endswith("s")):
        return ".".join(words), f"{singular}s" if words[-1] == "search" else singular
    return ".".join(
        [*words, "create" if method == "POST" else "list"]
    ), singular if method == "POST" else f"{singular}s"


def _python_literal(literal: Any, indent: int = 0) -> str:
    if not isinstance(literal, Mapping):
        return msgspec.json.encode(literal).decode() if isinstance(literal, str) else repr(literal)
    inner = "".join(
        f"{' ' * (indent + 4)}{_python_literal(name)}: {_python_literal(member, indent + 4)},\n"
        for name, member in literal.items()
    )
    return f"{{\n{inner}{' ' * indent}}}"
