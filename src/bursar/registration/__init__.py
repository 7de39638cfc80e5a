"""How one begins: an organisation with its owner in one commit; e-mail addresses verified, passwords reset."""
