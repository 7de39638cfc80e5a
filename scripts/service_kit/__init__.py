"""What scripts/services is made of: the standard library only, so that it works before any setup."""
