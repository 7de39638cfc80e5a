"""Whatever comes in is answered with a clear 4xx in the wire's shape, at bounded cost."""

import itertools
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.faults.process import ServerProcess, dev_server
from tests.http import raw
from tests.http.raw import AUTHORISED, FORM, RawAnswer, form, json_body, request, send

BODY_BYTES_MAX = 1024 * 1024
MESSAGE_LENGTH_MAX = 2_000  # a refusal must not send the hostile value back
GROWTH_BYTES_MAX = 30 * 1024 * 1024
HONEST_SECONDS_MAX = 10.0  # a thousand times what it takes on an idle machine: this one runs other suites too
HUGE = "1" + "0" * 30


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = dev_server(tmp_path_factory.mktemp("bursar"))
    server.start()
    yield server
    assert "Traceback" not in server.log.read_text(errors="replace"), server.last_words()
    assert server.terminate() in (0, -15)


def refused(answer: RawAnswer, status: int = 400, *, param: str | None = None, code: str | None = None) -> None:
    """A clear no: status, shape, the parameter's name, and an id to ask about."""
    assert answer.status == status, answer.body[:300]
    error = answer.error
    assert error["type"] == "invalid_request_error"
    assert len(error["message"]) <= MESSAGE_LENGTH_MAX
    assert answer.headers["request-id"].startswith("req_")
    assert error.get("param") == param, error
    if param is not None:
        assert param.partition("[")[0] in error["message"].lower()
    if code is not None:
        assert error.get("code") == code, error


FORMS = {
    "an unknown parameter": (b"nmae=x", "nmae", "parameter_unknown"),
    "an unknown member": (b"address[planet]=x", "address[planet]", "parameter_unknown"),
    "a member where a list is": (b"preferred_locales[first]=de", "preferred_locales", None),
    "a member where a text is": (b"name[first]=x", "name", "parameter_invalid_string"),
    "a text where an object is": (b"address=x", "address", None),
    "a missing member": (b"shipping[name]=x", "shipping[address]", "parameter_missing"),
    "a text where a number is": (b"balance=much", "balance", "parameter_invalid_integer"),
    "a fraction where a number is": (b"balance=1.5", "balance", "parameter_invalid_integer"),
    "a number of thirty digits": (f"balance={HUGE}".encode(), "balance", "parameter_invalid_integer"),
    "a negative number of thirty digits": (f"balance=-{HUGE}".encode(), "balance", "parameter_invalid_integer"),
    "a number of 5,000 digits": (b"balance=" + b"9" * 5_000, "balance", "parameter_invalid_integer"),
    "a number beyond its limit": (b"balance=1000000000000", "balance", "parameter_invalid_integer"),
    "no number at all": (b"balance=", "balance", "parameter_invalid_integer"),
    "a value that is not of the list": (b"tax_exempt=perhaps", "tax_exempt", None),
    "a very long value that is not of the list": (b"tax_exempt=" + b"p" * 100_000, "tax_exempt", None),
    "a text that is too long": (b"name=" + b"x" * 257, "name", "parameter_invalid_string"),
    "a text that is far too long": (b"name=" + b"x" * 500_000, "name", "parameter_invalid_string"),
    "a list that is too long": (
        b"&".join(b"preferred_locales[]=de" for _ in range(101)),
        "preferred_locales",
        None,
    ),
    "a list that is too long by its numbers": (
        b"&".join(b"preferred_locales[%d]=de" % number for number in range(101)),
        "preferred_locales",
        None,
    ),
    "a parameter that comes twice": (b"name=x&name=y", "name", None),
    "a parameter that comes as a value and as an object": (b"address=x&address[city]=y", "address[city]", None),
    "a parameter that comes as an object and as a value": (b"address[city]=y&address=x", "address", None),
    "a name with an open bracket": (b"address[city=x", "address[city", None),
    "a name with brackets in brackets": (b"address[[city]]=x", "address[[city]]", None),
    "a name that begins with a bracket": (b"[city]=x", "[city]", None),
    "a name that is nested too deep": (b"metadata" + b"[a]" * 64 + b"=x", "metadata", None),
    "an email without its sign": (b"email=jenny", "email", "email_invalid"),
    "a broken percent escape": (b"email=%zz", "email", "email_invalid"),
    "a metadata key that is too long": (b"metadata[" + b"k" * 41 + b"]=v", f"metadata[{'k' * 40}]", None),
    "a metadata value that is too long": (b"metadata[k]=" + b"v" * 501, "metadata[k]", None),
    "too much metadata": (b"&".join(b"metadata[k%d]=v" % number for number in range(51)), "metadata", None),
    "an expansion that does not exist": (b"expand[]=everything", "expand", None),
    "an expansion that is too deep": (b"expand[]=a.b.c.d.e", "expand", None),
    "too many expansions": (b"&".join(b"expand[]=sources" for _ in range(21)), "expand", None),
}


@pytest.mark.parametrize(("body", "param", "code"), FORMS.values(), ids=FORMS.keys())
def test_a_form_is_refused_by_the_parameters_name(
    server: ServerProcess, body: bytes, param: str, code: str | None
) -> None:
    refused(send(server.port, form(body)), param=param, code=code)


NAMELESS_FORMS = {
    "bytes that are no UTF-8": b"name=\xff\xfe",
    "escapes that are no UTF-8": b"name=%ff%fe",
    "an escaped half of a surrogate pair": b"name=%ed%a0%80",
    "a NUL": b"name=a%00b",
    "a NUL in a name": b"na%00me=x",
    "a hundred thousand fields": b"&".join(b"f%d=1" % number for number in range(100_000)),
    "a thousand and one fields": b"&".join(b"metadata[%d]=" % number for number in range(1_001)),
    "a name of 100,000 characters": b"x" * 100_000 + b"=1",
    "a name of 100,000 brackets": b"metadata" + b"[a]" * 33_000 + b"=1",
}


@pytest.mark.parametrize("body", NAMELESS_FORMS.values(), ids=NAMELESS_FORMS.keys())
def test_a_form_that_cannot_be_read_is_refused_in_words(server: ServerProcess, body: bytes) -> None:
    answer = send(server.port, form(body))
    refused(answer, param=answer.error.get("param"))
    assert len(answer.body) < 4 * MESSAGE_LENGTH_MAX


JSON_BODIES = {
    "an unknown parameter": (b'{"nmae":"x"}', "nmae"),
    "a number where a text is": (b'{"name":1}', "name"),
    "a text where a number is": (b'{"balance":"1"}', "balance"),
    "a fraction where a number is": (b'{"balance":1.5}', "balance"),
    "a number of thirty digits": (f'{{"balance":{HUGE}}}'.encode(), "balance"),
    "a number with an enormous exponent": (b'{"balance":1e300}', "balance"),
    "a list where an object is": (b'{"address":[]}', "address"),
    "an object where a list is": (b'{"preferred_locales":{"a":"b"}}', "preferred_locales"),
    "a list that is too long": (b'{"preferred_locales":[' + b",".join([b'"de"'] * 101) + b"]}", "preferred_locales"),
    "an item of the wrong type": (b'{"preferred_locales":["de",7]}', "preferred_locales[1]"),
    "a truth where a text is": (b'{"name":true}', "name"),
    "null where a text is": (b'{"name":null}', "name"),
    "a value that is not of the list": (b'{"tax_exempt":"' + b"p" * 100_000 + b'"}', "tax_exempt"),
    "metadata that is a number": (b'{"metadata":{"k":1}}', "metadata"),
    "64 levels of objects": (b'{"address":' * 1 + b'{"city":' * 63 + b"1" + b"}" * 64, "address[city]"),
}


@pytest.mark.parametrize(("body", "param"), JSON_BODIES.values(), ids=JSON_BODIES.keys())
def test_json_is_refused_by_the_parameters_name(server: ServerProcess, body: bytes, param: str) -> None:
    refused(send(server.port, json_body(body)), param=param)


NAMELESS_JSON = {
    "no JSON": b"name=x",
    "an unfinished object": b'{"name":"x"',
    "something behind it": b'{"name":"x"} {}',
    "a list": b"[]",
    "a text": b'"x"',
    "a number of 100,000 digits": b"9" * 100_000,
    "a parameter of 5,000 digits": b'{"balance":' + b"9" * 5_000 + b"}",
    "bytes that are no UTF-8": b'{"name":"\xff"}',
    "UTF-16": '{"name":"x"}'.encode("utf-16"),
    "a mark of byte order": b"\xef\xbb\xbf{}",
    "a NUL": b'{"name":"\x00"}',
    "an escaped NUL": b'{"name":"a\\u0000b"}',
    "an escaped NUL deep inside": b'{"metadata":{"a":["\\u0000"]}}',
    "half of a surrogate pair": b'{"name":"\\ud800"}',
    "the other half": b'{"metadata":{"\\udc00":"x"}}',
    "not a number": b'{"balance":NaN}',
    "100,000 levels of lists": b'{"name":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "100,000 levels of objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "100,000 levels that never end": b"[" * 100_000,
    "an unknown name of 100,000 characters": b'{"' + b"x" * 100_000 + b'":1}',
}


@pytest.mark.parametrize("body", NAMELESS_JSON.values(), ids=NAMELESS_JSON.keys())
def test_json_that_cannot_be_read_is_refused_in_words(server: ServerProcess, body: bytes) -> None:
    answer = send(server.port, json_body(body))
    refused(answer, param=answer.error.get("param"))
    assert len(answer.body) < 4 * MESSAGE_LENGTH_MAX


def test_json_of_every_depth_is_refused_and_never_a_defect(server: ServerProcess) -> None:
    """Between what one parser and what the next can stand there must be no depth that only one of them refuses."""
    for depth in (*range(8, 1_100, 23), 2_000, 5_000):
        for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
            body = b'{"metadata":' + opening * depth + b'"\\u0041"' + closing * depth + b"}"
            answer = send(server.port, json_body(body))
            assert answer.status == 400, (depth, answer.body[:200])


QUERIES = {
    "a limit of thirty digits": (f"limit={HUGE}", "limit"),
    "a limit of zero": ("limit=0", "limit"),
    "a limit beyond the page": ("limit=101", "limit"),
    "a limit that is no number": ("limit=ten", "limit"),
    "a time of thirty digits": (f"created={HUGE}", "created"),
    "a time that is negative": ("created=-1", "created"),
    "a bound of thirty digits": (f"created[gte]={HUGE}", "created[gte]"),
    "a bound that does not exist": ("created[after]=1", "created[after]"),
    "an unknown parameter": ("page=2", "page"),
    "a cursor that is too long": ("starting_after=" + "x" * 101, "starting_after"),
    "a cursor with strange characters": ("starting_after=%F0%9F%92%A9", "starting_after"),
    "both cursors": ("starting_after=cus_1&ending_before=cus_2", "ending_before"),
    "an email without its sign": ("email=jenny", "email"),
}


@pytest.mark.parametrize(("query", "param"), QUERIES.values(), ids=QUERIES.keys())
def test_a_query_is_refused_by_the_parameters_name(server: ServerProcess, query: str, param: str) -> None:
    refused(send(server.port, request("GET", f"/v1/customers?{query}")), param=param)


SEARCHES = (
    "",
    "x",
    "name:",
    "name:'",
    "name:x",
    "name~'a'",
    "planet:'x'",
    "name:'x' AND",
    "name:'x' OR",
    "metadata:'x'",
    "created:'soon'",
    "created>99999999999999999999999",
    "name>'x'",
    "(name:'x')",
    "\U0001f4a9:'x'",
    "name:'x' AND email:'y' OR phone:'z'",
    " AND ".join(["name:'x'"] * 11),
    "-" * 2_000,
    "'" * 2_000,
    "name:'" + "\\" * 1_900,
)


@pytest.mark.parametrize("query", SEARCHES)
def test_a_search_that_cannot_be_read_is_refused_by_name(server: ServerProcess, query: str) -> None:
    answer = send(server.port, request("GET", f"/v1/customers/search?query={quote(query)}"))
    assert answer.status == 400
    assert answer.error["param"] == "query"


def test_a_search_without_its_query_is_refused_as_missing(server: ServerProcess) -> None:
    refused(send(server.port, request("GET", "/v1/customers/search")), param="query", code="parameter_missing")


@pytest.mark.parametrize("page", ["x", "%00", "AAAA", "%C3%A9", "====", "gICA"])
def test_a_page_that_no_search_returned_is_refused_by_name(server: ServerProcess, page: str) -> None:
    answer = send(server.port, request("GET", f"/v1/customers/search?query=name:'x'&page={page}"))
    assert answer.status == 400
    if page != "%00":  # which is refused as text, before anybody knows whose it is
        assert answer.error["param"] == "page"


STRANGE_IDS = (
    "%00",
    "%ff",
    "%F0%9F%92%A9",
    "a%2Fb",
    "..%2f..%2fetc%2fpasswd",
    "cus_%27%20OR%201=1--",
    "%0d%0aX:1",
    "+",
    "x" * 20_000,
    "cus_" + "%41" * 5_000,
    "%zz",
    "null",
    "cus_1%3Fx",
)


@pytest.mark.parametrize("object_id", STRANGE_IDS, ids=lambda text: text[:20])
@pytest.mark.parametrize(
    ("method", "kind"), [("GET", "customers"), ("POST", "customers"), ("DELETE", "customers"), ("GET", "events")]
)
def test_an_id_of_strange_characters_is_no_object(
    server: ServerProcess, object_id: str, method: str, kind: str
) -> None:
    answer = send(server.port, request(method, f"/v1/{kind}/{object_id}", FORM if method == "POST" else b"", b""))
    assert answer.status == 404
    assert answer.headers["request-id"].startswith("req_")
    assert len(answer.error["message"]) <= 400
    # An encoded slash is a slash to the server's parser: such an address has no route at all.
    if "2f" not in object_id.lower():
        assert (answer.error["param"], answer.error["code"]) == ("id", "resource_missing")


PATHS = (
    "/",
    "/v1",
    "/v1/",
    "/v2/customers",
    "/v1/customers/",
    "/v1//customers",
    "/v1/customers/a/b",
    "/v1/customers/../events",
    "/V1/CUSTOMERS",
    "/" + "a/" * 10_000,
    "/%2e%2e/%2e%2e",
    "/v1/customers;x=1",
)


@pytest.mark.parametrize("path", PATHS[1:], ids=lambda path: path[:30])
def test_an_address_that_does_not_exist_is_answered_in_json(server: ServerProcess, path: str) -> None:
    answer = send(server.port, request("GET", path))
    assert answer.status == 404
    assert len(answer.error["message"]) <= 400
    assert answer.headers["request-id"].startswith("req_")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_method_that_is_not_possible_is_refused(server: ServerProcess, method: str) -> None:
    refused(send(server.port, request(method, "/v1/customers")), 405, code="method_not_allowed")


CONTENT_TYPES = (
    b"text/plain",
    b"multipart/form-data; boundary=x",
    b"application/xml",
    b"application/json, text/plain",
    b"",
    b"json",
)


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_a_body_of_another_content_type_is_refused_with_415(server: ServerProcess, content_type: bytes) -> None:
    header = b"Content-Type: " + content_type + b"\r\n" if content_type else b""
    refused(send(server.port, request("POST", "/v1/customers", header, b"name=x")), 415)


def test_a_content_type_that_is_not_ascii_is_refused(server: ServerProcess) -> None:
    refused(send(server.port, request("POST", "/v1/customers", b"Content-Type: \xff\r\n", b"name=x")))


@pytest.mark.parametrize(
    "content_type", [b"APPLICATION/JSON", b"application/json;charset=utf-8", b"application/json ; x=y"]
)
def test_a_content_type_is_known_in_any_case_and_with_parameters(server: ServerProcess, content_type: bytes) -> None:
    header = b"Content-Type: " + content_type + b"\r\n"
    assert send(server.port, request("POST", "/v1/customers", header, b'{"name":"x"}')).status == 200


def test_an_announced_body_that_is_too_large_is_refused_before_it_is_sent(server: ServerProcess) -> None:
    head = request("POST", "/v1/customers", FORM + b"Content-Length: %d\r\n" % (BODY_BYTES_MAX + 1))
    answer = send(server.port, head)
    refused(answer, 413)
    assert answer.headers["connection"] == "close"


def test_a_body_of_exactly_the_limit_is_read(server: ServerProcess) -> None:
    """And then refused for what it says, which proves that all of it was read."""
    start = b"name="
    refused(send(server.port, form(start + b"x" * (BODY_BYTES_MAX - len(start)))), param="name")


def test_a_chunked_body_is_refused_as_soon_as_it_is_too_large(server: ServerProcess) -> None:
    """It would go on for ever; the answer comes all the same, and what was sent is not kept."""
    before = server.resident_bytes()
    with raw.dial(server.port) as connection:
        connection.sendall(request("POST", "/v1/customers", FORM + b"Transfer-Encoding: chunked\r\n"))
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        sent = 0
        try:
            while sent < 64 * BODY_BYTES_MAX:
                connection.sendall(chunk)
                sent += len(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert sent < 16 * BODY_BYTES_MAX  # what the kernel's buffers and the limit let through
    assert server.resident_bytes() - before < GROWTH_BYTES_MAX


def test_a_chunked_body_that_is_too_large_is_answered_with_413(server: ServerProcess) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    head = request("POST", "/v1/customers", FORM + b"Transfer-Encoding: chunked\r\n")
    refused(send(server.port, head + chunk * 17), 413)


@pytest.mark.parametrize("length", [b"-1", b"abc", b"1" * 30, b"9" * 5_000, b"0x10", b"1, 2", b"1.0"])
def test_a_content_length_that_is_no_length_is_refused(server: ServerProcess, length: bytes) -> None:
    head = (
        b"POST /v1/customers HTTP/1.1\r\nHost: h\r\n" + AUTHORISED + FORM + b"Content-Length: " + length + b"\r\n\r\nx"
    )
    answer = send(server.port, head)
    assert answer.status in (400, 413)
    assert answer.error["type"] == "invalid_request_error"


NOT_HTTP = {
    "noise": b"\x00\x01\x02\x03\r\n\r\n",
    "a greeting of another protocol": b"EHLO example.com\r\n\r\n",
    "a TLS greeting": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 100,
    "another version": b"GET /v1/customers HTTP/9.9\r\n\r\n",
    "a header without a colon": b"GET /v1/customers HTTP/1.1\r\nHost h\r\n\r\n",
    "a space before the colon": b"GET /v1/customers HTTP/1.1\r\nHost : h\r\n\r\n",
    "a NUL in a header": b"GET /v1/customers HTTP/1.1\r\nHost: h\x00\r\n\r\n",
    "an unknown method": b"FETCH /v1/customers HTTP/1.1\r\nHost: h\r\n\r\n",
    "both ways of telling a length": b"POST /v1/customers HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST /v1/customers HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
    "a line that is folded": b"GET /healthz HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n",
    "bytes above ASCII in the address": b"GET /v1/\xff\xfe HTTP/1.1\r\nHost: h\r\n\r\n",
}


@pytest.mark.parametrize("noise", NOT_HTTP.values(), ids=NOT_HTTP.keys())
def test_what_is_not_http_is_refused_in_the_wires_shape_and_hung_up_on(server: ServerProcess, noise: bytes) -> None:
    with raw.dial(server.port) as connection:
        connection.sendall(noise)
        answer = raw.read_answer(connection)
        assert answer.status == 400
        assert answer.error["type"] == "invalid_request_error"
        assert raw.is_closed(connection)


def test_a_chunk_of_no_length_is_refused(server: ServerProcess) -> None:
    head = request("POST", "/v1/customers", FORM + b"Transfer-Encoding: chunked\r\n")
    answer = send(server.port, head + b"zz\r\nname=x\r\n0\r\n\r\n")
    assert answer.status == 400
    assert answer.error


OVERFLOWS = {
    "one endless line": b"X-Long: " + b"x" * 200_000,
    "one endless line in small pieces": b"X-Long: " + b"x" * 40_000,
    "a thousand headers": b"".join(b"X-%d: 1\r\n" % number for number in range(1_000)) + b"\r\n",
    "a hundred and one headers": b"".join(b"X-%d: 1\r\n" % number for number in range(101)) + b"\r\n",
    "many long headers": b"".join(b"X-%d: %b\r\n" % (number, b"x" * 1_000) for number in range(50)) + b"\r\n",
}


@pytest.mark.parametrize("headers", OVERFLOWS.values(), ids=OVERFLOWS.keys())
def test_a_head_that_is_too_large_is_refused_with_431_and_hung_up_on(server: ServerProcess, headers: bytes) -> None:
    with raw.dial(server.port) as connection:
        try:
            for start in range(0, len(headers), 4_096):
                connection.sendall(
                    (b"GET /v1/customers HTTP/1.1\r\nHost: h\r\n" if not start else b"")
                    + headers[start : start + 4_096]
                )
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = raw.read_answer(connection)
        assert answer.status == 431
        assert answer.error["type"] == "invalid_request_error"
        assert raw.is_closed(connection)


def test_an_address_that_is_too_long_is_refused_with_431(server: ServerProcess) -> None:
    answer = send(server.port, request("GET", "/v1/customers/" + "x" * 40_000))
    assert answer.status == 431
    assert answer.error


def test_a_large_honest_head_is_taken_however_it_is_cut_into_packets(server: ServerProcess) -> None:
    head = request("GET", "/v1/customers", b"Cookie: " + b"c" * 28_000 + b"\r\n")
    assert send(server.port, head).status == 200
    with raw.dial(server.port) as connection:
        for start in range(0, len(head), 1_000):
            connection.sendall(head[start : start + 1_000])
            time.sleep(0.001)  # so that the kernel does not join the packets again
        assert raw.read_answer(connection).status == 200


def test_a_body_that_ends_early_has_no_effect_and_no_answer(server: ServerProcess) -> None:
    body = b"name=half-a-body"
    with raw.dial(server.port) as connection:
        connection.sendall(request("POST", "/v1/customers", FORM + b"Content-Length: %d\r\n" % (len(body) + 10)) + body)
        connection.shutdown(1)
        assert raw.is_closed(connection)
    found = send(server.port, request("GET", "/v1/customers/search?query=name:'half-a-body'"))
    assert (found.status, b"cus_" in found.body) == (200, False)


def test_two_requests_in_one_packet_get_two_answers_in_order(server: ServerProcess) -> None:
    with raw.dial(server.port) as connection:
        connection.sendall(form(b"nmae=x") + request("GET", "/v1/customers?limit=1"))
        assert raw.read_answer(connection).status == 400
        assert raw.read_answer(connection).status == 200


def test_a_large_body_that_was_refused_unread_leaves_the_connection_usable(server: ServerProcess) -> None:
    body = b"name=" + b"x" * 300_000
    head = b"POST /v1/customers HTTP/1.1\r\nHost: h\r\n" + FORM + b"Content-Length: %d\r\n\r\n" % len(body)
    with raw.dial(server.port) as connection:
        for _ in range(3):
            connection.sendall(head)
            assert raw.read_answer(connection).status == 401  # before the body has come
            connection.sendall(body)
        connection.sendall(request("GET", "/v1/customers?limit=1"))
        assert raw.read_answer(connection).status == 200


def test_a_large_body_and_the_next_head_in_one_packet_are_two_requests(server: ServerProcess) -> None:
    with raw.dial(server.port) as connection:
        following = request("GET", "/v1/customers?limit=1")
        connection.sendall(form(b"metadata[k]=" + b"x" * 50_000) + following[:20])
        assert raw.read_answer(connection).status == 400
        connection.sendall(following[20:])
        assert raw.read_answer(connection).status == 200


def hostile_requests() -> Iterator[bytes]:
    """Every kind of this file that costs something, over and over."""
    bodies = [*(form(body) for body in NAMELESS_FORMS.values()), *(json_body(body) for body in NAMELESS_JSON.values())]
    bodies += [form(body) for body, _, _ in FORMS.values()]
    bodies.append(form(b"x=" + b"y" * (BODY_BYTES_MAX - 2)))
    bodies.append(json_body(b'{"a":[' + b"1," * 400_000 + b"1]}"))
    bodies.append(json_body(b'{"metadata":{' + b",".join(b'"%d":"x"' % number for number in range(80_000)) + b"}}"))
    return itertools.islice(itertools.cycle(bodies), 200)


def test_two_hundred_hostile_requests_cost_little_memory_and_keep_nobody_waiting(server: ServerProcess) -> None:
    for hostile in itertools.islice(hostile_requests(), 60):
        send(server.port, hostile)  # brings what is allocated once to where it stays
    before = server.resident_bytes()
    slowest = 0.0
    for number, hostile in enumerate(hostile_requests()):
        assert 400 <= send(server.port, hostile).status < 500
        if number % 10 == 0:
            started = time.monotonic()
            assert send(server.port, form(b"name=honest")).status == 200
            slowest = max(slowest, time.monotonic() - started)
    assert server.resident_bytes() - before <= GROWTH_BYTES_MAX
    assert slowest <= HONEST_SECONDS_MAX
