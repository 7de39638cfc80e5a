"""The page's requests are counted as those of payers who use the API: by address, and with them."""

from urllib.parse import urlencode

import pytest

from tests.control.house import standing

FORM = urlencode(
    {"key": "a" * 24, "method": "card", "number": "4000000000009995", "expiry": "12/34", "cvc": "123"}
).encode()
ELSEWHERE = "198.51.100.8"


def test_payers_of_an_address_share_one_limit_with_the_api() -> None:
    with standing(request_limits="address.sessions=4/min") as house:
        wallet = house.merchant().wallet
        url = f"/api/v1/txn/payment-session/{wallet}"
        opened = house.call("POST", url, None, {"amount": 2500, "currency": "usd"})
        path = f"/checkout/{opened.json['transactionTraceId']}"
        first = house.call("GET", path)
        assert (first.status, first.headers["ratelimit"].partition(";r=")[2][:1]) == (200, "2")
        assert house.call("GET", f"{path}/result").status == 303
        # What comes of it is another matter: no bank is set up here.
        assert house.call("POST", f"{path}/pay", None, FORM).status != 429
        for method, rest in (("GET", ""), ("GET", "/result"), ("POST", "/pay")):
            refused = house.call(method, path + rest, None, FORM if method == "POST" else None)
            assert refused.status == 429
            assert int(refused.headers["retry-after"]) >= 1
            assert refused.headers["content-type"].startswith("text/html")
            assert b"Too many tries" in refused.json
        assert house.call("GET", path, address=ELSEWHERE).status == 200


def test_whoever_guesses_is_counted_as_one_who_does() -> None:
    with standing(request_limits="address.failures=2/min") as house:
        answers = [house.call("GET", f"/checkout/pt_{number}").status for number in range(3)]
        assert answers == [404, 404, 429]


def test_a_defect_is_told_without_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_call: object) -> None:
        raise RuntimeError("4242424242424242 is what nobody may see")

    with standing() as house:
        monkeypatch.setattr(house.runtime.checkout, "show", broken)
        trace = f"pt_t{'0' * 24}{'0' * 26}abc"
        answer = house.call("GET", f"/checkout/{trace}")
        assert answer.status == 500
        assert b"Something went wrong" in answer.json
        assert b"4242" not in answer.json
