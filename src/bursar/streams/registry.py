"""Which file speaks to which broker. A client is imported when a stream needs it, and never before."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import cast

from bursar.streams.port import Publisher, Sink, StreamProblem

# Kind: our file, and the extra that brings the vendor's client.
FILES = {
    "rabbitmq": ("rabbitmq", "rabbitmq"),
    "kafka": ("kafka", "kafka"),
    "nats": ("nats_jetstream", "nats"),
    "redis": ("redis_streams", "redis"),
    "sqs": ("amazon_sqs", "amazon"),
    "sns": ("amazon_sns", "amazon"),
    "google_pubsub": ("google_pubsub", "google-pubsub"),
    "azure_service_bus": ("azure_service_bus", "azure-service-bus"),
}

MakePublisher = Callable[[Sink], Publisher]


def make_publisher(sink: Sink) -> Publisher:
    """Raises StreamProblem where its client is not installed."""
    file, extra = FILES[sink.kind]
    try:
        module = importlib.import_module(f"bursar.streams.brokers.{file}")
    except ImportError as problem:
        raise StreamProblem(
            "client_missing", f"The client for {sink.kind} is not installed: install bursar[{extra}]."
        ) from problem
    return cast(Publisher, module.make(sink))
