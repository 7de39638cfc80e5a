"""The running server of the tests of the wire, and a plain client for `/api/v1`."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.wire.conftest import keys, server
from tests.wire.harness import SECRET_KEY, Answer, RunningServer

__all__ = ["keys", "server"]

Json = dict[str, Any]
Send = Callable[..., Answer]


@pytest.fixture
def send(server: RunningServer) -> Send:
    """One request with a JSON body: `send("POST", "/pay", {...})`. A text is sent as it is."""

    def request(
        method: str,
        path: str,
        body: Json | str | None = None,
        *,
        key: str | None = SECRET_KEY,
        idempotency_key: str | None = None,
    ) -> Answer:
        headers = {"Content-Type": "application/json"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        raw = None if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
        return server.raw(method, path, body=raw, headers=headers, key=key)

    return request


@pytest.fixture
def new_key() -> str:
    return str(uuid.uuid4())


def card(number: str = "4242424242424242", **more: object) -> Json:
    return {"number": number, "exp_month": 12, "exp_year": 2034, "cvc": "123"} | more


def payment(**more: object) -> Json:
    return {"amount": 1050, "currency": "usd", "method": "credit_card", "card": card()} | more
