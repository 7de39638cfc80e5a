"""The process dies at each step of paying a session: whoever asks again is told the end, and it is paid once."""

import pytest

from tests.payment_sessions.mortal import Mortal
from tests.payment_sessions.platform import by_card, from_wallet
from tests.payments.bank import CHALLENGED, DECLINED
from tests.payments.harness import Json

STEPS_MAX = 22  # more than any of these takes
STORIES: dict[str, tuple[Json, str, str, int]] = {
    "card": (by_card(), "approved", "paid", 2500),
    "decline": (by_card(DECLINED), "declined", "open", 0),
    "challenge": (by_card(CHALLENGED), "requires_action", "requires_action", 0),
    "a card that is none": (by_card("4242424242424241"), "declined", "open", 0),
    "bank wallet": ({"method": "wallet", "wallet": {"wallet_id": "pw_full"}}, "approved", "paid", 2500),
}


@pytest.mark.parametrize("fuse", range(STEPS_MAX))
@pytest.mark.parametrize("story", STORIES)
def test_a_payer_by_a_method_is_told_the_end_whenever_the_process_died(mortal: Mortal, story: str, fuse: int) -> None:
    body, status, end, captured = STORIES[story]
    trace = mortal.run(mortal.platform.open(mortal.town.payee))
    first = mortal.accept(trace, body, "key", fuse=fuse)
    mortal.resolve()
    again, once_more = (mortal.accept(trace, body, "key") for _ in range(2))
    assert again is not None and once_more is not None
    assert (again.status, again.json["status"]) == (200, status), again.body
    assert again.body == once_more.body
    assert once_more.was_replayed
    assert first is None or first.body == again.body
    assert first is not None or fuse < STEPS_MAX - 1, "there are more steps to die at"
    assert mortal.captured == captured
    assert mortal.run(mortal.platform.look_at(trace))["status"] == end
    (line,) = [one for one in mortal.run(mortal.platform.listed())["data"] if one["status"] != "failed"]
    assert line["status"] == {"paid": "captured", "open": "initiated", "requires_action": "pending"}[end]


@pytest.mark.parametrize("fuse", range(STEPS_MAX))
def test_a_payer_from_a_wallet_pays_once_whenever_the_process_died(mortal: Mortal, fuse: int) -> None:
    (payer,) = mortal.town.payers
    trace = mortal.run(mortal.platform.open(mortal.town.payee))
    first = mortal.accept(trace, from_wallet(payer), fuse=fuse)
    again, once_more = (mortal.accept(trace, from_wallet(payer)) for _ in range(2))
    assert again is not None and once_more is not None
    assert (again.status, again.json["status"], again.body) == (200, "approved", once_more.body)
    assert first is None or first.body == again.body
    assert first is not None or fuse < STEPS_MAX - 1, "there are more steps to die at"
    assert mortal.town.platform.available(payer) == 7500
    assert mortal.town.platform.available(mortal.town.payee) == 2500


@pytest.mark.parametrize("fuse", range(STEPS_MAX))
def test_another_payer_after_a_crash_pays_only_what_is_not_paid(mortal: Mortal, fuse: int) -> None:
    """The card's end is not known yet when somebody pays from a wallet, and then it is."""
    (payer,) = mortal.town.payers
    trace = mortal.run(mortal.platform.open(mortal.town.payee))
    mortal.accept(trace, by_card(), fuse=fuse)
    other = mortal.accept(trace, from_wallet(payer))
    assert other is not None and other.status in (200, 409)
    mortal.resolve()
    taken = 10_000 - mortal.town.platform.available(payer)
    assert (taken, mortal.captured) in ((2500, 0), (0, 2500))
    assert (other.status == 200) == (taken == 2500)
    assert mortal.run(mortal.platform.look_at(trace))["status"] == "paid"
