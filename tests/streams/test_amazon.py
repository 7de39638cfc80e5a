"""Amazon SQS and SNS: moto's server, asked and consumed by Amazon's own client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.streams import harness

pytestmark = [
    pytest.mark.service("moto"),
    # Warnings of the simulator's own libraries.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
PAYMENTS = [f"pi_{number:04}" for number in range(12)]
EVENTS = len(PAYMENTS) * len(harness.STEPS)
REGION = "eu-central-1"
KEYS = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "hush-hush"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def client(endpoint: str, service: str) -> Any:
    from botocore.session import Session  # type: ignore[import-untyped]

    return Session().create_client(
        service,
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id=KEYS["access_key_id"],
        aws_secret_access_key=KEYS["secret_access_key"],
    )


def own_stream(kind: str, destination: str, endpoint: str) -> Any:
    return harness.stream(kind, destination, endpoint=endpoint, region=REGION, credentials=KEYS)


def queue(sqs: Any, name: str) -> str:
    made: str = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]
    return made


def consumed(sqs: Any, url: str) -> list[str]:
    found: list[str] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


async def carried(folder: Path, own: Any) -> None:
    with harness.opened(folder) as store:
        await harness.tell(store, PAYMENTS)
        async with harness.running(harness.worker(store, own)):
            await harness.until_published(store, EVENTS)


def test_a_queue_gets_each_payment_in_its_order(tmp_path: Path, endpoint: str) -> None:
    sqs = client(endpoint, "sqs")
    url = queue(sqs, "events.fifo")
    asyncio.run(carried(tmp_path, own_stream("sqs", "events.fifo", endpoint)))
    harness.check_story([body.encode() for body in consumed(sqs, url)], PAYMENTS)


def test_a_topic_hands_events_on_to_its_queue(tmp_path: Path, endpoint: str) -> None:
    sqs, sns = client(endpoint, "sqs"), client(endpoint, "sns")
    url = queue(sqs, "accounting.fifo")
    topic = sns.create_topic(Name="events.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    asyncio.run(carried(tmp_path, own_stream("sns", topic, endpoint)))
    harness.check_story([json.loads(body)["Message"].encode() for body in consumed(sqs, url)], PAYMENTS)


def test_a_missing_queue_is_said(tmp_path: Path, endpoint: str) -> None:
    async def scenario() -> None:
        with harness.opened(tmp_path) as store:
            await harness.tell(store, PAYMENTS[:1])
            async with harness.running(harness.worker(store, own_stream("sqs", "nowhere.fifo", endpoint))):
                await harness.until_state(store, "refused", "destination_missing")

    asyncio.run(scenario())
