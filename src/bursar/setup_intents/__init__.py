"""Cards that are verified and kept for later, without a payment now."""
