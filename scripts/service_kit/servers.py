"""One small class per server: what it needs, how it starts, where it listens; SERVERS lists them."""

from __future__ import annotations

import shutil
import signal
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from . import ferretdb, processes
from .errors import UnavailableError

DATABASE = "bursar"
SERVICE_BUS_PEER = Path(__file__).parent / "service_bus_peer.py"
CONNECTIONS_MAX = 200  # the measurements go to 64 connections, several test processes may share the rest


@dataclass(frozen=True)
class Place:
    """Where one server runs: its own folder, its own port, its own user (None: ours)."""

    folder: Path
    port: int
    user: str | None

    def run(self, *arguments: str, text: str = "", environment: dict[str, str] | None = None) -> None:
        processes.run(list(arguments), folder=self.folder, user=self.user, text=text, environment=environment)


class Server(ABC):
    name: ClassVar[str]
    port: ClassVar[int]
    user: ClassVar[str]
    packages: ClassVar[tuple[tuple[str, ...], ...]]  # alternatives: Debian renames them between releases
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    @property
    def variable(self) -> str:
        return f"BURSAR_TEST_{self.name.upper()}_URL"

    @abstractmethod
    def lacks(self) -> str | None:
        """What is not installed, or None."""

    @abstractmethod
    def prepare(self, place: Place) -> None:
        """Fill the empty data folder."""

    @abstractmethod
    def command(self, place: Place) -> list[str]:
        """The server itself, in the foreground, so that its process is the one we keep."""

    def environment(self, place: Place) -> dict[str, str]:
        return {}

    @abstractmethod
    def ready(self, place: Place) -> None:
        """Return when the server answers; raise UnavailableError while it does not."""

    @abstractmethod
    def create_database(self, place: Place) -> None: ...

    @abstractmethod
    def url(self, place: Place) -> str:
        """For SQLAlchemy, or for the server's own client."""


class PostgreSQL(Server):
    name = "postgresql"
    port = 15432
    user = "postgres"
    packages = (("postgresql", "postgresql-client"),)
    # The fast shutdown: SIGTERM would wait for every client to leave by itself.
    stop_signal = signal.SIGINT

    def lacks(self) -> str | None:
        return processes.lacking_programs("postgres", "initdb", "psql", "pg_isready")

    def prepare(self, place: Place) -> None:
        # The C locale is on every machine, and sorts by bytes as the other databases do.
        place.run(
            processes.program("initdb"),
            *("-D", str(place.folder / "data"), "-U", "postgres"),
            *("--auth=trust", "--encoding=UTF8", "--locale=C"),
        )

    def command(self, place: Place) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": place.port,
            "unix_socket_directories": place.folder,
            "max_connections": CONNECTIONS_MAX,
            "fsync": "on",  # also what Bursar is measured against: it must pay for durability as we do
            "synchronous_commit": "on",
        }
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return [processes.program("postgres"), "-D", str(place.folder / "data"), *options]

    def ready(self, place: Place) -> None:
        place.run(processes.program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(place.port))

    def create_database(self, place: Place) -> None:
        place.run(
            processes.program("psql"),
            *("-X", "-q", "-h", "127.0.0.1", "-p", str(place.port), "-U", "postgres"),
            *("-c", f"create database {DATABASE}"),
        )

    def url(self, place: Place) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{place.port}/{DATABASE}"


class MariaDB(Server):
    name = "mariadb"
    port = 13306
    user = "mysql"
    packages = (("mariadb-server", "mariadb-client"),)

    def lacks(self) -> str | None:
        return processes.lacking_programs("mariadbd", "mariadb-install-db", "mariadb", "mariadb-admin")

    def prepare(self, place: Place) -> None:
        place.run(
            processes.program("mariadb-install-db"),
            *("--no-defaults", f"--datadir={place.folder / 'data'}", "--skip-test-db"),
            *("--skip-name-resolve", "--auth-root-authentication-method=normal"),
        )

    def command(self, place: Place) -> list[str]:
        return [
            processes.program("mariadbd"),
            "--no-defaults",  # must come first: the machine's own settings are not ours
            f"--datadir={place.folder / 'data'}",
            f"--socket={place.folder / 'server.sock'}",
            f"--pid-file={place.folder / 'server.pid'}",
            "--bind-address=127.0.0.1",
            f"--port={place.port}",
            f"--max-connections={CONNECTIONS_MAX}",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--innodb-flush-log-at-trx-commit=1",
        ]

    def ready(self, place: Place) -> None:
        place.run(processes.program("mariadb-admin"), *self._client(place), "ping")

    def create_database(self, place: Place) -> None:
        statement = f"create database {DATABASE} character set utf8mb4"
        place.run(processes.program("mariadb"), *self._client(place), "-e", statement)

    def _client(self, place: Place) -> tuple[str, ...]:
        return ("--no-defaults", "--protocol=tcp", "-h127.0.0.1", f"-P{place.port}", "-uroot")

    def url(self, place: Place) -> str:
        return f"mysql+pymysql://root@127.0.0.1:{place.port}/{DATABASE}?charset=utf8mb4"


class Firebird(Server):
    """Firebird reads one root folder; ours mirrors the installed one, with settings and users of its own."""

    name = "firebird"
    port = 13050
    user = "firebird"
    packages = (
        ("firebird3.0-server", "firebird3.0-utils", "libfbclient2"),
        ("firebird4.0-server", "firebird4.0-utils", "libfbclient2"),
    )
    password: ClassVar[str] = "masterkey"  # noqa: S105 (Firebird's well-known one, and loopback only)

    def lacks(self) -> str | None:
        if self._installed() is None:
            return "firebird's libraries"
        return processes.lacking_programs("firebird", "isql-fb")

    @staticmethod
    def _installed() -> Path | None:
        roots = sorted(Path("/usr/lib").glob("*/firebird/*/plugins"), reverse=True)
        return roots[0].parent if roots else None

    def environment(self, place: Place) -> dict[str, str]:
        return {
            "FIREBIRD": str(place.folder / "root"),
            "FIREBIRD_LOCK": str(place.folder / "lock"),
            "FIREBIRD_TMP": str(place.folder / "tmp"),
        }

    def prepare(self, place: Place) -> None:
        installed = self._installed()
        if installed is None:
            raise UnavailableError("firebird's libraries are not installed")
        # The server's user makes all of it, so that it owns what it must write.
        place.run("mkdir", "root", "lock", "tmp", "data")
        for part in installed.iterdir():
            if part.name not in ("firebird.conf", "databases.conf"):
                place.run("ln", "-s", str(part), f"root/{part.name}")
        users = place.folder / "data" / "security.fdb"
        settings = f"""
            RemoteBindAddress = 127.0.0.1
            RemoteServicePort = {place.port}
            SecurityDatabase = {users}
            TempDirectories = {place.folder / "tmp"}
            DatabaseAccess = Full
            AuthServer = Srp
            UserManager = Srp
        """
        place.run("tee", "root/firebird.conf", text=settings)
        place.run("touch", "root/databases.conf")
        # Without a server, isql opens the file itself, and the first user needs no password.
        self._isql(
            place,
            f"create database '{users}'; in /usr/share/firebird/{installed.name}/security.sql; commit;",
        )
        self._isql(
            place,
            f"connect '{users}' user sysdba; create or alter user sysdba password '{self.password}'; commit;",
        )

    def command(self, place: Place) -> list[str]:
        return [processes.program("firebird")]

    def ready(self, place: Place) -> None:
        if not processes.listens(place.port):
            raise UnavailableError(f"nothing listens on port {place.port}")

    def create_database(self, place: Place) -> None:
        self._isql(
            place,
            f"create database '127.0.0.1/{place.port}:{self._file(place)}' user 'sysdba'"
            f" password '{self.password}' page_size 16384 default character set UTF8;",
        )

    def _isql(self, place: Place, statements: str) -> None:
        arguments = ("-q", "-bail", "-user", "sysdba")
        place.run(processes.program("isql-fb"), *arguments, text=statements, environment=self.environment(place))

    def _file(self, place: Place) -> Path:
        return place.folder / "data" / f"{DATABASE}.fdb"

    def url(self, place: Place) -> str:
        address = f"sysdba:{self.password}@127.0.0.1:{place.port}"
        return f"firebird+firebird://{address}/{self._file(place)}?charset=UTF8"


class Redis(Server):
    """Keeps nothing on disk: what tests and measurements put there may be lost."""

    name = "redis"
    port = 16379
    user = "redis"
    packages = (("redis-server",),)

    def lacks(self) -> str | None:
        return processes.lacking_programs("redis-server", "redis-cli")

    def prepare(self, place: Place) -> None:
        place.run("tee", "node.conf", text=_redis_settings(place.folder, place.port))

    def command(self, place: Place) -> list[str]:
        return [processes.program("redis-server"), str(place.folder / "node.conf")]

    def ready(self, place: Place) -> None:
        place.run(processes.program("redis-cli"), "-e", "-p", str(place.port), "ping")

    def create_database(self, place: Place) -> None:
        """There is always one."""

    def url(self, place: Place) -> str:
        return f"redis://127.0.0.1:{place.port}/0"


class RedisCluster(Redis):
    """Three masters, each with a replica: as small as a cluster gets."""

    name = "redis_cluster"
    port = 17379
    nodes: ClassVar[int] = 6

    def prepare(self, place: Place) -> None:
        """Every node has a port for its clients and one for the others."""
        ports: list[int] = []
        wanted = place.port
        while len(ports) < 2 * self.nodes:
            found = processes.free_port(wanted)
            wanted += 1
            if found not in ports:
                ports.append(found)
        for number, port in enumerate(ports[: self.nodes]):
            folder = place.folder / f"node-{number}"
            place.run("mkdir", str(folder))
            cluster = (
                f"cluster-enabled yes\ncluster-port {ports[self.nodes + number]}\ncluster-node-timeout 3000\n"
                f"cluster-config-file {folder / 'nodes.conf'}\n"
            )
            place.run("tee", str(folder / "node.conf"), text=_redis_settings(folder, port) + cluster)
        place.run("tee", "ports", text=" ".join(map(str, ports[: self.nodes])))

    def command(self, place: Place) -> list[str]:
        # One process is what we keep: it ends the others when it is asked to end.
        server = processes.program("redis-server")
        dying_with_us = "setpriv --pdeathsig TERM " if processes.find_program("setpriv") else ""
        return [
            "/bin/sh",
            "-c",
            "trap 'kill $pids; wait; exit 0' TERM INT\n"
            f'for folder in node-*; do {dying_with_us}{server} $folder/node.conf & pids="$pids $!"; done\nwait',
        ]

    def ready(self, place: Place) -> None:
        for port in self._ports(place):
            place.run(processes.program("redis-cli"), "-e", "-p", port, "ping")

    def create_database(self, place: Place) -> None:
        addresses = [f"127.0.0.1:{port}" for port in self._ports(place)]
        client = processes.program("redis-cli")
        place.run(client, "--cluster", "create", *addresses, "--cluster-replicas", "1", "--cluster-yes")
        whole = "until [ $(redis-cli -p $0 cluster info | grep -c cluster_state:ok) = 1 ]; do sleep 0.1; done"
        for port in self._ports(place):
            place.run("/bin/sh", "-c", whole, port)

    def url(self, place: Place) -> str:
        return f"redis://127.0.0.1:{self._ports(place)[0]}"

    @staticmethod
    def _ports(place: Place) -> list[str]:
        return (place.folder / "ports").read_text(encoding="ascii").split()


def _redis_settings(folder: Path, port: int) -> str:
    return f'bind 127.0.0.1\nport {port}\ndir {folder}\nsave ""\nappendonly no\ndaemonize no\n'


class RabbitMQ(Server):
    """One node of its own. Erlang's port mapper would listen for all nodes of the machine, so there is none."""

    name = "rabbitmq"
    port = 15672
    user = "rabbitmq"
    packages = (("rabbitmq-server",),)

    def lacks(self) -> str | None:
        return processes.lacking_programs("rabbitmq-server", "rabbitmqctl", "erl")

    def prepare(self, place: Place) -> None:
        distribution = processes.free_port(0)
        settings = f"""
            listeners.tcp.1 = 127.0.0.1:{place.port}
            log.console = true
            log.console.level = warning
            total_memory_available_override_value = 1GB
            disk_free_limit.absolute = 50MB
            max_message_size = 2000000
        """
        place.run("tee", "rabbitmq.conf", text=settings)
        place.run("tee", "enabled_plugins", text="[].\n")
        place.run("tee", "distribution", text=str(distribution))

    def command(self, place: Place) -> list[str]:
        # The script that Debian installs switches from root to its own user; we have switched already.
        installed = sorted(Path("/usr/lib/rabbitmq/bin").glob("rabbitmq-server"))
        return [str(installed[0]) if installed else processes.program("rabbitmq-server")]

    def environment(self, place: Place) -> dict[str, str]:
        distribution = (place.folder / "distribution").read_text(encoding="ascii").strip()
        loopback = "-kernel inet_dist_use_interface {127,0,0,1}"
        return {
            "HOME": str(place.folder),
            # A name of its own, or another checkout's server would count as the same node.
            "RABBITMQ_NODENAME": f"bursar{place.port}@localhost",
            "RABBITMQ_DIST_PORT": distribution,
            "RABBITMQ_CONFIG_FILE": str(place.folder / "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": str(place.folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(place.folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(place.folder / "data"),
            "RABBITMQ_LOG_BASE": str(place.folder / "logs"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{loopback} -start_epmd false -erl_epmd_port {distribution}",
        }

    def ready(self, place: Place) -> None:
        if not processes.greets(place.port, b"AMQP\x00\x00\x09\x01"):
            raise UnavailableError(f"nothing speaks AMQP on port {place.port}")

    def create_database(self, place: Place) -> None:
        """There is always a virtual host."""

    def url(self, place: Place) -> str:
        return f"amqp://guest:guest@127.0.0.1:{place.port}/"


class Nats(Server):
    """With JetStream, on the disk."""

    name = "nats"
    port = 14222
    user = "nats"
    packages = (("nats-server",),)

    def lacks(self) -> str | None:
        return processes.lacking_programs("nats-server")

    def prepare(self, place: Place) -> None:
        place.run("mkdir", "data")

    def command(self, place: Place) -> list[str]:
        return [
            processes.program("nats-server"),
            *("-a", "127.0.0.1", "-p", str(place.port), "-js", "-sd", str(place.folder / "data")),
        ]

    def ready(self, place: Place) -> None:
        if not processes.greets(place.port):
            raise UnavailableError(f"nothing answers on port {place.port}")

    def create_database(self, place: Place) -> None:
        """Tests make streams of their own."""

    def url(self, place: Place) -> str:
        return f"nats://127.0.0.1:{place.port}"


class MongoDB(Server):
    """FerretDB on a file of its own: MongoDB's protocol, without the server that Debian does not have."""

    name = "mongodb"
    port = 17017
    user = "nobody"
    packages = ()

    def lacks(self) -> str | None:
        return ferretdb.lacks()

    def prepare(self, place: Place) -> None:
        program = ferretdb.program()
        place.run("mkdir", "data", "state")
        # A copy that the server's user can reach, wherever the checkout is.
        shutil.copyfile(program, place.folder / "ferretdb")
        (place.folder / "ferretdb").chmod(0o755)

    def command(self, place: Place) -> list[str]:
        return [
            str(place.folder / "ferretdb"),
            f"--listen-addr=127.0.0.1:{place.port}",
            "--debug-addr=-",
            "--handler=sqlite",
            f"--sqlite-url=file:{place.folder / 'data'}/",
            f"--state-dir={place.folder / 'state'}",
            "--telemetry=disable",
            "--log-level=error",
        ]

    def ready(self, place: Place) -> None:
        if not processes.listens(place.port):
            raise UnavailableError(f"nothing listens on port {place.port}")

    def create_database(self, place: Place) -> None:
        """It makes itself when something is written."""

    def url(self, place: Place) -> str:
        return f"mongodb://127.0.0.1:{place.port}/{DATABASE}"


class ServiceBus(Server):
    """No Azure Service Bus, which runs nowhere but at its vendor: a peer of ours that its client takes for one."""

    name = "service_bus"
    port = 15673
    user = "nobody"
    packages = (("python3-qpid-proton",),)
    policy: ClassVar[str] = "bursar"
    key: ClassVar[str] = "cGVlci1vZi10aGUtc2VydmljZS1idXM="  # for loopback only

    def lacks(self) -> str | None:
        return None if self._interpreter() else "python-qpid-proton"

    @staticmethod
    def _interpreter() -> str | None:
        """Debian's package is for Debian's own Python."""
        for python in ("/usr/bin/python3", sys.executable):
            if processes.succeeds(python, "-c", "import proton"):
                return python
        return None

    def prepare(self, place: Place) -> None:
        # A copy that the server's user can read, wherever the checkout is.
        place.run("tee", "peer.py", text=SERVICE_BUS_PEER.read_text(encoding="utf-8"))

    def command(self, place: Place) -> list[str]:
        return [self._interpreter() or "python3", str(place.folder / "peer.py"), str(place.port), self.policy, self.key]

    def ready(self, place: Place) -> None:
        if not processes.listens(place.port):
            raise UnavailableError(f"nothing listens on port {place.port}")

    def create_database(self, place: Place) -> None:
        """Queues are there when somebody asks for them."""

    def url(self, place: Place) -> str:
        return f"amqp://{self.policy}:{self.key}@127.0.0.1:{place.port}"


SERVERS: dict[str, Server] = {
    server.name: server
    for server in (
        *(PostgreSQL(), MariaDB(), Firebird(), Redis(), RedisCluster()),
        *(RabbitMQ(), Nats(), MongoDB(), ServiceBus()),
    )
}

# Programs that are only used, never started here: name, what proves it is there, Debian packages.
TOOLS: dict[str, tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]] = {
    "wrk": (("wrk",), (("wrk",),)),
    "nginx": (("nginx",), (("nginx-light",), ("nginx",))),
    "apache2": (("apache2",), (("apache2",),)),
    "pgbench": (("pgbench",), (("postgresql", "postgresql-contrib"), ("postgresql",))),
    "chromium": (("chromium", "chromium-browser", "google-chrome"), (("chromium", "fonts-liberation"),)),
}
