"""Charges on the wire. Every member is always there, null where empty."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from bursar.customers.schemas import Shipping
from bursar.http.params import Metadata
from bursar.methods.schemas import (
    BillingDetails,
    CustomerWalletDetails,
    MethodKind,
    NetBankingDetails,
    UpiDetails,
)

ChargeStatus = Literal["failed", "pending", "succeeded"]


class Outcome(msgspec.Struct, kw_only=True):
    """How the bank and the risk rules saw it."""

    advice_code: str | None = None
    network_advice_code: str | None = None
    network_decline_code: str | None = None
    network_status: str | None = None
    reason: str | None = None
    risk_level: str | None = None
    risk_score: int | None = None
    rule: None = None
    seller_message: str | None = None
    type: str


class Availability(msgspec.Struct, kw_only=True):
    status: Literal["available", "unavailable"]


class Switch(msgspec.Struct, kw_only=True):
    status: Literal["enabled", "disabled"]


class Overcapture(msgspec.Struct, kw_only=True):
    maximum_amount_capturable: int
    status: Literal["available", "unavailable"]


class ChargeChecks(msgspec.Struct, kw_only=True):
    address_line1_check: str | None = None
    address_postal_code_check: str | None = None
    cvc_check: str | None = None


class NetworkToken(msgspec.Struct, kw_only=True):
    used: bool = False


class ThreeDSecure(msgspec.Struct, kw_only=True):
    authentication_flow: Literal["challenge", "frictionless"] | None = None
    electronic_commerce_indicator: str | None = None
    exemption_indicator: None = None
    exemption_indicator_applied: None = None
    result: str | None = None
    result_reason: str | None = None
    transaction_id: str | None = None
    version: str | None = None


class ChargeCard(msgspec.Struct, kw_only=True):
    amount_authorized: int | None = None
    authorization_code: str | None = None
    brand: str | None = None
    capture_before: int | None = None
    checks: ChargeChecks | None = None
    country: str | None = None
    description: str | None = None
    electronic_commerce_indicator: str | None = None
    exp_month: int
    exp_year: int
    extended_authorization: Switch | None = None
    fingerprint: str | None = None
    funding: str | None = None
    iin: str | None = None
    incremental_authorization: Availability | None = None
    installments: None = None
    issuer: str | None = None
    last4: str | None = None
    mandate: str | None = None
    moto: bool | None = None
    multicapture: Availability | None = None
    network: str | None = None
    network_token: NetworkToken | None = None
    network_transaction_id: str | None = None
    overcapture: Overcapture | None = None
    regulated_status: str | None = None
    setup_credential_usage: None = None
    stored_credential_usage: None = None
    three_d_secure: ThreeDSecure | None = None
    transaction_link_id: str | None = None
    wallet: None = None


class FraudDetails(msgspec.Struct, kw_only=True):
    stripe_report: None = None
    user_report: str | None = None


class RadarOptions(msgspec.Struct, kw_only=True):
    session: None = None


class ChargeMethodDetails(msgspec.Struct, kw_only=True):
    """The member that `type` names is there, and none of its siblings."""

    card: ChargeCard | UnsetType = UNSET
    net_banking: NetBankingDetails | UnsetType = UNSET
    type: MethodKind = "card"
    upi: UpiDetails | UnsetType = UNSET
    wallet: CustomerWalletDetails | UnsetType = UNSET


class Charge(msgspec.Struct, kw_only=True):
    id: str
    object: Literal["charge"] = "charge"
    amount: int
    amount_captured: int = 0
    amount_refunded: int = 0
    application: None = None
    application_fee: None = None
    application_fee_amount: int | None = None
    authorization_code: str | None = None
    balance_transaction: str | None = None
    billing_details: BillingDetails
    calculated_statement_descriptor: str | None = None
    captured: bool = False
    created: int
    currency: str
    customer: str | None = None
    description: str | None = None
    disputed: bool = False
    failure_balance_transaction: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    fraud_details: FraudDetails = msgspec.field(default_factory=FraudDetails)
    level3: None = None
    livemode: bool
    metadata: Metadata = {}
    on_behalf_of: None = None
    outcome: Outcome | None = None
    paid: bool = False
    payment_intent: str | None = None
    payment_method: str | None = None
    payment_method_details: ChargeMethodDetails | None = None
    presentment_details: None = None
    radar_options: RadarOptions = msgspec.field(default_factory=RadarOptions)
    receipt_email: str | None = None
    receipt_number: str | None = None
    receipt_url: str | None = None
    refunded: bool = False
    review: None = None
    shipping: Shipping | None = None
    source: None = None
    source_transfer: None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    status: ChargeStatus
    transfer: None = None
    transfer_data: None = None
    transfer_group: str | None = None


_decoder = msgspec.json.Decoder(Charge)


def decode_charge(document: str) -> Charge:
    return _decoder.decode(document)
