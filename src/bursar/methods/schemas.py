"""Payment methods on the wire. Every member is always there, null where empty."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from bursar.customers.schemas import Address, Country, Email, Line, Name, Phone
from bursar.http.params import Cursor, ListParams, Metadata, MetadataChange, Params, ShortText

AllowRedisplay = Literal["always", "limited", "unspecified"]
PreferredNetwork = Literal["cartes_bancaires", "mastercard", "visa"]
CheckResult = Literal["pass", "fail", "unavailable", "unchecked"]
MethodKind = Literal["card", "net_banking", "upi", "wallet"]
# Whether it is a card's number is decided later, in words of its own; beyond this it is no number at all.
Whole = Annotated[int, Meta(ge=-(10**9), le=10**9)]
Digits = Annotated[str, Meta(max_length=40)]
MethodId = Annotated[str, Meta(max_length=100)]
TaxId = Annotated[str, Meta(max_length=100)]
MethodType = Annotated[str, Meta(max_length=40)]


class BillingDetails(msgspec.Struct, kw_only=True):
    address: Address = msgspec.field(default_factory=Address)
    email: str | None = None
    name: str | None = None
    phone: str | None = None
    tax_id: str | None = None


class Checks(msgspec.Struct, kw_only=True):
    address_line1_check: CheckResult | None = None
    address_postal_code_check: CheckResult | None = None
    cvc_check: CheckResult | None = None


class Networks(msgspec.Struct, kw_only=True):
    available: list[str]
    preferred: str | None = None


class ThreeDSecureUsage(msgspec.Struct, kw_only=True):
    supported: bool


class CardDetails(msgspec.Struct, kw_only=True):
    """A card as it may be shown: never its number."""

    brand: str
    checks: Checks
    country: str | None = None
    description: str | None = None
    display_brand: str | None = None
    exp_month: int
    exp_year: int
    fingerprint: str | None = None
    funding: Literal["credit", "debit", "prepaid", "unknown"] = "unknown"
    generated_from: None = None
    iin: str | None = None
    issuer: str | None = None
    last4: str
    networks: Networks | None = None
    regulated_status: Literal["regulated", "unregulated"] | None = None
    three_d_secure_usage: ThreeDSecureUsage | None = None
    wallet: None = None


class UpiDetails(msgspec.Struct, kw_only=True):
    """Without an address the customer opens or scans a link."""

    vpa: str | None = None


class NetBankingDetails(msgspec.Struct, kw_only=True):
    account_last4: str | None = None
    bank_code: str


class CustomerWalletDetails(msgspec.Struct, kw_only=True):
    wallet_id: str


class StoredMethod(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What of a payment method is kept."""

    id: str
    allow_redisplay: AllowRedisplay = "unspecified"
    billing_details: BillingDetails
    card: CardDetails | UnsetType = UNSET
    created: int
    customer: str | None = None
    livemode: bool
    metadata: Metadata = {}
    net_banking: NetBankingDetails | UnsetType = UNSET
    type: MethodKind = "card"
    upi: UpiDetails | UnsetType = UNSET
    wallet: CustomerWalletDetails | UnsetType = UNSET


class PaymentMethod(msgspec.Struct, kw_only=True):
    """The member that `type` names is there, and none of its siblings."""

    id: str
    object: Literal["payment_method"] = "payment_method"
    allow_redisplay: AllowRedisplay = "unspecified"
    billing_details: BillingDetails
    card: CardDetails | UnsetType = UNSET
    created: int
    customer: str | None = None
    customer_account: None = None
    livemode: bool
    metadata: Metadata = {}
    net_banking: NetBankingDetails | UnsetType = UNSET
    radar_options: None = None
    type: MethodKind = "card"
    upi: UpiDetails | UnsetType = UNSET
    wallet: CustomerWalletDetails | UnsetType = UNSET


class TokenNetworks(msgspec.Struct, kw_only=True):
    preferred: str | None = None


class TokenCard(msgspec.Struct, kw_only=True):
    """The older shape of a card, which tokens show."""

    id: str
    object: Literal["card"] = "card"
    account: None = None
    address_city: str | None = None
    address_country: str | None = None
    address_line1: str | None = None
    address_line1_check: CheckResult | None = None
    address_line2: str | None = None
    address_state: str | None = None
    address_zip: str | None = None
    address_zip_check: CheckResult | None = None
    allow_redisplay: AllowRedisplay = "unspecified"
    available_payout_methods: None = None
    brand: str
    country: str | None = None
    currency: str | None = None
    customer: None = None
    cvc_check: CheckResult | None = None
    default_for_currency: None = None
    description: str | None = None
    dynamic_last4: str | None = None
    exp_month: int
    exp_year: int
    fingerprint: str | None = None
    funding: str
    iin: str | None = None
    issuer: str | None = None
    last4: str
    metadata: Metadata = {}
    name: str | None = None
    networks: TokenNetworks = msgspec.field(default_factory=TokenNetworks)
    regulated_status: Literal["regulated", "unregulated"] | None = None
    status: None = None
    tokenization_method: None = None


class Token(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["token"] = "token"
    bank_account: None = None
    card: TokenCard
    client_ip: str | None = None
    created: int
    livemode: bool
    type: Literal["card"] = "card"
    used: bool = False


class AddressParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is left away stays as it is; an empty value clears."""

    city: Line | UnsetType | None = UNSET
    country: Country | UnsetType | None = UNSET
    line1: Line | UnsetType | None = UNSET
    line2: Line | UnsetType | None = UNSET
    postal_code: Line | UnsetType | None = UNSET
    state: Line | UnsetType | None = UNSET


class BillingDetailsParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    address: AddressParams | UnsetType | None = UNSET
    email: Email | UnsetType | None = UNSET
    name: Name | UnsetType | None = UNSET
    phone: Phone | UnsetType | None = UNSET
    tax_id: TaxId | UnsetType | None = UNSET


class NetworksParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    preferred: PreferredNetwork | None = None


class CardParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Either a token, or the card itself."""

    cvc: Digits | None = None
    exp_month: Whole | None = None
    exp_year: Whole | None = None
    networks: NetworksParams | None = None
    number: Digits | None = None
    token: MethodId | None = None

    def __repr__(self) -> str:
        """Whatever prints parameters must not print a card."""
        return "CardParams(…)"


class UpiParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    vpa: ShortText | None = None


class NetBankingParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The account is the customer's own at that bank, where the bank wants to know it before."""

    account: Digits | None = None
    bank_code: ShortText | None = None

    def __repr__(self) -> str:
        """Whatever prints parameters must not print an account."""
        return f"NetBankingParams({self.bank_code})"


class CustomerWalletParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    wallet_id: ShortText | None = None


class RadarOptionsParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Accepted, as the browser's scripts send it; nothing is done with it."""

    session: ShortText | None = None


class PaymentMethodData(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`payment_method_data` of an intent."""

    type: MethodType
    allow_redisplay: AllowRedisplay | UnsetType = UNSET
    billing_details: BillingDetailsParams | UnsetType | None = UNSET
    card: CardParams | None = None
    metadata: MetadataChange = UNSET
    net_banking: NetBankingParams | None = None
    radar_options: RadarOptionsParams | None = None
    upi: UpiParams | None = None
    wallet: CustomerWalletParams | None = None


class PaymentMethodCreateParams(Params):
    type: MethodType
    allow_redisplay: AllowRedisplay | UnsetType = UNSET
    billing_details: BillingDetailsParams | UnsetType | None = UNSET
    card: CardParams | None = None
    metadata: MetadataChange = UNSET
    net_banking: NetBankingParams | None = None
    radar_options: RadarOptionsParams | None = None
    upi: UpiParams | None = None
    wallet: CustomerWalletParams | None = None


class CardUpdateParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    exp_month: Whole | None = None
    exp_year: Whole | None = None
    networks: NetworksParams | None = None


class PaymentMethodUpdateParams(Params):
    allow_redisplay: AllowRedisplay | UnsetType = UNSET
    billing_details: BillingDetailsParams | UnsetType | None = UNSET
    card: CardUpdateParams | None = None
    metadata: MetadataChange = UNSET


class AttachParams(Params):
    customer: Cursor


class CustomerMethodListParams(ListParams, kw_only=True):
    allow_redisplay: AllowRedisplay | None = None
    type: MethodType | None = None


class PaymentMethodListParams(CustomerMethodListParams, kw_only=True):
    customer: Cursor


class TokenCardParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    address_city: Line | None = None
    address_country: Country | None = None
    address_line1: Line | None = None
    address_line2: Line | None = None
    address_state: Line | None = None
    address_zip: Line | None = None
    currency: Annotated[str, Meta(max_length=3)] | None = None
    cvc: Digits | None = None
    exp_month: Whole | None = None
    exp_year: Whole | None = None
    name: Name | None = None
    networks: NetworksParams | None = None
    number: Digits | None = None

    def __repr__(self) -> str:
        """Whatever prints parameters must not print a card."""
        return "TokenCardParams(…)"


class TokenParams(Params):
    card: TokenCardParams


_method_decoder = msgspec.json.Decoder(PaymentMethod)
_token_decoder = msgspec.json.Decoder(Token)


def stored_form(method: PaymentMethod) -> StoredMethod:
    return StoredMethod(
        id=method.id,
        allow_redisplay=method.allow_redisplay,
        billing_details=method.billing_details,
        card=method.card,
        created=method.created,
        customer=method.customer,
        livemode=method.livemode,
        metadata=method.metadata,
        net_banking=method.net_banking,
        type=method.type,
        upi=method.upi,
        wallet=method.wallet,
    )


def card_of(method: PaymentMethod) -> CardDetails:
    """Of a method that is one."""
    assert not isinstance(method.card, UnsetType), "only a card has what a card has"
    return method.card


def public_method(method: dict[str, Any]) -> dict[str, Any]:
    """What somebody with a publishable key may see of it: enough to show to its owner, nothing to find others by."""
    shown = method | {
        "billing_details": msgspec.to_builtins(BillingDetails()),
        "customer": None,
        "metadata": {},
    }
    for kind, hidden in _HIDDEN.items():
        if kind in method:
            shown[kind] = method[kind] | hidden
    return shown


# By type, what is hidden of its own.
_HIDDEN: dict[str, dict[str, None]] = {
    "card": {"fingerprint": None, "iin": None},
    "net_banking": {"account_last4": None},
    "upi": {"vpa": None},
    "wallet": {"wallet_id": None},
}


def decode_method(document: str) -> PaymentMethod:
    """The members that are not kept come back with their defaults."""
    return _method_decoder.decode(document)


def decode_token(document: str) -> Token:
    return _token_decoder.decode(document)
