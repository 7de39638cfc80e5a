"""Honest merchants under fault: each makes payments, and asks again with the same key until it is answered.

Every order has an amount that no other order of the run has. So the bank's journal alone tells which order it
charged, whatever Bursar says or has forgotten.
"""

import http.client
import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.faults.pair import Pair

CLIENTS = 24
THINKING_SECONDS_MAX = 0.15  # so that most orders are not under way when something is killed, and the load goes on
HANG_UPS = 0.04  # of the requests: the client goes away before it has read the answer
REPLAYS = 0.08  # of the answered requests are sent once more
ANSWER_SECONDS_MAX = 150.0
REQUEST_SECONDS_MAX = 60.0
FIRST_AMOUNT = 2_000
CURRENCIES = ("usd", "eur", "jpy")
SECURITY_CODE = "904"
GOOD_CARDS = ("4242424242424242", "5555555555554444", "4000056655665556")
DECLINED_CARDS = {
    "4000000000000002": "generic_decline",
    "4000000000009995": "insufficient_funds",
    "4000000000009987": "lost_card",
}
CARDS = (*GOOD_CARDS, *DECLINED_CARDS)
SUCCESS_OF = {"confirm": "succeeded", "capture": "succeeded", "cancel": "canceled"}
REFUNDS_MAX = 2
AGAIN = frozenset({409, 429})
Json = dict[str, Any]


@dataclass
class Ending:
    """What a merchant knows of an order in the end."""

    order: str
    amount: int
    intent: Json
    refunds: list[Json] = field(default_factory=list)
    declined: str | None = None


@dataclass
class Load:
    pair: Pair
    seed: int
    clients: int = CLIENTS
    thinking_seconds_max: float = THINKING_SECONDS_MAX
    orders_max: int = 1_000_000
    only_sales: bool = False
    # How long a client waits before it asks again, at least and at most.
    again_seconds: tuple[float, float] = (0.1, 0.5)
    endings: list[Ending] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    # How often each answer came, and how often none did.
    answers: Counter[str] = field(default_factory=Counter)
    longest_seconds: float = 0.0
    _given_up: bool = False

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._numbers = itertools.count()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(self.clients)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Lets every client bring its last order to its end."""
        self._stopping.set()
        self.join()

    def give_up(self) -> None:
        """Nobody is there who could answer: no client asks again."""
        self._given_up = True

    def wait_for_endings(self, more: int, seconds_max: float = 90.0) -> None:
        with self._changed:
            target = len(self.endings) + more
            enough = self._changed.wait_for(
                lambda: len(self.endings) >= target or bool(self.complaints), timeout=seconds_max
            )
        assert enough, f"no {more} orders came to an end within {seconds_max:g} s: {dict(self.answers)}"

    def join(self) -> None:
        """Waits for as many orders as there shall be."""
        for thread in self._threads:
            thread.join()

    def pause(self, seconds: float) -> None:
        """Before something is asked again."""
        if self._given_up:
            raise AssertionError("the run was given up")
        time.sleep(seconds)

    def answered(self, what: str, seconds: float) -> None:
        with self._changed:
            self.answers[what] += 1
            self.longest_seconds = max(self.longest_seconds, seconds)

    def summary(self) -> str:
        kinds = Counter(ending.intent["status"] for ending in self.endings)
        return (
            f"{len(self.endings)} orders: {dict(kinds)}; answers: {dict(self.answers)}; "
            f"the longest wait {self.longest_seconds:.1f} s"
        )

    def _run(self, number: int) -> None:
        client = Client(self, random.Random(f"{self.seed}/{number}"))  # noqa: S311 - to be replayed, not secret
        try:
            while not self._stopping.is_set():
                count = next(self._numbers)
                if count >= self.orders_max:
                    return
                ending = client.carry_out(f"order-{self.seed}-{count}", FIRST_AMOUNT + count)
                with self._changed:
                    self.endings.append(ending)
                    self._changed.notify_all()
                self._stopping.wait(client.chance.uniform(0, self.thinking_seconds_max))
        except Exception as problem:  # a thread's error would be lost
            with self._changed:
                self.complaints.append(f"client {number}: {type(problem).__name__}: {problem}")
                self._changed.notify_all()
        finally:
            client.hang_up()


class Client:
    """One merchant with one keep-alive connection."""

    def __init__(self, load: Load, chance: random.Random) -> None:
        self.chance = chance
        self._load = load
        self._connection: http.client.HTTPConnection | None = None
        self._keys = itertools.count()
        scenarios = {self._sale: 40}
        if not load.only_sales:
            scenarios |= {self._declined: 12, self._captured: 18, self._cancelled: 8, self._again: 10}
            scenarios |= {self._refunded: 25}
        self._scenarios: list[Callable[[str, int], Ending]] = list(scenarios)
        self._weights = list(scenarios.values())

    def carry_out(self, order: str, amount: int) -> Ending:
        scenario = self.chance.choices(self._scenarios, self._weights)[0]
        return scenario(order, amount)

    # What merchants do.

    def _sale(self, order: str, amount: int) -> Ending:
        return self._create(order, amount, self._good_card())

    def _declined(self, order: str, amount: int) -> Ending:
        return self._create(order, amount, self.chance.choice(list(DECLINED_CARDS)))

    def _again(self, order: str, amount: int) -> Ending:
        """A second card after the first was declined, on the same intent."""
        ending = self._declined(order, amount)
        return self._confirm(ending, self._good_card())

    def _captured(self, order: str, amount: int) -> Ending:
        ending = self._create(order, amount, self._good_card(), capture_method="manual")
        if ending.intent["status"] == "requires_capture":
            part = amount if self.chance.random() < 0.6 else self.chance.randint(1, amount)
            self._change(ending, "capture", {"amount_to_capture": str(part)})
        return ending

    def _cancelled(self, order: str, amount: int) -> Ending:
        ending = self._create(order, amount, self._good_card(), capture_method="manual")
        if ending.intent["status"] == "requires_capture":
            self._change(ending, "cancel", {"cancellation_reason": "requested_by_customer"})
        return ending

    def _refunded(self, order: str, amount: int) -> Ending:
        ending = self._sale(order, amount)
        if ending.intent["status"] != "succeeded":
            return ending
        left = amount
        while left and len(ending.refunds) < REFUNDS_MAX:
            part = left if self.chance.random() < 0.5 else self.chance.randint(1, left)
            ending.refunds.append(self._refund(ending, part))
            left -= part
        return ending

    def _refund(self, ending: Ending, amount: int) -> Json:
        form = {"payment_intent": ending.intent["id"], "amount": str(amount)}
        status, body = self.ask("/v1/refunds", form, self._key(ending.order))
        if status != 200:
            raise AssertionError(f"{ending.order}: a refund of {amount} was answered {status}: {body!r}")
        return self._until_known(f"/v1/refunds/{json.loads(body)['id']}", json.loads(body), "pending")

    # How they do it.

    def _create(self, order: str, amount: int, card: str, **more: str) -> Ending:
        form = {"amount": str(amount), "currency": CURRENCIES[amount % len(CURRENCIES)], "metadata[order]": order}
        form |= {"confirm": "true", "payment_method_types[]": "card", **card_form(card), **more}
        status, body = self.ask("/v1/payment_intents", form, self._key(order))
        intent, declined = _read_intent(order, status, body)
        return self._followed(Ending(order, amount, intent, declined=declined))

    def _confirm(self, ending: Ending, card: str) -> Ending:
        if ending.intent["status"] == "requires_payment_method":
            self._change(ending, "confirm", card_form(card))
        return ending

    def _change(self, ending: Ending, act: str, form: Mapping[str, str]) -> None:
        path = f"/v1/payment_intents/{ending.intent['id']}/{act}"
        status, body = self.ask(path, form, self._key(ending.order))
        ending.intent, ending.declined = _read_intent(ending.order, status, body)
        if status == 200 and ending.intent["status"] not in ("processing", SUCCESS_OF[act]):
            raise AssertionError(f"{path} was answered 200, and the intent is {ending.intent['status']}")
        self._followed(ending)

    def _followed(self, ending: Ending) -> Ending:
        """An intent that is processing is looked at until its end is known."""
        before = ending.intent
        ending.intent = self._until_known(f"/v1/payment_intents/{before['id']}", before, "processing")
        if ending.intent is not before:
            error = ending.intent["last_payment_error"]
            ending.declined = _decline(error) if error else None
        return ending

    def _until_known(self, path: str, now: Json, unknown: str) -> Json:
        until = time.monotonic() + ANSWER_SECONDS_MAX
        while now["status"] == unknown:
            if time.monotonic() > until:
                raise AssertionError(f"{path} was {unknown} for {ANSWER_SECONDS_MAX:g} s")
            self._load.pause(self.chance.uniform(*self._load.again_seconds))
            answer = self._try("GET", path, None, None)
            if answer is not None and answer[0] == 200:
                now = json.loads(answer[1])
        return now

    def _key(self, order: str) -> str:
        return f"key-{order}-{next(self._keys)}"

    def _good_card(self) -> str:
        return self.chance.choice(GOOD_CARDS)

    def ask(self, path: str, form: Mapping[str, str], key: str) -> tuple[int, bytes]:
        """As the SDKs do: again with the same key when no answer came, on 409, and on 5xx."""
        content = urlencode(form)
        began = time.monotonic()
        tries = 0
        while True:
            tries += 1
            answer = self._try("POST", path, content, key, may_hang_up=tries == 1)
            if answer is not None and not (answer[0] in AGAIN or answer[0] >= 500):
                break
            if time.monotonic() - began > ANSWER_SECONDS_MAX:
                raise AssertionError(f"{path} with {key} had no answer within {ANSWER_SECONDS_MAX:g} s, but {answer}")
            self._load.pause(self.chance.uniform(*self._load.again_seconds))
        said = json.loads(answer[1]).get("status") if answer[0] == 200 else ""
        open_end = f" {said}" if said in ("processing", "pending") else ""
        self._load.answered(f"{answer[0]}{open_end}", time.monotonic() - began)
        if self.chance.random() < REPLAYS:
            again = self._try("POST", path, content, key)
            if again is not None and again[0] < 500 and again[0] not in AGAIN and again != answer:
                raise AssertionError(f"{key} was answered {answer}, and then {again}")
        return answer

    def _try(
        self, method: str, path: str, content: str | None, key: str | None, *, may_hang_up: bool = False
    ) -> tuple[int, bytes] | None:
        """Status and body, or None when there was no answer and nobody knows what happened."""
        headers = {"Authorization": f"Bearer {self._load.pair.api_key}"}
        if content is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Idempotency-Key": key or ""}
        try:
            connection = self._connection = self._connection or self._load.pair.gateway.connection(REQUEST_SECONDS_MAX)
            connection.request(method, path, content, headers)
            if may_hang_up and self.chance.random() < HANG_UPS:
                self.hang_up()
                return None
            response = connection.getresponse()
            status, body = response.status, response.read()
        except (OSError, http.client.HTTPException):
            self.hang_up()
            self._load.answered("none", 0)
            return None
        if status >= 400 and status != 402:
            self._load.answered(f"{status} {json.loads(body)['error'].get('code')}", 0)
        return status, body

    def hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def card_form(number: str) -> dict[str, str]:
    card = {"number": number, "exp_month": "12", "exp_year": "2034", "cvc": SECURITY_CODE}
    return {"payment_method_data[type]": "card"} | {
        f"payment_method_data[card][{name}]": value for name, value in card.items()
    }


def _read_intent(order: str, status: int, body: bytes) -> tuple[Json, str | None]:
    answer: Json = json.loads(body)
    if status == 200:
        return answer, None
    if status == 402 and "payment_intent" in answer["error"]:
        return answer["error"]["payment_intent"], _decline(answer["error"])
    raise AssertionError(f"{order} was answered {status}: {body!r}")


def _decline(error: Json) -> str:
    return str(error.get("decline_code") or error["code"])
