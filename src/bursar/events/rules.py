"""Which events a list asks for. Pure."""

from __future__ import annotations

from bursar.events.schemas import EventListParams
from bursar.kit.errors import InvalidRequest

# Events of the installation itself are in the same log, but not on the wire, whose types are a closed list.
INTERNAL_PREFIX = "bursar."

PUBLIC_TYPES = (
    "charge.captured",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.expired",
    "charge.failed",
    "charge.refund.updated",
    "charge.refunded",
    "charge.succeeded",
    "charge.updated",
    "customer.created",
    "customer.deleted",
    "customer.updated",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.created",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "payment_method.attached",
    "payment_method.detached",
    "payment_method.updated",
    "radar.early_fraud_warning.created",
    "refund.created",
    "refund.failed",
    "refund.updated",
    "setup_intent.canceled",
    "setup_intent.created",
    "setup_intent.requires_action",
    "setup_intent.setup_failed",
    "setup_intent.succeeded",
)


def wanted_types(params: EventListParams) -> tuple[str, ...] | None:
    """The types to look for, None for all."""
    if params.type is not None and params.types is not None:
        raise InvalidRequest("Send either type or types, not both.", param="types")
    wishes = params.types if params.types is not None else [params.type] if params.type is not None else None
    if wishes is None:
        return None
    param = "type" if params.type is not None else "types"
    return tuple(sorted({found for wish in wishes for found in _matching(wish, param)}))


def _matching(wish: str, param: str) -> tuple[str, ...]:
    """`customer.*` stands for every type of the group; a type that never occurs is none, not a mistake."""
    group, star, rest = wish.partition("*")
    if star and (rest or (group and not group.endswith("."))):
        raise InvalidRequest(f"Invalid {param}: a group of types ends in .* like customer.*", param=param)
    if star:
        return tuple(name for name in PUBLIC_TYPES if name.startswith(group))
    return (wish,) if wish in PUBLIC_TYPES else ()
