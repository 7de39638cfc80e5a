"""The page where somebody pays a payment session: plain forms, no script, for people who have nothing but its address.

It does what the API does, by the same services: each form is one request to pay, with an idempotency key of its own.
"""
