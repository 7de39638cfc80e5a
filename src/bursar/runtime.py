"""What a process of Bursar is made of: the store, the clock, the ids, the services."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bursar import tables  # noqa: F401 - makes them known to the schema
from bursar.accounts.directory import StoredKeys
from bursar.accounts.service import AccountService
from bursar.attempts.commands import InProcess
from bursar.attempts.resolver import Resolver
from bursar.attempts.service import AttemptService
from bursar.connectors.registry import Registry
from bursar.customers.service import CustomerService
from bursar.disputes.service import DisputeService
from bursar.disputes.settlement import DisputeSettlement
from bursar.events.sealing import LaneSealer
from bursar.events.service import EventService
from bursar.hooks.matching import Matching
from bursar.hooks.service import HookService
from bursar.kit.clock import SystemClock
from bursar.kit.ids import IdFactory
from bursar.kit.slow_hash import SlowHash
from bursar.ledger.service import LedgerService
from bursar.methods.service import MethodService
from bursar.payments.charges import ChargeService
from bursar.payments.confirmation import Confirmation
from bursar.payments.operations import OperationService
from bursar.payments.repository import PREFIX as PAYMENT_PREFIX
from bursar.payments.service import PaymentService
from bursar.payments.settlement import Settlement
from bursar.refunds.repository import PREFIX as REFUND_PREFIX
from bursar.refunds.service import RefundService
from bursar.refunds.settlement import RefundSettlement
from bursar.settings import Settings
from bursar.setup_intents.confirmation import SetupConfirmation
from bursar.setup_intents.repository import PREFIX as SETUP_PREFIX
from bursar.setup_intents.service import SetupService
from bursar.setup_intents.settlement import SetupSettlement
from bursar.store import schema
from bursar.store.engine import Engines
from bursar.store.store import Store
from bursar.three_d_secure.service import AuthenticationService
from bursar.vault.codes import RecentCodes
from bursar.vault.service import Vault

WRITERS_OF_SERVERS = 2  # one gathers while the other commits; SQLite has one writer whatever we do
READERS_OF_SERVERS = 4
# SQLite works within our process and lets go of the interpreter at every row, so threads that read at once
# mostly wait for each other. Pages of 100 to 4 clients: p90 11.6 ms with four threads, 7.3 with two, 4.3 with
# one; but with one alone, a search that reads everything would hold up everybody.
READERS_OF_SQLITE = 2


class Runtime:
    """Wiring only. Everything is made here once and handed to whoever needs it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = SystemClock()
        self.ids = IdFactory(self.clock)
        self.slow_hash = SlowHash()
        engines = Engines(
            settings.database_url,
            readers=settings.readers or READERS_OF_SERVERS,
            writers=max(settings.writers, WRITERS_OF_SERVERS),
        )
        try:
            if settings.migrate_at_start:
                schema.upgrade(engines.writing)
            else:
                schema.require_version(schema.current_version(engines.writing))
        except BaseException:
            engines.close()
            raise
        in_process = engines.dialect_name == "sqlite"
        writers = settings.writers or (1 if in_process else WRITERS_OF_SERVERS)
        readers = settings.readers or (READERS_OF_SQLITE if in_process else READERS_OF_SERVERS)
        self.store = Store(engines, lambda: LaneSealer(self.clock), writers=writers, readers=readers)
        self.accounts = AccountService(self.store, self.ids, self.clock, settings.secret_key)
        self.directory = StoredKeys(
            self.store,
            self.clock,
            settings.secret_key,
            settings.secret_key_previous,
            development=settings.development,
        )
        self.events = EventService(self.store)
        self._build_money(settings)
        self._build_returns()

    def _build_money(self, settings: Settings) -> None:
        """What takes, keeps and moves money, from the vault up to the payments."""
        store, ids, clock = self.store, self.ids, self.clock
        previous = settings.vault_key_previous
        self.vault = Vault(
            store,
            clock,
            key=bytes.fromhex(settings.vault_key),
            key_previous=bytes.fromhex(previous) if previous else None,
            fingerprint_key=bytes.fromhex(settings.vault_fingerprint_key),
        )
        self.registry = Registry(
            settings.piggybank_url,
            settings.piggybank_api_key,
            settings.piggybank_webhook_secret,
            settings.bank_seconds,
        )
        self.ledger = LedgerService(store, ids, clock)
        self.ledger.prepare()
        self.methods = MethodService(store, ids, clock, self.vault, RecentCodes(clock))
        self.customers = CustomerService(store, ids, self.methods.detachments)
        commands = InProcess(self.registry, self.vault.open)
        self.attempts = AttemptService(store, ids, clock, commands)
        self.resolver = Resolver(store, clock, self.attempts)
        public_url = settings.public_url or f"http://{settings.host}:{settings.port}"
        self.authentications = AuthenticationService(store, ids, public_url)
        settlement = Settlement(store, ids, self.ledger, self.methods, self.authentications)
        confirmation = Confirmation(
            store, self.methods, self.attempts, settlement, self.authentications, self._account_of
        )
        self.payments = PaymentService(store, ids, self.methods, self.attempts, confirmation)
        self.operations = OperationService(store, clock, self.payments, self.attempts, confirmation)
        self.charges = ChargeService(store, self.operations)
        self.attempts.register(PAYMENT_PREFIX, settlement)
        self.authentications.register(PAYMENT_PREFIX, confirmation)
        setting_up = SetupSettlement(store, self.methods, self.authentications)
        setup_confirmation = SetupConfirmation(store, self.methods, self.attempts, setting_up, confirmation.account)
        self.setups = SetupService(store, ids, self.methods, self.attempts, setup_confirmation)
        self.attempts.register(SETUP_PREFIX, setting_up)
        self.authentications.register(SETUP_PREFIX, setup_confirmation)

    def _build_returns(self) -> None:
        """What gives money back, and what banks tell of it."""
        store, ids, clock = self.store, self.ids, self.clock
        refunding = RefundSettlement(store, self.ledger)
        self.refunds = RefundService(store, ids, self.attempts, refunding, self._account_of)
        self.attempts.register(REFUND_PREFIX, refunding)
        disputing = DisputeSettlement(ids, self.ledger)
        self.disputes = DisputeService(store, clock, self.registry, disputing)
        matching = Matching(ids, clock, self.attempts, self.ledger, refunding, disputing)
        self.hooks = HookService(store, clock, self.registry, self.attempts.commands, matching)

    def _account_of(self, org_id: str, livemode: bool) -> tuple[str, str]:
        account = self.registry.account_for(org_id, livemode)
        return account.connector, account.merchant

    def close(self) -> None:
        self.slow_hash.close()
        self.store.close()


@contextmanager
def running(settings: Settings) -> Iterator[Runtime]:
    runtime = Runtime(settings)
    try:
        yield runtime
    finally:
        runtime.close()
