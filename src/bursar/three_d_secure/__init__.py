"""Where customers prove that they are the cardholder. Today a plain page; the place of 3-D Secure's own exchange."""
