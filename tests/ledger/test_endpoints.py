"""The balance and its transactions as they are sent, against the official SDK's annotations."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import pytest
import stripe

from bursar.http.authentication import Principal
from bursar.http.call import Call
from bursar.http.endpoint import Endpoint
from bursar.http.expand import expand
from bursar.kit.clock import ManualClock, seconds
from bursar.kit.errors import RequestError
from bursar.kit.permissions import OF_KEYS as PERMISSIONS
from bursar.ledger.endpoints import endpoints
from bursar.store.engine import MEMORY_URL
from tests.databases import Database
from tests.ledger.harness import DAY_SECONDS, ORG, Ledger, ledger_on, movement, new_id
from tests.wire.annotations import assert_conforms

Json = Any


async def load_refunds(_call: Call, ids: Sequence[str]) -> Mapping[str, Json]:
    return {object_id: {"id": object_id, "object": "refund"} for object_id in ids}


class Api:
    """The endpoints as a request meets them, without its socket."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        declared = endpoints(ledger.service, {"re": load_refunds})
        self.endpoints: dict[str, Endpoint] = {endpoint.path: endpoint for endpoint in declared}

    def get(self, path: str, query: str = "", *, livemode: int = 0, **names: str) -> Json:
        endpoint = self.endpoints[path]
        assert endpoint.permission in PERMISSIONS
        principal = Principal(org_id=ORG, livemode=livemode, key_id="key_1", kind="secret", permissions=frozenset())
        call = Call(principal, "req_1", path=names)
        params = endpoint.parser.from_form(query.encode())

        async def request() -> Json:
            result = await endpoint.handler(call, params)
            assert isinstance(result, msgspec.Struct)
            answer = msgspec.json.decode(msgspec.json.encode(result))
            if params.expand:
                await expand(call, answer, params.expand, endpoint.expandable)
            return answer

        return asyncio.run(request())

    def balance(self) -> Json:
        return self.get("/v1/balance")

    def page(self, query: str = "", **more: Any) -> Json:
        return self.get("/v1/balance_transactions", query, **more)

    def ids(self, query: str = "") -> list[str]:
        return [transaction["id"] for transaction in self.page(query)["data"]]

    def retrieve(self, transaction_id: str, query: str = "") -> Json:
        return self.get("/v1/balance_transactions/{balance_transaction}", query, balance_transaction=transaction_id)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def api(clock: ManualClock) -> Iterator[Api]:
    with ledger_on(Database("memory", MEMORY_URL), clock) as ledger:
        yield Api(ledger)


def refused(api: Api, query: str) -> RequestError:
    with pytest.raises(RequestError) as refusal:
        api.page(query)
    return refusal.value


def amounts(balance: Json, name: str) -> dict[str, int]:
    return {part["currency"]: part["amount"] for part in balance[name]}


def test_the_balance_has_every_currency_in_both_lists(api: Api) -> None:
    api.ledger.sale(1_000, 15)
    api.ledger.sale(500, 0, at_once=True, currency="jpy")
    api.ledger.hold(9_000, "eur")
    balance = api.balance()
    assert_conforms(balance, stripe.Balance)
    assert amounts(balance, "pending") == {"eur": 0, "jpy": 0, "usd": 985}
    assert amounts(balance, "available") == {"eur": 0, "jpy": 500, "usd": 0}
    assert balance["pending"][2]["source_types"]["card"] == 985


def test_who_has_nothing_yet_has_nothing_in_some_currency(api: Api) -> None:
    balance = api.balance()
    assert_conforms(balance, stripe.Balance)
    assert amounts(balance, "available") == amounts(balance, "pending") == {"usd": 0}
    assert balance["livemode"] is False
    assert api.get("/v1/balance", livemode=1)["livemode"] is True


def test_every_kind_of_transaction_conforms(api: Api) -> None:
    service, ledger = api.ledger.service, api.ledger
    ledger.sale(1_000, 15)
    ledger.sale(1_000, 0, at_once=True)
    ledger.commit(service.refund(movement(100, new_id("re"))))
    ledger.commit(service.refund_failed(movement(100, new_id("re"), operation_id=None)))
    ledger.commit(service.reverse(movement(1_000, new_id("ch")), fee_minor=15))
    ledger.commit(service.dispute_withdrawn(movement(100, new_id("du")), fee_minor=1_500))
    ledger.commit(service.dispute_reinstated(movement(100, new_id("du")), fee_minor=1_500))
    page = api.page()
    assert_conforms(page, stripe.ListObject[stripe.BalanceTransaction])
    told = [(one["type"], one["reporting_category"], one["amount"], one["fee"], one["net"]) for one in page["data"]]
    assert told == [
        ("adjustment", "dispute_reversal", 100, -1_500, 1_600),
        ("adjustment", "dispute", -100, 1_500, -1_600),
        ("payment_reversal", "charge_failure", -1_000, -15, -985),
        ("refund_failure", "refund_failure", 100, 0, 100),
        ("refund", "refund", -100, 0, -100),
        ("charge", "charge", 1_000, 0, 1_000),
        ("charge", "charge", 1_000, 15, 985),
    ]
    for one in page["data"]:
        assert_conforms(one, stripe.BalanceTransaction)
        assert api.retrieve(one["id"]) == one


def test_a_transaction_becomes_available_by_time_alone(api: Api, clock: ManualClock) -> None:
    api.ledger.sale()
    [one] = api.page()["data"]
    assert one["status"] == "pending"
    assert seconds(clock.microseconds) < one["available_on"] <= seconds(clock.microseconds) + 2 * DAY_SECONDS
    clock.advance(2 * DAY_SECONDS)
    assert api.retrieve(one["id"])["status"] == "available"
    assert api.page()["data"][0]["status"] == "available"


def test_lists_are_filtered_and_paged(api: Api, clock: ManualClock) -> None:
    charges = []
    for number in range(5):
        charges.append(api.ledger.sale(currency="usd" if number % 2 else "eur"))
        clock.advance(60)
    api.ledger.commit(api.ledger.service.refund(movement(100, "re_1")))
    everything = api.ids()
    assert len(everything) == 6
    assert api.ids("type=refund") == everything[:1]
    assert api.ids("type=payout") == []
    assert api.ids(f"source={charges[0]}") == everything[-1:]
    assert api.ids("currency=EUR") == [everything[1], everything[3], everything[5]]
    start = seconds(clock.microseconds)
    assert api.ids(f"created[gte]={start}") == everything[:1]
    assert api.ids(f"created[lt]={start - 60}") == everything[2:]
    first = api.page("limit=2")
    assert first["has_more"] is True
    assert first["url"] == "/v1/balance_transactions"
    assert api.ids(f"limit=2&starting_after={everything[1]}") == everything[2:4]
    assert api.ids(f"limit=2&ending_before={everything[2]}") == everything[:2]


@pytest.mark.parametrize(
    ("query", "status", "param", "code"),
    [
        ("starting_after=txn_none", 404, "starting_after", "resource_missing"),
        ("ending_before=txn_none", 404, "ending_before", "resource_missing"),
        ("payout=po_none", 404, "payout", "resource_missing"),
        ("limit=0", 400, "limit", None),
        ("currency=dollars", 400, "currency", None),
        ("type=Payout!", 400, "type", None),
        ("currency=%C3%A9ur", 400, "currency", None),
        ("colour=red", 400, "colour", "parameter_unknown"),
    ],
)
def test_a_list_that_cannot_be_is_refused(api: Api, query: str, status: int, param: str, code: str | None) -> None:
    refusal = refused(api, query)
    assert (refusal.status, refusal.param) == (status, param)
    assert code is None or refusal.code == code


def test_another_modes_transaction_is_no_transaction(api: Api) -> None:
    api.ledger.sale()
    [transaction_id] = api.ids()
    assert api.page(livemode=1)["data"] == []
    with pytest.raises(RequestError) as refusal:
        api.get("/v1/balance_transactions/{balance_transaction}", livemode=1, balance_transaction=transaction_id)
    assert (refusal.value.status, refusal.value.code, refusal.value.param) == (404, "resource_missing", "id")


def test_a_source_is_expanded_by_whoever_knows_its_kind(api: Api) -> None:
    charge = api.ledger.sale()
    api.ledger.commit(api.ledger.service.refund(movement(100, "re_1")))
    page = api.page("expand[]=data.source")["data"]
    assert [one["source"] for one in page] == [{"id": "re_1", "object": "refund"}, charge]
    assert api.retrieve(page[0]["id"], "expand[]=source")["source"]["object"] == "refund"


def test_others_load_transactions_to_expand_them(api: Api) -> None:
    api.ledger.sale()
    [transaction_id] = api.ids()
    principal = Principal(org_id=ORG, livemode=0, key_id="key_1", kind="secret", permissions=frozenset())
    loaded = asyncio.run(api.ledger.service.load(Call(principal, "req_1"), [transaction_id, "txn_none"]))
    assert loaded == {transaction_id: api.retrieve(transaction_id)}
