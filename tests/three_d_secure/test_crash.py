"""A server that dies after the customer's click, while the bank is asked."""

from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.faults.process import ServerProcess, dev_server
from tests.three_d_secure.slow_bank import SLOW_MILLISECONDS, get, let_the_bank_take, post, wait_for

CARD = {"payment_method": "pm_card_authenticationRequired", "confirm": "true"}
PATHS = {
    "payment": ("/v1/payment_intents", CARD | {"amount": "2000", "currency": "usd"}),
    "setup": ("/v1/setup_intents", CARD),
}


@pytest.mark.parametrize("kind", ["payment", "setup"])
def test_what_the_customer_decided_is_carried_out(tmp_path: Path, kind: str) -> None:
    path, form = PATHS[kind]
    process = dev_server(tmp_path)
    with ExitStack() as ending:
        ending.callback(process.discard)
        process.start()
        let_the_bank_take(process, 0)
        _, waiting = post(process, path, form, "ask")
        page = urlsplit(waiting["next_action"]["redirect_to_url"]["url"]).path
        let_the_bank_take(process, SLOW_MILLISECONDS)
        click = process.connection()
        ending.callback(click.close)
        click.request("POST", page, "result=passed", {"Content-Type": "application/x-www-form-urlencoded"})
        wait_for(lambda: status(process, path, waiting["id"], "processing"))
        process.kill()
        process.start()
        let_the_bank_take(process, 0)
        wait_for(lambda: status(process, path, waiting["id"], "succeeded"))
        events = [event["type"] for event in get(process, "/v1/events?limit=50")["data"]]
        assert events.count(f"{kind}_intent.succeeded") == 1


def status(process: ServerProcess, path: str, object_id: str, wanted: str) -> bool | None:
    found = get(process, f"{path}/{object_id}")["status"]
    assert found in ("requires_action", "processing", "succeeded")
    return True if found == wanted else None
