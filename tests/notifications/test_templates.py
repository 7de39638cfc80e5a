"""Every template in every language, with everything that people may have written into it."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.kit.recipients import is_telephone
from bursar.memberships.mails import PAGES
from bursar.notifications import rules
from bursar.notifications.rules import LANGUAGES, calm, is_address
from bursar.notifications.schemas import Branding
from bursar.notifications.templates import Context, Rendered, catalogue, money, render, render_line

TEMPLATES = sorted(catalogue("en").templates)
CARD = "4242424242424242"
LINK = "https://pay.example.com/invitation#token=abc"
HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=y>&amp;\r\nBcc: everybody@example.com"


def facts(text: str = "Plum") -> dict[str, Any]:
    """Whatever any template may show."""
    return {
        "amount": 2_050,
        "card": "Visa •••• 4242",
        "currency": "eur",
        "date": 1_800_000_000,
        "description": text,
        "destination": text,
        "due": 1_800_600_000,
        "inviter": text,
        "mail": "mail_1",
        "minutes": 10,
        "name": text,
        "organisation": text,
        "reason": text,
        "reference": "pi_1",
        "role": text,
        "status": "approved",
    }


def data_of(template: str, text: str = "Plum") -> dict[str, Any]:
    if template == "digest":
        return {"count": 7, "items": [{"template": "dispute_opened", "data": facts(text)}]}
    return facts(text)


def context(language: str, text: str = "Plum", **more: Any) -> Context:
    branding = Branding(name=text, color="#123456", footer=text, logo_url="https://example.com/logo.png")
    return Context(language, text, branding, is_test=True, code="482915", **more)


def rendered(template: str, language: str = "en", text: str = "Plum") -> Rendered:
    link = LINK if template in PAGES else None
    return render(template, data_of(template, text), context(language, text, link=link, preferences_url=LINK))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_has_everything_it_names(template: str, language: str) -> None:
    made = rendered(template, language)
    for part in made:
        assert part.strip()
        assert "{{" not in part
        assert "None" not in part
    if template in PAGES:
        assert LINK in made.text
        assert f'href="{LINK}"' in made.html
    assert len(render_line(template, data_of(template), context(language))) > 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_texts_and_names_in_them(language: str) -> None:
    english, own = catalogue("en"), catalogue(language)
    assert own.templates.keys() == english.templates.keys()
    assert own.labels.keys() == english.labels.keys()
    assert own.words.keys() == english.words.keys()
    assert own.notes.keys() == english.notes.keys()
    for template, texts in english.templates.items():
        assert own.templates[template].keys() == texts.keys()
        for part, text in texts.items():
            assert set(re.findall(r"{{ (\w+) }}", own.templates[template][part])) == set(
                re.findall(r"{{ (\w+) }}", text)
            ), (template, part)


def test_every_event_that_is_told_has_its_template() -> None:
    wanted = {notice.template for notice in rules.NOTICES.values()} | set(rules.SECURITY.values()) | set(PAGES)
    assert wanted | {"receipt", "refund_receipt", "decline_notice", "code", "digest"} == set(TEMPLATES)


@given(template=st.sampled_from(TEMPLATES), language=st.sampled_from(LANGUAGES), before=st.text(), after=st.text())
def test_hostile_names_are_text_and_never_markup_or_headers(
    template: str, language: str, before: str, after: str
) -> None:
    made = rendered(template, language, f"{before}{HOSTILE}{after}")
    assert "<script" not in made.html
    assert "<img src=x" not in made.html
    assert "\n" not in made.subject
    assert "\r" not in made.subject
    assert "onerror" in html.unescape(made.html)  # the name itself is there


@given(
    template=st.sampled_from(TEMPLATES),
    language=st.sampled_from(LANGUAGES),
    separator=st.sampled_from(["", " ", "-", ".", "\x00", "\u202e", "\n", "\u200e", "\t", "\x07 "]),
    group=st.integers(1, 8),
)
def test_no_output_has_a_cards_number(template: str, language: str, separator: str, group: int) -> None:
    hidden = separator.join(CARD[start : start + group] for start in range(0, len(CARD), group))
    made = rendered(template, language, calm(f"order {hidden} please"))
    raw = render(template, data_of(template, f"order {hidden} please"), context(language, "Plum", link=LINK))
    for part in (*made, *raw, render_line(template, data_of(template, f"order {hidden}"), context(language))):
        assert CARD not in re.sub(r"\D", "", re.sub(r"#[0-9a-f]{6}|[a-z-]+:\d+", "", part))


@pytest.mark.parametrize(
    ("amount", "currency", "language", "shown"),
    [
        (2_050, "eur", "de", "20,50\u00a0€"),
        (2_050, "eur", "en", "€20.50"),
        (500, "jpy", "en", "¥500"),
        (1_234, "kwd", "fr", "1,234\u00a0KWD"),
        (1_250, "huf", "de", "12,50\u00a0HUF"),
        (12_345_600, "inr", "hi", "₹1,23,456.00"),
    ],
)
def test_money_is_shown_as_its_readers_write_it(amount: int, currency: str, language: str, shown: str) -> None:
    assert money(amount, currency, language) == shown


@pytest.mark.parametrize("text", ["a@b", "ada@example.com", "zoë@exämple.com", "a+b@example.co.uk"])
def test_a_mailbox_is_one(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a@",
        "@b",
        "a@b\r\nBcc: c@d",
        "a@b,c@d",
        "a@b c",
        "<a@b>",
        "A <a@b>",
        "a@b\x00",
        "a@@b",
        "a@b;c",
        "a:b@c",
    ],
)
def test_what_is_more_or_less_than_a_mailbox_is_refused(text: str) -> None:
    assert not is_address(text)


def test_a_telephone_number_is_international() -> None:
    assert is_telephone("+4915112345678")
    assert not is_telephone("015112345678")
    assert not is_telephone("+49 151\n12345678")


def test_a_language_is_found_by_its_beginning() -> None:
    assert rules.language_of("de-AT", "fr") == "de"
    assert rules.language_of("xx", None, "hi_IN") == "hi"
    assert rules.language_of(None) == "en"


@given(st.integers(0, 2**60))
def test_the_next_digest_is_later_and_within_a_day(now: int) -> None:
    assert 0 < rules.next_digest(now) - now <= rules.DAY_SECONDS * 1_000_000


def test_waits_double_up_to_a_limit() -> None:
    waits = [rules.next_try(tries, 0) // 1_000_000 for tries in range(1, 40)]
    assert waits[:3] == [30, 60, 120]
    assert max(waits) == waits[-1] == rules.BACK_OFF_SECONDS_MAX
