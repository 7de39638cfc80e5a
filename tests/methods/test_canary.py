"""A card number and a security code are looked for wherever a server leaves something behind."""

import gzip
import json
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.wire.harness import RunningServer

# Test cards whose digits no other test writes, and a code that is rare among all digits of a database.
NUMBERS = ("4000008400001629", "6011000990139424", "36227206271667")
CODE = "90417"
AMEX, AMEX_CODE = "371449635398431", "9047"


def form(**card: str) -> bytes:
    return urlencode({"type": "card", **{f"card[{name}]": value for name, value in card.items()}}).encode()


def use_every_way_in(server: RunningServer) -> list[bytes]:
    """All that takes a card, rightly and wrongly; returns what was answered."""
    customer = json.loads(server.raw("POST", "/v1/customers", body=b"").body)["id"]
    answers: list[bytes] = []

    def post(path: str, body: bytes, *, is_json: bool = False, key: str | None = None) -> dict[str, object]:
        headers = {"Content-Type": "application/json"} if is_json else {}
        if key is not None:
            headers["Idempotency-Key"] = key
        answer = server.raw("POST", path, body=body, headers=headers)
        answers.append(answer.body)
        decoded: dict[str, object] = json.loads(answer.body)
        return decoded

    for place, number in enumerate((*NUMBERS, AMEX)):
        code = AMEX_CODE if number == AMEX else "904"
        good = form(number=number, exp_month="12", exp_year="2034", cvc=code)
        method = post("/v1/payment_methods", good, key=f"canary-{place}")
        assert method["object"] == "payment_method", method
        post("/v1/payment_methods", good, key=f"canary-{place}")
        post(f"/v1/payment_methods/{method['id']}/attach", urlencode({"customer": customer}).encode(), key=f"a-{place}")
        token = post("/v1/tokens", good.replace(b"type=card&", b""))
        assert token["object"] == "token", token
        post("/v1/payment_methods", form(token=str(token["id"])))
        # Wrong in every way that echoes something, or might.
        post("/v1/payment_methods", form(number=number, exp_month="13", exp_year="2034", cvc=CODE))
        post("/v1/payment_methods", form(number=number, exp_month=number, exp_year=number, cvc=number))
        post("/v1/payment_methods", form(number=number + "1", exp_month="12", exp_year="2034", cvc=CODE))
        post("/v1/payment_methods", form(token=number))
        post(f"/v1/payment_methods/{number}/attach", urlencode({"customer": customer}).encode())
        post(f"/v1/payment_methods/{method['id']}/attach", urlencode({"customer": number}).encode())
        card = {"number": number, "exp_month": 12, "exp_year": 2034, "cvc": code}
        post("/v1/payment_methods", json.dumps({"type": "card", "card": card}).encode(), is_json=True)
        wrong_kinds = {"type": "card", "card": {**card, "number": int(number), "cvc": [CODE]}}
        post("/v1/payment_methods", json.dumps(wrong_kinds).encode(), is_json=True)
        post("/v1/payment_methods", json.dumps({"type": "card", "card": number}).encode(), is_json=True)
    return answers


@pytest.mark.parametrize("log_level", ["debug"])
def test_no_number_and_no_code_is_left_anywhere(tmp_path: Path, log_level: str) -> None:
    environment = {"BURSAR_LOG_LEVEL": log_level, "BURSAR_LOG_REQUESTS": "true"}
    with RunningServer(tmp_path, environment) as server:
        answers = use_every_way_in(server)
        # While the server runs, the write-ahead log is there too; after its end everything is in the database.
        places = {f"running {path.name}": read(path) for path in files(tmp_path)}
    places |= {f"stopped {path.name}": read(path) for path in files(tmp_path)}
    places |= {f"answer {place}": answer for place, answer in enumerate(answers)}
    assert any(name.startswith("running") and name.endswith("-wal") for name in places)
    for number in (*NUMBERS, AMEX):
        forms = (number.encode(), number[:-4].encode(), number.encode("utf-16-le"), number.encode().hex().encode())
        found = [name for name, content in places.items() if any(form in content for form in forms)]
        assert not found, f"a card number is in {found}"
    for code in (CODE, AMEX_CODE):
        found = [name for name, content in places.items() if holds_code(content, code)]
        assert not found, f"a security code is in {found}"


def holds_code(content: bytes, code: str) -> bool:
    """As a value of its own: four digits are within many a longer number by chance."""
    return any(quote + code.encode() + quote in content for quote in (b'"', b"'")) or b"cvc=" + code.encode() in content


def files(folder: Path) -> list[Path]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in found), "the database is looked into"
    assert any(path.name == "stderr.log" for path in found), "the log is looked into"
    return found


def read(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as server:
        planted = urlencode({"metadata[note]": NUMBERS[0], "description": f'"{CODE}"'}).encode()
        assert server.raw("POST", "/v1/customers", body=planted).status == 200
    contents = [read(path) for path in files(tmp_path)]
    assert any(NUMBERS[0].encode() in content for content in contents)
    assert any(holds_code(content.replace(b'\\"', b'"'), CODE) for content in contents)
