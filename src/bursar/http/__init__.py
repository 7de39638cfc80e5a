"""HTTP: one way to declare an endpoint, and everything that follows from the declaration."""
