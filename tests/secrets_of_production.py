"""What an installation must be given before it starts outside development: made anew for each run."""

import secrets


def secret_variables() -> dict[str, str]:
    names = ("BURSAR_SECRET_KEY", "BURSAR_VAULT_KEY", "BURSAR_VAULT_FINGERPRINT_KEY")
    return {name: secrets.token_hex(32) for name in names}
