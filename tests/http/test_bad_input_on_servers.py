"""What a database might refuse never reaches it: the same clear answers on those that are strict about text."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import new_database, on
from tests.faults.process import ServerProcess
from tests.faults.production import create_key, production_server
from tests.http import raw

REFUSED = {
    "a NUL in an id": ("GET", "/v1/customers/%00", 404),
    "a letter beyond ASCII in an id": ("GET", "/v1/customers/%C3%A9", 404),
    "a symbol in the id of an event": ("GET", "/v1/events/%F0%9F%92%A9", 404),
    "a letter beyond ASCII in an id to delete": ("DELETE", "/v1/customers/%C3%A9", 404),
    "a letter beyond ASCII in a cursor": ("GET", "/v1/customers?starting_after=%C3%A9", 400),
    "a letter beyond ASCII in a cursor of events": ("GET", "/v1/events?ending_before=%C3%A9", 400),
    "a NUL in a page": ("GET", "/v1/customers/search?query=name:'x'&page=AAAA", 400),
    "a number beyond 64 bits": ("GET", "/v1/customers?created[gte]=1000000000000000000000", 400),
    "a number beyond 64 bits in a search": ("GET", "/v1/customers/search?query=created>100000000000000000000", 400),
}
FOUND_NOTHING = {
    "a symbol in an email": "/v1/customers?email=%F0%9F%92%A9@example.com",
    "a symbol in a search": "/v1/customers/search?query=name~'%F0%9F%92%A9%F0%9F%92%A9%F0%9F%92%A9'",
    "wildcards in a search": "/v1/customers/search?query=name~'%25%25__'",
    "quotes and backslashes in a search": "/v1/customers/search?query=name~'%5C'%5C%5C%5C''",
}


@pytest.fixture(scope="module", params=on("postgresql", "mariadb"))
def production(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder: Path = tmp_path_factory.mktemp("bursar")
    with new_database(request.param) as database, production_server(folder, database.url) as server:
        server.environment = {**server.environment, "KEY": create_key(server)["key"]}
        server.start()
        yield server


def send(server: ServerProcess, method: str, target: str) -> raw.RawAnswer:
    head = f"{method} {target} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {server.environment['KEY']}\r\n\r\n"
    return raw.send(server.port, head.encode())


@pytest.mark.parametrize(("method", "target", "status"), REFUSED.values(), ids=REFUSED.keys())
def test_what_no_column_can_hold_is_refused(production: ServerProcess, method: str, target: str, status: int) -> None:
    answer = send(production, method, target)
    assert answer.status == status, production.last_words()
    assert answer.error["type"] == "invalid_request_error"


@pytest.mark.parametrize("target", FOUND_NOTHING.values(), ids=FOUND_NOTHING.keys())
def test_any_text_can_be_asked_for_and_finds_nothing_here(production: ServerProcess, target: str) -> None:
    answer = send(production, "GET", target)
    assert answer.status == 200, production.last_words()
    assert b'"data":[]' in answer.body
