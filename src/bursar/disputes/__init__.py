"""Money that the cardholder's bank takes back, and what is said against it."""
