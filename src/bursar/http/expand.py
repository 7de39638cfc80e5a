"""`expand`: ids in an answer replaced by the objects that they name, up to four levels deep."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bursar.http.limits import EXPANSION_DEPTH_MAX
from bursar.kit.errors import InvalidRequest

LIST_OBJECTS = ("list", "search_result")

Json = Any
# Given the ids found in one answer, the objects by id: one read for a whole page.
Loader = Callable[[Any, Sequence[str]], Awaitable[Mapping[str, Json]]]


class Expansion:
    """A member that holds an id (or is left away) unless it is asked for.

    `load` fetches the named objects; `include` makes the value of a member that is only there when
    asked for, from the object that has it. `nested` says what can be expanded in turn.
    """

    def __init__(
        self,
        *,
        load: Loader | None = None,
        include: Callable[[Json], Json] | None = None,
        nested: Mapping[str, Expansion] | None = None,
    ) -> None:
        self.load = load
        self.include = include
        self.nested = nested or {}


async def expand(call: Any, answer: Json, wishes: Sequence[str], expandable: Mapping[str, Expansion]) -> None:
    """Changes the answer in place; refuses what cannot be expanded."""
    for wish in wishes:
        path = wish.split(".")
        holders = [answer]
        if answer.get("object") in LIST_OBJECTS:
            if path[0] != "data":
                raise _refusal(wish, "in a list, name the members of its objects, like data.customer")
            holders, path = answer["data"], path[1:]
        if not path or len(path) > EXPANSION_DEPTH_MAX:
            raise _refusal(wish, f"at most {EXPANSION_DEPTH_MAX} levels can be expanded")
        await _expand_path(call, holders, path, expandable, wish)


def check(wishes: Sequence[str], expandable: Mapping[str, Expansion]) -> None:
    """Refuses what one object cannot expand, while nothing has been done for whoever asks."""
    for wish in wishes:
        path = wish.split(".")
        if len(path) > EXPANSION_DEPTH_MAX:
            raise _refusal(wish, f"at most {EXPANSION_DEPTH_MAX} levels can be expanded")
        _check_path(path, expandable, wish)


def _check_path(path: Sequence[str], expandable: Mapping[str, Expansion], wish: str) -> None:
    for length in range(1, len(path) + 1):
        expansion = expandable.get(".".join(path[:length]))
        if expansion is not None:
            if length < len(path):
                _check_path(path[length:], expansion.nested, wish)
            return
    raise _refusal(wish, "this property cannot be expanded")


async def _expand_path(
    call: Any, holders: Sequence[Json], path: Sequence[str], expandable: Mapping[str, Expansion], wish: str
) -> None:
    """Follows the path one member at a time; plain objects on the way need no expansion."""
    name = path[0]
    for length in range(1, len(path) + 1):
        name = ".".join(path[:length])
        expansion = expandable.get(name)
        if expansion is not None:
            reached = await _expand_member(call, holders, path[:length], expansion)
            if length < len(path):
                await _expand_path(call, reached, path[length:], expansion.nested, wish)
            return
    raise _refusal(wish, "this property cannot be expanded")


async def _expand_member(call: Any, holders: Sequence[Json], path: Sequence[str], expansion: Expansion) -> list[Json]:
    parents = [parent for parent in (_descend(holder, path[:-1]) for holder in holders) if parent is not None]
    name = path[-1]
    if expansion.include is not None:
        for parent in parents:
            parent[name] = expansion.include(parent)
    if expansion.load is not None:
        ids = sorted({parent[name] for parent in parents if isinstance(parent.get(name), str)})
        found = await expansion.load(call, ids) if ids else {}
        for parent in parents:
            if isinstance(parent.get(name), str):
                parent[name] = found.get(parent[name], parent[name])
    return [parent[name] for parent in parents if isinstance(parent.get(name), dict)]


def _descend(holder: Json, path: Sequence[str]) -> Json | None:
    for name in path:
        holder = holder.get(name) if isinstance(holder, dict) else None
    return holder if isinstance(holder, dict) else None


def _refusal(wish: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"Cannot expand {wish[:80]}: {why}.", param="expand")
