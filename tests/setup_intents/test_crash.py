"""A server that dies while the bank is asked."""

from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlencode

from tests.faults.process import ServerProcess, dev_server
from tests.three_d_secure.slow_bank import SLOW_MILLISECONDS, get, headers, let_the_bank_take, post, wait_for

FORM = {"payment_method": "pm_card_visa", "confirm": "true"}


def test_a_setup_is_finished_and_its_client_gets_the_end(tmp_path: Path) -> None:
    """The bank is slow, the server is killed, and the client repeats its request at the next one."""
    process = dev_server(tmp_path)
    with ExitStack() as ending:
        ending.callback(process.discard)
        process.start()
        let_the_bank_take(process, SLOW_MILLISECONDS)
        connection = process.connection()
        ending.callback(connection.close)
        connection.request("POST", "/v1/setup_intents", urlencode(FORM), headers("late"))
        setup_id = wait_for(lambda: latest_if_processing(process))
        process.kill()
        process.start()
        let_the_bank_take(process, 0)
        status, answer = post(process, "/v1/setup_intents", FORM, "late")
        assert (status, answer["id"], answer["status"]) == (200, setup_id, "succeeded")
        assert len(get(process, "/v1/setup_intents")["data"]) == 1


def latest_if_processing(process: ServerProcess) -> str | None:
    found = get(process, "/v1/setup_intents?limit=1")["data"]
    return str(found[0]["id"]) if found and found[0]["status"] == "processing" else None
