"""Endpoints, callers and a log to look at."""

from typing import Any

from bursar.http.authentication import USER, Principal
from bursar.http.call import Call
from bursar.http.endpoint import Endpoint
from bursar.http.gates import NOBODY
from bursar.http.params import Params

ORG, OTHER = "acct_one", "acct_two"
ADDRESS = "192.0.2.1"


async def list_payment_intents(_call: Call, _params: Params) -> Any:
    raise AssertionError("nothing here is called")


async def retrieve_payment_intent(_call: Call, _params: Params) -> Any:
    raise AssertionError("nothing here is called")


async def list_roles(_call: Call, _params: Params) -> Any:
    raise AssertionError("nothing here is called")


LIST = Endpoint("GET", "/v1/payment_intents", list_payment_intents, "", "payment_intents.read", Params)
ONE = Endpoint("GET", "/v1/payment_intents/{intent}", retrieve_payment_intent, "", "payment_intents.read", Params)
ROLES = Endpoint("GET", "/api/v1/roles", list_roles, "", "roles.read", Params, surface="control")

SERVER = Principal(ORG, 0, "key_1")
LIVE = Principal(ORG, 1, "key_2")
PERSON = Principal(OTHER, 0, "usr_1", USER)
STRANGER = NOBODY


def call(principal: Principal = SERVER, path: dict[str, str] | None = None, request: str = "req_1") -> Call:
    return Call(principal, request, ADDRESS, None, path or {})
