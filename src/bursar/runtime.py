"""What a process of Bursar is made of: the store, the clock, the ids, the services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bursar import tables  # noqa: F401 - makes them known to the schema
from bursar.accounts.directory import StoredKeys
from bursar.accounts.keys import ManagedKeys
from bursar.accounts.organisations import OrganisationService
from bursar.accounts.roles import RolesService
from bursar.accounts.service import AccountService
from bursar.accounts.terms import TermsService
from bursar.attempts.commands import InProcess
from bursar.attempts.resolver import Resolver
from bursar.attempts.service import AttemptService
from bursar.audit.recorder import AuditRecorder
from bursar.audit.service import AuditService
from bursar.checkout.service import SEALING_PURPOSE as CHECKOUT_PURPOSE
from bursar.checkout.service import CheckoutService
from bursar.connectors.registry import Registry
from bursar.contracts.service import ContractService
from bursar.customers.service import CustomerService
from bursar.disputes.service import DisputeService
from bursar.disputes.settlement import DisputeSettlement
from bursar.events.sealing import LaneSealer
from bursar.events.service import EventService
from bursar.federation.assembly import Federation
from bursar.histories.assembly import PaymentHistories
from bursar.hooks.assembly import Hooks
from bursar.hooks.matching import Matching
from bursar.kit.clock import SystemClock
from bursar.kit.ids import IdFactory
from bursar.kit.sealing import Sealing
from bursar.kit.slow_hash import SlowHash
from bursar.ledger.service import LedgerService
from bursar.limits.rules import read_limits
from bursar.limits.service import RequestLimits
from bursar.memberships.invitations import InvitationService
from bursar.memberships.mails import Mails
from bursar.memberships.service import MembershipService
from bursar.methods.service import MethodService
from bursar.notifications.assembly import Notifications
from bursar.payment_sessions.accepting import Accepting
from bursar.payment_sessions.by_methods import ByMethods
from bursar.payment_sessions.from_wallets import FromWallets
from bursar.payment_sessions.payers import Payers
from bursar.payment_sessions.refunding import Refunding
from bursar.payment_sessions.service import SessionService
from bursar.payment_sessions.tasks import SessionEnds
from bursar.payments.charges import ChargeService
from bursar.payments.confirmation import Confirmation
from bursar.payments.operations import OperationService
from bursar.payments.repository import PREFIX as PAYMENT_PREFIX
from bursar.payments.service import PaymentService
from bursar.payments.settlement import Settlement
from bursar.payments.waiting import WaitingPayments
from bursar.people.identity import Identity
from bursar.people.secrets import Secrets
from bursar.plain_payments.admission import Admission
from bursar.plain_payments.service import PlainPaymentService
from bursar.refunds.repository import PREFIX as REFUND_PREFIX
from bursar.refunds.service import RefundService
from bursar.refunds.settlement import RefundSettlement
from bursar.registration.service import RegistrationService
from bursar.registration.verification import Verification
from bursar.returns.service import ReturnService
from bursar.second_factors.service import SecondFactorService
from bursar.settings import Settings
from bursar.setup_intents.confirmation import SetupConfirmation
from bursar.setup_intents.repository import PREFIX as SETUP_PREFIX
from bursar.setup_intents.service import SetupService
from bursar.setup_intents.settlement import SetupSettlement
from bursar.store import schema
from bursar.store.engine import Engines
from bursar.store.store import Store
from bursar.streams.assembly import Streams
from bursar.streams.schemas import read_installation_streams
from bursar.three_d_secure.service import AuthenticationService
from bursar.transactions.service import TransactionService
from bursar.upi_pages.service import UpiPageService
from bursar.vault.codes import RecentCodes
from bursar.vault.service import Vault
from bursar.wallets.service import WalletService
from bursar.wallets.statements import StatementService
from bursar.wallets.transfers import TransferService
from bursar.webhooks.assembly import Webhooks
from bursar.withdrawals.service import SEALING_PURPOSE, WithdrawalService

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
        self.managed_keys = ManagedKeys(self.store, self.clock, self.accounts)
        self.organisations = OrganisationService(self.store, self.clock)
        self.roles = RolesService(self.store, self.ids)
        self.terms = TermsService(self.store, self.clock)
        self.limits = RequestLimits(
            read_limits(settings.request_limits or "", development=settings.development),
            terms=self.terms,
            redis_url=settings.redis_url,
        )
        self.audit = AuditService(self.store, self.clock)
        self.recorder = AuditRecorder(self.store, self.clock)
        self.directory = StoredKeys(
            self.store,
            self.clock,
            settings.secret_key,
            settings.secret_key_previous,
            development=settings.development,
        )
        self.identity = Identity(
            self.store,
            self.ids,
            self.clock,
            self.slow_hash,
            secret=settings.secret_key,
            previous_secret=settings.secret_key_previous,
            public_url=settings.public_url or f"http://{settings.host}:{settings.port}",
            development=settings.development,
        )
        self.people = self.identity.people
        self._build_members()
        self.events = EventService(self.store)
        self.contracts = ContractService(self.store, self.clock)
        self._build_money(settings)
        self._build_returns()
        self._build_registration()
        self._build_plain()
        self._build_notifications()
        self.histories = PaymentHistories(self.store, self.clock, settings.history_url)
        self.streams = Streams(
            self.store,
            self.ids,
            self.clock,
            secret_key=settings.secret_key,
            secret_key_previous=settings.secret_key_previous,
            installation_streams=read_installation_streams(settings.streams or ""),
            allowed_hosts=settings.stream_hosts or "",
            development=settings.development,
        )
        self.webhooks = Webhooks(
            self.store,
            self.ids,
            self.clock,
            secret_key=settings.secret_key,
            secret_key_previous=settings.secret_key_previous,
            public_url=settings.public_url or f"http://{settings.host}:{settings.port}",
            development=settings.development,
        )
        self.events.deliveries = self.webhooks.event_states

    def _build_notifications(self) -> None:
        settings = self.settings
        self.notifications = Notifications(
            self.store,
            self.ids,
            self.clock,
            self.identity.secrets,
            self.mails,
            public_url=settings.public_url or f"http://{settings.host}:{settings.port}",
            smtp_url=settings.smtp_url,
            mail_from=settings.mail_from,
            sms_url=settings.sms_url,
            services=settings.notification_services or "",
            development=settings.development,
        )
        self.second_factors.codes.post = self.notifications.codes

    def _build_members(self) -> None:
        """Who belongs to which organisation, and what proves who somebody is."""
        identity = self.identity
        self.memberships = MembershipService(self.store, self.clock)
        self.mails = Mails(self.ids, self.clock, identity.secrets)
        self.invitations = InvitationService(
            self.store,
            self.ids,
            self.clock,
            identity.people,
            identity.sign_in,
            identity.sessions,
            identity.one_time,
            self.memberships,
            self.mails,
        )
        self.second_factors = SecondFactorService(
            self.store,
            self.ids,
            self.clock,
            identity.secrets,
            identity.people,
            identity.neighbours,
            identity.standings,
            identity.sign_in,
            identity.lockout,
            identity.public_url,
        )
        identity.neighbours.memberships = self.memberships
        identity.neighbours.second_factors = self.second_factors
        self.federation = Federation(self.store, self.ids, self.clock, identity, development=self.settings.development)
        self.roles.holders = self.memberships

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
        self.wallets = WalletService(store, ids, clock, self.ledger, self.slow_hash)
        self.transfers = TransferService(store, ids, self.ledger, self.wallets)
        self.statements = StatementService(store, clock, self.ledger, self.wallets)
        sealing = Sealing(Secrets(settings.secret_key, settings.secret_key_previous).keys(SEALING_PURPOSE))
        self.withdrawals = WithdrawalService(
            store, ids, clock, self.ledger, self.wallets, sealing, self._second_approvals
        )
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
        self.waiting = WaitingPayments(store, self.attempts, settlement)
        self.customer_returns = ReturnService(store, clock, self.registry, self.attempts, self.waiting)
        self.upi_pages = UpiPageService(store, clock, self.authentications, self.organisations)
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
        matching = Matching(ids, clock, self.attempts, self.ledger, refunding, disputing, self.waiting)
        self.hooks = Hooks(store, ids, clock, self.registry, self.attempts.commands, matching)

    def _build_plain(self) -> None:
        """What /api/v1 takes payments by, over the services of /v1."""
        self.admission = Admission(self.contracts, self.organisations, self.terms)
        self.plain_payments = PlainPaymentService(
            self.store, self.clock, self.payments, self.operations, self.refunds, self.admission
        )
        self._build_payment_sessions()

    def _build_payment_sessions(self) -> None:
        store, ids, clock, settings = self.store, self.ids, self.clock, self.settings
        public_url = settings.public_url or f"http://{settings.host}:{settings.port}"
        self.payers = Payers(self.wallets)
        self.payment_sessions = SessionService(
            store, ids, clock, self.wallets, self.organisations, self.admission, public_url
        )
        from_wallets = FromWallets(
            store, ids, clock, self.payment_sessions, self.wallets, self.operations, self.organisations
        )
        by_methods = ByMethods(ids, clock, self.payment_sessions, self.payments, self.plain_payments, self.admission)
        self.accepting = Accepting(self.payment_sessions, from_wallets, by_methods)
        checkout_sealing = Sealing(Secrets(settings.secret_key, settings.secret_key_previous).keys(CHECKOUT_PURPOSE))
        self.checkout = CheckoutService(
            self.payment_sessions, from_wallets, by_methods, self.payers, checkout_sealing, public_url
        )
        self.refunding = Refunding(store, self.wallets, self.plain_payments)
        self.session_ends = SessionEnds(store, clock, self.operations)
        self.transactions = TransactionService(store, clock)

    async def _second_approvals(self, org_id: str) -> Mapping[str, int]:
        """From which amounts on a withdrawal needs a second person."""
        return (await self.terms.of(org_id)).second_approval_above_minor

    def _account_of(self, org_id: str, livemode: bool) -> tuple[str, str]:
        account = self.registry.account_for(org_id, livemode)
        return account.connector, account.merchant

    def _build_registration(self) -> None:
        self.verification = Verification(self.store, self.identity, self.mails, self.second_factors)
        self.registration = RegistrationService(
            self.store,
            self.clock,
            self.identity,
            self.accounts,
            self.contracts,
            self.wallets,
            self.memberships,
            self.mails,
            self.verification,
            self.slow_hash,
            self.settings.registration,
        )

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
