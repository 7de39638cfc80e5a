"""OpenTelemetry spans, where a collector is configured. Without one, none of this is imported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from bursar import __version__
from bursar.http.asgi import Scope
from bursar.http.endpoint import Endpoint
from bursar.kit.errors import BursarError

FLUSH_MS_MAX = 3_000  # at shutdown: a collector that is away must not hold it up


class TracingUnavailable(BursarError):
    """Tracing is configured, but its packages are not installed."""


class Span(Protocol):
    def set_attribute(self, key: str, value: str | int) -> None: ...


class Tracing:
    """Sends spans by OTLP over HTTP, in batches, from a thread of its own."""

    def __init__(self, endpoint: str) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.trace import SpanKind
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ImportError:
            raise TracingUnavailable(
                "Tracing is configured, but not installed. Install 'bursar[tracing]', or unset BURSAR_TRACING_ENDPOINT."
            ) from None
        resource = Resource.create({"service.name": "bursar", "service.version": __version__})
        self._provider = TracerProvider(resource=resource)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("bursar", __version__)
        self._propagator = TraceContextTextMapPropagator()
        self._server = SpanKind.SERVER

    @contextmanager
    def request(self, scope: Scope, endpoint: Endpoint | None, request_id: str) -> Iterator[Span]:
        """A server's span, continued from the caller's where it sent one. No bodies, queries or keys."""
        carrier = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in (b"traceparent", b"tracestate")
        }
        route = endpoint.path if endpoint is not None else "unknown"
        attributes: dict[str, str | int] = {
            "http.request.method": scope["method"],
            "http.route": route,
            "bursar.request_id": request_id,
        }
        context = self._propagator.extract(carrier)
        with self._tracer.start_as_current_span(
            f"{scope['method']} {route}", context=context, kind=self._server, attributes=attributes
        ) as span:
            yield span

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A part of the request under way."""
        with self._tracer.start_as_current_span(name):
            yield

    def close(self) -> None:
        self._provider.force_flush(FLUSH_MS_MAX)
        self._provider.shutdown()
