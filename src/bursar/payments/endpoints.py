"""Payment intents and charges on `/v1`."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.http.call import Call, Effect, Staged
from bursar.http.endpoint import Endpoint
from bursar.http.expand import Expansion
from bursar.http.paging import Page, SearchPage
from bursar.http.params import Params, SearchParams
from bursar.payments.charge_schemas import Charge
from bursar.payments.charges import SEARCH_URL as CHARGE_SEARCH_URL
from bursar.payments.charges import URL as CHARGES_URL
from bursar.payments.charges import ChargeService
from bursar.payments.operations import OperationService
from bursar.payments.params import (
    ChargeCaptureParams,
    ChargeListParams,
    ChargeUpdateParams,
    IntentCancelParams,
    IntentCaptureParams,
    IntentConfirmParams,
    IntentIncrementParams,
    IntentListParams,
    IntentParams,
    IntentRetrieveParams,
    IntentUpdateParams,
)
from bursar.payments.schemas import PaymentIntent, public_view
from bursar.payments.service import SEARCH_URL, URL, PaymentService

READ, WRITE = "payment_intents.read", "payment_intents.write"
CHARGES_READ, CHARGES_WRITE = "charges.read", "charges.write"
ONE_URL = f"{URL}/{{intent}}"
ONE_CHARGE_URL = f"{CHARGES_URL}/{{charge}}"

Expansions = Mapping[str, Expansion]


def intent_endpoints(service: PaymentService, operations: OperationService, expandable: Expansions) -> list[Endpoint]:
    async def create_payment_intent(call: Call, params: IntentParams) -> Effect | Staged:
        return await service.create(call, params)

    async def update_payment_intent(call: Call, params: IntentUpdateParams) -> Effect:
        return await service.update(call, params)

    async def confirm_payment_intent(call: Call, params: IntentConfirmParams) -> Effect | Staged:
        return await service.confirm(call, params)

    async def capture_payment_intent(call: Call, params: IntentCaptureParams) -> Staged:
        return await operations.capture(call, params)

    async def cancel_payment_intent(call: Call, params: IntentCancelParams) -> Effect | Staged:
        return await operations.cancel(call, params)

    async def increment_payment_intent_authorization(call: Call, params: IntentIncrementParams) -> Staged:
        return await operations.increment(call, params)

    async def retrieve_payment_intent(call: Call, params: IntentRetrieveParams) -> PaymentIntent:
        return await service.retrieve(call, params)

    async def list_payment_intents(call: Call, params: IntentListParams) -> Page[PaymentIntent]:
        return await service.page(call, params)

    async def search_payment_intents(call: Call, params: SearchParams) -> SearchPage[PaymentIntent]:
        return await service.search(call, params)

    resume = service.resume
    return [
        Endpoint(
            "POST",
            URL,
            create_payment_intent,
            "Create a payment intent",
            WRITE,
            PaymentIntent,
            IntentParams,
            expandable=expandable,
            resume=resume,
            refuses_cards=True,
        ),
        Endpoint(
            "GET",
            URL,
            list_payment_intents,
            "List payment intents",
            READ,
            Page[PaymentIntent],
            IntentListParams,
            expandable=expandable,
        ),
        Endpoint(
            "GET",
            SEARCH_URL,
            search_payment_intents,
            "Search payment intents",
            READ,
            SearchPage[PaymentIntent],
            SearchParams,
            expandable=expandable,
        ),
        Endpoint(
            "GET",
            ONE_URL,
            retrieve_payment_intent,
            "Retrieve a payment intent",
            READ,
            PaymentIntent,
            IntentRetrieveParams,
            publishable=True,
            public_view=public_view,
            expandable=expandable,
        ),
        Endpoint(
            "POST",
            ONE_URL,
            update_payment_intent,
            "Update a payment intent",
            WRITE,
            PaymentIntent,
            IntentUpdateParams,
            expandable=expandable,
            refuses_cards=True,
        ),
        Endpoint(
            "POST",
            f"{ONE_URL}/confirm",
            confirm_payment_intent,
            "Confirm a payment intent",
            WRITE,
            PaymentIntent,
            IntentConfirmParams,
            publishable=True,
            public_view=public_view,
            expandable=expandable,
            resume=resume,
            refuses_cards=True,
        ),
        Endpoint(
            "POST",
            f"{ONE_URL}/capture",
            capture_payment_intent,
            "Capture a payment intent",
            WRITE,
            PaymentIntent,
            IntentCaptureParams,
            expandable=expandable,
            resume=resume,
            refuses_cards=True,
        ),
        Endpoint(
            "POST",
            f"{ONE_URL}/cancel",
            cancel_payment_intent,
            "Cancel a payment intent",
            WRITE,
            PaymentIntent,
            IntentCancelParams,
            expandable=expandable,
            resume=resume,
            refuses_cards=True,
        ),
        Endpoint(
            "POST",
            f"{ONE_URL}/increment_authorization",
            increment_payment_intent_authorization,
            "Raise an authorization",
            WRITE,
            PaymentIntent,
            IntentIncrementParams,
            expandable=expandable,
            resume=resume,
            refuses_cards=True,
        ),
    ]


def charge_endpoints(service: ChargeService, expandable: Expansions) -> list[Endpoint]:
    async def retrieve_charge(call: Call, _params: Params) -> Charge:
        return await service.retrieve(call)

    async def update_charge(call: Call, params: ChargeUpdateParams) -> Effect:
        return await service.update(call, params)

    async def capture_charge(call: Call, params: ChargeCaptureParams) -> Staged:
        return await service.capture(call, params)

    async def list_charges(call: Call, params: ChargeListParams) -> Page[Charge]:
        return await service.page(call, params)

    async def search_charges(call: Call, params: SearchParams) -> SearchPage[Charge]:
        return await service.search(call, params)

    read, write = CHARGES_READ, CHARGES_WRITE
    return [
        Endpoint("GET", CHARGES_URL, list_charges, "List charges", read, Page[Charge], ChargeListParams, expandable),
        Endpoint(
            "GET",
            CHARGE_SEARCH_URL,
            search_charges,
            "Search charges",
            read,
            SearchPage[Charge],
            SearchParams,
            expandable,
        ),
        Endpoint("GET", ONE_CHARGE_URL, retrieve_charge, "Retrieve a charge", read, Charge, Params, expandable),
        Endpoint(
            "POST", ONE_CHARGE_URL, update_charge, "Update a charge", write, Charge, ChargeUpdateParams, expandable
        ),
        Endpoint(
            "POST",
            f"{ONE_CHARGE_URL}/capture",
            capture_charge,
            "Capture a charge",
            write,
            Charge,
            ChargeCaptureParams,
            expandable,
            resume=service.resume,
            refuses_cards=True,
        ),
    ]
