"""How much a request may be, and why."""

BODY_BYTES_MAX = 1024 * 1024  # the largest honest request, an invoice with all its lines, is far below
FIELDS_MAX = 1_000  # form fields or query parameters
DEPTH_MAX = 8  # brackets in a field's name; the deepest parameter of the API has five
FIELD_NAME_LENGTH_MAX = 300
HEADER_BYTES_MAX = 32 * 1024  # request line and headers together; SDKs send about one KiB
HEADERS_MAX = 100
PAGE_SIZE_MAX = 100
PAGE_SIZE_DEFAULT = 10
EXPANSIONS_MAX = 20
EXPANSION_DEPTH_MAX = 4
IDEMPOTENCY_KEY_LENGTH_MAX = 255
HEAD_TIMEOUT_SECONDS = 15  # to send the request line and the headers
BODY_TIMEOUT_SECONDS = 30  # to send the body
