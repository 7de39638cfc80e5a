from tests.payment_sessions.conftest import new_key, payee, payer, register, send, server, till

__all__ = ["new_key", "payee", "payer", "register", "send", "server", "till"]
