"""The plain API: one call, one answer, over the same services as `/v1`."""
