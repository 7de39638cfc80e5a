"""What an organisation says of itself, and what the platform says of it."""

from __future__ import annotations

from collections import OrderedDict
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy import Connection

from bursar.accounts import repository
from bursar.accounts.rules import (
    CATEGORY_LENGTH_MAX,
    NAME_LENGTH_MAX,
    read_category,
    read_country,
    read_currency,
    read_name,
)
from bursar.accounts.schemas import Organisation, OrganisationProfile, profile_of
from bursar.http.call import Call, Effect
from bursar.http.paging import Page, missing, window
from bursar.http.params import ListParams, Params
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.kit.errors import Conflict, PermissionMissing
from bursar.kit.ids import may_be_id
from bursar.store.log import Entry, differences
from bursar.store.store import Store
from bursar.store.unit import Unit

REMEMBERED_SECONDS = 5  # a suspended organisation goes on for this long at most, in every process
ORGANISATIONS_REMEMBERED_MAX = 20_000
PLATFORM_URL = "/api/v1/platform/organisations"


class OrganisationParams(Params):
    """What is left away stays as it is."""

    name: Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH_MAX)] | UnsetType = UNSET
    category: Annotated[str, Meta(min_length=1, max_length=CATEGORY_LENGTH_MAX)] | UnsetType = UNSET
    country: Annotated[str, Meta(pattern="^[A-Za-z]{2}$")] | UnsetType | None = UNSET
    currency: Annotated[str, Meta(pattern="^[A-Za-z]{3}$")] | UnsetType = UNSET


class OrganisationListParams(ListParams):
    # A part of the name, or the beginning of the code.
    query: Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH_MAX)] | None = None


class SuspensionParams(Params):
    # For the log: why.
    reason: Annotated[str, Meta(max_length=500)] | None = None


class SuspensionTold(msgspec.Struct, kw_only=True):
    """What the log keeps of a suspension: the organisation, and why."""

    organisation: OrganisationProfile
    reason: str | None


class OrganisationService:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._remembered: OrderedDict[str, tuple[Organisation, int]] = OrderedDict()

    def peek(self, org_id: str) -> Organisation | None:
        """What is known without asking anybody; None if nothing is, or it is too old."""
        found = self._remembered.get(org_id)
        return found[0] if found is not None and self._clock.now_microseconds() < found[1] else None

    async def of(self, org_id: str) -> Organisation | None:
        """None for an organisation that is not there."""
        known = self.peek(org_id)
        if known is not None:
            return known
        found = await self._store.read(lambda connection: repository.find_organisation(connection, org_id))
        if found is not None:
            self._remember(found)
        return found

    async def by_code(self, code: str) -> Organisation | None:
        if not may_be_id(code):
            return None
        return await self._store.read(lambda connection: repository.find_organisation_by_code(connection, code))

    async def require_active(self, org_id: str) -> Organisation:
        """For whoever acts for an organisation, or pays it. Raises when it is suspended, or not there."""
        organisation = await self.of(org_id)
        if organisation is None or organisation.suspended is not None:
            raise suspended()
        return organisation

    async def profile(self, call: Call) -> OrganisationProfile:
        return profile_of(await self._find(call.org_id))

    async def change(self, call: Call, params: OrganisationParams) -> Effect:
        before = await self._find(call.org_id)
        after = msgspec.structs.replace(
            before,
            name=before.name if params.name is UNSET else read_name(params.name),
            category=before.category if params.category is UNSET else read_category(params.category),
            country=before.country if params.country is UNSET else read_country(params.country),
            currency=before.currency if params.currency is UNSET else read_currency(params.currency),
        )
        return self._changed(call, "bursar.organisation.updated", before, after)

    async def page(self, params: OrganisationListParams) -> Page[OrganisationProfile]:
        view = window(params)

        def query(connection: Connection) -> list[Organisation]:
            for param in ("starting_after", "ending_before"):
                cursor = getattr(params, param)
                if cursor is not None and repository.find_organisation(connection, cursor) is None:
                    raise missing("organisation", cursor, param)
            return repository.page_of_organisations(connection, view, params.query)

        data, has_more = view.cut(await self._store.read(query))
        return Page(data=[profile_of(organisation) for organisation in data], has_more=has_more, url=PLATFORM_URL)

    async def retrieve(self, call: Call) -> OrganisationProfile:
        return profile_of(await self._find(call.path["organisation"]))

    async def suspend(self, call: Call, params: SuspensionParams) -> Effect:
        before = await self._find(call.path["organisation"])
        if before.suspended is not None:
            raise Conflict(f"The organisation {before.id} is suspended already.", code="organisation_suspended")
        after = msgspec.structs.replace(before, suspended=self._clock.now_microseconds())
        return self._changed(call, "bursar.organisation.suspended", before, after, params)

    async def resume(self, call: Call, params: SuspensionParams) -> Effect:
        before = await self._find(call.path["organisation"])
        if before.suspended is None:
            raise Conflict(f"The organisation {before.id} is not suspended.", code="organisation_not_suspended")
        after = msgspec.structs.replace(before, suspended=None)
        return self._changed(call, "bursar.organisation.resumed", before, after, params)

    async def _find(self, org_id: str) -> Organisation:
        """Not from memory: what is shown to who changes it is what it is."""
        found = await self._store.read(lambda connection: repository.find_organisation(connection, org_id))
        if found is None:
            raise missing("organisation", org_id)
        return found

    def _changed(
        self,
        call: Call,
        event_type: str,
        before: Organisation,
        after: Organisation,
        reason: SuspensionParams | None = None,
    ) -> Effect:
        result = profile_of(after)
        if after == before:
            return Effect(result, Unit())
        old, new = msgspec.json.encode(profile_of(before)), msgspec.json.encode(result)
        told = Entry(after.id, 0, event_type, after.id, new, differences(old, new), call.origin())
        if reason is not None:
            told.document = msgspec.json.encode(SuspensionTold(organisation=result, reason=reason.reason))
        self._remembered.pop(after.id, None)
        return Effect(result, Unit([repository.update_organisation(after)], [told]))

    def _remember(self, organisation: Organisation) -> None:
        until = self._clock.now_microseconds() + REMEMBERED_SECONDS * MICROSECONDS_PER_SECOND
        self._remembered[organisation.id] = (organisation, until)
        self._remembered.move_to_end(organisation.id)
        while len(self._remembered) > ORGANISATIONS_REMEMBERED_MAX:
            self._remembered.popitem(last=False)


def suspended() -> PermissionMissing:
    return PermissionMissing(
        "This organisation is suspended: nothing can be done for it until the operator of this platform resumes it. "
        "Ask the operator why.",
        code="organisation_suspended",
    )
