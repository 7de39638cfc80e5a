"""Requests as bytes, and answers out of bytes, however those are cut."""

import itertools
from collections.abc import Callable, Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bursar.connectors.wire import (
    ANSWER_BYTES_MAX,
    CONNECTION_LOST,
    FRAMING_BYTES_MAX,
    NOT_HTTP,
    TOO_LARGE,
    Address,
    Answer,
    AnswerReader,
    Failure,
    Target,
    check_headers,
)

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nContent-Length: 7\r\n\r\n"
GOOD = b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"a": 12}'


def measured(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\nServer: s\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


def chunked(status: int, body: bytes, size: int, trailer: bytes = b"") -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    written = b"".join(b"%x;note=1\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    head = b"HTTP/1.1 %d X\r\ntransfer-encoding: Chunked\r\n\r\n" % status
    return head + written + b"0\r\n" + trailer + b"\r\n"


def unmeasured(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\nServer: s\r\n\r\n%b" % (status, body)


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in itertools.pairwise(ends)]


def read(reader: AnswerReader, pieces: Iterable[bytes]) -> Answer | Failure | None:
    """What the last piece makes of it; the ones before must leave it open."""
    reader.begin()
    result: Answer | Failure | None = None
    for piece in pieces:
        assert result is None
        result = reader.feed(piece)
    return result


places = st.lists(st.integers(0, 10_000), max_size=8)
statuses = st.sampled_from([200, 201, 302, 400, 404, 409, 429, 500, 503, 599])
interims = st.sampled_from([b"", CONTINUE, CONTINUE + CONTINUE])
bodies = st.one_of(st.binary(max_size=200), st.just(GOOD))


@given(statuses, bodies, interims, places, st.integers(0, 60))
def test_an_answer_is_the_same_however_it_is_cut(
    status: int, body: bytes, interim: bytes, at: list[int], chunk: int
) -> None:
    framed = measured(status, body) if chunk == 0 else chunked(status, body, chunk, b"T: v\r\n" if chunk % 2 else b"")
    reader = AnswerReader()
    for _ in range(2):  # one reader reads all answers of a connection
        assert read(reader, cut(interim + framed, at)) == Answer(status, body)
        assert (reader.has_surplus, reader.may_stay) == (False, True)


@given(statuses, bodies, places)
def test_an_answer_without_a_length_is_whole_at_the_end(status: int, body: bytes, at: list[int]) -> None:
    reader = AnswerReader()
    assert read(reader, cut(CONTINUE + unmeasured(status, body), at)) is None
    assert reader.end() == Answer(status, body)
    assert not reader.may_stay


@given(st.binary(min_size=1, max_size=40), st.booleans(), st.data())
def test_a_part_of_an_answer_is_none_even_at_the_end(body: bytes, in_chunks: bool, data: st.DataObject) -> None:
    whole = CONTINUE + (chunked(200, body, 7) if in_chunks else measured(200, body))
    reader = AnswerReader()
    length = data.draw(st.integers(0, len(whole) - 1))
    assert read(reader, [whole[:length]]) is None
    assert reader.end() == CONNECTION_LOST


@pytest.mark.parametrize("interim", [CONTINUE, HINTS])
def test_the_length_of_what_is_on_the_way_is_not_that_of_the_answer(interim: bytes) -> None:
    reader = AnswerReader()
    assert read(reader, [interim + b"HTTP/1.1 200 OK\r\n\r\n{}"]) is None
    assert reader.end() == Answer(200, b"{}")


@pytest.mark.parametrize("coding", [b"gzip", b"chunked, gzip", b"identity"])
def test_a_coding_that_nobody_asked_for_has_no_end(coding: bytes) -> None:
    reader = AnswerReader()
    assert read(reader, [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: %b\r\n\r\n{}" % coding]) is None
    assert reader.end() == CONNECTION_LOST


@given(st.binary(min_size=1, max_size=30).filter(lambda surplus: surplus.strip(b"\r\n") != b""), st.booleans())
@example(GOOD, True)
@example(b"H", False)
def test_what_comes_behind_an_answer_is_seen_and_does_not_change_it(surplus: bytes, is_last: bool) -> None:
    reader = AnswerReader()
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}" if is_last else measured(200, b"{}")
    assert read(reader, [answer + surplus]) == Answer(200, b"{}")
    assert reader.has_surplus


@pytest.mark.parametrize(
    ("head", "may_stay"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: Keep-Alive\r\n", True),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", True),
    ],
)
def test_the_bank_says_whether_the_connection_stays(head: bytes, may_stay: bool) -> None:
    reader = AnswerReader()
    assert read(reader, [head + b"Content-Length: 2\r\n\r\n{}"]) == Answer(200, b"{}")
    assert reader.may_stay is may_stay


@pytest.mark.parametrize(
    "broken",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + GOOD,
        b"HTTP/1.1 100 Continue\r\n\r\nnothing" + GOOD,
    ],
)
def test_broken_framing_is_no_answer(broken: bytes) -> None:
    assert read(AnswerReader(), [broken]) == NOT_HTTP


@given(st.lists(st.one_of(st.binary(max_size=30), st.sampled_from([GOOD, GOOD[:20], GOOD[20:], CONTINUE, b"\r\n"]))))
def test_no_bytes_at_all_make_the_reader_raise(pieces: list[bytes]) -> None:
    reader = AnswerReader()
    for piece in pieces:
        if reader.feed(piece) is not None:
            break
    reader.end()


def fed_in_segments(data: bytes) -> Answer | Failure:
    reader = AnswerReader()
    for start in range(0, len(data), 65536):
        result = reader.feed(data[start : start + 65536])
        if result is not None:
            return result
    return reader.end()


@pytest.mark.parametrize("frame", [measured, unmeasured, lambda status, body: chunked(status, body, 50_000)])
def test_an_answer_has_a_largest_size(frame: Callable[[int, bytes], bytes]) -> None:
    largest = b"x" * ANSWER_BYTES_MAX
    assert fed_in_segments(frame(200, largest)) == Answer(200, largest)
    assert fed_in_segments(frame(200, largest + b"x")) == TOO_LARGE


@pytest.mark.parametrize(
    "endless",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 2_000_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 400_000,
        CONTINUE * 100_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 400_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 400_000,
    ],
)
def test_what_is_around_an_answer_has_a_largest_size_too(endless: bytes) -> None:
    assert len(endless) > ANSWER_BYTES_MAX + FRAMING_BYTES_MAX
    assert fed_in_segments(endless) == TOO_LARGE


def test_a_request_is_one_piece_with_the_length_of_its_body() -> None:
    headers = {"Host": "bank", "Authorization": "Bearer k"}
    assert Target("POST", "/v1/orders", headers).request("{é}".encode()) == (
        b"POST /v1/orders HTTP/1.1\r\nHost: bank\r\nAuthorization: Bearer k\r\n"
        b"Content-Type: application/json\r\nContent-Length: 4\r\n\r\n{\xc3\xa9}"
    )
    assert Target("GET", "/v1/orders?a=b", headers).request(None) == (
        b"GET /v1/orders?a=b HTTP/1.1\r\nHost: bank\r\nAuthorization: Bearer k\r\n\r\n"
    )


@pytest.mark.parametrize(("method", "body"), [("GET", b"{}"), ("POST", None)])
def test_an_order_without_a_body_and_a_question_with_one_are_not_sent(method: str, body: bytes | None) -> None:
    with pytest.raises(AssertionError):
        Target(method, "/", {}).request(body)


@pytest.mark.parametrize("path", ["", "v1", "/a b", "/a\r\nX: 1", "/a\n", "/ä", "/a\0", "/a#b", "http://elsewhere/"])
def test_a_path_stays_in_its_line(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        Target("GET", path, {})


@pytest.mark.parametrize(
    ("name", "value"), [("X", "hunter2\r\nY: 1"), ("X", "hunter2\n"), ("X", "hünter2"), ("X: 1\r\nY", ""), ("", "")]
)
def test_a_header_stays_in_its_line_and_is_not_repeated(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="header") as refused:
        check_headers({name: value})
    assert "nter2" not in str(refused.value)


def test_a_target_shows_its_path_alone() -> None:
    assert repr(Target("GET", "/v1?key=hunter2", {"Authorization": "hunter2"})) == "Target(/v1)"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://bank", ("bank", 80, "bank", "", False, False)),
        ("https://Bank.example/", ("bank.example", 443, "bank.example", "", True, False)),
        ("https://bank:80/a/b/", ("bank", 80, "bank:80", "/a/b", True, False)),
        ("http://bank:443", ("bank", 443, "bank:443", "", False, False)),
        ("http://127.0.0.1:8430/", ("127.0.0.1", 8430, "127.0.0.1:8430", "", False, True)),
        ("http://[::1]:8430", ("::1", 8430, "[::1]:8430", "", False, True)),
        ("https://bänk.example/ä b", ("xn--bnk-qla.example", 443, "xn--bnk-qla.example", "/%C3%A4%20b", True, False)),
    ],
)
def test_an_address_is_read_from_its_url(url: str, expected: tuple[object, ...]) -> None:
    found = Address(url)
    told = (found.host, found.port, found.host_header, found.prefix, found.is_secure, found.is_literal)
    assert told == expected
