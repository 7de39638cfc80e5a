from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.books.world import World, world_in
from tests.databases import new_database, on


@pytest.fixture(scope="package", params=on("sqlite", "postgresql"))
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Made once; whoever changes it takes the change back."""
    with ExitStack() as stack:
        url = None if request.param == "sqlite" else stack.enter_context(new_database(request.param)).url
        yield stack.enter_context(world_in(tmp_path_factory.mktemp("world"), url))
