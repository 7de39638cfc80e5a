"""What organisations and people choose, and what operators see."""

from __future__ import annotations

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from bursar.http.authentication import USER, Principal
from bursar.http.call import Call, Effect
from bursar.http.endpoint import encode
from bursar.http.paging import Page, missing, window
from bursar.http.params import Params
from bursar.kit.clock import Clock, seconds
from bursar.kit.errors import InvalidRequest
from bursar.kit.ids import IdFactory, may_be_id
from bursar.kit.scrub import scrub_text
from bursar.kit.sealing import SealBroken, Sealing
from bursar.memberships.repository import find_member
from bursar.notifications import push, repository, rules
from bursar.notifications.rules import TOPICS, Delivery
from bursar.notifications.schemas import (
    Branding,
    BrandingParams,
    DeletedTarget,
    Message,
    MessageListParams,
    Preferences,
    PreferencesParams,
    StoredMessage,
    Target,
    TargetParams,
    Unsubscribed,
    UnsubscribeParams,
)
from bursar.notifications.unsubscribing import Unsubscribing, Unsubscription
from bursar.notifications.views import view
from bursar.people.secrets import Secrets
from bursar.store.columns import INSTALLATION
from bursar.store.log import Entry, Origin, differences
from bursar.store.store import Store
from bursar.store.unit import Unit

URL = "/api/v1/notifications"
TARGET_PREFIX = "ntt"
TARGETS_MAX = 20
TARGETS_SEALED_FOR = "targets of notifications"


class NotificationService:
    def __init__(
        self,
        store: Store,
        ids: IdFactory,
        clock: Clock,
        secrets: Secrets,
        unsubscribing: Unsubscribing,
        schemes: frozenset[str] = push.SCHEMES,
        sms_url: str | None = None,
    ) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._targets = Sealing(secrets.keys(TARGETS_SEALED_FOR))
        self._unsubscribing = unsubscribing
        self._schemes = schemes
        self._sms_url = sms_url

    async def branding(self, call: Call) -> Branding:
        return (await self._branding(call.org_id))[0]

    async def change_branding(self, call: Call, params: BrandingParams) -> Effect:
        before, version = await self._branding(call.org_id)
        default, wanted = Branding(), {}
        for name in BrandingParams.__struct_fields__:
            value = getattr(params, name)
            if value is UNSET or name in Params.__struct_fields__:
                continue
            wanted[name] = getattr(default, name) if value is None else value
        after = msgspec.structs.replace(before, **wanted)
        _check_branding(after)
        document = encode(after)
        entry = Entry(
            call.org_id,
            0,
            "bursar.notification_branding.updated",
            call.org_id,
            document,
            differences(encode(before), document),
            call.origin(),
        )
        return Effect(after, Unit([repository.keep_branding(call.org_id, after, version)], [entry]), document)

    async def preferences(self, call: Call) -> Preferences:
        user_id = _somebody(call.principal)
        own, _ = await self._preferences(call.org_id, user_id)
        return _shown(user_id, own)

    async def change_preferences(self, call: Call, params: PreferencesParams) -> Effect:
        user_id = _somebody(call.principal)
        own, version = await self._preferences(call.org_id, user_id)
        wanted = own | {str(topic): str(delivery) for topic, delivery in params.topics.items()}
        return Effect(*self._preferred(call.org_id, user_id, own, wanted, version, call.origin()))

    async def unsubscribe(self, call: Call, _params: UnsubscribeParams) -> Effect | Unsubscribed:
        """Asked by mail programs with nothing but the link. Twice is as good as once."""
        found = self._unsubscribing.read(call.path["token"])
        if found is None:
            raise missing("subscription", call.path["token"], "token")
        own, version = await self._preferences(found.org_id, found.user_id)
        told = Unsubscribed(topic=found.topic)
        if own.get(found.topic) == "off" or not await self._is_member(found):
            return told
        origin = Origin(actor=found.user_id, address=call.address, request_id=call.request_id)
        wanted = own | {found.topic: "off"}
        return Effect(told, self._preferred(found.org_id, found.user_id, own, wanted, version, origin)[1])

    async def messages(self, call: Call, params: MessageListParams) -> Page[Message]:
        view_of = window(params)

        def query(connection: Connection) -> list[StoredMessage]:
            for param in ("starting_after", "ending_before"):
                cursor = getattr(params, param)
                if cursor is not None and repository.find(connection, call.org_id, call.livemode, cursor) is None:
                    raise missing("message", cursor, param)
            return repository.page(connection, call.org_id, call.livemode, view_of, params.state)

        rows, has_more = view_of.cut(await self._store.read(query))
        return Page(data=[view(row) for row in rows], has_more=has_more, url=f"{URL}/messages")

    async def message(self, call: Call) -> Message:
        message_id = call.path["message"]
        found = None
        if may_be_id(message_id):
            found = await self._store.read(
                lambda connection: repository.find(connection, call.org_id, call.livemode, message_id)
            )
        if found is None:
            raise missing("message", message_id)
        return view(found)

    async def targets(self, call: Call) -> Page[Target]:
        found = await self._store.read(lambda connection: repository.targets_of(connection, call.org_id))
        return Page(data=[stored.target for stored in reversed(found)], has_more=False, url=f"{URL}/targets")

    async def add_target(self, call: Call, params: TargetParams) -> Effect:
        scheme = push.scheme_of(params.url)
        if scheme is None or scheme not in self._schemes:
            raise InvalidRequest(
                f"Messages cannot be sent by {scrub_text((scheme or 'this')[:20])}. The address must begin with one of "
                f"{', '.join(sorted(self._schemes))}, followed by ://",
                param="url",
            )
        if not push.is_installed():
            raise InvalidRequest("Text messages and pushes need bursar[notifications] to be installed.", param="url")
        if push.RECIPIENT in params.url and (params.kind != "sms" or params.topics):
            raise InvalidRequest(
                "An address with {to} sends codes to people's telephones: its kind is sms, and it has no topics.",
                param="url",
            )
        if not await push.is_understood(params.url):
            raise InvalidRequest(
                "The address is not one that the service understands; see apprise's list.", param="url"
            )
        if len((await self.targets(call)).data) >= TARGETS_MAX:
            raise InvalidRequest(f"An organisation has at most {TARGETS_MAX} targets; take one away first.")
        target_id, now = self._ids.new_with_time(TARGET_PREFIX)
        target = Target(
            id=target_id,
            created=seconds(now),
            kind=params.kind,
            language=params.language,
            name=rules.calm(params.name),
            service=scheme,
            topics=sorted({str(topic) for topic in params.topics}),
        )
        sealed = self._targets.seal(params.url.encode(), call.org_id, target_id)
        document = encode(target)
        entry = Entry(call.org_id, 0, "bursar.notification_target.added", target_id, document, origin=call.origin())
        return Effect(target, Unit([repository.keep_target(call.org_id, target, sealed)], [entry]), document)

    async def delete_target(self, call: Call) -> Effect:
        target_id = call.path["target"]
        found = None
        if may_be_id(target_id):
            found = await self._store.read(
                lambda connection: repository.find_target(connection, call.org_id, target_id)
            )
        if found is None:
            raise missing("target", target_id)
        entry = Entry(
            call.org_id, 0, "bursar.notification_target.removed", target_id, encode(found.target), origin=call.origin()
        )
        return Effect(DeletedTarget(id=target_id), Unit([repository.delete_target(call.org_id, target_id)], [entry]))

    async def address_of(self, message: StoredMessage) -> str | None:
        """Where a message to a target, or to a telephone, goes by; None where nothing is set for it."""
        stored = await self._store.read(lambda connection: repository.targets_of(connection, message.org_id))
        for found in stored:
            is_own = found.target.id == message.recipient
            if is_own or (message.template == "code" and found.target.kind == "sms"):
                try:
                    url = self._targets.unseal(found.sealed, message.org_id, found.target.id).decode()
                except SealBroken:
                    continue
                if is_own or push.RECIPIENT in url:
                    return url
        return self._sms_url if message.template == "code" else None

    async def _branding(self, org_id: str) -> tuple[Branding, int]:
        return await self._store.read(lambda connection: repository.find_branding(connection, org_id))

    async def _preferences(self, org_id: str, user_id: str) -> tuple[dict[str, str], int]:
        return await self._store.read(lambda connection: repository.find_preferences(connection, org_id, user_id))

    async def _is_member(self, found: Unsubscription) -> bool:
        return await self._store.read(
            lambda connection: find_member(connection, found.org_id, found.user_id) is not None
        )

    @staticmethod
    def _preferred(
        org_id: str, user_id: str, own: dict[str, str], wanted: dict[str, str], version: int, origin: Origin
    ) -> tuple[Preferences, Unit]:
        after = _shown(user_id, wanted)
        document = encode(after)
        before = differences(encode(_shown(user_id, own)), document)
        entry = Entry(org_id, 0, "bursar.notification_preferences.updated", user_id, document, before, origin)
        return after, Unit([repository.keep_preferences(org_id, user_id, wanted, version)], [entry])


def _shown(user_id: str, own: dict[str, str]) -> Preferences:
    topics: dict[str, Delivery] = {topic: own.get(topic, default) for topic, default in TOPICS.items()}  # type: ignore[misc]
    return Preferences(user=user_id, topics=topics)


def _somebody(principal: Principal) -> str:
    if principal.kind != USER or principal.org_id == INSTALLATION:
        raise InvalidRequest("Choose an organisation first: preferences are of one person in one organisation.")
    return principal.key_id


def _check_branding(branding: Branding) -> None:
    """What goes into a header must be one line; nothing may look like a card."""
    if branding.name is not None and (rules.calm(branding.name) != branding.name or not branding.name):
        raise InvalidRequest(
            "A name is one line of text, without control characters and addresses of pages.", param="name"
        )
    if branding.reply_to is not None and not rules.is_address(branding.reply_to):
        raise InvalidRequest("reply_to must be one e-mail address like help@example.com.", param="reply_to")
    footer = branding.footer or ""
    if scrub_text(footer) != footer or any(not (mark.isprintable() or mark == "\n") for mark in footer):
        raise InvalidRequest("A footer is plain text of a few lines.", param="footer")
