"""Hands one message to the mail server, and says what became of it."""

from __future__ import annotations

import asyncio
import ssl
from email.message import EmailMessage
from typing import TYPE_CHECKING, NamedTuple

from bursar.kit.scrub import scrub_text
from bursar.notifications.smtp_address import SmtpAddress
from bursar.notifications.tables import PROBLEM_LENGTH_MAX

if TYPE_CHECKING:
    import aiosmtplib

STEP_SECONDS_MAX = 15  # for each answer of the server
MESSAGE_SECONDS_MAX = 45  # for all of them


class Refused(Exception):
    """It will not be taken, however often it is sent."""


class NotNow(Exception):
    """It may be taken later. Also what may have been taken, when the answer was lost."""


class Limits(NamedTuple):
    step_seconds: float = STEP_SECONDS_MAX
    message_seconds: float = MESSAGE_SECONDS_MAX


class SmtpTransport:
    def __init__(self, address: SmtpAddress, limits: Limits | None = None) -> None:
        self._address = address
        self._limits = limits or Limits()
        self._context: ssl.SSLContext | None = None

    async def send(self, message: EmailMessage, sender: str, recipient: str) -> None:
        """Raises Refused or NotNow, or the server has it."""
        import aiosmtplib

        client = aiosmtplib.SMTP(
            hostname=self._address.host,
            port=self._address.port,
            use_tls=self._address.tls,
            start_tls=self._address.starttls,
            username=self._address.user,
            password=self._address.password,
            tls_context=self._tls() if self._address.tls or self._address.starttls else None,
            timeout=self._limits.step_seconds,
        )
        try:
            async with asyncio.timeout(self._limits.message_seconds):
                # Whatever is wrong until here is between us and the server, and no fault of this message.
                try:
                    await client.connect()
                except aiosmtplib.SMTPException as problem:
                    raise NotNow(_shown(problem)) from None
                await self._hand_over(client, message, sender, recipient)
        except TimeoutError:
            raise NotNow("The mail server did not answer in time.") from None
        except OSError as problem:  # and what TLS complains of
            raise NotNow(_shown(problem)) from None
        finally:
            client.close()

    async def _hand_over(self, client: aiosmtplib.SMTP, message: EmailMessage, sender: str, recipient: str) -> None:
        import aiosmtplib

        try:
            await client.send_message(message, sender=sender, recipients=[recipient])
        except aiosmtplib.SMTPRecipientsRefused as problem:
            first = problem.recipients[0]
            raise _of_code(first.code, _shown(first)) from None
        except aiosmtplib.SMTPResponseException as problem:
            raise _of_code(problem.code, _shown(problem)) from None
        except aiosmtplib.SMTPNotSupported as problem:
            raise Refused(_shown(problem)) from None
        except aiosmtplib.SMTPException as problem:
            raise NotNow(_shown(problem)) from None
        try:
            await client.quit()
        except (aiosmtplib.SMTPException, OSError):
            return  # the server has the message; how it says goodbye changes nothing

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            try:
                self._context = ssl.create_default_context(cafile=self._address.authorities)
            except OSError as problem:
                raise NotNow(f"The file of certificates cannot be read: {problem}") from None
        return self._context


def _of_code(code: int, text: str) -> Exception:
    return Refused(text) if code >= 500 else NotNow(text)


def _shown(problem: Exception) -> str:
    """For people. Servers repeat what they were sent, and may say anything."""
    text = f"{getattr(problem, 'code', '')} {getattr(problem, 'message', problem)}"
    printable = "".join(character if character.isprintable() else " " for character in text)
    return scrub_text(" ".join(printable.split()))[:PROBLEM_LENGTH_MAX]
