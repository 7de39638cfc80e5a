"""Processes on `/api/v1`, for platform admins."""

from __future__ import annotations

from bursar.http.call import Call
from bursar.http.endpoint import Endpoint
from bursar.http.params import Params
from bursar.processes.schemas import WorkersView
from bursar.processes.service import URL, ProcessService


def endpoints(service: ProcessService) -> list[Endpoint]:
    async def retrieve_workers(_call: Call, _params: Params) -> WorkersView:
        return await service.view()

    summary = "See which processes run, and which background work nobody does"
    return [Endpoint("GET", URL, retrieve_workers, summary, "platform.read", WorkersView, surface="control")]
