"""One idempotency key from fifty clients at once: one payment, and the same answer for everybody."""

import json
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.pair import KINDS, Pair, database_of, production_pair
from tests.faults.payment_load import Client, Ending, Load, card_form
from tests.faults.payment_run import assert_nothing_is_wrong, loaded, new_chance

CLIENTS = 50
AGAIN_SECONDS = (0.02, 0.06)
TWO_WORKERS = {"BURSAR_WORKERS": "2"}
# Long enough for all to come before the first is answered.
BANK_MILLISECONDS = 40
MAY_BE_SAID_MEANWHILE = {"409 idempotency_key_in_use"}


class Crowd:
    """All clients do the same at the same time, round after round."""

    def __init__(self, load: Load, rounds: int) -> None:
        self._load = load
        self._rounds = rounds
        self._together = threading.Barrier(CLIENTS)
        self._answers: list[list[tuple[int, bytes]]] = [[] for _ in range(rounds)]
        self._seed, self._chance = new_chance()
        self._problems: list[str] = []

    def run(self) -> list[Ending]:
        threads = [threading.Thread(target=self._run, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert self._problems == []
        return [self._ending(number, answers) for number, answers in enumerate(self._answers)]

    def _run(self, number: int) -> None:
        client = Client(self._load, type(self._chance)(f"{self._seed}/{number}"))
        try:
            for place in range(self._rounds):
                self._together.wait(timeout=120)
                self._answers[place].append(client.ask("/v1/payment_intents", self._form(place), f"one-key-{place}"))
        except Exception as problem:
            self._problems.append(f"client {number}: {type(problem).__name__}: {problem}")
            self._together.abort()
        finally:
            client.hang_up()

    def _form(self, place: int) -> dict[str, str]:
        form = {
            "amount": str(1_000_000 + place),
            "currency": "usd",
            "confirm": "true",
            "payment_method_types[]": "card",
        }
        return form | {"metadata[order]": f"crowd-{place}"} | card_form("4242424242424242")

    def _ending(self, place: int, answers: list[tuple[int, bytes]]) -> Ending:
        different = Counter(answers)
        assert len(different) == 1, f"key {place} was answered in {len(different)} ways: {different}"
        assert answers[0][0] == 200
        return Ending(f"crowd-{place}", 1_000_000 + place, json.loads(answers[0][1]))


def run(pair: Pair, keys: int) -> None:
    with loaded(pair, 0, orders_max=0, again_seconds=AGAIN_SECONDS) as load:
        pair.set_faults(latency_ms=BANK_MILLISECONDS)
        load.endings = Crowd(load, keys).run()
    said = {what for what in load.answers if what[:3] not in ("200", "402")}
    assert said <= MAY_BE_SAID_MEANWHILE, said
    assert load.answers["409 idempotency_key_in_use"] > 0, "the clients never met: the test has shown nothing"
    assert_nothing_is_wrong(pair, load, time.monotonic())


def test_one_key_from_fifty_clients_makes_one_payment_and_one_answer(tmp_path: Path) -> None:
    with production_pair(tmp_path) as pair:
        run(pair, keys=8)


@pytest.mark.service("postgresql")
def test_one_key_from_fifty_clients_makes_one_payment_on_two_workers(tmp_path: Path) -> None:
    with (
        database_of("postgresql") as database_url,
        production_pair(tmp_path, database_url, TWO_WORKERS) as pair,
    ):
        run(pair, keys=8)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_keys_from_fifty_clients_make_a_thousand_payments(tmp_path: Path, kind: str) -> None:
    workers = TWO_WORKERS if kind != "sqlite" else {}
    with database_of(kind) as database_url, production_pair(tmp_path, database_url, workers) as pair:
        run(pair, keys=1_000)
