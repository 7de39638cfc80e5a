"""The one way to declare an endpoint."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from bursar.http.authentication import Principal
from bursar.http.call import Call, Effect, Result
from bursar.http.expand import Expansion
from bursar.http.params import Params
from bursar.http.validation import Parser

Handler = Callable[[Call, Any], Awaitable[Result]]
# What became of an attempt that a request began and did not finish; None while that is not known.
Resume = Callable[[Call, str], Awaitable[Effect | None]]
# For whom somebody pays who has no key: found by what the address names.
PayerOf = Callable[[Mapping[str, str]], Awaitable[Principal]]
Surface = Literal["data", "control"]
WRITING_METHODS = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True)
class Endpoint:
    """Parsing, errors, guards, expansion and the OpenAPI document all follow from this."""

    method: str
    path: str
    handler: Handler
    summary: str
    permission: str
    returns: Any
    params: type[Params] = Params
    expandable: Mapping[str, Expansion] = field(default_factory=dict)
    publishable: bool = False
    resume: Resume | None = None
    # Whether a card, or its bank, may say no: 402.
    refuses_cards: bool = False
    # What somebody sees who holds a publishable key only.
    public_view: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    # `data` is /v1, for keys alone; `control` is /api/v1, for people, too.
    surface: Surface = "data"
    # Whether it needs nobody to be known: registering, signing in.
    public: bool = False
    payer: PayerOf | None = None
    # Whether people must have proved shortly before who they are.
    needs_proof: bool = False
    # Not of what is shown once, such as a new key: that is kept nowhere, so a retry makes another one.
    keeps_answer: bool = True
    # Makes the answer of what was kept instead of it, where the effect said so.
    restored: Callable[[Call, bytes], bytes] | None = None
    # A question whose filters stand in a body: it changes nothing, and is recorded as what was looked at.
    only_asks: bool = False
    # As which types it streams its answer, by a route of its own; everything else follows from this all the same.
    streams: tuple[str, ...] = ()
    parser: Parser[Params] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parser", Parser(self.params))

    @property
    def operation_id(self) -> str:
        return str(getattr(self.handler, "__name__", "operation"))

    @property
    def writes(self) -> bool:
        return self.method in WRITING_METHODS


def encode(result: msgspec.Struct) -> bytes:
    return _encoder.encode(result)


_encoder = msgspec.json.Encoder()
