"""What can be said against a dispute: kept as it is sent, and given as it is kept."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

EVIDENCE_LENGTH_MAX = 150_000
LongText = Annotated[str, Meta(max_length=20_000)]
FileId = Annotated[str, Meta(max_length=100)]


class AppealCard(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    reason_for_filing: LongText | None = None
    supporting_files: Annotated[list[FileId], Meta(max_length=20)] | None = None


class Appeal(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    card: AppealCard | None = None


class Acknowledgement(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    fee_acknowledged: bool = False


class ShippingAddress(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    city: LongText | None = None
    country: LongText | None = None
    line1: LongText | None = None
    line2: LongText | None = None
    postal_code: LongText | None = None
    state: LongText | None = None


class DisputedTransaction(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    customer_account_id: LongText | None = None
    customer_device_fingerprint: LongText | None = None
    customer_device_id: LongText | None = None
    customer_email_address: LongText | None = None
    customer_purchase_ip: LongText | None = None
    merchandise_or_services: Literal["merchandise", "services"] | None = None
    product_description: LongText | None = None
    shipping_address: ShippingAddress | None = None


class EarlierTransaction(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    charge: FileId
    customer_account_id: LongText | None = None
    customer_device_fingerprint: LongText | None = None
    customer_device_id: LongText | None = None
    customer_email_address: LongText | None = None
    customer_purchase_ip: LongText | None = None
    product_description: LongText | None = None
    shipping_address: ShippingAddress | None = None


class CompellingEvidence(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    disputed_transaction: DisputedTransaction | None = None
    prior_undisputed_transactions: Annotated[list[EarlierTransaction], Meta(max_length=20)] = []


class EnhancedEvidence(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    mastercard_compliance: Acknowledgement | None = None
    visa_compelling_evidence_3: CompellingEvidence | None = None
    visa_compliance: Acknowledgement | None = None


class Evidence(msgspec.Struct, kw_only=True):
    access_activity_log: str | None = None
    appeal: Appeal | None = None
    billing_address: str | None = None
    cancellation_policy: str | None = None
    cancellation_policy_disclosure: str | None = None
    cancellation_rebuttal: str | None = None
    customer_communication: str | None = None
    customer_email_address: str | None = None
    customer_name: str | None = None
    customer_purchase_ip: str | None = None
    customer_signature: str | None = None
    duplicate_charge_documentation: str | None = None
    duplicate_charge_explanation: str | None = None
    duplicate_charge_id: str | None = None
    enhanced_evidence: EnhancedEvidence = msgspec.field(default_factory=EnhancedEvidence)
    product_description: str | None = None
    receipt: str | None = None
    refund_policy: str | None = None
    refund_policy_disclosure: str | None = None
    refund_refusal_explanation: str | None = None
    service_date: str | None = None
    service_documentation: str | None = None
    shipping_address: str | None = None
    shipping_carrier: str | None = None
    shipping_date: str | None = None
    shipping_documentation: str | None = None
    shipping_tracking_number: str | None = None
    uncategorized_file: str | None = None
    uncategorized_text: str | None = None

    def texts(self) -> dict[str, str]:
        """What was said, by the name of the field; what has several parts as JSON."""
        said: dict[str, str] = {}
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, str):
                said[name] = value
            elif value is not None and value != EnhancedEvidence():
                said[name] = msgspec.json.encode(value).decode()
        return said


class EvidenceParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is left away stays as it is; what is empty is taken back."""

    access_activity_log: LongText | UnsetType = UNSET
    appeal: Appeal | UnsetType | None = UNSET
    billing_address: LongText | UnsetType = UNSET
    cancellation_policy: FileId | UnsetType = UNSET
    cancellation_policy_disclosure: LongText | UnsetType = UNSET
    cancellation_rebuttal: LongText | UnsetType = UNSET
    customer_communication: FileId | UnsetType = UNSET
    customer_email_address: LongText | UnsetType = UNSET
    customer_name: LongText | UnsetType = UNSET
    customer_purchase_ip: LongText | UnsetType = UNSET
    customer_signature: FileId | UnsetType = UNSET
    duplicate_charge_documentation: FileId | UnsetType = UNSET
    duplicate_charge_explanation: LongText | UnsetType = UNSET
    duplicate_charge_id: LongText | UnsetType = UNSET
    enhanced_evidence: EnhancedEvidence | UnsetType | None = UNSET
    product_description: LongText | UnsetType = UNSET
    receipt: FileId | UnsetType = UNSET
    refund_policy: FileId | UnsetType = UNSET
    refund_policy_disclosure: LongText | UnsetType = UNSET
    refund_refusal_explanation: LongText | UnsetType = UNSET
    service_date: LongText | UnsetType = UNSET
    service_documentation: FileId | UnsetType = UNSET
    shipping_address: LongText | UnsetType = UNSET
    shipping_carrier: LongText | UnsetType = UNSET
    shipping_date: LongText | UnsetType = UNSET
    shipping_documentation: FileId | UnsetType = UNSET
    shipping_tracking_number: LongText | UnsetType = UNSET
    uncategorized_file: FileId | UnsetType = UNSET
    uncategorized_text: LongText | UnsetType = UNSET

    def applied_to(self, evidence: Evidence) -> Evidence:
        given = {name: getattr(self, name) for name in self.__struct_fields__}
        changes = {name: value or None for name, value in given.items() if value is not UNSET}
        if "enhanced_evidence" in changes:
            changes["enhanced_evidence"] = changes["enhanced_evidence"] or EnhancedEvidence()
        return msgspec.structs.replace(evidence, **changes)
