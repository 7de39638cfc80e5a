"""The bank's page, where its customer approves a payment: one form, no script, nothing from elsewhere.

Its address is the proof of who may decide, so it must not travel on to another page, nor into a cache.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from contextlib import suppress
from html import escape
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from piggybank.authorization import Authorization
from piggybank.customers import Customers
from piggybank.money import major_units
from piggybank.replies import HTML, Reply
from piggybank.requests import Refused
from piggybank.state import State
from piggybank.views import PAGE_PATH
from piggybank_cards import methods

ACTS = ("approve", "decline")
FIELDS_MAX = 8  # one is ours; a browser's helpers may add some of their own
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; grid-template-columns: minmax(0, 1fr); place-items: center; }
body { background: #eef2f6; color: #15181d; }
main { box-sizing: border-box; width: 100%; max-width: 26rem; padding: 2rem; background: #fff; border-radius: 12px; }
h1 { margin: 0 0 1rem; font-size: 1.25rem; overflow-wrap: anywhere; }
p, dl { margin: 0 0 1.25rem; overflow-wrap: anywhere; }
dt { color: #565b66; }
dd { margin: 0 0 .5rem; }
dd strong { font-size: 1.5rem; }
form { display: grid; gap: .75rem; }
button { font: inherit; padding: .75rem 1rem; border-radius: 8px; border: 1px solid #14497a; cursor: pointer; }
button[value=approve] { background: #14497a; color: #fff; }
button[value=decline] { background: transparent; color: inherit; border-color: #767a84; }
button:focus-visible, a:focus-visible { outline: 3px solid #4b8bf5; outline-offset: 2px; }
a { color: #14497a; display: inline-block; padding: .625rem 0; }
small { display: block; margin-top: 1.25rem; color: #565b66; }
@media (prefers-color-scheme: dark) {
  body { background: #101317; color: #eceef2; }
  main { background: #1a1e24; }
  button[value=approve] { background: #7db7ee; border-color: #7db7ee; color: #06121e; }
  a { color: #7db7ee; }
  dt, small { color: #a4a9b4; }
}
"""
_STYLE_HASH = b64encode(hashlib.sha256(_STYLE.encode()).digest())
_ALWAYS = b"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
# No form-action: the answer to the form leads to the merchant's page, which some browsers would refuse.
_POLICY = b"default-src 'none'; style-src 'sha256-%b'; base-uri 'none'; frame-ancestors 'none'" % _STYLE_HASH
_HEADERS = b"Content-Security-Policy: %b\r\n%b" % (_POLICY, _ALWAYS)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{heading}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{heading}</h1>
{content}
<small>This page stands in for the one of the customer's bank.</small>
</main>
</body>
</html>
"""
_FORM = """<dl>
<dt>Amount</dt><dd><strong>{amount}</strong></dd>
<dt>To</dt><dd>{payee}</dd>
<dt>From</dt><dd>{source}</dd>
</dl>
<form method="post">
<button type="submit" name="act" value="approve">Approve</button>
<button type="submit" name="act" value="decline">Decline</button>
</form>"""
_OVER = {
    "approved": ("Approved", "This payment is approved."),
    "declined": ("Not paid", "This payment was declined, or its time is over. No money was taken."),
    "pending": ("Almost done", "The bank has not answered yet. Whether it is paid comes to be known later."),
    "waiting": ("Not paid", "The time for this payment is over. No money was taken."),
}


class Pages:
    def __init__(self, state: State, customers: Customers, secret: str) -> None:
        """`secret` signs what customers bring back to the merchant; without one they bring back nothing signed."""
        self._state = state
        self._customers = customers
        self._secret = secret

    def handle(self, method: str, path: str, body: bytes) -> Reply:
        about = self._find(path)
        if about is None:
            return _page("There is no such page", "<p>Go back to where you came from and try again.</p>", 404)
        if method == "GET":
            return self._shown(about)
        if method != "POST":
            return _page(
                "This cannot be done", "<p>Only GET and POST are possible here.</p>", 405, b"Allow: GET, POST\r\n"
            )
        act = _read_act(body)
        if act is None:
            return _page("Nothing was chosen", "<p>Go back and choose one of the two.</p>", 400)
        # Decided before, by a second click or in another window: then that is what is brought back.
        with suppress(Refused):
            self._customers.carry_out(about, act)
        return self._gone_on(about)

    def _find(self, path: str) -> Authorization | None:
        parts = path.removeprefix(PAGE_PATH).split("/")
        if len(parts) != 3:
            return None
        about = self._state.find_authorization(parts[1], None)
        if about is None or about.payer is None or not about.payer.page:
            return None
        return about if hmac.compare_digest(about.payer.page.encode(), parts[2].encode()) else None

    def _shown(self, about: Authorization) -> Reply:
        payer = about.payer
        assert payer is not None, "a page belongs to a payer"
        if not self._customers.waits(about):
            return self._over(about)
        bank = methods.bank(payer.bank_code)
        name = bank.name if bank is not None else payer.bank_code
        source = f"{name}, account …{payer.account_end}" if payer.account_end else name
        amount = f"{about.currency.upper()} {major_units(about.amount, about.currency, ',')}"
        form = _FORM.format(amount=amount, payee=escape(payer.payee), source=escape(source))
        if bank is not None and bank.act == "late":
            form = "<p>The bank has not answered. What you choose is passed on to it.</p>\n" + form
        return _page(f"Approve a payment at {name}", form, 200)

    def _gone_on(self, about: Authorization) -> Reply:
        address = self._return_address(about)
        if address is None:
            return self._over(about)
        headers = b"Location: %b\r\n%b" % (address.encode(), _ALWAYS)
        return Reply(303, b"", about.latest, content_type=HTML, headers=headers)

    def _over(self, about: Authorization) -> Reply:
        heading, text = _OVER[_result(about)]
        address = self._return_address(about)
        back = f'\n<a href="{escape(address)}">Back to the shop</a>' if address is not None else ""
        return _page(heading, f"<p>{text}</p>{back}", 200, durable=about.latest)

    def _return_address(self, about: Authorization) -> str | None:
        """Where the customer came from, with how it ended, signed."""
        payer = about.payer
        assert payer is not None, "a page belongs to a payer"
        if not payer.return_url:
            return None
        status, seconds = _result(about), self._state.clock() // 1000
        told = {
            "piggybank_operation": about.id,
            "piggybank_reference": about.reference,
            "piggybank_status": "declined" if status == "waiting" else status,
            "piggybank_time": str(seconds),
        }
        if self._secret:
            signed = ".".join(told.values()).encode()
            told["piggybank_signature"] = hmac.new(self._secret.encode(), signed, "sha256").hexdigest()
        parts = urlsplit(payer.return_url)
        query = "&".join(part for part in (parts.query, urlencode(told)) if part)
        return urlunsplit(parts._replace(query=query))


def _result(about: Authorization) -> str:
    """What came of it, for the customer: what is given back was not paid."""
    return "declined" if about.reversed else about.status


def _read_act(body: bytes) -> str | None:
    try:
        acts = parse_qs(body.decode("latin-1"), max_num_fields=FIELDS_MAX).get("act", [])
    except ValueError:
        return None
    return acts[0] if len(acts) == 1 and acts[0] in ACTS else None


def _page(heading: str, content: str, status: int, headers: bytes = b"", durable: int = 0) -> Reply:
    body = _PAGE.format(heading=escape(heading), style=_STYLE, content=content)
    return Reply(status, body.encode(), durable, content_type=HTML, headers=headers + _HEADERS)
