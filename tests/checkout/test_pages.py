"""The page as whoever knows its address meets it, by HTTP."""

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.checkout.conftest import Counter, by_card, new_key, path_of, policy_of, problems_in, text_of
from tests.payment_sessions.conftest import PIN, WRONG_PIN, House, Register
from tests.wire.harness import HOST, RunningServer

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}'
DECLINED = "4000000000009995"


def test_the_page_says_what_is_paid_to_whom_and_until_when(counter: Counter, seller: House) -> None:
    answer = counter.get(counter.open(amount=123456789 // 10, description="The Wind in the Willows"))
    page = text_of(answer)
    assert answer.status == 200
    assert seller.name in page
    assert "The Wind in the Willows" in page
    assert page.count("$123,456.78") > 2
    assert "Service fee</dt><dd>$0.00" in page
    assert re.search(
        r"(9|10) minutes left, until\s+<time datetime=\"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\">\d\d:\d\d UTC", page
    )


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [("inr", 10_000_000, "₹1,00,000.00"), ("jpy", 1500, "¥1,500"), ("kwd", 12_340, "KWD\N{NO-BREAK SPACE}12.340")],
)
def test_amounts_are_written_as_people_write_them(counter: Counter, currency: str, amount: int, shown: str) -> None:
    assert shown in text_of(counter.get(counter.open(amount=amount, currency=currency)))


def test_methods_are_those_of_the_currency(counter: Counter) -> None:
    rupees, dollars = (text_of(counter.get(counter.open(currency=one))) for one in ("inr", "usd"))
    assert rupees.index('id="by-upi"') < rupees.index('id="by-card"')
    assert 'id="by-upi"' not in dollars
    assert '<option value="HDFC"' in rupees
    assert '<option value="HDFC"' not in dollars
    for page in (rupees, dollars):
        assert page.count(" open id=") == 1
        assert all(f'id="by-{one}"' in page for one in ("net_banking", "wallet", "wallet_code"))


def test_the_fields_are_those_that_browsers_fill_in(counter: Counter) -> None:
    page = text_of(counter.get(counter.open()))
    for kind in ("cc-number", "cc-exp", "cc-csc", "cc-name"):
        assert page.count(f'autocomplete="{kind}"') == 1
    keys = re.findall(r'name="key" value="([^"]+)"', page)
    assert len(keys) == len(set(keys)) == page.count("<form")


def test_the_page_runs_nothing_loads_nothing_and_stays_where_it_is(counter: Counter) -> None:
    answer = counter.get(counter.open())
    policy = policy_of(answer)
    assert policy["default-src"] == ["'none'"]
    assert policy["form-action"] == ["'self'"]
    assert policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    assert "script-src" not in policy
    assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert not re.search(rb"<script|<link|<img|@import|url\(", answer.body)
    assert counter.get(counter.open(), method="HEAD").body == b""


def test_what_a_merchant_or_payer_writes_is_text(counter: Counter, register: Register) -> None:
    hostile = register('<b onclick="alert(1)">"\'')
    session = counter.till.open(hostile, description=HOSTILE)
    answer = counter.pay(session, by_card(DECLINED, name=HOSTILE, expiry="12/34"))
    for page in (text_of(counter.get(session)), text_of(answer)):
        assert "<script" not in page
        assert "<img" not in page
        assert "<b onclick" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert "{{7*7}}" in page
        assert "49}" not in page


def test_a_card_pays_and_leads_to_the_result(counter: Counter) -> None:
    session = counter.open()
    answer = counter.pay(session, by_card("4242 4242 4242 4242"))
    assert (answer.status, answer.headers["Location"]) == (303, f"{path_of(session)}/result")
    assert counter.look(session)["status"] == "paid"
    result = counter.get(session, "/result")
    assert result.status == 200
    assert counter.look(session)["transaction_code"] in text_of(result)
    again = counter.pay(session, by_card())
    assert (again.status, again.headers["Location"]) == (303, f"{path_of(session)}/result")
    assert (shown := counter.get(session)).status == 200
    assert "<form" not in text_of(shown)


def test_the_merchants_page_is_where_it_ends(counter: Counter) -> None:
    urls = {name: f"https://shop.example/{name}?order=1;2" for name in ("success", "failure", "cancel")}
    session = counter.open(return_urls=urls)
    assert "https://shop.example/cancel?order=1;2" in text_of(counter.get(session))
    counter.pay(session, by_card())
    assert counter.get(session, "/result").headers["Refresh"] == f"0; url={urls['success']}"


def test_a_decline_keeps_what_was_typed_but_the_number_and_the_code(counter: Counter) -> None:
    session = counter.open()
    answer = counter.pay(session, by_card(DECLINED, cvc="987"))
    page = text_of(answer)
    assert answer.status == 402
    assert "There is not enough money" in problems_in(answer)
    assert 'value="Ada Lovelace"' in page
    assert 'value="12 / 34"' in page
    assert DECLINED not in page
    assert "987" not in re.sub(r'value="[A-Za-z0-9_-]{24}"|nonce[-="][^">]+', "", page)
    assert counter.pay(session, by_card()).status == 303
    assert counter.look(session)["status"] == "paid"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"number": "4242424242424241"}, "number"),
        ({"number": ""}, "number"),
        ({"number": "four"}, "number"),
        ({"expiry": "13/34"}, "expiry"),
        ({"expiry": "01/20"}, "expiry"),
        ({"expiry": "soon"}, "expiry"),
        ({"cvc": "12"}, "cvc"),
        ({"cvc": "1234"}, "cvc"),
    ],
)
def test_a_mistake_is_told_at_its_field_and_is_no_try(counter: Counter, wrong: dict[str, str], field: str) -> None:
    session = counter.open()
    for _ in range(11):
        answer = counter.pay(session, by_card() | wrong)
        assert answer.status == 422
    assert f'href="#f-{field}"' in problems_in(answer)
    [given] = re.findall(r'<input id="f-\w+"[^>]*aria-invalid[^>]*>', text_of(answer))
    assert f'id="f-{field}"' in given
    assert f"e-{field}" in given
    assert f'id="e-{field}"' in text_of(answer)
    assert not any(value in text_of(answer) for value in ("4242424242424242", "4242424242424241"))
    assert counter.look(session)["status"] == "open"


@pytest.mark.parametrize("expiry", ["12/34", "1234", "12 / 2034", "12-34", "12.34"])
def test_the_expiry_is_read_as_people_write_it(counter: Counter, expiry: str) -> None:
    assert counter.pay(counter.open(), by_card(expiry=expiry)).status == 303


def test_a_form_that_is_sent_twice_pays_once(counter: Counter, register: Register) -> None:
    house = register("Twice")
    session = counter.till.open(house)
    fields = by_card() | {"key": new_key()}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: counter.pay(session, fields), range(4)))
    assert {(one.status, one.headers["Location"]) for one in answers} == {(303, f"{path_of(session)}/result")}
    assert counter.pay(session, fields).status == 303
    assert len(counter.server.raw("GET", "/v1/charges", key=house.key).json["data"]) == 1


def test_a_declined_form_that_is_sent_twice_is_one_try(counter: Counter) -> None:
    session = counter.open()
    fields = by_card(DECLINED) | {"key": new_key()}
    for _ in range(12):
        assert counter.pay(session, fields).status == 402
    assert counter.look(session)["status"] == "open"


def test_a_key_that_comes_again_with_something_else_asks_to_look_again(counter: Counter) -> None:
    session, key = counter.open(), new_key()
    counter.pay(session, by_card(DECLINED) | {"key": key})
    answer = counter.pay(session, by_card(DECLINED, name="Somebody Else") | {"key": key})
    assert answer.status == 422
    assert "sent before" in problems_in(answer)


def test_too_many_tries_close_it(counter: Counter) -> None:
    session = counter.open(return_urls={"failure": "https://shop.example/failed"})
    answers = [counter.pay(session, by_card(DECLINED)) for _ in range(11)]
    assert [one.status for one in answers] == [402] * 9 + [303] * 2
    assert counter.get(session).status == 410
    assert "closed" in text_of(counter.get(session))
    assert counter.get(session, "/result").headers["Refresh"] == "0; url=https://shop.example/failed"


def test_a_wallet_pays_with_its_pin_alone(counter: Counter, payer: House) -> None:
    session = counter.open()
    fields = {"method": "wallet_code", "wallet_code": payer.wallet, "pin": WRONG_PIN}
    wrong = counter.pay(session, fields)
    assert wrong.status == 422
    assert 'href="#f-pin"' in problems_in(wrong)
    assert f'value="{payer.wallet}"' in text_of(wrong)
    assert WRONG_PIN not in text_of(wrong)
    before = counter.till.balance(payer)
    right = fields | {"pin": PIN, "key": new_key()}
    assert [counter.pay(session, right).status for _ in range(2)] == [303, 303]
    assert counter.till.balance(payer) == before - 2500


def test_too_many_wrong_pins_ask_to_wait(counter: Counter, register: Register) -> None:
    session, forgetful = counter.open(), register("Forgetful")
    fields = {"method": "wallet_code", "wallet_code": forgetful.wallet, "pin": WRONG_PIN}
    answers = [counter.pay(session, fields) for _ in range(6)]
    assert [one.status for one in answers] == [422] * 5 + [429]
    assert "too many wrong PINs" in problems_in(answers[-1])
    assert counter.look(session)["status"] == "open"


@pytest.mark.parametrize("code", ["", "x", "BW-0000-0000", "A" * 300])
def test_a_wallet_that_is_none_is_told_at_its_field(counter: Counter, code: str) -> None:
    answer = counter.pay(counter.open(), {"method": "wallet_code", "wallet_code": code, "pin": PIN})
    assert answer.status == 422
    assert 'href="#f-wallet_code"' in problems_in(answer)


def test_net_banking_leads_to_the_bank_by_a_page(counter: Counter) -> None:
    session = counter.open(currency="inr")
    answer = counter.pay(session, {"method": "net_banking", "bank_code": "HDFC"})
    assert answer.status == 200
    assert re.fullmatch(r"0; url=http://127\.0\.0\.1:\d+/.+", answer.headers["Refresh"])
    assert "Go on with it" in text_of(counter.get(session))
    assert "Not finished yet" in text_of(counter.get(session, "/result"))
    chosen = counter.pay(session, {"method": "net_banking", "bank_code": ""})
    assert 'href="#f-bank_code"' in problems_in(chosen)


def test_upi_shows_a_code_or_asks_the_app(counter: Counter) -> None:
    session = counter.open(currency="inr")
    assert "/upi/" in counter.pay(session, {"method": "upi"}).headers["Refresh"]
    refused = counter.pay(session, {"method": "upi", "vpa": "unknown@piggybank"})
    assert 'href="#f-vpa"' in problems_in(refused)
    assert 'value="unknown@piggybank"' in text_of(refused)
    assert counter.pay(session, {"method": "upi", "vpa": "success@piggybank"}).status == 303
    assert counter.get(session, "/result").status == 200
    assert counter.look(session)["status"] == "paid"


def test_who_knows_no_session_learns_nothing(counter: Counter) -> None:
    session = counter.open()
    trace = session["transactionTraceId"]
    other = trace[:40] + ("0" if trace[40] != "0" else "1") + trace[41:]
    for guess in (other, "pt_x", "%00", "…".encode().hex(), trace + "x"):
        for rest, method in (("", "GET"), ("/result", "GET"), ("/pay", "POST")):
            body = b"key=aaaaaaaaaaaaaaaaaaaa&method=upi&vpa=success@piggybank" if method == "POST" else None
            answer = counter.server.raw(method, f"/checkout/{guess}{rest}", body=body, key=None)
            assert answer.status == 404
            assert b"$25" not in answer.body
            assert answer.headers["Content-Type"].startswith("text/html")
    assert counter.server.raw("GET", "/checkout-return/abc", key=None).status == 404


def test_a_form_of_another_site_is_refused(counter: Counter) -> None:
    session = counter.open()
    for site in ("cross-site", "same-site"):
        assert counter.pay(session, by_card(), Sec_Fetch_Site=site).status == 403
    assert counter.look(session)["status"] == "open"
    assert counter.pay(session, by_card(), Sec_Fetch_Site="same-origin", Origin="null").status == 303


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"method=card", 400),
        (b"key=aaaaaaaaaaaaaaaaaaaa&method=cash", 400),
        (b"key=aaaaaaaaaaaaaaaaaaaa&method=card&number=1&number=2", 400),
        (b"key=aaaaaaaaaaaaaaaaaaaa&method=card&number=%ff", 400),
        (b"\xff\xfe", 400),
        (b"&".join([b"a=b"] * 500), 400),
        (b"key=aaaaaaaaaaaaaaaaaaaa&method=card&name=" + b"x" * 500, 400),
        (b"name=" + b"x" * 20_000, 413),
        (b"name=" + b"x" * 2_000_000, 413),
    ],
)
def test_what_no_form_of_ours_sends_is_refused(counter: Counter, body: bytes, status: int) -> None:
    session = counter.open()
    head = (
        f"POST {path_of(session)}/pay HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((HOST, counter.server.port), timeout=10) as connection:
        connection.sendall(head.encode() + body[:65_536])
        answer = connection.recv(65_536)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


def test_only_forms_can_be_sent_and_only_to_pay(counter: Counter) -> None:
    session = counter.open()
    assert counter.pay(session, by_card(), Content_Type="application/json").status == 415
    for method, rest in (("POST", ""), ("DELETE", ""), ("GET", "/pay"), ("POST", "/result")):
        answer = counter.get(session, rest, method)
        assert answer.status == 405
        assert answer.headers["Allow"] in ("GET, HEAD", "POST")


def test_a_card_is_written_nowhere(counter: Counter, server: RunningServer) -> None:
    number, code, session = "4000056655665556", "846", counter.open()
    pages = [
        counter.pay(session, by_card(number, cvc=code, expiry="99")),
        counter.pay(session, by_card(number, cvc=code)),
    ]
    assert [one.status for one in pages] == [422, 303]
    assert not any(number in text_of(one) for one in pages)
    assert number not in server.log()
    for file in Path(server.data_directory).rglob("*"):
        assert not file.is_file() or number.encode() not in file.read_bytes()


def test_the_trace_id_is_kept_nowhere_though_banks_send_payers_back(counter: Counter, server: RunningServer) -> None:
    session = counter.open(currency="inr")
    counter.pay(session, {"method": "net_banking", "bank_code": "HDFC"})
    secret = session["transactionTraceId"][4 + 24 : 4 + 24 + 26].encode()
    stored = b"".join(one.read_bytes() for one in Path(server.data_directory).rglob("*") if one.is_file())
    assert b"checkout-return" in stored
    assert secret not in stored


def test_an_expired_session_can_only_be_left(counter: Counter) -> None:
    session = counter.open(return_urls={"failure": "https://shop.example/failed"})
    counter.let_expire(session)
    shown = counter.get(session)
    assert shown.status == 410
    assert "<form" not in text_of(shown)
    assert "https://shop.example/failed" in text_of(shown)
    assert counter.pay(session, by_card()).headers["Location"] == f"{path_of(session)}/result"
    assert counter.pay(session, by_card(number="")).status == 410
    result = counter.get(session, "/result")
    assert (result.status, result.headers["Refresh"]) == (410, "0; url=https://shop.example/failed")


def test_a_payment_on_its_way_can_be_looked_at_again(counter: Counter) -> None:
    session = counter.open(currency="inr")
    fields = {"method": "upi", "vpa": "expired@piggybank"}
    assert counter.pay(session, fields).headers["Location"] == f"{path_of(session)}/result"
    answer = counter.get(session, "/result")
    assert answer.status == 200
    assert "The payment is on its way" in text_of(answer)
    assert f'href="{path_of(session)}/result"' in text_of(answer)
    assert "Refresh" not in answer.headers
    assert "<form" not in text_of(counter.get(session))
    assert counter.pay(session, by_card()).headers["Location"] == f"{path_of(session)}/result"


def test_the_page_is_counted_as_what_it_does(counter: Counter, server: RunningServer) -> None:
    session = counter.open()
    counter.get(session)
    counter.pay(session, by_card())
    figures = text_of(server.raw("GET", "/metrics", key=None))
    assert 'operation="show_checkout",status="200"' in figures
    assert 'operation="pay_on_checkout",status="200"' in figures
    assert any(name.lower().startswith("ratelimit") for name in counter.get(session).headers)
