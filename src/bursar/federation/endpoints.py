from __future__ import annotations

from typing import Any

from bursar.federation.schemas import (
    Choices,
    Deleted,
    ProviderChangeParams,
    ProviderCheck,
    ProviderParams,
    ProviderView,
)
from bursar.federation.service import ADMIN_URL, URL, FederationService
from bursar.http.call import Call, Effect
from bursar.http.endpoint import Endpoint
from bursar.http.paging import Page
from bursar.http.params import ListParams, Params

READ, WRITE = "platform.read", "platform.write"


def endpoints(service: FederationService) -> list[Endpoint]:
    async def list_sign_in_choices(call: Call, _params: Params) -> Choices:
        return await service.choices(call)

    async def list_sign_in_providers(call: Call, params: ListParams) -> Page[ProviderView]:
        return await service.page(call, params)

    async def create_sign_in_provider(call: Call, params: ProviderParams) -> Effect:
        return await service.create(call, params)

    async def retrieve_sign_in_provider(call: Call, _params: Params) -> ProviderView:
        return await service.retrieve(call)

    async def change_sign_in_provider(call: Call, params: ProviderChangeParams) -> Effect:
        return await service.change(call, params)

    async def delete_sign_in_provider(call: Call, _params: Params) -> Effect:
        return await service.delete(call)

    async def check_sign_in_provider(call: Call, _params: Params) -> ProviderCheck:
        return await service.check(call)

    one = f"{ADMIN_URL}/{{provider}}"
    control: dict[str, Any] = {"surface": "control"}
    return [
        Endpoint(
            "GET",
            URL,
            list_sign_in_choices,
            "List the providers that people can sign in by",
            "self",
            Choices,
            public=True,
            **control,
        ),
        Endpoint(
            "GET",
            ADMIN_URL,
            list_sign_in_providers,
            "List sign-in providers",
            READ,
            Page[ProviderView],
            ListParams,
            **control,
        ),
        Endpoint(
            "POST",
            ADMIN_URL,
            create_sign_in_provider,
            "Set a sign-in provider up",
            WRITE,
            ProviderView,
            ProviderParams,
            needs_proof=True,
            keeps_answer=False,
            **control,
        ),
        Endpoint("GET", one, retrieve_sign_in_provider, "Retrieve a sign-in provider", READ, ProviderView, **control),
        Endpoint(
            "PUT",
            one,
            change_sign_in_provider,
            "Change a sign-in provider",
            WRITE,
            ProviderView,
            ProviderChangeParams,
            needs_proof=True,
            keeps_answer=False,
            **control,
        ),
        Endpoint(
            "DELETE",
            one,
            delete_sign_in_provider,
            "Delete a sign-in provider",
            WRITE,
            Deleted,
            needs_proof=True,
            **control,
        ),
        Endpoint(
            "POST",
            f"{one}/check",
            check_sign_in_provider,
            "Ask a sign-in provider for its description and keys",
            WRITE,
            ProviderCheck,
            **control,
        ),
    ]
