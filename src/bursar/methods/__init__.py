"""Payment methods and tokens: what a payment is made with."""
