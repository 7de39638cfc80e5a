"""One's own sessions: seen, ended, switched; by cookie, with protection against other sites' pages."""

from typing import Any

import pytest
from sqlalchemy import select

from bursar.people.session_rules import ABSOLUTE_SECONDS, IDLE_SECONDS, LIVING_MAX, VISIT_SECONDS
from bursar.people.tables import sessions
from bursar.people.visits import DEVICE_SECONDS
from bursar.store.engine import MEMORY_URL
from tests.databases import Database
from tests.people.harness import ADDRESS, HOME, PASSWORD, PUBLIC_URL, WORK, House, Reply, house_on

SESSIONS = "/api/v1/auth/sessions"
WALLETS = "/api/v1/sample/wallets"
SESSION_COOKIE, DEVICE_COOKIE = "__Host-bursar_session", "__Host-bursar_device"
OWN_PAGE = {"origin": PUBLIC_URL, "sec-fetch-site": "same-origin"}


class Browser:
    """Keeps cookies, and knows what its page was told."""

    def __init__(self, house: House, **options: Any) -> None:
        self.house = house
        self.cookies: dict[str, str] = {}
        self.csrf_token = ""
        self.signed_in = self._keep(house.login(browser=True, headers=OWN_PAGE, **options))

    def call(self, method: str, path: str, body: Any = None, **headers: str | None) -> Reply:
        """With what its page would send; a header of None is left away."""
        usual = {**OWN_PAGE, "x-csrf-token": self.csrf_token} if method != "GET" else {}
        given = usual | {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in given.items() if value is not None}
        return self._keep(self.house.call(method, path, body, headers=sent, cookies=self.cookies))

    def _keep(self, reply: Reply) -> Reply:
        for name, line in reply.headers:
            if name == "set-cookie":
                key, _, value = line.partition(";")[0].partition("=")
                self.cookies[key] = value
                if not value:
                    del self.cookies[key]
        if reply.status == 200:
            self.csrf_token = reply.json.get("csrf_token") or self.csrf_token
        return reply


@pytest.fixture
def browser(house: House) -> Browser:
    house.user(members={HOME: "owner", WORK: "viewer"})
    return Browser(house)


def set_cookies(reply: Reply) -> dict[str, str]:
    return {line.partition("=")[0]: line for name, line in reply.headers if name == "set-cookie"}


def test_a_browser_gets_a_cookie_that_only_this_host_sees_and_no_script_reads(browser: Browser) -> None:
    lines = set_cookies(browser.signed_in)
    assert set(lines) == {SESSION_COOKIE, DEVICE_COOKIE}
    for line in lines.values():
        assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} <= set(line.split("; "))
        assert "Domain" not in line
    assert "Max-Age" not in lines[SESSION_COOKIE]
    assert f"Max-Age={DEVICE_SECONDS}" in lines[DEVICE_COOKIE]
    answer = browser.signed_in.json
    assert answer["refresh_token"] is None
    assert len(answer["csrf_token"]) == 43
    assert browser.cookies[SESSION_COOKIE] not in browser.signed_in.body.decode()


def test_without_https_in_development_the_cookies_are_plain() -> None:
    with house_on(Database("memory", MEMORY_URL), public_url="http://127.0.0.1:8420") as house:
        house.user()
        lines = set_cookies(house.login(browser=True))
        assert set(lines) == {"bursar_session", "bursar_device"}
        assert all("Secure" not in line and "HttpOnly" in line for line in lines.values())


def test_who_wants_to_be_remembered_is(house: House) -> None:
    house.user()
    browser = Browser(house, remember=True)
    assert f"Max-Age={ABSOLUTE_SECONDS}" in set_cookies(browser.signed_in)[SESSION_COOKIE]
    house.clock.advance(IDLE_SECONDS - 10)
    assert browser.call("GET", WALLETS).status == 200
    house.clock.advance(IDLE_SECONDS - 10)
    assert browser.call("GET", WALLETS).status == 200
    house.clock.advance(IDLE_SECONDS + 10)
    assert browser.call("GET", WALLETS).code == "session_ended"


def test_who_does_not_is_forgotten_after_half_a_day_without_use(house: House, browser: Browser) -> None:
    for _ in range(3):
        house.clock.advance(VISIT_SECONDS - 10)
        assert browser.call("GET", WALLETS).status == 200
    house.clock.advance(VISIT_SECONDS + 10)
    assert browser.call("GET", WALLETS).code == "session_ended"


def test_a_session_ends_after_ninety_days_however_much_it_is_used(house: House) -> None:
    house.user()
    browser = Browser(house, remember=True)
    for _ in range(3):
        house.clock.advance(IDLE_SECONDS - 10)
        assert browser.call("GET", WALLETS).status == 200
    house.clock.advance(100)
    assert browser.call("GET", WALLETS).code == "session_ended"


def test_a_page_of_ours_can_change_something(browser: Browser) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert browser.call(method, WALLETS, None if method == "DELETE" else {}).status == 200
    assert browser.call("POST", WALLETS, {}, origin=None).status == 200
    assert browser.call("POST", WALLETS, {}, sec_fetch_site=None).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"x_csrf_token": None}, "csrf_token_invalid"),
        ({"x_csrf_token": ""}, "csrf_token_invalid"),
        ({"x_csrf_token": "A" * 43}, "csrf_token_invalid"),
        ({"origin": "https://evil.example.test"}, "cross_site_request"),
        ({"origin": "http://pay.example.test"}, "cross_site_request"),
        ({"origin": "https://pay.example.test.evil.test"}, "cross_site_request"),
        ({"origin": "https://pay.example.test:8443"}, "cross_site_request"),
        ({"origin": "null"}, "cross_site_request"),
        ({"sec_fetch_site": "cross-site"}, "cross_site_request"),
        ({"sec_fetch_site": "same-site"}, "cross_site_request"),
        ({"sec_fetch_site": "none"}, "cross_site_request"),
        ({"origin": None, "sec_fetch_site": None}, "cross_site_request"),
        ({"origin": None, "sec_fetch_site": "cross-site"}, "cross_site_request"),
    ],
)
def test_a_page_of_somebody_else_cannot(
    browser: Browser, method: str, headers: dict[str, str | None], code: str
) -> None:
    refused = browser.call(method, WALLETS, None if method == "DELETE" else {}, **headers)
    assert (refused.status, refused.code) == (403, code)


def test_the_token_of_one_session_is_worth_nothing_in_another(house: House, browser: Browser) -> None:
    other = Browser(house)
    assert other.csrf_token != browser.csrf_token
    assert browser.call("POST", WALLETS, {}, x_csrf_token=other.csrf_token).code == "csrf_token_invalid"


def test_a_page_that_was_loaded_again_asks_for_its_token(browser: Browser) -> None:
    told = browser.csrf_token
    assert browser.call("GET", "/api/v1/auth/me").json["csrf_token"] == told


def test_with_a_bearer_token_no_page_is_involved(house: House) -> None:
    house.user()
    token = house.token()
    assert house.call("POST", WALLETS, {}, token=token, headers={"origin": "https://elsewhere.test"}).status == 200
    assert house.call("GET", "/api/v1/auth/me", token=token).json["csrf_token"] is None


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example.test"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}],
)
def test_nobody_elses_page_signs_its_visitor_in(house: House, headers: dict[str, str]) -> None:
    house.user()
    refused = house.login(browser=True, headers=headers)
    assert (refused.status, refused.code, refused.cookies) == (403, "cross_site_request", {})
    assert house.login(browser=True).status == 200  # a program, which says nothing of a page


@pytest.mark.parametrize("cookie", ["", "x", "x" * 5000, "%00", "ü"])
def test_cookies_that_are_none_of_ours_are_refused(house: House, cookie: str) -> None:
    reply = house.call("GET", WALLETS, cookies={SESSION_COOKIE: cookie})
    assert (reply.status, reply.code) == (401, "session_ended")


def test_without_its_prefix_a_cookie_is_not_looked_at(browser: Browser) -> None:
    """A page on a neighbouring name could have set that one."""
    value = browser.cookies[SESSION_COOKIE]
    reply = browser.house.call("GET", WALLETS, cookies={"bursar_session": value})
    assert reply.code == "credentials_missing"


def test_sessions_are_listed_for_their_owner_alone(house: House, browser: Browser) -> None:
    house.user("other@example.test")
    foreign = house.token(email="other@example.test")
    page = browser.call("GET", SESSIONS).json
    [only] = page["data"]
    assert (page["object"], page["has_more"], page["url"]) == ("list", False, SESSIONS)
    assert (only["current"], only["browser"], only["address"], only["methods"]) == (True, True, ADDRESS, ["password"])
    house.token(headers={"user-agent": "curl/8.0 \xe9\x07"})
    both = browser.call("GET", SESSIONS).json["data"]
    assert [one["current"] for one in both] == [False, True]
    assert both[0]["user_agent"] == "curl/8.0 ??"
    first = browser.call("GET", f"{SESSIONS}?limit=1").json
    assert (first["has_more"], first["data"][0]["id"]) == (True, both[0]["id"])
    second = browser.call("GET", f"{SESSIONS}?starting_after={both[0]['id']}").json
    assert [one["id"] for one in second["data"]] == [both[1]["id"]]
    back = browser.call("GET", f"{SESSIONS}?ending_before={both[1]['id']}").json
    assert [one["id"] for one in back["data"]] == [both[0]["id"]]
    assert len(house.call("GET", SESSIONS, token=foreign).json["data"]) == 1


def test_one_ends_ones_own_sessions_and_nobody_elses(house: House, browser: Browser) -> None:
    house.user("other@example.test")
    foreign = house.token(email="other@example.test")
    own = browser.call("GET", SESSIONS).json["data"][0]["id"]
    refused = house.call("DELETE", f"{SESSIONS}/{own}", token=foreign)
    unknown = house.call("DELETE", f"{SESSIONS}/ses_nobody", token=foreign)
    assert (refused.status, unknown.status) == (404, 404)
    assert refused.json["error"]["message"].replace(own, "") == unknown.json["error"]["message"].replace(
        "ses_nobody", ""
    )
    ended = browser.call("DELETE", f"{SESSIONS}/{own}")
    assert ended.status == 200
    assert SESSION_COOKIE not in browser.cookies
    assert house.call("GET", SESSIONS, token=foreign).status == 200
    assert [event["reason"] for event in house.told("bursar.session.ended")] == ["ended_by_user"]


def test_signing_out_ends_this_session_and_takes_its_cookie(house: House, browser: Browser) -> None:
    other = house.login().json
    assert browser.call("POST", "/api/v1/auth/logout", {}).json == {"ended": 1}
    assert SESSION_COOKIE not in browser.cookies
    assert DEVICE_COOKIE in browser.cookies
    assert house.call("GET", WALLETS, token=other["access_token"]).status == 200
    assert house.call("POST", "/api/v1/auth/refresh", {"refresh_token": other["refresh_token"]}).status == 200


def test_signing_out_everywhere_ends_all_sessions_and_their_refresh_tokens(house: House, browser: Browser) -> None:
    other = house.login().json
    assert browser.call("POST", "/api/v1/auth/logout", {"all": True}).json == {"ended": 2}
    assert house.call("GET", WALLETS, token=other["access_token"]).code == "session_ended"
    refused = house.call("POST", "/api/v1/auth/refresh", {"refresh_token": other["refresh_token"]})
    assert refused.status == 401


def test_a_cookie_that_was_kept_is_worth_nothing_after_signing_out(house: House, browser: Browser) -> None:
    kept = dict(browser.cookies)
    browser.call("POST", "/api/v1/auth/logout", {})
    assert house.call("GET", WALLETS, cookies=kept).code == "session_ended"


def test_one_switches_to_another_organisation_of_ones_own(house: House) -> None:
    house.user(members={HOME: "owner", WORK: "viewer"})
    answer = house.login().json
    switched = house.call("POST", "/api/v1/auth/switch", {"organisation": WORK}, token=answer["access_token"]).json
    assert switched["organisation"]["role"] == "viewer"
    assert house.call("GET", WALLETS, token=switched["access_token"]).json["organisation"] == WORK
    assert house.call("POST", WALLETS, {}, token=switched["access_token"]).status == 403
    assert house.call("GET", WALLETS, token=answer["access_token"]).json["organisation"] == HOME  # it says so itself
    renewed = house.call("POST", "/api/v1/auth/refresh", {"refresh_token": answer["refresh_token"]}).json
    assert renewed["organisation"]["id"] == WORK
    for foreign in ("acct_other", "x"):
        refused = house.call("POST", "/api/v1/auth/switch", {"organisation": foreign}, token=answer["access_token"])
        assert (refused.status, refused.code) == (403, "membership_missing")


def test_a_browser_that_switches_acts_there_at_once_in_every_process(house: House, browser: Browser) -> None:
    other = house.application_of(house.identity_of_another_process())
    before = dict(browser.cookies)
    assert house.call("GET", WALLETS, cookies=before, application=other).json["organisation"] == HOME
    assert browser.call("POST", "/api/v1/auth/switch", {"organisation": WORK}).status == 200
    assert browser.cookies[SESSION_COOKIE] != before[SESSION_COOKIE]
    now = house.call("GET", WALLETS, cookies=browser.cookies, application=other)
    assert now.json["organisation"] == WORK
    assert browser.call("GET", SESSIONS).json["data"][0]["organisation"] == WORK
    house.clock.advance(5)
    assert house.call("GET", WALLETS, cookies=before).code == "session_ended"


def test_what_is_kept_of_a_cookie_is_a_keyed_hash(house: House, browser: Browser) -> None:
    rows = house.store.read_blocking(lambda connection: connection.execute(select(sessions)).all())
    assert browser.cookies[SESSION_COOKIE] not in str(rows)
    assert rows[0].cookie_hash == house.identity.secrets.hash("session cookies", browser.cookies[SESSION_COOKIE])


def test_nobody_has_more_than_so_many_sessions(house: House) -> None:
    house.user()
    first = house.login().json["access_token"]
    for _ in range(LIVING_MAX):
        house.call("POST", "/signin", {"username": "ada@example.test", "password": PASSWORD})
    assert house.call("GET", WALLETS, token=first).status == 200  # those that end soonest anyway make room
    living = house.call("GET", f"{SESSIONS}?limit=100", token=first).json["data"]
    assert len(living) == LIVING_MAX
    assert {event["reason"] for event in house.told("bursar.session.ended")} == {"too_many_sessions"}
