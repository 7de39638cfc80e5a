"""Endpoints and callers to count."""

from collections.abc import Mapping
from typing import Any

from bursar.http.authentication import PAYER, PUBLISHABLE, USER, Principal
from bursar.http.call import Call
from bursar.http.endpoint import Endpoint
from bursar.http.gates import NOBODY
from bursar.http.params import Params


async def _handler(_call: Call, _params: Params) -> Any:
    raise AssertionError("nothing here is called")


async def _payer(_path: Mapping[str, str]) -> Principal:
    raise AssertionError("nothing here is called")


PAY = Endpoint("POST", "/v1/payment_intents", _handler, "", "payment_intents.write", Params, publishable=True)
LOOK = Endpoint("GET", "/v1/payment_intents", _handler, "", "payment_intents.read", Params)
SIGN_IN = Endpoint("POST", "/api/v1/org/login", _handler, "", "self", Params, surface="control", public=True)
SESSION = Endpoint(
    "POST", "/api/v1/txn/payment-session/{wallet}", _handler, "", "self", Params, surface="control", payer=_payer
)

SERVER = Principal("acct_1", 0, "key_1")
OTHER_SERVER = Principal("acct_2", 0, "key_2")
BROWSER = Principal("acct_1", 0, "key_3", PUBLISHABLE)
PERSON = Principal("acct_1", 0, "usr_1", USER)
CUSTOMER = Principal("acct_1", 0, "payer", PAYER)
STRANGER = NOBODY
