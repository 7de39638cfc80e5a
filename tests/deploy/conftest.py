"""Each proxy in front of a recorder, once for a file."""

from collections.abc import Iterator

import pytest

from tests.deploy.proxies import Proxy, Recorder, proxying, recording

NAMES = [pytest.param(name, marks=pytest.mark.service(name), id=name) for name in ("nginx", "apache2")]


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with recording() as made:
        yield made


@pytest.fixture(scope="module", params=NAMES)
def proxy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, recorder: Recorder
) -> Iterator[Proxy]:
    with proxying(request.param, tmp_path_factory.mktemp(request.param), recorder.port) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_seen_yet(recorder: Recorder) -> None:
    recorder.seen.clear()
