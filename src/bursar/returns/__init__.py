"""Where banks send customers back to who approved, or did not, on the bank's page."""
