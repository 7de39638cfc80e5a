"""What is told of a process, and of each kind of background work."""

from __future__ import annotations

from typing import Literal

import msgspec

Command = Literal["dev", "serve", "worker"]


class ProcessView(msgspec.Struct, kw_only=True):
    object: Literal["process"] = "process"
    id: str
    command: str
    host: str
    process_number: int
    version: str
    roles: list[str]
    started: int
    # When it last said that it is alive, which it does every ten seconds.
    seen: int


class RoleView(msgspec.Struct, kw_only=True):
    object: Literal["worker_role"] = "worker_role"
    name: str
    # Where this is false, nobody does this work, and what it is for waits.
    is_running: bool
    processes: list[str]


class WorkersView(msgspec.Struct, kw_only=True):
    object: Literal["workers"] = "workers"
    roles: list[RoleView]
    processes: list[ProcessView]
