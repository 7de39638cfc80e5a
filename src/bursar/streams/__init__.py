"""The log's events to message brokers."""
