"""How many requests whoever may make: token buckets, in process or on Redis."""
