"""The audit trail on `/api/v1`."""

from __future__ import annotations

from bursar.audit.schemas import AuditListParams, AuditPage, Verification
from bursar.audit.service import URL, AuditService
from bursar.http.call import Call, Effect
from bursar.http.endpoint import Endpoint
from bursar.http.params import Params

READ = "audit.read"


def endpoints(service: AuditService) -> list[Endpoint]:
    async def list_audit_entries(call: Call, params: AuditListParams) -> AuditPage:
        return await service.page(call, params)

    async def verify_audit_trail(call: Call, _params: Params) -> Effect:
        return await service.verify(call)

    return [
        Endpoint(
            "GET",
            URL,
            list_audit_entries,
            "List the audit trail",
            READ,
            AuditPage,
            AuditListParams,
            surface="control",
        ),
        Endpoint(
            "POST",
            f"{URL}/verify",
            verify_audit_trail,
            "Verify the audit trail",
            READ,
            Verification,
            surface="control",
            keeps_answer=False,
        ),
    ]
