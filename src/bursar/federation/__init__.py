"""Signing in by OpenID Connect providers, and taking the access tokens that they made for us."""
