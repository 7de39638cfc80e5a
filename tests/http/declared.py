"""The declared endpoints, without services: nothing here is ever called."""

from typing import Any

from bursar.customers.endpoints import endpoints as customer_endpoints
from bursar.events.endpoints import endpoints as event_endpoints

_NO_SERVICE: Any = None
ENDPOINTS = [*customer_endpoints(_NO_SERVICE), *event_endpoints(_NO_SERVICE)]
