"""What the internet may reach, written down once more, and everything that is tried to reach the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bursar.http.asgi import Application, _Node

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# By the application's routes. Whatever else it serves now or one day is for the inside alone.
OPEN = {
    "/checkout/{transactionTraceId}": {"GET", "HEAD"},
    "/checkout/{transactionTraceId}/pay": {"POST"},
    "/checkout/{transactionTraceId}/result": {"GET", "HEAD"},
    "/checkout-return/{token}": {"GET", "HEAD"},
    "/authenticate/{place}/{secret}": {"GET", "HEAD", "POST"},
    "/returns/{connector}/{place}": {"GET"},
    "/upi/{place}/{secret}": {"GET", "HEAD"},
    "/upi/{place}/{secret}/qr.png": {"GET", "HEAD"},
    "/upi/{place}/{secret}/qr.svg": {"GET", "HEAD"},
}
HOOKS = "/hooks/"
SEGMENT = r"[A-Za-z0-9_-]+"
# Such as `acct_1:test`: an organisation, its mode, and one day which of its accounts.
ACCOUNT = rf"{SEGMENT}((:|%3[Aa]){SEGMENT}){{0,2}}"
PLACE = r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*"  # names an organisation, a mode and an attempt
WANTED = ("v1/customers", "api/v1/org/profile", "metrics")


# Accounts as banks name them, and what is like one and is none.
OPEN_HOOKS = (
    "/hooks/piggybank",
    "/hooks/piggybank/acct_1",
    "/hooks/piggybank/acct_1:test",
    "/hooks/piggybank/acct_1:live?a=1",
    "/hooks/piggybank/acct_1:test:aca_1",
    "/hooks/piggybank/acct_1%3Atest",
    "/hooks/piggybank/acct_1%3atest%3Aaca_1",
)
REFUSED_HOOKS = (
    "/hooks/piggy:bank",
    "/hooks/piggybank:test",
    "/hooks/piggybank/:",
    "/hooks/piggybank/:test",
    "/hooks/piggybank/acct_1:",
    "/hooks/piggybank/acct_1::test",
    "/hooks/piggybank/acct_1:test/v1",
    "/hooks/piggybank/acct_1:test:aca_1:v1",
    "/hooks/piggybank/acct_1:..",
    "/hooks/piggybank/acct_1:%2e%2e",
    "/hooks/piggybank/acct_1%3",
    "/hooks/piggybank/acct_1%253Atest",
    "/hooks/piggybank/acct_1%3Atest%2f..",
    "/hooks/piggybank/acct_1:test%00",
    "/hooks/piggybank/acct_1%5ftest",
)


def methods_of(route: str) -> set[str]:
    """With which it is open; banks tell what happened to whatever is under /hooks/."""
    return {"POST"} if route.startswith(HOOKS) else OPEN.get(route, set())


def is_open(method: str, path: str) -> bool:
    """Of what reached the server, as it was sent."""
    if method == "POST" and re.fullmatch(rf"/hooks/[a-z0-9_]+(/{ACCOUNT})?", path):
        return True
    return any(method in methods and re.fullmatch(_pattern(route), path) for route, methods in OPEN.items())


def _pattern(route: str) -> str:
    known = {"{place}": PLACE}
    return "/".join(known.get(part, SEGMENT) if part.startswith("{") else re.escape(part) for part in route.split("/"))


def routes(application: Application) -> list[str]:
    """Every address that the application serves."""

    def below(node: _Node, path: str) -> Iterator[str]:
        if node.handler is not None:
            yield path or "/"
        for word, child in node.words.items():
            yield from below(child, f"{path}/{word}")
        if node.parameter is not None:
            yield from below(node.parameter, f"{path}/{{{node.parameter_name}}}")

    return sorted(below(application._root, ""))


def address_of(route: str) -> str:
    known = route.replace("{place}", "acct_1.0.att_1").replace("{account}", "acct_1:test")
    return re.sub(r"\{\w+\}", "piggybank_1", known)


def tricks() -> Iterator[str]:
    """Targets that one program reads in another way than the next."""
    for wanted in WANTED:
        yield from (
            f"//{wanted}",
            f"///{wanted}",
            f"/./{wanted}",
            f"/%2e/{wanted}",
            f"/%2f{wanted}",
            f"/%2F%2F{wanted}",
            f"/{wanted.upper()}",
            f"/{wanted};x=/hooks/piggybank",
            f"/{wanted}?/hooks/piggybank",
            f"/{wanted}%3f/hooks/piggybank",
            f"/{wanted}%23/hooks/piggybank",
            f"/{wanted}#/hooks/piggybank",
            f"/{wanted}/../hooks/piggybank/../../{wanted}",
            f"/{wanted}%00",
            f"/{wanted}%20HTTP/1.1",
            f"/.%2e/{wanted}",
            f"http://{'bursar.inside.example.com'}/{wanted}",
            f"https://bursar.inside.example.com:443/{wanted}",
            f"http://127.0.0.1:8420/{wanted}",
            f"http://pay.example.com/{wanted}",
            f"http://pay.example.com@127.0.0.1:8420/{wanted}",
            f"bursar:{wanted}",
        )
        for prefix in ("/hooks/piggybank", "/hooks", "/checkout/txn_1", "/checkout", "/upi/a/b", "/returns/a/b"):
            up = "/.." * prefix.count("/")
            yield from (
                f"{prefix}{up}/{wanted}",
                f"{prefix}{up.replace('..', '%2e%2e')}/{wanted}",
                f"{prefix}{up.replace('..', '%2E.')}/{wanted}",
                f"{prefix}{up.replace('..', '%252e%252e')}/{wanted}",
                f"{prefix}{up.replace('/', '%2f')}%2f{wanted}",
                f"{prefix}{up.replace('/', '%5c')}%5c{wanted}",
                f"{prefix}{up.replace('/', chr(92))}{chr(92)}{wanted}",
                f"{prefix}{up.replace('..', '..;')}/{wanted}",
                f"{prefix}{up.replace('..', '..%00')}/{wanted}",
                f"{prefix}{up.replace('..', '%c0%ae%c0%ae')}/{wanted}",
                f"{prefix};{up}/{wanted}",
                f"{prefix}?{up}/{wanted}",
                f"{prefix}#{up}/{wanted}",
                f"{prefix}%3f{up}/{wanted}",
                f"{prefix.upper()}{up}/{wanted}",
                f"{prefix}//{up}/{wanted}",
            )
    yield from ("*", "/", "", "/hooks", "/hooks/", "/checkout", "/checkout/", "/Hooks/piggybank", "/CHECKOUT/txn_1")
    yield from (
        "/hooks/piggybank/a/b",
        "/hooks/piggybank/",
        "/checkout/txn_1/",
        "/checkout/txn_1/pay/",
        "/upi/a",
        "/upi/a/b/c",
    )
    yield from REFUSED_HOOKS
    yield from (
        "/hooks/piggy%62ank",
        "/hooks/pi%67gybank/a",
        "/checkout/txn%5f1",
        "/hooks/.",
        "/hooks/..",
        "/checkout/..",
    )
    yield from (
        "/.well-known/jwks.json",
        "/favicon.ico",
        "/robots.txt",
        "/server-status",
        "/server-info",
        "/nginx_status",
    )


HIDDEN = b"GET /v1/customers HTTP/1.1\r\nHost: bursar.inside.example.com\r\n\r\n"
_POST = b"POST /hooks/piggybank HTTP/1.1\r\nHost: pay.example.com\r\n"


def smuggled() -> Iterator[tuple[str, bytes]]:
    """Requests within requests: what is hidden is a body for one program, and the next request for another."""
    chunked = b"0\r\n\r\n" + HIDDEN
    length = b"Content-Length: %d\r\n" % len(chunked)
    for name, line in {
        "chunked": b"Transfer-Encoding: chunked\r\n",
        "a space before the colon": b"Transfer-Encoding : chunked\r\n",
        "a tab before the value": b"Transfer-Encoding:\tchunked\r\n",
        "another word before": b"Transfer-Encoding: xchunked\r\n",
        "identity before": b"Transfer-Encoding: identity, chunked\r\n",
        "identity after": b"Transfer-Encoding: chunked, identity\r\n",
        "twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n",
        "capitals": b"TRANSFER-ENCODING: CHUNKED\r\n",
        "a vertical tab": b"Transfer-Encoding: \x0bchunked\r\n",
        "on two lines": b"Transfer-Encoding:\r\n chunked\r\n",
        "a quote": b'Transfer-Encoding: "chunked"\r\n',
        "a bare return": b"X: y\rTransfer-Encoding: chunked\r\n",
        "a bare line feed": b"X: y\nTransfer-Encoding: chunked\r\n",
        "an underscore": b"Transfer_Encoding: chunked\r\n",
    }.items():
        yield f"length and encoding, {name}", _POST + length + line + b"\r\n" + chunked
        yield f"encoding and length, {name}", _POST + line + b"Content-Length: 5\r\n\r\n" + chunked
        yield f"encoding alone, {name}", _POST + line + b"\r\n" + chunked
    for name, lines in {
        "two lengths": b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(HIDDEN),
        "two lengths, the other way": b"Content-Length: %d\r\nContent-Length: 0\r\n" % len(HIDDEN),
        "a list of lengths": b"Content-Length: 0, %d\r\n" % len(HIDDEN),
        "a signed length": b"Content-Length: +%d\r\n" % len(HIDDEN),
        "a negative length": b"Content-Length: -1\r\n",
        "a hexadecimal length": b"Content-Length: 0x%x\r\n" % len(HIDDEN),
        "a length with a space": b"Content-Length: 0 %d\r\n" % len(HIDDEN),
        "a length before a space and a colon": b"Content-Length : %d\r\n" % len(HIDDEN),
        "an endless length": b"Content-Length: 99999999999999999999999999\r\n",
        "a length on a second line": b"Content-Length:\r\n %d\r\n" % len(HIDDEN),
        "no length": b"",
    }.items():
        yield name, _POST + lines + b"\r\n" + HIDDEN
    yield (
        "an old version with an encoding",
        _POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n" + chunked,
    )
    yield "the oldest version", b"GET /v1/customers\r\n\r\n"
    yield "no version", b"GET /v1/customers \r\nHost: pay.example.com\r\n\r\n"
    yield "a line in the target", b"POST /hooks/piggybank%0d%0aX:y HTTP/1.1\r\nHost: pay.example.com\r\n\r\n" + HIDDEN
    yield "a second line as target", b"POST /hooks/piggybank\r\n HTTP/1.1\r\nHost: pay.example.com\r\n\r\n" + HIDDEN
    yield "a tab for a space", b"GET\t/v1/customers\tHTTP/1.1\r\nHost: pay.example.com\r\n\r\n"
    yield "a chunk with a sign", _POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n" + HIDDEN
    yield "an endless chunk", _POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n" + HIDDEN
    yield "an extension with a line feed", _POST + b"Transfer-Encoding: chunked\r\n\r\n0;\nx\r\n\r\n" + HIDDEN
    yield "trailers", _POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Original-URL: /v1/customers\r\n\r\n" + HIDDEN
    yield "expectation", _POST + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(HIDDEN) + HIDDEN
    yield (
        "an upgrade",
        _POST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n" + HIDDEN,
    )
    yield "a tunnel", b"CONNECT 127.0.0.1:8420 HTTP/1.1\r\nHost: 127.0.0.1:8420\r\n\r\n" + HIDDEN
    yield "one after the other", _POST + b"Content-Length: 0\r\n\r\n" + HIDDEN
    yield (
        "a hidden connection header",
        _POST + b"Connection: close, Content-Length\r\nContent-Length: 5\r\n\r\nhello" + HIDDEN,
    )
