"""The page's screens: each a whole answer, with the headers that keep it and its address to itself."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from bursar.checkout.forms import Problem
from bursar.checkout.schemas import CheckoutView
from bursar.checkout.service import PATH
from bursar.checkout.words import of_decline
from bursar.http.responses import Answer, Header
from bursar.kit import amounts
from bursar.kit.errors import InvalidRequest
from bursar.payment_sessions.schemas import SessionView
from bursar.payments.rules import check_return_url
from bursar.three_d_secure.serving import ALWAYS, redirect
from piggybank_cards.methods import table

_FOLDER = Path(__file__).parent / "templates"
UPI = "upi"
MINUTE_SECONDS = 60
NAME_SHOWN_LENGTH_MAX = 80
GONE = 410  # there was such a session, and nobody can pay it any more
_KEY_BYTES = 18


class Link(NamedTuple):
    url: str
    text: str


def form(
    shown: CheckoutView,
    status: int = 200,
    problems: Sequence[Problem] = (),
    method: str | None = None,
    kept: Mapping[str, str] | None = None,
) -> Answer:
    """The forms while the session can be paid, with what was wrong with the one that was sent."""
    session, declined = shown.session, shown.declined
    if session.status not in ("open", "requires_action"):
        return state(session)
    if not problems and declined is not None:
        problems, method = [of_decline(declined.reason, declined.message, declined.method)], declined.method
    methods = sorted(session.methods, key=lambda name: name != UPI)  # in India it comes first
    minutes = session.expires_in // MINUTE_SECONDS
    until = time.gmtime(session.expires_at)
    return _rendered(
        "pay.html",
        status,
        session=session,
        path=_path(session),
        payee=_name(session),
        amount=amounts.shown(session.amount, session.currency),
        fee=amounts.shown(session.serviceFee, session.currency),
        total=amounts.shown(session.totalAmount, session.currency),
        left="Less than a minute" if not minutes else f"{minutes} minute{'s' if minutes > 1 else ''}",
        until=time.strftime("%H:%M", until),
        until_machine=time.strftime("%Y-%m-%dT%H:%M:%SZ", until),
        methods=methods,
        chosen=method if method in methods else methods[0],
        banks=[bank for bank in table().banks if bank.currencies is None or session.currency in bank.currencies],
        problems=problems,
        by_field={problem.field: problem.message for problem in problems if problem.field},
        kept=kept or {},
        begun_url=_safe(session.next_action.url if session.next_action is not None else None),
        cancel_url=_safe(session.return_urls.cancel),
        new_key=lambda: secrets.token_urlsafe(_KEY_BYTES),
    )


def state(session: SessionView) -> Answer:
    """A session that cannot be paid now, and why."""
    name = _name(session)
    back = _back(session)
    if session.status == "paid":
        heading = f"Paid to {name}"
        message = f"{amounts.shown(session.totalAmount, session.currency)} were paid. Nothing more will be taken."
        if session.transaction_code:
            message += f" The payment's code is {session.transaction_code}."
        return message_page(heading, message, 200, back)
    if session.status == "processing":
        message = "If your bank or your UPI app asks you to approve the payment, do so there. Then look again here."
        look = Link(f"{_path(session)}/result", "Look again")
        return message_page("The payment is on its way", message, 200, [look])
    if session.status == "expired":
        message = "Nothing was taken. Ask the seller for a new payment."
        return message_page("The time for this payment is over", message, GONE, back)
    message = "Nothing was taken. It was tried too often, or the seller has ended it. Ask the seller for a new payment."
    return message_page("This payment is closed", message, GONE, back)


def result(shown: CheckoutView) -> Answer:
    """How it went, and on to where the merchant wants the payer to be."""
    session = shown.session
    if session.status == "open":
        return here(_path(session))
    if session.status == "requires_action":
        url = _safe(session.next_action.url if session.next_action is not None else None)
        links = [Link(url, "Go on with it")] if url else []
        links += [Link(f"{_path(session)}/result", "Look again"), Link(_path(session), "Pay in another way")]
        return message_page("Not finished yet", "The payment was begun, and waits for you.", 200, links)
    answer = state(session)
    url = None
    if session.status == "paid":
        url = session.return_urls.success
    elif session.status in ("expired", "closed"):
        url = session.return_urls.failure
    if _safe(url):
        answer.headers.append(_onward(url or ""))
    return answer


def leave(url: str) -> Answer:
    """To the bank's page, or another that asks the payer something.

    By a page and not by a redirect: forms may lead to this origin alone, so that whoever could write into the page
    still could not send a card elsewhere, and browsers count a redirect's end among where a form leads to.
    """
    if not _safe(url):
        return message_page("Something went wrong", "The bank has sent no address to go on to.", 502, [])
    answer = message_page("On to your bank", "You confirm the payment there.", 200, [Link(url, "Go on")])
    answer.headers.append(_onward(url))
    return answer


def here(path: str) -> Answer:
    """To another page of this origin, whatever name it is known by."""
    return redirect(path)


def message_page(heading: str, message: str, status: int, links: Sequence[Link] = ()) -> Answer:
    return _rendered("message.html", status, heading=heading, message=message, links=links)


def _back(session: SessionView) -> list[Link]:
    urls = session.return_urls
    url = urls.success if session.status == "paid" else urls.failure or urls.cancel
    return [Link(url, f"Go back to {_name(session)}")] if url and _safe(url) else []


def _onward(url: str) -> Header:
    location = dict(redirect(url).headers)[b"location"]
    return b"refresh", b"0; url=" + location


def _safe(url: str | None) -> str | None:
    """Where a browser or an app can go, and never a script. What merchants name was checked before; banks' was not."""
    try:
        check_return_url(url)
    except InvalidRequest:
        return None
    return url


def _path(session: SessionView) -> str:
    return f"{PATH}/{session.transactionTraceId}"


def _name(session: SessionView) -> str:
    name = session.payee.name or "the seller"
    return name if len(name) <= NAME_SHOWN_LENGTH_MAX else f"{name[:NAME_SHOWN_LENGTH_MAX]}…"


def _rendered(template: str, status: int, **shown: Any) -> Answer:
    nonce = secrets.token_urlsafe(16)
    body = _template(template).render(nonce=nonce, **shown).encode()
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", policy.encode()),
        *ALWAYS,
        (b"content-length", b"%d" % len(body)),
    ]
    return Answer(status, body, headers)


@cache
def _template(name: str) -> Any:
    # Only who needs a page pays for loading what makes it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(name)
