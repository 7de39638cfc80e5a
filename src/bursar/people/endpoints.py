"""Signing in and what is one's own, on `/api/v1`."""

from __future__ import annotations

from typing import Any

from bursar.http.call import Call, Effect
from bursar.http.endpoint import Endpoint, Handler
from bursar.http.paging import Page
from bursar.http.params import ListParams, Params
from bursar.http.responses import Header
from bursar.kit.clock import seconds
from bursar.kit.errors import PermissionMissing
from bursar.kit.permissions import SELF
from bursar.people.profile import Profile
from bursar.people.schemas import (
    LoggedOut,
    LoginParams,
    LogoutParams,
    Me,
    PasswordParams,
    PlainToken,
    ProfileParams,
    Proved,
    RefreshParams,
    SecondFactorParams,
    SessionView,
    SignedIn,
    SignInParams,
    StepUpParams,
    SwitchParams,
    UserView,
)
from bursar.people.session_rules import view as session_view
from bursar.people.sessions import URL as SESSIONS_URL
from bursar.people.sessions import Sessions, Tokens
from bursar.people.sign_in import SignIn
from bursar.people.visits import Person
from bursar.store.unit import Unit

AUTH = "/api/v1/auth"
LOGIN = "/api/v1/org/login"


def endpoints(sign_in: SignIn, sessions: Sessions, profile: Profile) -> list[Endpoint]:
    return [*_public(sign_in, sessions), *_of_sessions(sign_in, sessions), *_of_oneself(profile)]


def person_of(call: Call) -> Person:
    """Whose session it is. Only people have one."""
    if not isinstance(call.principal, Person):
        raise PermissionMissing(
            f"This is for people with a session of this server: sign in with POST {LOGIN}.",
            code="session_required",
        )
    return call.principal


def signed_in(tokens: Tokens) -> Effect:
    """All is committed already; the headers are a browser's cookies."""
    return Effect(tokens.answer(), Unit(), headers=tokens.headers)


def _public(sign_in: SignIn, sessions: Sessions) -> list[Endpoint]:
    async def log_in(call: Call, params: LoginParams) -> Effect:
        return signed_in(await sign_in.login(call, params))

    async def prove_second_factor(call: Call, params: SecondFactorParams) -> Effect:
        return signed_in(await sign_in.second_factor(call, params))

    async def refresh_tokens(call: Call, params: RefreshParams) -> Effect:
        return signed_in(await sessions.refresh(params.refresh_token, call))

    async def sign_in_plainly(call: Call, params: SignInParams) -> PlainToken:
        tokens = await sign_in.plain(call, params)
        return PlainToken(token=tokens.access_token, expires_in=tokens.expires_in)

    return [
        _anybody(LOGIN, log_in, "Sign in", SignedIn, LoginParams),
        _anybody(f"{AUTH}/second-factor", prove_second_factor, "Complete a sign-in", SignedIn, SecondFactorParams),
        _anybody(f"{AUTH}/refresh", refresh_tokens, "Exchange a refresh token", SignedIn, RefreshParams),
        _anybody("/signin", sign_in_plainly, "Sign in for a token", PlainToken, SignInParams),
    ]


def _of_sessions(sign_in: SignIn, sessions: Sessions) -> list[Endpoint]:
    async def log_out(call: Call, params: LogoutParams) -> Effect:
        person = person_of(call)
        if params.all:
            ended = await sessions.end_all(person.user_id, call.origin(), reason="logged_out")
        else:
            await sessions.end(person, person.session_id or "", call, "logged_out")
            ended = 1
        return Effect(LoggedOut(ended=ended), Unit(), headers=_cookie_gone(sessions, person))

    async def list_sessions(call: Call, params: ListParams) -> Page[SessionView]:
        return await sessions.page(person_of(call), params)

    async def end_session(call: Call, _params: Params) -> Effect:
        person = person_of(call)
        ended = await sessions.end(person, call.path["session"], call, "ended_by_user")
        own = ended.id == person.session_id
        headers = _cookie_gone(sessions, person) if own else []
        return Effect(session_view(ended, person.session_id), Unit(), headers=headers)

    async def switch_organisation(call: Call, params: SwitchParams) -> Effect:
        return signed_in(await sessions.switch(person_of(call), params.organisation, call))

    async def step_up(call: Call, params: StepUpParams) -> Proved:
        return Proved(proved_at=seconds(await sign_in.step_up(call, person_of(call), params)))

    return [
        _own("POST", f"{AUTH}/logout", log_out, "Sign out", LoggedOut, LogoutParams),
        _own("GET", SESSIONS_URL, list_sessions, "List your sessions", Page[SessionView], ListParams),
        _own("DELETE", f"{SESSIONS_URL}/{{session}}", end_session, "End one of your sessions", SessionView),
        _own("POST", f"{AUTH}/switch", switch_organisation, "Switch organisation", SignedIn, SwitchParams),
        _own("POST", f"{AUTH}/step-up", step_up, "Prove again who you are", Proved, StepUpParams),
    ]


def _of_oneself(profile: Profile) -> list[Endpoint]:
    async def retrieve_me(call: Call, _params: Params) -> Me:
        return await profile.me(person_of(call))

    async def update_me(call: Call, params: ProfileParams) -> Effect:
        return await profile.change(person_of(call), call, params)

    async def change_password(call: Call, params: PasswordParams) -> UserView:
        return await profile.change_password(person_of(call), call, params)

    return [
        _own("GET", f"{AUTH}/me", retrieve_me, "Retrieve yourself", Me),
        _own("PUT", f"{AUTH}/me", update_me, "Change your profile", UserView, ProfileParams),
        _own("POST", f"{AUTH}/password", change_password, "Change your password", UserView, PasswordParams),
    ]


def _anybody(path: str, handler: Handler, summary: str, returns: Any, params: type[Params]) -> Endpoint:
    return Endpoint(
        "POST", path, handler, summary, SELF, returns, params, surface="control", public=True, keeps_answer=False
    )


def _own(
    method: str, path: str, handler: Handler, summary: str, returns: Any, params: type[Params] = Params
) -> Endpoint:
    """Answers are not kept: tokens are shown once, and a retry of the others does no harm."""
    return Endpoint(method, path, handler, summary, SELF, returns, params, surface="control", keeps_answer=False)


def _cookie_gone(sessions: Sessions, person: Person) -> list[Header]:
    return [sessions.cookies.no_session()] if person.by_cookie else []
