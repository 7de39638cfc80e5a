"""The process dies at each step of a plain payment: whoever asks again is told the end, and the money moved once."""

import pytest

from bursar.http.authentication import USER, Principal
from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.permissions import OWNER, ROLES
from tests.payment_sessions.conftest import mortal
from tests.payment_sessions.mortal import Mortal
from tests.payment_sessions.platform import Town, by_card
from tests.payments.bank import DECLINED
from tests.payments.harness import Json

__all__ = ["mortal"]

URL = "/api/v1/payments"
STEPS_MAX = 20  # more than any of these takes
CARD = by_card() | {"amount": 2000, "currency": "usd"}
IN_MAJOR_UNITS = by_card() | {"amount": "20.00", "currency": "usd"}

STORIES: dict[str, tuple[Json, str, Json, str, int]] = {
    # What is there before, where it is asked, with what, how that ends, and what the bank has taken then.
    "sale": ({}, URL, CARD, "approved", 2000),
    "pay": ({}, "/pay", IN_MAJOR_UNITS, "approved", 2000),
    "decline": ({}, URL, CARD | by_card(DECLINED), "declined", 0),
    "declined by rule": ({}, URL, CARD | by_card("4242424242424241"), "declined", 0),
    "capture": (CARD | {"capture": False}, f"{URL}/{{}}/capture", {"amount": 1500}, "approved", 1500),
    "cancel": (CARD | {"capture": False}, f"{URL}/{{}}/cancel", {}, "canceled", 0),
    "refund": (CARD, f"{URL}/{{}}/refunds", {"amount": 500}, "succeeded", 2000),
}


@pytest.mark.parametrize("fuse", range(STEPS_MAX))
@pytest.mark.parametrize("story", STORIES)
def test_whoever_asks_again_is_told_the_end_whenever_the_process_died(mortal: Mortal, story: str, fuse: int) -> None:
    before, path, body, status, taken = STORIES[story]
    if before:
        made = mortal.run(mortal.platform.send("POST", URL, before))
        path = path.format(made.json["payment_id"])
    first = mortal.ask(lambda: mortal.platform.send("POST", path, body, key="key"), fuse)
    mortal.resolve()
    again, once_more = (mortal.ask(lambda: mortal.platform.send("POST", path, body, key="key")) for _ in range(2))
    assert again is not None and once_more is not None
    assert (again.status, again.json["status"]) == (200, status), again.body
    assert again.body == once_more.body
    assert once_more.was_replayed
    assert first is None or first.body == again.body
    assert first is not None or fuse < STEPS_MAX - 1, "there are more steps to die at"
    assert mortal.captured == taken
    lines = mortal.run(mortal.platform.listed())["data"]
    assert len(lines) == 1


class TestProof:
    """Refunds from a certain amount on, by people, need a fresh proof of who they are."""

    def principal(self, town: Town, minutes_ago: int) -> Principal:
        proved = town.clock.now_microseconds() - minutes_ago * 60 * MICROSECONDS_PER_SECOND
        return Principal(town.payee.org_id, 0, "usr_1", USER, ROLES[OWNER], OWNER, "ses_1", proved)

    def refund(self, mortal: Mortal, payment: str, principal: Principal | None, **body: object) -> Json:
        path = f"{URL}/{payment}/refunds"
        reply = mortal.run(mortal.platform.send("POST", path, body, principal=principal))
        told: Json = reply.json
        return told

    def test_small_refunds_add_up_to_one_that_needs_a_proof(self, mortal: Mortal) -> None:
        town = mortal.town
        me = Principal(town.payee.org_id, 0, "key_1")
        from bursar.accounts.terms import TermsParams
        from bursar.http.call import Call

        mortal.run(mortal.platform.terms.change(Call(me, "req_1"), TermsParams(proof_above_minor={"usd": 1000})))
        payment = mortal.run(mortal.platform.send("POST", URL, CARD)).json["payment_id"]
        stale, fresh = self.principal(town, 11), self.principal(town, 1)
        assert self.refund(mortal, payment, stale, amount=600)["status"] == "succeeded"
        assert self.refund(mortal, payment, stale, amount=399)["status"] == "succeeded"
        for body in ({"amount": 1}, {}):
            assert self.refund(mortal, payment, stale, **body)["error"]["code"] == "step_up_required"
        assert self.refund(mortal, payment, fresh, amount=1)["status"] == "succeeded"
        assert self.refund(mortal, payment, None)["amount"] == 1000


def test_a_failed_try_is_answered_the_same_under_the_same_key(mortal: Mortal) -> None:
    from tests.payment_sessions.platform import from_wallet

    (payer,) = mortal.town.payers
    trace = mortal.run(mortal.platform.open(mortal.town.payee))
    first, again = (mortal.accept(trace, from_wallet(payer, totalAmount=1), "key") for _ in range(2))
    assert first is not None and again is not None
    assert (first.status, again.body, again.was_replayed) == (400, first.body, True)
    assert len(mortal.run(mortal.platform.listed(status="failed"))["data"]) == 1
