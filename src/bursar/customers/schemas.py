"""Customers on the wire. Every member is always there, null where empty."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from bursar.http.params import (
    ListParams,
    Metadata,
    MetadataChange,
    Params,
    Seconds,
    ShortText,
    Text,
    TimeRange,
)

Line = Annotated[str, Meta(max_length=500)]
Country = Annotated[str, Meta(max_length=2, pattern="^([A-Za-z]{2})?$", description="ISO 3166-1 alpha-2")]
TaxExempt = Literal["none", "exempt", "reverse"]
Locale = Annotated[str, Meta(max_length=35)]
# Either sign; far beyond any balance and far within 64 bits.
Balance = Annotated[int, Meta(ge=-999_999_999_999, le=999_999_999_999)]
Email = Annotated[str, Meta(max_length=512)]
Name = Annotated[str, Meta(max_length=256)]
Business = Annotated[str, Meta(max_length=150)]
Phone = Annotated[str, Meta(max_length=50)]
# Digits and capitals, so that invoice numbers read well and are unambiguous.
InvoicePrefix = Annotated[str, Meta(min_length=3, max_length=12, pattern="^[A-Z0-9]+$")]
InvoiceSequence = Annotated[int, Meta(ge=1, le=1_000_000_000)]


class Address(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    city: Line | None = None
    country: Country | None = None
    line1: Line | None = None
    line2: Line | None = None
    postal_code: Line | None = None
    state: Line | None = None


class Shipping(msgspec.Struct, kw_only=True):
    address: Address
    carrier: str | None = None
    name: str
    phone: str | None = None
    tracking_number: str | None = None


class CustomField(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=40)]
    value: Annotated[str, Meta(min_length=1, max_length=140)]


class RenderingOptions(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    amount_tax_display: Literal["exclude_tax", "include_inclusive_tax"] | None = None
    template: ShortText | None = None


class InvoiceSettings(msgspec.Struct, kw_only=True):
    custom_fields: list[CustomField] | None = None
    default_payment_method: str | None = None
    footer: str | None = None
    rendering_options: RenderingOptions | None = None


class Customer(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["customer"] = "customer"
    address: Address | None = None
    balance: int = 0
    business_name: str | None = None
    created: int
    currency: str | None = None
    customer_account: str | None = None
    default_source: str | None = None
    delinquent: bool = False
    description: str | None = None
    discount: None = None
    email: str | None = None
    individual_name: str | None = None
    invoice_prefix: str | None = None
    invoice_settings: InvoiceSettings = msgspec.field(default_factory=InvoiceSettings)
    livemode: bool
    metadata: Metadata = {}
    name: str | None = None
    next_invoice_sequence: int = 1
    phone: str | None = None
    preferred_locales: list[str] = []
    shipping: Shipping | None = None
    tax_exempt: TaxExempt = "none"
    test_clock: str | None = None


class DeletedCustomer(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["customer"] = "customer"
    deleted: Literal[True] = True


class ShippingParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    address: Address
    name: Name
    phone: Phone | None = None


class InvoiceSettingsParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    custom_fields: Annotated[list[CustomField], Meta(max_length=4)] | UnsetType | None = UNSET
    footer: Text | UnsetType = UNSET
    rendering_options: RenderingOptions | UnsetType | None = UNSET


class CustomerParams(Params):
    """Given when a customer is made or changed. What is left away stays as it is."""

    address: Address | UnsetType | None = UNSET
    balance: Balance | UnsetType = UNSET
    business_name: Business | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    individual_name: Business | UnsetType = UNSET
    invoice_prefix: InvoicePrefix | UnsetType = UNSET
    invoice_settings: InvoiceSettingsParams | UnsetType = UNSET
    metadata: MetadataChange = UNSET
    name: Name | UnsetType = UNSET
    next_invoice_sequence: InvoiceSequence | UnsetType = UNSET
    phone: Phone | UnsetType = UNSET
    preferred_locales: Annotated[list[Locale], Meta(max_length=20)] | UnsetType | None = UNSET
    shipping: ShippingParams | UnsetType | None = UNSET
    tax_exempt: TaxExempt | UnsetType | None = UNSET


class CustomerListParams(ListParams):
    created: Seconds | TimeRange | None = None
    email: Email | None = None


_decoder = msgspec.json.Decoder(Customer)


def decode_customer(document: str) -> Customer:
    return _decoder.decode(document)
