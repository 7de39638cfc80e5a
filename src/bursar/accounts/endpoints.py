"""Organisations, terms, roles and API keys on `/api/v1`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from bursar.accounts import keys, organisations, permissions_table, roles
from bursar.accounts.keys import KeyChangeParams, KeyParams, ManagedKeys, NewKey, RotationParams
from bursar.accounts.organisations import (
    OrganisationListParams,
    OrganisationParams,
    OrganisationService,
    SuspensionParams,
)
from bursar.accounts.permissions_table import PermissionShown, PermissionTable
from bursar.accounts.roles import DeletedRole, Role, RoleChangeParams, RoleParams, RolesService
from bursar.accounts.schemas import ManagedKey, OrganisationProfile
from bursar.accounts.terms import Terms, TermsParams, TermsService
from bursar.http.call import Call, Effect
from bursar.http.endpoint import Endpoint
from bursar.http.paging import Page
from bursar.http.params import ListParams, Params

PROFILE_URL = "/api/v1/org/profile"
PUT_URL = "/api/v1/org/put"
TERMS_URL = "/api/v1/org/terms"
ONE_ROLE_URL = f"{roles.URL}/{{role}}"
ONE_KEY_URL = f"{keys.URL}/{{api_key}}"
ONE_ORGANISATION_URL = f"{organisations.PLATFORM_URL}/{{organisation}}"

Control = partial(Endpoint, surface="control")


class Services(Protocol):
    """What the runtime has of these."""

    organisations: OrganisationService
    terms: TermsService
    roles: RolesService
    managed_keys: ManagedKeys


def endpoints(services: Services, every_endpoint: Callable[[], Sequence[Endpoint]]) -> list[Endpoint]:
    return [
        *profile_endpoints(services.organisations),
        *terms_endpoints(services.terms),
        *role_endpoints(services.roles, PermissionTable(every_endpoint)),
        *key_endpoints(services.managed_keys),
        *platform_endpoints(services.organisations),
    ]


def profile_endpoints(service: OrganisationService) -> list[Endpoint]:
    async def retrieve_profile(call: Call, _params: Params) -> OrganisationProfile:
        return await service.profile(call)

    async def update_profile(call: Call, params: OrganisationParams) -> Effect:
        return await service.change(call, params)

    async def put_profile(call: Call, params: OrganisationParams) -> Effect:
        return await service.change(call, params)

    read, write, returned = "organisation.read", "organisation.write", OrganisationProfile
    change = "Change the organisation's profile"
    return [
        Control("GET", PROFILE_URL, retrieve_profile, "Retrieve the organisation's profile", read, returned),
        Control("PUT", PROFILE_URL, update_profile, change, write, returned, OrganisationParams),
        Control("PUT", PUT_URL, put_profile, f"{change} (another address)", write, returned, OrganisationParams),
    ]


def terms_endpoints(service: TermsService) -> list[Endpoint]:
    async def retrieve_terms(call: Call, _params: Params) -> Terms:
        return await service.of(call.org_id)

    async def update_terms(call: Call, params: TermsParams) -> Terms:
        return await service.change(call, params)

    summary = "Change fees, limits and what needs a proof"
    return [
        Control("GET", TERMS_URL, retrieve_terms, "Retrieve fees, limits and what needs a proof", "limits.read", Terms),
        Control("PUT", TERMS_URL, update_terms, summary, "limits.write", Terms, TermsParams, needs_proof=True),
    ]


def role_endpoints(service: RolesService, table: PermissionTable) -> list[Endpoint]:
    async def list_roles(call: Call, params: ListParams) -> Page[Role]:
        return await service.page(call, params)

    async def create_role(call: Call, params: RoleParams) -> Effect:
        return await service.create(call, params)

    async def retrieve_role(call: Call, _params: Params) -> Role:
        return await service.retrieve(call)

    async def update_role(call: Call, params: RoleChangeParams) -> Effect:
        return await service.change(call, params)

    async def delete_role(call: Call, _params: Params) -> Effect:
        return await service.delete(call)

    async def list_permissions(_call: Call, _params: Params) -> Page[PermissionShown]:
        return table.page()

    read, write = "roles.read", "roles.write"
    return [
        Control("GET", roles.URL, list_roles, "List roles", read, Page[Role], ListParams),
        Control("POST", roles.URL, create_role, "Make a role", write, Role, RoleParams),
        Control("GET", ONE_ROLE_URL, retrieve_role, "Retrieve a role", read, Role),
        Control("PUT", ONE_ROLE_URL, update_role, "Change a role", write, Role, RoleChangeParams),
        Control("DELETE", ONE_ROLE_URL, delete_role, "Delete a role", write, DeletedRole),
        Control(
            "GET",
            permissions_table.URL,
            list_permissions,
            "List permissions, with their routes and roles",
            read,
            Page[PermissionShown],
        ),
    ]


def key_endpoints(service: ManagedKeys) -> list[Endpoint]:
    async def list_api_keys(call: Call, params: ListParams) -> Page[ManagedKey]:
        return await service.page(call, params)

    async def create_api_key(call: Call, params: KeyParams) -> Effect:
        return await service.create(call, params)

    async def retrieve_api_key(call: Call, _params: Params) -> ManagedKey:
        return await service.retrieve(call)

    async def update_api_key(call: Call, params: KeyChangeParams) -> Effect:
        return await service.change(call, params)

    async def revoke_api_key(call: Call, _params: Params) -> Effect:
        return await service.revoke(call)

    async def rotate_api_key(call: Call, params: RotationParams) -> Effect:
        return await service.rotate(call, params)

    read, write = "api_keys.read", "api_keys.write"
    return [
        Control("GET", keys.URL, list_api_keys, "List API keys", read, Page[ManagedKey], ListParams),
        Control("POST", keys.URL, create_api_key, "Make an API key", write, NewKey, KeyParams, keeps_answer=False),
        Control("GET", ONE_KEY_URL, retrieve_api_key, "Retrieve an API key", read, ManagedKey),
        Control("PUT", ONE_KEY_URL, update_api_key, "Change an API key", write, ManagedKey, KeyChangeParams),
        Control("DELETE", ONE_KEY_URL, revoke_api_key, "Revoke an API key", write, ManagedKey),
        Control(
            "POST",
            f"{ONE_KEY_URL}/rotate",
            rotate_api_key,
            "Rotate an API key",
            write,
            NewKey,
            RotationParams,
            needs_proof=True,
            keeps_answer=False,
        ),
    ]


def platform_endpoints(service: OrganisationService) -> list[Endpoint]:
    async def list_organisations(_call: Call, params: OrganisationListParams) -> Page[OrganisationProfile]:
        return await service.page(params)

    async def retrieve_organisation(call: Call, _params: Params) -> OrganisationProfile:
        return await service.retrieve(call)

    async def suspend_organisation(call: Call, params: SuspensionParams) -> Effect:
        return await service.suspend(call, params)

    async def resume_organisation(call: Call, params: SuspensionParams) -> Effect:
        return await service.resume(call, params)

    read, write = "platform.read", "platform.write"
    one, url, returned = ONE_ORGANISATION_URL, organisations.PLATFORM_URL, OrganisationProfile
    page = Page[OrganisationProfile]
    suspend, resume = "Suspend an organisation", "Resume a suspended organisation"
    return [
        Control("GET", url, list_organisations, "List organisations", read, page, OrganisationListParams),
        Control("GET", one, retrieve_organisation, "Retrieve an organisation", read, returned),
        Control(
            "POST",
            f"{one}/suspend",
            suspend_organisation,
            suspend,
            write,
            returned,
            SuspensionParams,
            needs_proof=True,
        ),
        Control("POST", f"{one}/resume", resume_organisation, resume, write, returned, SuspensionParams),
    ]
