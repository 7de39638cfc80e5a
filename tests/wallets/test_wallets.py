"""Wallets as an organisation keeps them: made, named, closed, and never another organisation's."""

import asyncio
import re

import pytest

from bursar.kit.clock import ManualClock
from bursar.kit.errors import Conflict, InvalidRequest, NotFound, PermissionMissing
from bursar.wallets.codes import new_code
from tests.databases import Database, on
from tests.wallets.harness import ORG, OTHER_ORG, URL, House, house_on, person, secret_key, together

ONE, PIN = f"{URL}/{{code}}", f"{URL}/{{code}}/pin"


def test_a_new_wallet_has_a_code_and_no_money(house: House) -> None:
    made = house.asked("POST", URL, {"name": " Till 3 ", "currency": "EUR"})
    assert re.fullmatch("[0-9A-Z]{5}-[0-9A-Z]{5}", made["code"])
    assert (made["name"], made["currency"], made["primary"]) == ("Till 3", "eur", False)
    assert (made["has_pin"], made["closed"], made["livemode"], made["balances"]) == (False, False, False, [])
    assert house.asked("GET", ONE, code=made["code"].lower()) == made
    assert house.told() == ["bursar.wallet.created", "bursar.wallet.created"]


def test_everybody_has_a_primary_wallet_in_each_mode(house: House) -> None:
    [primary] = house.asked("GET", URL)["data"]
    assert (primary["primary"], primary["name"], primary["livemode"]) == (True, "Primary wallet", False)
    [live] = house.asked("GET", URL, who=secret_key(livemode=1))["data"]
    assert (live["primary"], live["livemode"]) == (True, True)
    assert live["code"] != primary["code"]
    assert house.asked("GET", URL)["data"] == [primary]


@pytest.mark.parametrize("database", on("sqlite", "postgresql", "mariadb", "firebird"), indirect=True)
def test_the_primary_wallet_is_made_once_however_many_ask_at_once(database: Database) -> None:
    with house_on(database, writers=2 if database.kind != "sqlite" else 1) as house:

        async def scenario() -> None:
            found = await together([lambda: house.wallets.primary(ORG, 0) for _ in range(20)])
            assert len({wallet.id for wallet in found if not isinstance(wallet, BaseException)}) == 1
            assert not [one for one in found if isinstance(one, BaseException)]

        asyncio.run(scenario())
        assert len(house.asked("GET", URL)["data"]) == 1


def test_the_wallet_of_development_has_a_code_that_guides_can_name(house: House) -> None:
    house.wallets.seed_development(ORG)
    house.wallets.seed_development(ORG)
    assert [one["code"] for one in house.asked("GET", URL)["data"]] == ["DEV00-0000G"]


def test_the_wallets_money_is_shown_by_currency(house: House) -> None:
    till = house.wallet()
    house.earn(till, 1_000, fee_minor=30)
    house.earn(till, 500, currency="jpy", at_once=False)
    shown = {one["currency"]: one for one in house.asked("GET", ONE, code=till.code)["balances"]}
    assert shown["usd"] == {"currency": "usd", "available": 970, "pending": 0, "reserved": 0, "authorised": 0}
    assert shown["jpy"]["pending"] == 500
    listed = {one["code"]: one for one in house.asked("GET", URL)["data"]}
    assert {one["currency"] for one in listed[till.code]["balances"]} == {"usd", "jpy"}


def test_wallets_are_listed_page_by_page(house: House) -> None:
    made = [house.asked("POST", URL, {"name": f"Till {number}"})["id"] for number in range(5)]
    first = house.asked("GET", URL, query="limit=2")
    assert [one["id"] for one in first["data"]] == made[:-3:-1]
    assert first["has_more"] is True
    behind = house.asked("GET", URL, query=f"limit=2&starting_after={made[3]}")
    assert [one["id"] for one in behind["data"]] == [made[2], made[1]]
    with pytest.raises(NotFound):
        house.asked("GET", URL, query="starting_after=wal_none")


def test_a_wallet_is_renamed_closed_and_opened_again(house: House) -> None:
    till = house.wallet()
    assert house.asked("PUT", ONE, {"name": "Bar"}, code=till.code)["name"] == "Bar"
    assert house.asked("PUT", ONE, {"closed": True}, code=till.code)["closed"] is True
    assert house.asked("PUT", ONE, {"closed": False}, code=till.code)["closed"] is False
    before = house.told()
    assert house.asked("PUT", ONE, {"closed": False, "name": "Bar"}, code=till.code)["name"] == "Bar"
    assert house.told() == before == ["bursar.wallet.created"] * 2 + ["bursar.wallet.updated"] * 3


def test_neither_the_primary_wallet_nor_one_with_money_is_closed(house: House) -> None:
    with pytest.raises(Conflict, match="primary"):
        house.asked("PUT", ONE, {"closed": True}, code=house.primary().code)
    for at_once in (True, False):
        till = house.wallet()
        house.earn(till, 100, at_once=at_once)
        with pytest.raises(Conflict, match="Transfer it") as refusal:
            house.asked("PUT", ONE, {"closed": True}, code=till.code)
        assert (refusal.value.code, refusal.value.param) == ("wallet_not_empty", "closed")


def test_another_organisations_wallet_is_the_same_as_none(house: House) -> None:
    foreign, absent = house.wallet(org_id=OTHER_ORG), new_code()
    requests = [
        ("GET", ONE, None),
        ("PUT", ONE, {"name": "Mine"}),
        ("PUT", PIN, {"pin": "480953"}),
        ("GET", f"{ONE}/statement", None),
    ]
    for method, path, body in requests:
        answers = []
        for code in (foreign.code, absent):
            with pytest.raises(NotFound) as refusal:
                house.asked(method, path, body, code=code)
            answers.append((refusal.value.message.replace(code, "…"), refusal.value.code, refusal.value.param))
        assert answers[0] == answers[1]
    with pytest.raises(NotFound):
        house.asked("GET", ONE, code=house.wallet().code, who=secret_key(livemode=1))


@pytest.mark.parametrize("name", ["org_id", "is_primary", "primary", "closed", "ledger_name", "version", "code", "id"])
def test_what_may_not_be_set_is_refused(house: House, name: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        house.asked("POST", URL, {"name": "Till", name: "x"})
    assert (refusal.value.param, refusal.value.code) == (name, "parameter_unknown")
    if name == "closed":
        return
    with pytest.raises(InvalidRequest) as refusal:
        house.asked("PUT", ONE, {name: "x"}, code=house.primary().code)
    assert (refusal.value.param, refusal.value.code) == (name, "parameter_unknown")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "n" * 101}, "name"),
        ({"name": "Till", "currency": "abc"}, "currency"),
        ({"name": "Till", "currency": "euro"}, "currency"),
        ({"name": "Till", "pin": "123456"}, "pin"),
        ({"name": "Till", "pin": 480953}, "pin"),
    ],
)
def test_a_wallet_that_cannot_be_is_refused(house: House, body: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        house.asked("POST", URL, body)
    assert refusal.value.param == param


def test_the_same_request_makes_one_wallet(house: House) -> None:
    made = [house.asked("POST", URL, {"name": "Till"}, key="once") for _ in range(2)]
    assert made[0] == made[1]
    assert len(house.asked("GET", URL)["data"]) == 2


def test_a_wallet_is_found_by_its_code_whoever_it_belongs_to(house: House) -> None:
    till = house.wallet(org_id=OTHER_ORG)
    found = asyncio.run(house.wallets.find_by_code(till.code.lower()))
    assert found == till
    assert asyncio.run(house.wallets.find_by_code(new_code())) is None


def test_an_organisation_has_a_limited_number_of_wallets(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bursar.wallets.service.WALLETS_MAX", 2)
    house.asked("POST", URL, {"name": "Till"})
    with pytest.raises(Conflict, match="up to 2"):
        house.asked("POST", URL, {"name": "Till"})


def test_each_role_may_do_what_the_table_says(house: House) -> None:
    for role in ("viewer", "developer"):
        assert house.asked("GET", URL, who=person("eve", role))["data"]
        with pytest.raises(PermissionMissing) as refusal:
            house.asked("POST", URL, {"name": "Till"}, who=person("eve", role))
        assert refusal.value.param == "wallets.write"
    with pytest.raises(PermissionMissing):
        house.asked("GET", URL, who=person("eve", "support"))
    assert house.asked("POST", URL, {"name": "Till"}, who=person("fay", "finance"))["name"] == "Till"


def test_a_pin_needs_a_fresh_proof_of_people_and_the_current_pin_of_keys(house: House, clock: ManualClock) -> None:
    code = house.primary().code
    with pytest.raises(PermissionMissing) as refusal:
        house.asked("PUT", PIN, {"pin": "480953"}, code=code, who=person("ada", proved_at=0))
    assert refusal.value.code == "step_up_required"
    assert house.asked("PUT", PIN, {"pin": "480953"}, code=code)["has_pin"] is True
    with pytest.raises(InvalidRequest) as missing:
        house.asked("PUT", PIN, {"pin": "715204"}, code=code)
    assert (missing.value.param, missing.value.code) == ("current_pin", "parameter_missing")
    with pytest.raises(InvalidRequest) as wrong:
        house.asked("PUT", PIN, {"pin": "715204", "current_pin": "480954"}, code=code)
    assert (wrong.value.param, wrong.value.code) == ("current_pin", "pin_wrong")
    house.asked("PUT", PIN, {"pin": "715204", "current_pin": "480953"}, code=code)
    house.asked("PUT", PIN, {"pin": "480953"}, code=code, who=person("ada"))
    assert house.told().count("bursar.wallet_pin.set") == 3
