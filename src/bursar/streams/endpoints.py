from __future__ import annotations

from typing import Any

from bursar.http.call import Call, Effect
from bursar.http.endpoint import Endpoint
from bursar.http.paging import Page
from bursar.http.params import ListParams, Params
from bursar.streams.schemas import DeletedStream, InstallationStreamState, Stream, StreamChangeParams, StreamParams
from bursar.streams.service import INSTALLATION_URL, URL, StreamService

READ, WRITE = "streams.read", "streams.write"


def endpoints(service: StreamService) -> list[Endpoint]:
    async def list_streams(call: Call, params: ListParams) -> Page[Stream]:
        return await service.page(call, params)

    async def create_stream(call: Call, params: StreamParams) -> Effect:
        return await service.create(call, params)

    async def retrieve_stream(call: Call, _params: Params) -> Stream:
        return await service.retrieve(call)

    async def change_stream(call: Call, params: StreamChangeParams) -> Effect:
        return await service.change(call, params)

    async def delete_stream(call: Call, _params: Params) -> Effect:
        return await service.delete(call)

    async def list_installation_streams(_call: Call, _params: Params) -> Page[InstallationStreamState]:
        return await service.of_installation()

    one = f"{URL}/{{stream}}"
    control: dict[str, Any] = {"surface": "control"}
    proved: dict[str, Any] = control | {"needs_proof": True}
    return [
        Endpoint("GET", URL, list_streams, "List streams", READ, Page[Stream], ListParams, **control),
        Endpoint("POST", URL, create_stream, "Set a stream to a broker up", WRITE, Stream, StreamParams, **proved),
        Endpoint("GET", one, retrieve_stream, "Retrieve a stream, and how it is doing", READ, Stream, **control),
        Endpoint("PUT", one, change_stream, "Change or pause a stream", WRITE, Stream, StreamChangeParams, **proved),
        Endpoint("DELETE", one, delete_stream, "Delete a stream", WRITE, DeletedStream, **proved),
        Endpoint(
            "GET",
            INSTALLATION_URL,
            list_installation_streams,
            "List the installation's own streams, and how they are doing",
            "platform.read",
            Page[InstallationStreamState],
            **control,
        ),
    ]
