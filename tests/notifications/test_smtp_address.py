"""The mail server's address, as settings name it."""

import pytest

from bursar.notifications.smtp_address import SmtpAddress, read_mail_from, read_smtp_url
from bursar.settings import SettingsError, load


def test_an_address_has_its_port_and_its_password_decoded() -> None:
    assert read_smtp_url("smtp+starttls://me:p%40ss%2F@mail.example.com") == SmtpAddress(
        "mail.example.com", 587, tls=False, starttls=True, user="me", password="p@ss/"
    )
    assert read_smtp_url("smtps://mail.example.com").port == 465
    assert read_smtp_url("smtp://localhost:2525?ca=/a.pem").authorities == "/a.pem"


def test_a_password_is_not_shown() -> None:
    assert "hunter2" not in repr(read_smtp_url("smtps://me:hunter2@mail.example.com"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mail.example.com",
        "http://mail.example.com",
        "smtp://",
        "smtp://me:hunter2@mail.example.com",
        "smtps://me:hunter2/x@mail.example.com",
        "smtps://mail.example.com/path",
        "smtps://mail.example.com?tls=no",
        "smtps://mail.example.com:hunter2",
    ],
)
def test_what_is_no_address_or_would_show_a_password_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+") as told:
        read_smtp_url(text)
    assert "hunter2" not in str(told.value)


def test_a_sender_has_an_address_and_perhaps_a_name() -> None:
    assert read_mail_from("Payments <payments@example.com>") == ("Payments", "payments@example.com")
    assert read_mail_from("payments@example.com") == ("", "payments@example.com")
    for wrong in ("", "Payments", "a@example.com\nBcc: b@example.com"):
        with pytest.raises(ValueError, match="must look like"):
            read_mail_from(wrong)


@pytest.mark.parametrize(("name", "value"), [("SMTP_URL", "http://mail"), ("MAIL_FROM", "nobody")])
def test_settings_say_which_of_them_is_wrong(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"BURSAR_{name}"):
        load(None, {"BURSAR_CONFIG": "", "BURSAR_DEVELOPMENT": "true", f"BURSAR_{name}": value})
