"""Outgoing webhooks: who is told of what happens, and telling them until they have heard it."""
