"""Money out: set aside when it is asked for, and only with a second person above the limit."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import Connection, select

from bursar.events.tables import events
from bursar.http.authentication import Principal
from bursar.kit.errors import Conflict, InvalidRequest, NotFound, PermissionMissing
from bursar.kit.sealing import SealBroken
from bursar.ledger.schemas import WalletMovement
from bursar.store.errors import RowsExpected, StoreLocked
from bursar.store.unit import Unit
from bursar.wallets.errors import WalletRefused
from bursar.withdrawals.tables import withdrawals
from tests.databases import Database, on
from tests.wallets.harness import ACCOUNT, ORG, OTHER_ORG, House, house_on, person, secret_key, together

WITHDRAW, LIST = "/api/v1/txn/withdraw", "/api/v1/txn/withdrawals"
ONE = f"{LIST}/{{withdrawal}}"
ADA, BOB = person("ada"), person("bob", "finance")
IBAN = "DE89370400440532013000"

Json = Any


def order(amount: object = 400, **more: object) -> dict[str, object]:
    return {"amount": amount, "currency": "USD", "destination": ACCOUNT, **more}


def asked(house: House, amount: int = 400, *, who: Principal = ADA) -> Json:
    return house.asked("POST", WITHDRAW, order(amount), who=who)


def act(house: House, verb: str, made: Json, who: Principal = BOB, **body: object) -> Json:
    return house.asked("POST", f"{ONE}/{verb}", body, who=who, withdrawal=made["id"])


@pytest.fixture
def earned(house: House) -> House:
    """A thousand in the primary wallet, and a limit of five hundred."""
    house.earn(house.primary(), 1_000)
    house.limits["usd"] = 500
    return house


def test_below_the_limit_it_is_approved_at_once(earned: House) -> None:
    made = asked(earned, 500)
    assert (made["status"], made["needs_second_approval"], made["asked_by"]) == ("approved", False, "usr_ada")
    assert (made["decided_by"], made["decided_at"]) == (None, None)
    assert made["wallet"] == earned.primary().code
    assert made["destination"] == {
        "account_holder": "Ada Example",
        "bank_name": "A bank",
        "country": "DE",
        "kind": "iban",
        "last4": "3000",
    }
    assert earned.balance(earned.primary()) == (500, 0, 500)
    assert earned.told()[-2:] == ["bursar.withdrawal.requested", "bursar.withdrawal.approved"]
    assert earned.asked("GET", ONE, withdrawal=made["id"]) == made


def test_above_the_limit_a_second_person_decides(earned: House) -> None:
    made = asked(earned, 501)
    assert (made["status"], made["needs_second_approval"]) == ("requested", True)
    assert earned.balance(earned.primary()) == (499, 0, 501)
    with pytest.raises(PermissionMissing) as refusal:
        act(earned, "approve", made, ADA)
    assert refusal.value.code == "second_person_required"
    approved = act(earned, "approve", made, BOB)
    assert (approved["status"], approved["decided_by"]) == ("approved", "usr_bob")
    assert earned.balance(earned.primary()) == (499, 0, 501)
    assert earned.told()[-1] == "bursar.withdrawal.approved"
    with pytest.raises(Conflict) as again:
        act(earned, "approve", made, BOB)
    assert again.value.code == "withdrawal_decided"
    assert earned.findings() == []


def test_a_currency_without_a_limit_needs_nobody_else(earned: House) -> None:
    earned.earn(earned.primary(), 90_000, currency="eur")
    made = earned.asked("POST", WITHDRAW, order(90_000, currency="eur"), who=ADA)
    assert made["status"] == "approved"


@pytest.mark.parametrize(("verb", "status"), [("refuse", "refused"), ("cancel", "canceled")])
def test_what_will_not_be_is_available_again(earned: House, verb: str, status: str) -> None:
    made = asked(earned, 600)
    ended = act(earned, verb, made, reason="Not this month")
    assert (ended["status"], ended["reason"], ended["decided_by"]) == (status, "Not this month", "usr_bob")
    assert ended["reversal_transaction"] not in (None, ended["balance_transaction"])
    assert earned.balance(earned.primary()) == (1_000, 0, 0)
    for other in ("approve", "refuse", "cancel"):
        with pytest.raises(Conflict):
            act(earned, other, made)
    assert earned.balance(earned.primary()) == (1_000, 0, 0)
    assert earned.told()[-1] == f"bursar.withdrawal.{status}"
    assert earned.findings() == []


def test_an_approved_one_can_be_called_back_and_not_refused(earned: House) -> None:
    made = asked(earned, 300)
    with pytest.raises(Conflict):
        act(earned, "refuse", made)
    assert act(earned, "cancel", made, ADA)["status"] == "canceled"
    assert earned.balance(earned.primary()) == (1_000, 0, 0)


def test_keys_may_ask_and_cancel_and_never_approve(earned: House) -> None:
    made = asked(earned, 600, who=secret_key())
    for verb in ("approve", "refuse"):
        with pytest.raises(PermissionMissing) as refusal:
            act(earned, verb, made, secret_key())
        assert refusal.value.param == "withdrawals.approve"
    assert act(earned, "cancel", made, secret_key())["status"] == "canceled"


def test_asking_and_approving_need_a_fresh_proof(earned: House) -> None:
    made = asked(earned, 600)
    stale = person("eve", "owner", proved_at=0)
    with pytest.raises(PermissionMissing) as asking:
        asked(earned, 100, who=stale)
    with pytest.raises(PermissionMissing) as approving:
        act(earned, "approve", made, stale)
    assert asking.value.code == approving.value.code == "step_up_required"


def test_roles_without_the_permission_are_told_which_one_is_missing(earned: House) -> None:
    made = asked(earned, 600)
    for verb, role, missing in (
        ("approve", "viewer", "withdrawals.approve"),
        ("cancel", "viewer", "withdrawals.write"),
        ("refuse", "support", "withdrawals.approve"),
    ):
        with pytest.raises(PermissionMissing) as refusal:
            act(earned, verb, made, person("eve", role))
        assert refusal.value.param == missing
    with pytest.raises(PermissionMissing):
        earned.asked("GET", LIST, who=person("dan", "developer"))


def test_another_organisation_sees_none_of_it(earned: House) -> None:
    made = asked(earned, 600)
    for method, path, who in (
        ("GET", ONE, secret_key(OTHER_ORG)),
        ("GET", ONE, secret_key(livemode=1)),
        ("POST", f"{ONE}/cancel", secret_key(OTHER_ORG)),
        ("POST", f"{ONE}/approve", person("bob", org_id=OTHER_ORG)),
    ):
        messages = []
        for withdrawal_id in (made["id"], "wd_none"):
            with pytest.raises(NotFound) as refusal:
                earned.asked(method, path, who=who, withdrawal=withdrawal_id)
            messages.append(refusal.value.message.replace(withdrawal_id, "…"))
        assert messages[0] == messages[1]
    assert earned.asked("GET", LIST, who=secret_key(OTHER_ORG))["data"] == []


def test_lists_are_filtered_by_status(earned: House) -> None:
    first, second = asked(earned, 600), asked(earned, 100)
    listed = earned.asked("GET", LIST)
    assert [one["id"] for one in listed["data"]] == [second["id"], first["id"]]
    assert listed["url"] == LIST
    assert [one["id"] for one in earned.asked("GET", LIST, query="status=requested")["data"]] == [first["id"]]
    with pytest.raises(InvalidRequest):
        earned.asked("GET", LIST, query="status=paid_twice")


def test_what_cannot_be_withdrawn_moves_nothing(earned: House) -> None:
    till, euros = earned.wallet(), earned.wallet(currency="eur")
    foreign = earned.wallet(org_id=OTHER_ORG)
    for reason, body in (
        ("insufficient_balance", order(1_001)),
        ("insufficient_balance", order(1, wallet=till.code)),
        ("wrong_currency", order(1, wallet=euros.code)),
    ):
        with pytest.raises(WalletRefused) as refusal:
            earned.asked("POST", WITHDRAW, body, who=ADA)
        assert refusal.value.reason == reason
    with pytest.raises(NotFound) as missing:
        earned.asked("POST", WITHDRAW, order(1, wallet=foreign.code), who=ADA)
    assert missing.value.param == "wallet"
    for name in ("org_id", "status", "asked_by", "needs_second_approval", "decided_by"):
        with pytest.raises(InvalidRequest) as unknown:
            earned.asked("POST", WITHDRAW, order(1) | {name: "approved"}, who=ADA)
        assert (unknown.value.param, unknown.value.code) == (name, "parameter_unknown")
    assert earned.balance(earned.primary()) == (1_000, 0, 0)


def test_the_same_request_sets_money_aside_once(earned: House) -> None:
    made = [earned.asked("POST", WITHDRAW, order(100), who=ADA, key="once") for _ in range(2)]
    assert made[0] == made[1]
    assert earned.balance(earned.primary()) == (900, 0, 100)


def test_the_account_is_kept_sealed_and_shown_by_its_end(earned: House) -> None:
    made = asked(earned, 600)
    act(earned, "approve", made)

    def query(connection: Connection) -> list[Any]:
        rows = [tuple(row) for row in connection.execute(select(withdrawals)).all()]
        return rows + [tuple(row) for row in connection.execute(select(events.c.data)).all()]

    kept = earned.store.read_blocking(query)
    assert kept
    assert not [row for row in kept if IBAN in str(row) or IBAN[4:] in str(row)]
    account = asyncio.run(earned.withdrawals.account(ORG, 0, made["id"]))
    assert (account.number, account.kind, account.account_holder) == (IBAN, "iban", "Ada Example")


def test_a_sealed_account_opens_only_where_it_was_sealed(earned: House) -> None:
    first, second = asked(earned, 100), asked(earned, 100)

    def swap(connection: Connection) -> tuple[None, Unit]:
        row = connection.execute(select(withdrawals).where(withdrawals.c.id == first["id"])).one()
        connection.execute(
            withdrawals.update()
            .where(withdrawals.c.id == second["id"])
            .values(destination_sealed=row.destination_sealed)
        )
        return None, Unit()

    earned.store.transact_blocking(swap)
    with pytest.raises(SealBroken):
        asyncio.run(earned.withdrawals.account(ORG, 0, second["id"]))


def test_money_on_its_way_to_a_bank_is_reserved_no_more(earned: House) -> None:
    """What the transfer to banks will do with an approved one."""
    made = asked(earned, 400)
    movement = WalletMovement(
        org_id=ORG, livemode=0, wallet="main", source_id=made["id"], amount_minor=400, currency="usd"
    )
    effect = earned.ledger.pay_out_reserved(movement)
    assert effect.balance_transaction is None
    earned.store.transact_blocking(lambda _: (None, Unit(effect.changes)))
    assert earned.balance(earned.primary()) == (600, 0, 0)
    assert earned.findings() == []


@pytest.mark.parametrize("database", on("sqlite", "postgresql", "mariadb", "firebird"), indirect=True)
def test_of_decisions_at_once_the_money_follows_one(database: Database) -> None:
    with house_on(database, writers=1 if database.kind == "sqlite" else 2) as house:
        house.limits["usd"] = 0
        house.earn(house.primary(), 10_000)

        async def scenario(made: Json) -> list[Any]:
            return await together(
                [
                    lambda verb=verb, who=who: house.ask(  # type: ignore[misc]
                        "POST", f"{ONE}/{verb}", {}, who=who, withdrawal=made["id"]
                    )
                    for verb, who in (("approve", BOB), ("refuse", BOB), ("cancel", ADA), ("cancel", ADA))
                ]
            )

        for _ in range(8):
            made = asked(house, 100)
            outcomes = asyncio.run(scenario(made))
            ended = [one["status"] for one in outcomes if not isinstance(one, BaseException)]
            refused = {type(one) for one in outcomes if isinstance(one, BaseException)}
            assert refused <= {Conflict, RowsExpected, StoreLocked}
            # An approved one may be called back; otherwise one decision stands.
            assert ended in (["approved"], ["refused"], ["canceled"]) or sorted(ended) == ["approved", "canceled"]
            final = house.asked("GET", ONE, withdrawal=made["id"])
            _, _, reserved = house.balance(house.primary())
            assert reserved == sum(
                one["amount"] for one in house.asked("GET", LIST, query="status=approved&limit=100")["data"]
            )
            assert final["status"] in ended
        assert house.findings() == []


def test_more_is_never_set_aside_than_there_is_however_many_ask() -> None:
    with house_on(Database("memory", "memory://")) as house:
        house.earn(house.primary(), 1_000)

        async def scenario() -> list[Any]:
            return await together([lambda: house.ask("POST", WITHDRAW, order(300), who=ADA) for _ in range(10)])

        outcomes = asyncio.run(scenario())
        made = [one for one in outcomes if not isinstance(one, BaseException)]
        assert 1 <= len(made) <= 3
        assert house.balance(house.primary()) == (1_000 - 300 * len(made), 0, 300 * len(made))
