"""Between wallets of one organisation."""

import pytest

from bursar.kit.clock import ManualClock
from bursar.kit.errors import InvalidRequest, NotFound
from bursar.wallets.errors import WalletRefused
from tests.wallets.harness import OTHER_ORG, House, secret_key

TRANSFERS = "/api/v1/wallets/transfers"
ONE = f"{TRANSFERS}/{{transfer}}"
DAY_SECONDS = 86_400


def order(payer: str, payee: str, amount: object = 400, **more: object) -> dict[str, object]:
    return {"from": payer, "to": payee, "amount": amount, "currency": "USD", **more}


def test_money_moves_at_once_and_is_told_on_both_sides(house: House) -> None:
    main, till = house.primary(), house.wallet()
    house.earn(main, 1_000)
    made = house.asked("POST", TRANSFERS, order(main.code, till.code.lower(), description="Change"))
    assert (made["from"], made["to"], made["amount"], made["currency"]) == (main.code, till.code, 400, "usd")
    assert (house.balance(main), house.balance(till)) == ((600, 0, 0), (400, 0, 0))
    assert house.asked("GET", ONE, transfer=made["id"]) == made
    assert house.asked("GET", TRANSFERS)["data"] == [made]
    assert house.told()[-1] == "bursar.wallet_transfer.created"
    assert house.findings() == []


def test_the_same_request_moves_money_once(house: House) -> None:
    main, till = house.primary(), house.wallet()
    house.earn(main, 1_000)
    made = [house.asked("POST", TRANSFERS, order(main.code, till.code), key="once") for _ in range(2)]
    assert made[0] == made[1]
    assert house.balance(till) == (400, 0, 0)


def test_pending_money_is_transferred_from_its_day_on_even_before_the_release(house: House, clock: ManualClock) -> None:
    main, till = house.primary(), house.wallet()
    house.earn(till, 1_000, at_once=False)
    with pytest.raises(WalletRefused):
        house.asked("POST", TRANSFERS, order(till.code, main.code))
    clock.advance(2 * DAY_SECONDS)
    house.asked("POST", TRANSFERS, order(till.code, main.code))
    assert (house.balance(till), house.balance(main)) == ((600, 0, 0), (400, 0, 0))
    assert house.findings() == []


def test_a_transfer_that_cannot_be_moves_nothing(house: House) -> None:
    main, till, euros = house.primary(), house.wallet(), house.wallet(currency="eur")
    foreign, live = house.wallet(org_id=OTHER_ORG), house.asked("GET", "/api/v1/wallets", who=secret_key(livemode=1))
    house.earn(main, 1_000)
    reasons = {
        "own_wallet": order(main.code, main.code),
        "wrong_currency": order(main.code, euros.code),
        "insufficient_balance": order(main.code, till.code, 1_001),
    }
    for reason, body in reasons.items():
        with pytest.raises(WalletRefused) as refusal:
            house.asked("POST", TRANSFERS, body)
        assert refusal.value.reason == reason
    for name, body in (
        ("to", order(main.code, foreign.code)),
        ("from", order(foreign.code, main.code)),
        ("to", order(main.code, live["data"][0]["code"])),
    ):
        with pytest.raises(NotFound) as missing:
            house.asked("POST", TRANSFERS, body)
        assert missing.value.param == name
    typo = till.code[:-1] + ("0" if till.code[-1] != "0" else "1")
    invalid = {
        "to": order(main.code, typo),
        "amount": order(main.code, till.code, 0),
        "currency": order(main.code, till.code) | {"currency": "abc"},
        "org_id": order(main.code, till.code, org_id="acct_other"),
        "status": order(main.code, till.code, status="done"),
    }
    for name, body in invalid.items():
        with pytest.raises(InvalidRequest) as bad:
            house.asked("POST", TRANSFERS, body)
        assert bad.value.param == name
    assert house.balance(main) == (1_000, 0, 0)


def test_a_refund_of_a_card_takes_a_wallet_below_zero_and_no_person_can(house: House) -> None:
    main, till = house.primary(), house.wallet()
    house.earn(till, 500)
    house.refund_card(till, 700)
    assert house.balance(till) == (-200, 0, 0)
    with pytest.raises(WalletRefused):
        house.asked("POST", TRANSFERS, order(till.code, main.code, 1))
    with pytest.raises(NotFound):
        house.asked("GET", ONE, transfer="wtr_none")
