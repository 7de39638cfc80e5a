"""Makes of a row of the outbox what is sent."""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from bursar.accounts import repository as accounts
from bursar.kit.clock import MICROSECONDS_PER_SECOND
from bursar.kit.sealing import SealBroken, Sealing
from bursar.memberships.mails import PAGES, Mail, Mails, link
from bursar.notifications import repository, rules
from bursar.notifications.schemas import Branding, StoredMessage
from bursar.notifications.smtp import Refused
from bursar.notifications.unsubscribing import Unsubscribing, Unsubscription
from bursar.people.secrets import Secrets
from bursar.store.columns import INSTALLATION

PRODUCT = "Bursar"
CODES_SEALED_FOR = "one-time codes in messages"
PREFERENCES_PAGE = "/settings/notifications"
NO_LINK = "Its link was sealed by a secret that is not known any more; let it be asked for again."
_TOPIC_OF_TEMPLATE = {notice.template: notice.topic for notice in rules.NOTICES.values()}


class Sender(NamedTuple):
    name: str
    address: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


class Surroundings(NamedTuple):
    branding: Branding
    organisation: str


class Composer:
    def __init__(self, mails: Mails, secrets: Secrets, unsubscribing: Unsubscribing, public_url: str) -> None:
        self._mails = mails
        self._codes = Sealing(secrets.keys(CODES_SEALED_FOR))
        self._unsubscribing = unsubscribing
        self._public_url = public_url.rstrip("/")

    @staticmethod
    def surroundings(connection: Connection, message: StoredMessage) -> Surroundings:
        organisation = accounts.find_organisation(connection, message.org_id)
        branding = repository.find_branding(connection, message.org_id)[0]
        return Surroundings(branding, organisation.name if organisation is not None else PRODUCT)

    def sealed_code(self, message_id: str, recipient: str, code: str) -> str:
        return self._codes.seal(code.encode(), message_id, recipient)

    def email(self, message: StoredMessage, around: Surroundings, sender: Sender) -> EmailMessage:
        """Raises Refused for what no server could be given."""
        from bursar.notifications.templates import render

        if not rules.is_address(message.recipient):
            raise Refused("The recipient is no e-mail address.")
        rendered = render(message.template, message.data, self._context(message, around))
        made = EmailMessage(policy=SMTP)
        try:
            made["From"] = Address(self._name(message, around, sender), addr_spec=sender.address)
            made["To"] = Address(addr_spec=message.recipient)
            made["Subject"] = rendered.subject
            if around.branding.reply_to:
                made["Reply-To"] = Address(addr_spec=around.branding.reply_to)
        except (ValueError, IndexError, msgspec.MsgspecError) as problem:
            raise Refused(f"A header cannot be made: {type(problem).__name__}.") from None
        made["Date"] = format_datetime(_moment(message.created))
        made["Message-ID"] = f"<{message.id}@{sender.domain}>"
        made["Auto-Submitted"] = "auto-generated"
        self._add_unsubscription(made, message)
        made.set_content(rendered.text)
        made.add_alternative(rendered.html, subtype="html")
        made.set_boundary(f"={message.id}=")
        return made

    def line(self, message: StoredMessage, around: Surroundings) -> tuple[str, str]:
        """A title and a sentence, for telephones and chats."""
        from bursar.notifications.templates import render_line

        context = self._context(message, around)
        return self._organisation_name(around), render_line(message.template, message.data, context)

    def _context(self, message: StoredMessage, around: Surroundings) -> Any:
        from bursar.notifications.templates import Context

        chosen = message.template in _TOPIC_OF_TEMPLATE or message.template == "digest"
        return Context(
            language=rules.language_of(message.language),
            organisation=around.organisation,
            branding=around.branding,
            is_test=not message.livemode,
            link=self._link(message),
            code=self._code(message),
            preferences_url=f"{self._public_url}{PREFERENCES_PAGE}" if chosen and message.user_id is not None else None,
        )

    def _link(self, message: StoredMessage) -> str | None:
        if message.template not in PAGES:
            return None
        mail = Mail(
            id=str(message.data["mail"]),
            template=message.template,  # type: ignore[arg-type]  # it is one of the pages
            email=message.recipient,
            user=message.user_id,
            locale=None,
            data={},
            sealed=message.sealed or "",
            created=0,
            expires=0,
        )
        token = self._mails.opened(mail).token
        if token is None:
            raise Refused(NO_LINK)
        return link(self._public_url, mail, token)

    def _code(self, message: StoredMessage) -> str | None:
        if message.template != "code":
            return None
        try:
            return self._codes.unseal(message.sealed or "", message.id, message.recipient).decode()
        except SealBroken:
            raise Refused(NO_LINK) from None

    def _add_unsubscription(self, made: EmailMessage, message: StoredMessage) -> None:
        topic = _TOPIC_OF_TEMPLATE.get(message.template)
        if topic is None or message.user_id is None:
            return
        address = self._unsubscribing.link(Unsubscription(message.org_id, message.user_id, topic))
        made["List-Unsubscribe"] = f"<{address}>"
        made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"

    def _name(self, message: StoredMessage, around: Surroundings, sender: Sender) -> str:
        if message.org_id == INSTALLATION:
            return sender.name or PRODUCT
        return self._organisation_name(around) or sender.name

    @staticmethod
    def _organisation_name(around: Surroundings) -> str:
        return rules.calm(around.branding.name or around.organisation)


def _moment(microseconds: int) -> Any:
    import datetime

    return datetime.datetime.fromtimestamp(microseconds // MICROSECONDS_PER_SECOND, datetime.UTC)
