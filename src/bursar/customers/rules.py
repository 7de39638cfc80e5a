"""What a customer is after a change. Pure."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import UNSET

from bursar.customers.schemas import (
    Address,
    Customer,
    CustomerParams,
    InvoiceSettings,
    InvoiceSettingsParams,
    Shipping,
)
from bursar.http.params import changed_metadata
from bursar.http.search import FieldKind
from bursar.kit.errors import InvalidRequest

_SPACE = re.compile(r"\s")
# Texts that an empty value clears.
_CLEARABLE = ("business_name", "description", "email", "individual_name", "name", "phone")
_PLAIN = ("balance", "invoice_prefix", "next_invoice_sequence")

SEARCHABLE = {
    "created": FieldKind.NUMBER,
    "email": FieldKind.TEXT,
    "metadata": FieldKind.MAP,
    "name": FieldKind.TEXT,
    "phone": FieldKind.TEXT,
}


def changed(customer: Customer, params: CustomerParams) -> Customer:
    """The customer with the given parameters in place; what was not given stays."""
    changes: dict[str, Any] = {}
    for name in _CLEARABLE:
        if (text := getattr(params, name)) is not UNSET:
            changes[name] = text or None
    for name in _PLAIN:
        if (value := getattr(params, name)) is not UNSET:
            changes[name] = value
    if params.email is not UNSET:
        check_email(params.email)
    if params.address is not UNSET:
        changes["address"] = _address(params.address)
    if params.shipping is not UNSET:
        changes["shipping"] = _shipping(params)
    if params.preferred_locales is not UNSET:
        changes["preferred_locales"] = params.preferred_locales or []
    if params.tax_exempt is not UNSET:
        changes["tax_exempt"] = params.tax_exempt or "none"
    if params.invoice_settings is not UNSET:
        changes["invoice_settings"] = _invoice_settings(customer.invoice_settings, params.invoice_settings)
    changes["metadata"] = changed_metadata(customer.metadata, params.metadata)
    return msgspec.structs.replace(customer, **changes)


def check_email(email: str) -> None:
    """Only what can never be an address is refused: whether it is one, a message to it tells."""
    local, at, domain = email.rpartition("@")
    if email and (not at or not local or not domain or _SPACE.search(email)):
        raise InvalidRequest(
            "Invalid email: it must look like name@domain, without spaces.",
            param="email",
            code="email_invalid",
        )


def terms_of(customer: Customer) -> dict[str, str]:
    """What the customer can be found by, exactly."""
    named = {"email": customer.email, "name": customer.name, "phone": customer.phone}
    terms = {f"customer.{field}": value for field, value in named.items() if value is not None}
    return terms | {f"customer.metadata[{key}]": value for key, value in customer.metadata.items()}


def _address(given: Address | None) -> Address | None:
    if given is None:
        return None
    values = {name: getattr(given, name) or None for name in Address.__struct_fields__}
    return Address(**values)


def _shipping(params: CustomerParams) -> Shipping | None:
    given = params.shipping
    if not isinstance(given, msgspec.Struct):
        return None
    address = _address(given.address)
    assert address is not None
    return Shipping(address=address, name=given.name, phone=given.phone or None)


def _invoice_settings(current: InvoiceSettings, given: InvoiceSettingsParams) -> InvoiceSettings:
    changes: dict[str, Any] = {}
    if given.custom_fields is not UNSET:
        changes["custom_fields"] = given.custom_fields or None
    if given.footer is not UNSET:
        changes["footer"] = given.footer or None
    if given.rendering_options is not UNSET:
        changes["rendering_options"] = given.rendering_options
    return msgspec.structs.replace(current, **changes)
