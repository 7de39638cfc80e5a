"""Makes texts of data, in the reader's language. Loaded when the first message is made."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from bursar.kit.money import CURRENCIES, DEFAULT_EXPONENT
from bursar.notifications.rules import calm, calmed
from bursar.notifications.schemas import Branding

_HERE = Path(__file__).parent
SUBJECT_LENGTH_MAX = 150
# What a template may name beside what its table of facts shows.
_SHOWN = ("amount", "date", "description", "card", "destination", "name", "reason", "status", "due", "reference")
SECURITY_TEMPLATES = frozenset(
    {"password_changed", "second_factor_added", "second_factor_removed", "recovery_code_used", "sign_in_paused"}
)

_layouts = FileSystemLoader(_HERE / "layouts")


def _environment(*, escapes: bool) -> Environment:
    """The plain text beside the HTML is not escaped: an escaped & would be shown as such."""
    return Environment(
        autoescape=escapes,  # noqa: S701 - see above
        loader=_layouts,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


_html, _plain = _environment(escapes=True), _environment(escapes=False)


class Rendered(NamedTuple):
    subject: str
    text: str
    html: str


class Context(NamedTuple):
    """What is not the event's own."""

    language: str
    organisation: str
    branding: Branding
    is_test: bool
    link: str | None = None
    code: str | None = None
    preferences_url: str | None = None


class Catalogue(NamedTuple):
    labels: dict[str, str]
    words: dict[str, str]
    notes: dict[str, str]
    templates: dict[str, dict[str, str]]


@cache
def catalogue(language: str) -> Catalogue:
    found = json.loads((_HERE / "catalogues" / f"{language}.json").read_text(encoding="utf-8"))
    return Catalogue(found["labels"], found["words"], found["notes"], found["templates"])


def render(template: str, data: dict[str, Any], context: Context) -> Rendered:
    known = catalogue(context.language)
    texts = known.templates[template]
    values = _values(template, data, context, known)
    layout = {
        "language": context.language,
        "sender": values["organisation"],
        "color": context.branding.color,
        "logo_url": context.branding.logo_url,
        "footer": context.branding.footer,
        "is_test": context.is_test and template in _OF_MONEY,
        "notes": known.notes,
        "facts": _facts(values, known) if template in _OF_MONEY or template in _OF_THINGS else [],
        "items": _items(data, context, known) if template == "digest" else [],
        "link": context.link,
        "action": texts.get("action", ""),
        "note": _note(template, data, known),
        "preferences_url": context.preferences_url,
    }
    subject = _line(_text(_plain, texts["subject"]).render(values))
    plain = _plain.get_template("message.txt.j2").render(
        layout, subject=subject, text=_text(_plain, texts["text"]).render(values)
    )
    # The text is markup here already, its values escaped: the layout must not escape it once more.
    html = _html.get_template("message.html.j2").render(
        layout, subject=subject, text=_markup(_text(_html, texts["text"]).render(values))
    )
    return Rendered(subject, plain.strip() + "\n", html)


def render_line(template: str, data: dict[str, Any], context: Context) -> str:
    """For a text message or a push: one sentence."""
    known = catalogue(context.language)
    values = _values(template, data, context, known)
    return _text(_plain, known.templates[template]["text"]).render(values)


def money(amount_minor: int, code: str, language: str) -> str:
    currency = CURRENCIES.get(code.lower())
    value = Decimal(amount_minor).scaleb(-(currency.exponent if currency else DEFAULT_EXPONENT))
    return str(format_currency(value, code.upper(), locale=language, decimal_quantization=False))


def moment(second: int, language: str) -> str:
    at = datetime.datetime.fromtimestamp(second, datetime.UTC)
    return str(format_datetime(at, "long", locale=language))


def day(second: int, language: str) -> str:
    return str(format_date(datetime.datetime.fromtimestamp(second, datetime.UTC), "long", locale=language))


def _values(template: str, data: dict[str, Any], context: Context, known: Catalogue) -> dict[str, Any]:
    """Everything is made calm here once more, as the outbox may hold what an older version wrote."""
    values = {name: value for name, value in calmed(data).items() if value is not None}
    if "amount" in values:
        values["amount"] = money(data["amount"], data["currency"], context.language)
    for name, shown in (("date", moment), ("due", day)):
        if name in values:
            values[name] = shown(data[name], context.language)
    for name in ("status", "reason"):
        if name in values:
            values[name] = known.words.get(values[name], str(values[name]).replace("_", " "))
    own = context.branding.name or context.organisation
    if template in _NAME_AN_ORGANISATION:
        own = str(values.get("organisation") or own)
    return values | {"organisation": calm(own), "code": context.code or ""}


def _facts(values: dict[str, Any], known: Catalogue) -> list[tuple[str, str]]:
    return [(known.labels[name], str(values[name])) for name in _SHOWN if values.get(name)]


def _items(data: dict[str, Any], context: Context, known: Catalogue) -> list[str]:
    lines = []
    for item in data["items"]:
        values = _values(item["template"], item["data"], context, known)
        line = _text(_plain, known.templates[item["template"]]["subject"]).render(values)
        at = values.get("date")
        lines.append(f"{line} ({at})" if at else line)
    left_out = data["count"] - len(lines)
    return [*lines, _text(_plain, known.notes["more"]).render(count=left_out)] if left_out > 0 else lines


def _note(template: str, data: dict[str, Any], known: Catalogue) -> str:
    if template in SECURITY_TEMPLATES or template == "api_key_changed":
        return known.notes["security"]
    if template == "code":
        return _text(_plain, known.notes["minutes"]).render(minutes=data["minutes"])
    return ""


@cache
def _text(environment: Environment, source: str) -> Template:
    return environment.from_string(source)


def _markup(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - made by the environment that escapes


def _line(text: str) -> str:
    return " ".join(text.split())[:SUBJECT_LENGTH_MAX]


_NAME_AN_ORGANISATION = frozenset({"invitation", "registration_confirmation", "registration_of_known_email"})
_OF_MONEY = frozenset(
    {
        "receipt",
        "refund_receipt",
        "decline_notice",
        "payment_received",
        "payment_declined",
        "refund_made",
        "refund_failed",
        "dispute_opened",
        "dispute_closed",
        "withdrawal_changed",
    }
)
_OF_THINGS = frozenset({"api_key_changed", "webhook_disabled"}) | SECURITY_TEMPLATES
