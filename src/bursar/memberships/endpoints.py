"""Members and invitations on `/api/v1`."""

from __future__ import annotations

from bursar.http.call import Call, Effect
from bursar.http.endpoint import Endpoint
from bursar.http.paging import Page
from bursar.http.params import ListParams, Params
from bursar.kit.permissions import SELF
from bursar.memberships.invitations import URL as INVITATIONS_URL
from bursar.memberships.invitations import InvitationService
from bursar.memberships.schemas import (
    AcceptParams,
    Invitation,
    InvitationListParams,
    InvitationParams,
    InvitationTokenParams,
    InvitationView,
    LeftOrganisation,
    Member,
    MemberParams,
    MyOrganisation,
    RemovedMember,
    SignInRules,
    SignInRulesParams,
)
from bursar.memberships.service import READ, URL, WRITE, MembershipService
from bursar.people.schemas import SignedIn
from bursar.store.unit import Unit

MINE_URL = "/api/v1/auth/organisations"
ACCEPT_URL = "/api/v1/auth/invitations"
RULES_URL = "/api/v1/org/sign-in-rules"


def endpoints(members: MembershipService, invitations: InvitationService) -> list[Endpoint]:
    return [*_members(members), *_own(members, invitations), *_invitations(invitations), *_open(invitations)]


def _members(service: MembershipService) -> list[Endpoint]:
    async def list_members(call: Call, params: ListParams) -> Page[Member]:
        return await service.page(call, params)

    async def update_member(call: Call, params: MemberParams) -> Effect:
        return await service.set_role(call, params.role)

    async def remove_member(call: Call, _params: Params) -> Effect:
        return await service.remove(call)

    async def retrieve_sign_in_rules(call: Call, _params: Params) -> SignInRules:
        return await service.sign_in_rules(call)

    async def update_sign_in_rules(call: Call, params: SignInRulesParams) -> Effect:
        return await service.change_sign_in_rules(call, second_factor_required=params.second_factor_required)

    one_url = f"{URL}/{{user}}"
    return [
        Endpoint("GET", URL, list_members, "List members", READ, Page[Member], ListParams, surface="control"),
        Endpoint(
            "PUT",
            one_url,
            update_member,
            "Give a member another role",
            WRITE,
            Member,
            MemberParams,
            surface="control",
            needs_proof=True,
        ),
        Endpoint(
            "DELETE",
            one_url,
            remove_member,
            "Remove a member",
            WRITE,
            RemovedMember,
            surface="control",
            needs_proof=True,
        ),
        Endpoint(
            "GET",
            RULES_URL,
            retrieve_sign_in_rules,
            "See what is asked of members' sign-in",
            "sign_in.read",
            SignInRules,
            surface="control",
        ),
        Endpoint(
            "PUT",
            RULES_URL,
            update_sign_in_rules,
            "Ask for a second factor of all members, or no longer",
            "sign_in.write",
            SignInRules,
            SignInRulesParams,
            surface="control",
            needs_proof=True,
        ),
    ]


def _own(members: MembershipService, invitations: InvitationService) -> list[Endpoint]:
    async def list_my_organisations(call: Call, _params: Params) -> Page[MyOrganisation]:
        return await members.mine(call)

    async def leave_organisation(call: Call, _params: Params) -> Effect:
        return await members.leave(call)

    async def join_organisation(call: Call, params: InvitationTokenParams) -> MyOrganisation:
        return await invitations.accept_signed_in(call, params.token)

    return [
        Endpoint(
            "GET",
            MINE_URL,
            list_my_organisations,
            "List the organisations that you belong to",
            SELF,
            Page[MyOrganisation],
            surface="control",
        ),
        Endpoint(
            "POST",
            MINE_URL,
            join_organisation,
            "Accept an invitation, signed in",
            SELF,
            MyOrganisation,
            InvitationTokenParams,
            surface="control",
        ),
        Endpoint(
            "DELETE",
            f"{MINE_URL}/{{organisation}}",
            leave_organisation,
            "Leave an organisation",
            SELF,
            LeftOrganisation,
            surface="control",
        ),
    ]


def _invitations(service: InvitationService) -> list[Endpoint]:
    async def create_invitation(call: Call, params: InvitationParams) -> Effect:
        return await service.invite(call, params)

    async def list_invitations(call: Call, params: InvitationListParams) -> Page[Invitation]:
        return await service.page(call, params)

    async def revoke_invitation(call: Call, _params: Params) -> Effect:
        return await service.revoke(call)

    async def resend_invitation(call: Call, _params: Params) -> Effect:
        return await service.resend(call)

    one_url = f"{INVITATIONS_URL}/{{invitation}}"
    return [
        Endpoint(
            "GET",
            INVITATIONS_URL,
            list_invitations,
            "List invitations",
            READ,
            Page[Invitation],
            InvitationListParams,
            surface="control",
        ),
        Endpoint(
            "POST",
            INVITATIONS_URL,
            create_invitation,
            "Invite somebody",
            WRITE,
            Invitation,
            InvitationParams,
            surface="control",
            needs_proof=True,
        ),
        Endpoint("DELETE", one_url, revoke_invitation, "Revoke an invitation", WRITE, Invitation, surface="control"),
        Endpoint(
            "POST",
            f"{one_url}/resend",
            resend_invitation,
            "Send an invitation again",
            WRITE,
            Invitation,
            surface="control",
        ),
    ]


def _open(service: InvitationService) -> list[Endpoint]:
    async def look_at_invitation(_call: Call, params: InvitationTokenParams) -> InvitationView:
        return await service.look(params.token)

    async def accept_invitation(call: Call, params: AcceptParams) -> Effect:
        tokens = await service.accept(call, params)
        return Effect(tokens.answer(), Unit(), headers=tokens.headers)

    return [
        Endpoint(
            "POST",
            f"{ACCEPT_URL}/look",
            look_at_invitation,
            "See what an invitation is for",
            SELF,
            InvitationView,
            InvitationTokenParams,
            surface="control",
            public=True,
            keeps_answer=False,
        ),
        Endpoint(
            "POST",
            f"{ACCEPT_URL}/accept",
            accept_invitation,
            "Accept an invitation",
            SELF,
            SignedIn,
            AcceptParams,
            surface="control",
            public=True,
            keeps_answer=False,
        ),
    ]
