"""Limits as clients meet them: headers, 429, the official SDK, several processes, and proxies."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import stripe

from tests.control.house import House, standing
from tests.wire.harness import SECRET_KEY, RunningServer

LIMITS = "key.payments=2/s burst 3; key.read=2/hour; address.failures=5/hour; address.sign_in=3/hour"
CLIENT_SECONDS_MAX = 20


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with standing(request_limits=LIMITS) as house:
        yield house


@pytest.fixture
def key(house: House) -> str:
    return house.key(house.organisation())


def test_an_answer_tells_what_is_left_a_refusal_when_to_come_back(house: House, key: str) -> None:
    first = house.call("GET", "/v1/customers", key)
    assert first.status == 200
    assert first.headers["ratelimit-policy"] == '"key.read";q=2;w=3600'
    assert first.headers["ratelimit"] == '"key.read";r=1;t=1800'
    missing = house.call("GET", "/v1/customers/cus_1", key)
    assert (missing.status, missing.headers["ratelimit"]) == (404, '"key.read";r=0;t=3600')
    refused = house.call("GET", "/v1/customers", key)
    assert refused.status == 429
    assert refused.error["type"] == "invalid_request_error"
    assert refused.error["code"] == "rate_limit"
    assert "key.read" in refused.error["message"]
    assert 0 < int(refused.headers["retry-after"]) <= 1800
    assert refused.headers["stripe-should-retry"] == "false"
    assert refused.headers["ratelimit"].startswith('"key.read";r=0;t=')
    assert refused.headers["request-id"].startswith("req_")


def test_reads_used_up_leave_payments_alone_and_other_keys_too(house: House, key: str) -> None:
    for _ in range(3):
        house.call("GET", "/v1/customers", key)
    assert house.call("GET", "/v1/customers", key).status == 429
    assert house.call("POST", "/v1/customers", key, b"name=Ada").status == 200
    other = house.key(house.organisation())
    assert house.call("GET", "/v1/customers", other).status == 200


def test_guessing_keys_does_not_pay_and_shuts_nobody_else_out(house: House, key: str) -> None:
    for _ in range(5):
        assert house.call("GET", "/v1/customers", "sk_test_guess", address="203.0.113.5").status == 401
    assert house.call("GET", "/v1/customers", "sk_test_guess", address="203.0.113.5").status == 429
    assert house.call("GET", "/v1/customers", "sk_test_guess", address="203.0.113.6").status == 401
    assert house.call("GET", "/v1/customers", key, address="203.0.113.5").status == 200


def test_a_key_that_may_not_is_no_guess(house: House) -> None:
    restricted = house.key(house.organisation(), "restricted", permissions=["customers.read"])
    for _ in range(10):
        assert house.call("POST", "/v1/customers", restricted, b"", address="203.0.113.7").status == 403


def test_signing_in_is_counted_by_address_before_any_password_is_looked_at(house: House) -> None:
    body = {"email": "nobody@example.test", "password": "not the right one"}
    answers = [house.call("POST", "/api/v1/org/login", None, body, address="203.0.113.8").status for _ in range(4)]
    assert answers == [401, 401, 401, 429]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    environment = {"BURSAR_REQUEST_LIMITS": "key.payments=2/s burst 2; key.write=1/hour"}
    with RunningServer(tmp_path_factory.mktemp("limited"), environment) as running:
        yield running


def client(server: RunningServer, retries: int) -> stripe.StripeClient:
    return stripe.StripeClient(
        SECRET_KEY,
        base_addresses={"api": server.base_url},
        max_network_retries=retries,
        http_client=stripe.RequestsClient(timeout=CLIENT_SECONDS_MAX),
    )


def test_the_official_sdk_raises_its_own_error_for_it(server: RunningServer) -> None:
    params: stripe.params.CustomerCreateParams = {"name": "Ada"}
    client(server, 0).v1.customers.create(params)
    with pytest.raises(stripe.RateLimitError) as caught:
        client(server, 2).v1.customers.create(params)
    assert caught.value.http_status == 429
    assert caught.value.error is not None
    assert caught.value.error.code == "rate_limit"
    assert caught.value.headers is not None
    assert int(caught.value.headers["retry-after"]) > 3_000


def test_the_official_sdk_gets_through_by_itself_where_that_takes_a_moment(server: RunningServer) -> None:
    patient = client(server, 4)
    started = time.monotonic()
    made = {patient.v1.payment_intents.create({"amount": 100, "currency": "eur"}).id for _ in range(6)}
    assert len(made) == 6
    assert time.monotonic() - started >= 1.5, "two at once, then two a second"


def test_a_limit_that_cannot_be_read_is_refused_at_the_start(tmp_path: Path) -> None:
    from bursar.settings import SettingsError, development

    with pytest.raises(SettingsError, match="BURSAR_REQUEST_LIMITS"):
        development(tmp_path, 0, {"BURSAR_REQUEST_LIMITS": "key.payments=fast"})
    with pytest.raises(SettingsError, match="BURSAR_REDIS_URL"):
        development(tmp_path, 0, {"BURSAR_REDIS_URL": "localhost:6379"})
