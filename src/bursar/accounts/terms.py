"""What holds for one organisation: fees, limits, and from which amounts on somebody must prove or approve."""

from __future__ import annotations

from collections import OrderedDict
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy import Connection, bindparam, select

from bursar.accounts.tables import organisation_terms
from bursar.http.call import Call
from bursar.http.params import Params
from bursar.kit.clock import MICROSECONDS_PER_SECOND, Clock
from bursar.kit.errors import InvalidRequest
from bursar.kit.money import AMOUNT_MAX_OF_SMALL_UNITS, find_currency
from bursar.limits.rules import DEFAULTS as LIMITS
from bursar.store.log import Entry, differences
from bursar.store.repeating import transact_again
from bursar.store.store import Store
from bursar.store.unit import Change, Unit

REMEMBERED_SECONDS = 5  # a change holds this much later at most, in every process
TERMS_REMEMBERED_MAX = 20_000
# The installation's limits are each for a class and for who is counted; an organisation's are for the class.
CLASSES = tuple(sorted({name.partition(".")[2] for name in LIMITS}))
PER_SECOND_MAX = 100_000
BURST_MAX = 1_000_000

PercentText = Annotated[
    str,
    Meta(
        pattern=r"^(100(\.0{1,4})?|[0-9]{1,2}(\.[0-9]{1,4})?)$",
        max_length=8,
        description="What payers pay on top, in percent of the amount, with up to four places.",
    ),
]
CurrencyCode = Annotated[str, Meta(pattern="^[A-Za-z]{3}$")]
AmountMinor = Annotated[int, Meta(ge=0, le=AMOUNT_MAX_OF_SMALL_UNITS)]
AmountsMinor = dict[CurrencyCode, AmountMinor]
FixedFees = Annotated[
    AmountsMinor, Meta(description="What payers pay on top besides, in minor units by currency, such as eur.")
]
PaymentLimits = Annotated[AmountsMinor, Meta(description="The most that one payment may be, by currency.")]
ProofLimits = Annotated[
    AmountsMinor,
    Meta(description="From which amount on refunds and payouts need a fresh proof of who one is, by currency."),
]
ApprovalLimits = Annotated[
    AmountsMinor, Meta(description="From which amount on a withdrawal needs a second person, by currency.")
]
ClassName = Annotated[str, Meta(pattern="^[a-z][a-z_]{0,39}$")]
SessionSeconds = Annotated[int, Meta(ge=60, le=86_400, description="How long a payment session lives.")]


class RequestLimit(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """So many requests each second for long, and so many at once."""

    per_second: Annotated[int, Meta(ge=1, le=PER_SECOND_MAX)]
    burst: Annotated[int, Meta(ge=1, le=BURST_MAX)]


RequestLimits = Annotated[
    dict[ClassName, RequestLimit],
    Meta(max_length=50, description="By class of requests, such as payments, instead of the installation's own."),
]


class Terms(msgspec.Struct, kw_only=True, frozen=True):
    """An organisation's terms. The defaults are those of who has changed nothing."""

    # What payers pay on top, in percent of the amount, as a decimal text.
    service_fee_percent: str = "0"
    # And besides, in minor units by currency.
    service_fee_fixed_minor: dict[str, int] = {}
    # The most that one payment may be, by currency; none where there is none.
    payment_limit_minor: dict[str, int] = {}
    # From which amount on refunds and payouts need a fresh proof of who one is.
    proof_above_minor: dict[str, int] = {}
    # From which amount on a withdrawal needs a second person.
    second_approval_above_minor: dict[str, int] = {}
    # How long a payment session lives.
    session_seconds: int = 600
    # By class of requests, instead of the installation's own limits.
    request_limits: dict[str, RequestLimit] = {}


DEFAULTS = Terms()


class TermsParams(Params):
    """What is left away stays; null brings the default back; a table is replaced as a whole."""

    service_fee_percent: PercentText | UnsetType | None = UNSET
    service_fee_fixed_minor: FixedFees | UnsetType | None = UNSET
    payment_limit_minor: PaymentLimits | UnsetType | None = UNSET
    proof_above_minor: ProofLimits | UnsetType | None = UNSET
    second_approval_above_minor: ApprovalLimits | UnsetType | None = UNSET
    session_seconds: SessionSeconds | UnsetType | None = UNSET
    request_limits: RequestLimits | UnsetType | None = UNSET


INSERT = organisation_terms.insert()
UPDATE = (
    organisation_terms.update()
    .where(organisation_terms.c.org_id == bindparam("o"), organisation_terms.c.version == bindparam("expected_version"))
    .values(version=bindparam("new_version"), document=bindparam("new_document"))
)
_FIND = select(organisation_terms.c.version, organisation_terms.c.document).where(
    organisation_terms.c.org_id == bindparam("o")
)


class TermsService:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        # With until when, and the version that they are of.
        self._remembered: OrderedDict[str, tuple[Terms, int, int]] = OrderedDict()

    def peek(self, org_id: str) -> Terms | None:
        """What is known without asking anybody; None if nothing is, or it is too old."""
        found = self._remembered.get(org_id)
        return found[0] if found is not None and self._clock.now_microseconds() < found[1] else None

    async def of(self, org_id: str) -> Terms:
        known = self.peek(org_id)
        if known is not None:
            return known
        changed, version = await self._store.read(lambda connection: find_changed(connection, org_id))
        terms = terms_of(changed)
        self._remember(org_id, terms, version)
        return terms

    async def change(self, call: Call, params: TermsParams) -> Terms:
        """Remembered only once it is durable, so that whoever reads meanwhile does not bring back what was before."""
        change = _read(params)
        after, version = await transact_again(self._store, lambda connection: _changed(connection, call, change))
        self._remember(call.org_id, after, version)
        assert isinstance(after, Terms)
        return after

    def _remember(self, org_id: str, terms: Terms, version: int) -> None:
        known = self._remembered.get(org_id)
        if known is not None and known[2] > version:  # read before what is known now
            return
        until = self._clock.now_microseconds() + REMEMBERED_SECONDS * MICROSECONDS_PER_SECOND
        self._remembered[org_id] = (terms, until, version)
        self._remembered.move_to_end(org_id)
        while len(self._remembered) > TERMS_REMEMBERED_MAX:
            self._remembered.popitem(last=False)


def _changed(connection: Connection, call: Call, change: dict[str, Any]) -> tuple[tuple[Terms, int], Unit]:
    changed, version = find_changed(connection, call.org_id)
    before = terms_of(changed)
    merged = {name: value for name, value in (changed | change).items() if value is not None}
    after = terms_of(merged)
    if merged == changed:
        return (after, version), Unit()
    document = msgspec.json.encode(after)
    previous = differences(msgspec.json.encode(before), document)
    told = Entry(call.org_id, 0, "bursar.terms.updated", call.org_id, document, previous, call.origin())
    return (after, version + 1), Unit([_kept(call.org_id, merged, version)], [told])


def find_changed(connection: Connection, org_id: str) -> tuple[dict[str, Any], int]:
    """What the organisation has changed, and which version of it this is; 0 if there is none."""
    row = connection.execute(_FIND, {"o": org_id}).first()
    return (msgspec.json.decode(row.document), row.version) if row else ({}, 0)


def terms_of(changed: dict[str, Any]) -> Terms:
    return msgspec.convert(changed, Terms)


def _kept(org_id: str, changed: dict[str, Any], version: int) -> Change:
    document = msgspec.json.encode(changed).decode()
    if version == 0:
        return Change(INSERT, {"org_id": org_id, "version": 1, "document": document})
    row = {"o": org_id, "expected_version": version, "new_version": version + 1, "new_document": document}
    return Change(UPDATE, row, rows_expected=1)


def _read(params: TermsParams) -> dict[str, Any]:
    """What was sent, with currencies that there are; None for what goes back to its default."""
    change: dict[str, Any] = {}
    for name in Terms.__struct_fields__:
        value = getattr(params, name)
        if value is UNSET:
            continue
        change[name] = _amounts(name, value) if name.endswith("_minor") and value is not None else value
    if change.get("request_limits") is not None:
        change["request_limits"] = _limits(change["request_limits"])
    return change


def _limits(given: dict[str, RequestLimit]) -> Any:
    for name in given:
        if name not in CLASSES:
            raise InvalidRequest(
                f"There is no class of requests {name!r}; there are {', '.join(CLASSES)}.",
                param=f"request_limits[{name}]",
            )
    return msgspec.to_builtins(given)


def _amounts(name: str, given: AmountsMinor) -> AmountsMinor:
    amounts: AmountsMinor = {}
    for code, amount in given.items():
        currency = find_currency(code)
        if currency is None:
            raise InvalidRequest(
                f"There is no currency {code!r}; send three letters, such as eur.", param=f"{name}[{code}]"
            )
        if currency.code in amounts:
            raise InvalidRequest(f"{code} is there twice.", param=f"{name}[{code}]")
        amounts[currency.code] = amount
    return amounts
