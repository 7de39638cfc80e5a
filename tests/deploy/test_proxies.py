"""nginx and Apache, tried from the internet's side and from the inside."""

from __future__ import annotations

import http.client
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.control.house import standing
from tests.deploy import paths
from tests.deploy.proxies import INSIDE_NAME, OUTSIDE_NAME, Proxy, Recorder
from tests.wire.harness import HOST

AT_ONCE = 16
CURL_SECONDS_MAX = 60
BODY_BYTES_MAX = 1024 * 1024
EVERY_BYTE = bytes(range(256))
HOOK = "/hooks/piggybank"


@pytest.fixture(scope="module")
def every_route() -> list[str]:
    with standing() as house:
        found = paths.routes(house.application)
    assert len(found) > 100
    assert set(paths.OPEN) <= set(found), "what is open is there"
    return found


def test_from_the_internet_no_address_is_reached_that_is_not_on_the_list(
    proxy: Proxy, recorder: Recorder, every_route: list[str]
) -> None:
    outside = proxy.outside_connection()
    reached: dict[str, set[str]] = {}
    for route in every_route:
        for method in paths.METHODS:
            recorder.seen.clear()
            status, _, _ = outside.ask(method, paths.address_of(route))
            if recorder.seen:
                assert status == 200
                reached.setdefault(route, set()).add(method)
            else:
                assert status in (404, 405), (method, route, status)
    outside.close()
    assert reached == {route: paths.methods_of(route) for route in every_route if paths.methods_of(route)}


def test_from_the_inside_every_address_is_reached(proxy: Proxy, recorder: Recorder, every_route: list[str]) -> None:
    inside = proxy.inside_connection()
    for route in every_route:
        status, _, _ = inside.ask("GET", paths.address_of(route))
        assert status == 200, route
    inside.close()
    assert [one.path for one in recorder.seen] == [paths.address_of(route) for route in every_route]


def test_banks_reach_the_address_of_their_account_however_its_colons_are_written(
    proxy: Proxy, recorder: Recorder
) -> None:
    outside = proxy.outside_connection()
    for target in paths.OPEN_HOOKS:
        assert (outside.ask("POST", target)[0], outside.ask("GET", target)[0]) == (200, 404), target
    for target in paths.REFUSED_HOOKS:
        assert outside.ask("POST", target)[0] in (400, 404), target
    outside.close()
    assert [one.target.decode() for one in recorder.seen] == list(paths.OPEN_HOOKS)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_way_of_writing_an_address_leads_inside(proxy: Proxy, recorder: Recorder, method: str) -> None:
    outside = proxy.outside_connection()
    tried = 0
    for target in paths.tricks():
        recorder.seen.clear()
        try:
            status, _, _ = outside.ask(method, target)
        except (http.client.HTTPException, OSError):  # it hung up
            outside.close()
            status = 400
        for seen in recorder.seen:
            assert paths.is_open(seen.method, seen.path), (target, seen)
            assert seen.target.decode("latin-1") == target.partition("#")[0], "what was compared is what went on"
        assert recorder.seen or status >= 300, (target, status)
        tried += 1
    outside.close()
    assert tried > 300


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": INSIDE_NAME},
        {"Host": "127.0.0.1:8420"},
        {"Host": "localhost"},
        {"Host": f"{OUTSIDE_NAME}:443@{INSIDE_NAME}"},
        {"Host": ""},
        {"X-Forwarded-Host": INSIDE_NAME},
        {"X-Original-URL": HOOK},
        {"X-Rewrite-URL": HOOK},
        {"X-HTTP-Method-Override": "GET"},
        {"X-Forwarded-For": "10.0.0.1"},
        {"Forwarded": "for=10.0.0.1;host=inside"},
    ],
    ids=lambda headers: "-".join(f"{name} {value}" for name, value in headers.items()),
)
def test_no_header_opens_the_inside(proxy: Proxy, recorder: Recorder, headers: dict[str, str]) -> None:
    for name in (OUTSIDE_NAME, INSIDE_NAME, None):
        lines = "".join(f"{key}: {value}\r\n" for key, value in ({"Host": OUTSIDE_NAME} | headers).items())
        sent = f"GET /v1/customers HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".encode()
        try:
            came = proxy.raw(sent, name=name)
        except OSError:  # refused at the handshake
            came = b""
        assert not came.startswith(b"HTTP/1.1 200"), came
    assert recorder.seen == []


def test_a_name_that_nobody_has_meets_nobody(proxy: Proxy, recorder: Recorder) -> None:
    for name in (INSIDE_NAME, "elsewhere.example.com", None):
        try:
            came = proxy.raw(
                f"POST {HOOK} HTTP/1.1\r\nHost: elsewhere\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode(),
                name=name,
            )
        except OSError:
            continue
        assert came.split(b" ")[1:2] in ([b"404"], [b"421"], [b"400"]), came
    assert recorder.seen == []


def test_no_request_is_hidden_in_another(proxy: Proxy, recorder: Recorder) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:  # most of it is waiting for what does not come
        list(pool.map(lambda sent: proxy.raw(sent, seconds=0.5), dict(paths.smuggled()).values()))
    for seen in recorder.seen:
        assert paths.is_open(seen.method, seen.path), seen
    # And a request after all of them, on connections that were used by them, is answered with what it asked for.
    for number in range(20):
        recorder.seen.clear()
        outside = proxy.outside_connection()
        assert outside.ask("POST", f"{HOOK}?{number}", b"mine")[0] == 200
        outside.close()
        assert [(one.target, one.body) for one in recorder.seen] == [(f"{HOOK}?{number}".encode(), b"mine")]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nor_does_one_lead_inside_by_http_2(proxy: Proxy, recorder: Recorder, tmp_path: Path, method: str) -> None:
    """curl sends addresses as they are given; those that are no part of an address it refuses itself."""
    base = f"https://{OUTSIDE_NAME}:{proxy.outside}"
    targets = [one for one in paths.tricks() if one.startswith("/") and "#" not in one and " " not in one]
    plain = ["/hooks/piggybank?last", "/checkout/txn_1?last"]
    lines = ["silent", "insecure", "http2", "path-as-is", f'request = "{method}"', "globoff"]
    lines += [f'resolve = "{OUTSIDE_NAME}:{proxy.outside}:{HOST}"', f"max-time = {CURL_SECONDS_MAX}"]
    for target in [*targets, *plain]:
        escaped = target.replace(chr(92), chr(92) * 2)
        lines += [f'url = "{base}{escaped}"', 'output = "/dev/null"']
    lines += ["""write-out = "%{http_version} %{response_code}\\n\""""]
    (tmp_path / "curl").write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        ["curl", "-K", str(tmp_path / "curl")], capture_output=True, text=True, timeout=CURL_SECONDS_MAX, check=False
    )
    told = done.stdout.splitlines()
    assert len(told) == len(targets) + len(plain), done.stderr
    assert {line.split()[0] for line in told if line.split()[1] in ("200", "404")} == {"2"}
    for seen in recorder.seen:
        assert paths.is_open(seen.method, seen.path), seen
    [opened] = {seen.target.decode() for seen in recorder.seen} & set(plain)
    assert opened == plain[0 if method == "POST" else 1], "what is open is open by HTTP/2, too"


def test_what_gets_through_would_be_noticed(proxy: Proxy, recorder: Recorder) -> None:
    """From the inside all of it may pass: so it is seen there how a request that was hidden looks."""
    proxy.raw(dict(paths.smuggled())["one after the other"], seconds=0.5, name=INSIDE_NAME, port=proxy.inside)
    assert [paths.is_open(one.method, one.path) for one in recorder.seen] == [True, False]
    inside = proxy.inside_connection()
    inside.ask("GET", "/hooks/%2e%2e/v1/customers")
    inside.close()
    assert recorder.seen[-1].target == b"/hooks/%2e%2e/v1/customers"


@pytest.mark.parametrize("size", [0, 1, 65_537, BODY_BYTES_MAX])
def test_a_body_arrives_byte_for_byte(proxy: Proxy, recorder: Recorder, size: int) -> None:
    body = (EVERY_BYTE * (size // 256 + 1))[:size]
    headers = {
        "X-Signature": "t=1,v1=0a/+=",
        "Content-Type": "application/json; charset=utf-8",
        "Content-Encoding": "gzip",
    }
    outside = proxy.outside_connection()
    assert outside.ask("POST", f"{HOOK}?a=%2F&b=%20+", body, headers)[0] == 200
    outside.close()
    [seen] = recorder.seen
    assert (seen.target, seen.body) == (f"{HOOK}?a=%2F&b=%20+".encode(), body)
    for name, value in headers.items():
        assert seen.all(name.lower()) == [value]


def test_a_body_in_chunks_arrives_whole(proxy: Proxy, recorder: Recorder) -> None:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (b"one", EVERY_BYTE, b"\r\n0\r\n\r\n"))
    head = f"POST {HOOK} HTTP/1.1\r\nHost: {OUTSIDE_NAME}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert proxy.raw(head.encode() + chunks + b"0\r\n\r\n").startswith(b"HTTP/1.1 200")
    [seen] = recorder.seen
    assert seen.body == b"one" + EVERY_BYTE + b"\r\n0\r\n\r\n"


def test_a_body_that_is_too_large_goes_nowhere(proxy: Proxy, recorder: Recorder) -> None:
    head = f"POST {HOOK} HTTP/1.1\r\nHost: {OUTSIDE_NAME}\r\nContent-Length: {BODY_BYTES_MAX + 1}\r\n\r\n".encode()
    assert proxy.raw(head + b"x" * 1000).startswith(b"HTTP/1.1 413")
    assert recorder.seen == []


def test_the_callers_address_is_the_one_that_the_proxy_saw(proxy: Proxy, recorder: Recorder) -> None:
    claims = {"X-Forwarded-For": "203.0.113.66", "X-Real-IP": "203.0.113.66", "Forwarded": "for=203.0.113.66"}
    for connection in (proxy.outside_connection("127.0.0.2"), proxy.inside_connection("127.0.0.2")):
        assert connection.ask("POST", HOOK, b"", claims | {"X-Forwarded-Proto": "http"})[0] == 200
        connection.close()
    assert [(one.client, one.scheme) for one in recorder.seen] == [("127.0.0.2", "https")] * 2
    for seen in recorder.seen:
        assert [seen.all(name) for name in ("x-real-ip", "forwarded")] == [[], []]
        assert seen.all("x-forwarded-for") == ["127.0.0.2"]


def test_each_header_of_an_answer_comes_once_and_tls_is_asked_for(proxy: Proxy, recorder: Recorder) -> None:
    outside = proxy.outside_connection()
    for target, status in ((HOOK, 200), ("/v1/customers", 404)):
        answered, _, headers = outside.ask("POST", target)
        assert answered == status
        names = [name.lower() for name in headers]
        assert sorted(names) == sorted(set(names))
        assert headers["strict-transport-security"] == "max-age=63072000"
        assert "." not in headers["server"], "no versions"
    outside.close()


def test_connections_to_the_server_are_kept(proxy: Proxy, recorder: Recorder) -> None:
    outside = proxy.outside_connection()
    outside.ask("POST", HOOK)
    before = len(recorder.connections)
    for _ in range(30):
        assert outside.ask("POST", HOOK)[0] == 200
    outside.close()
    assert len(recorder.connections) - before <= 10


def test_what_is_sent_in_parts_arrives_in_parts(proxy: Proxy, recorder: Recorder) -> None:
    recorder.go_on.clear()
    inside = proxy.inside_connection()
    inside.putrequest("GET", "/api/v1/audit/export?halves", skip_host=True)
    inside.putheader("Host", INSIDE_NAME)
    inside.endheaders()
    answer = inside.getresponse()
    assert answer.read(5) == b"first", "before the second half was made"
    recorder.go_on.set()
    assert answer.read() == b"reached"
    inside.close()


@pytest.mark.parametrize("target", [HOOK, "/checkout/txn_1?x=1", "/v1/customers", "//evil.example.com/hooks/x"])
def test_without_tls_nothing_is_reached(proxy: Proxy, recorder: Recorder, target: str) -> None:
    connection = http.client.HTTPConnection(HOST, proxy.plain, timeout=20)
    connection.putrequest("GET", target, skip_host=True)
    connection.putheader("Host", OUTSIDE_NAME)
    connection.endheaders()
    answer = connection.getresponse()
    location = f"https://{OUTSIDE_NAME}{target}" if target.startswith("/checkout") else None
    assert (answer.status, answer.headers["location"]) == (308 if location else 404, location)
    connection.close()
    assert recorder.seen == []


def test_old_versions_of_tls_are_refused(proxy: Proxy) -> None:
    """By hand, as the library that tests run on may not speak them any more: a hello for TLS 1.1."""
    hello = bytes.fromhex("0302") + bytes(32) + b"\0" + bytes.fromhex("0004c013c014") + b"\x01\0"
    handshake = b"\x01" + len(hello).to_bytes(3, "big") + hello
    with socket.create_connection((HOST, proxy.outside), timeout=20) as plain:
        plain.sendall(b"\x16\x03\x01" + len(handshake).to_bytes(2, "big") + handshake)
        alert = plain.recv(7)
    assert alert[:1] == b"\x15", "an alert, and no handshake"
