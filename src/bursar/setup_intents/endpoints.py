"""Setup intents on `/v1`."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.http.call import Call, Effect, Staged
from bursar.http.endpoint import Endpoint
from bursar.http.expand import Expansion
from bursar.http.paging import Page
from bursar.setup_intents.params import (
    SetupCancelParams,
    SetupConfirmParams,
    SetupListParams,
    SetupParams,
    SetupRetrieveParams,
    SetupUpdateParams,
)
from bursar.setup_intents.schemas import SetupIntent, public_view
from bursar.setup_intents.service import URL, SetupService

READ, WRITE = "setup_intents.read", "setup_intents.write"
ONE_URL = f"{URL}/{{intent}}"


def endpoints(service: SetupService, expandable: Mapping[str, Expansion]) -> list[Endpoint]:
    async def create_setup_intent(call: Call, params: SetupParams) -> Effect | Staged:
        return await service.create(call, params)

    async def update_setup_intent(call: Call, params: SetupUpdateParams) -> Effect:
        return await service.update(call, params)

    async def confirm_setup_intent(call: Call, params: SetupConfirmParams) -> Staged:
        return await service.confirm(call, params)

    async def cancel_setup_intent(call: Call, params: SetupCancelParams) -> Effect:
        return await service.cancel(call, params)

    async def retrieve_setup_intent(call: Call, params: SetupRetrieveParams) -> SetupIntent:
        return await service.retrieve(call, params)

    async def list_setup_intents(call: Call, params: SetupListParams) -> Page[SetupIntent]:
        return await service.page(call, params)

    resume = service.resume
    return [
        Endpoint(
            "POST",
            URL,
            create_setup_intent,
            "Create a setup intent",
            WRITE,
            SetupIntent,
            SetupParams,
            expandable,
            resume=resume,
            refuses_cards=True,
        ),
        Endpoint(
            "GET", URL, list_setup_intents, "List setup intents", READ, Page[SetupIntent], SetupListParams, expandable
        ),
        Endpoint(
            "GET",
            ONE_URL,
            retrieve_setup_intent,
            "Retrieve a setup intent",
            READ,
            SetupIntent,
            SetupRetrieveParams,
            expandable,
            publishable=True,
            public_view=public_view,
        ),
        Endpoint(
            "POST",
            ONE_URL,
            update_setup_intent,
            "Update a setup intent",
            WRITE,
            SetupIntent,
            SetupUpdateParams,
            expandable,
            refuses_cards=True,
        ),
        Endpoint(
            "POST",
            f"{ONE_URL}/confirm",
            confirm_setup_intent,
            "Confirm a setup intent",
            WRITE,
            SetupIntent,
            SetupConfirmParams,
            expandable,
            publishable=True,
            public_view=public_view,
            resume=resume,
            refuses_cards=True,
        ),
        Endpoint(
            "POST",
            f"{ONE_URL}/cancel",
            cancel_setup_intent,
            "Cancel a setup intent",
            WRITE,
            SetupIntent,
            SetupCancelParams,
            expandable,
        ),
    ]
