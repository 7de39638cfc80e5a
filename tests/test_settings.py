"""Settings: a file, then the environment, then what was said on the command line; every mistake is named."""

from pathlib import Path

import pytest

from bursar.settings import (
    DEVELOPMENT_SECRET,
    DEVELOPMENT_VAULT_KEY,
    Settings,
    SettingsError,
    development,
    load,
    to_environment,
)

SECRET = "a-secret-of-at-least-thirty-two-characters"
VAULT = {"vault_key": "0a" * 32, "vault_fingerprint_key": "0b" * 32}
VAULT_VARIABLES = {f"BURSAR_{name.upper()}": value for name, value in VAULT.items()}
GOOD = {"BURSAR_DATABASE_URL": "sqlite:///x.db", "BURSAR_SECRET_KEY": SECRET} | VAULT_VARIABLES
VAULT_TOML = "".join(f'{name} = "{value}"\n' for name, value in VAULT.items())


def toml(folder: Path, text: str) -> Path:
    file = folder / "bursar.toml"
    file.write_text(VAULT_TOML + text, encoding="utf-8")
    return file


def test_settings_come_from_a_file_and_the_environment_goes_first(tmp_path: Path) -> None:
    file = toml(tmp_path, f'database_url = "sqlite:///x.db"\nsecret_key = "{SECRET}"\nport = 1000\nworkers = 2')
    settings = load(file, {"BURSAR_PORT": "2000"})
    assert (settings.port, settings.workers, settings.secret_key) == (2000, 2, SECRET)
    assert load(file, {"BURSAR_PORT": "2000"}, {"port": 3000}).port == 3000
    assert load(file, {"BURSAR_PORT": "2000"}, {"port": None}).port == 2000


@pytest.mark.parametrize("proxies", ["", "10.0.0.10", "10.0.0.10, 10.0.1.0/24,::1", "127.0.0.1,fd00::/8"])
def test_proxies_are_addresses_and_networks(proxies: str) -> None:
    assert load(None, GOOD | {"BURSAR_TRUSTED_PROXIES": proxies}).trusted_proxies == proxies


@pytest.mark.parametrize("proxies", ["*", "proxy.internal", "10.0.0.1/8", "10.0.0.300", "0.0.0.0/0", "10.0.0.1,::/0"])
def test_proxies_that_nobody_would_be_or_everybody_are_refused(proxies: str) -> None:
    with pytest.raises(SettingsError, match="BURSAR_TRUSTED_PROXIES"):
        load(None, GOOD | {"BURSAR_TRUSTED_PROXIES": proxies})


def test_the_file_can_be_named_by_a_variable(tmp_path: Path) -> None:
    file = toml(tmp_path, "port = 1000")
    assert load(None, GOOD | {"BURSAR_CONFIG": str(file)}).port == 1000


def test_a_file_in_the_working_folder_is_found_unless_none_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml(tmp_path, "port = 1000")
    monkeypatch.chdir(tmp_path)
    assert load(None, GOOD).port == 1000
    assert load(None, GOOD | {"BURSAR_CONFIG": ""}).port == Settings().port


WRONG = {
    "BURSAR_PROT": ("1", "prot"),
    "BURSAR_PORT": ("many", "port"),
    "BURSAR_WORKERS": ("0", "workers"),
    "BURSAR_LOG_LEVEL": ("loud", "log_level"),
    "BURSAR_DEVELOPMENT": ("perhaps", "development"),
    "BURSAR_SHUTDOWN_SECONDS": ("-1", "shutdown_seconds"),
}


@pytest.mark.parametrize("variable", WRONG)
def test_a_variable_that_is_wrong_is_named(variable: str) -> None:
    value, name = WRONG[variable]
    with pytest.raises(SettingsError, match=name):
        load(None, GOOD | {"BURSAR_CONFIG": "", variable: value})


def test_an_unknown_key_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="databse_url"):
        load(toml(tmp_path, 'databse_url = "sqlite:///x.db"'), GOOD)


@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe", b"[a\n"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"broken\.toml"):
        load(file, GOOD)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml"):
        load(tmp_path / "nowhere.toml", GOOD)


REFUSED = {
    "no database": ({"BURSAR_SECRET_KEY": SECRET}, "BURSAR_DATABASE_URL"),
    "no secret": ({"BURSAR_DATABASE_URL": "sqlite:///x.db"}, "BURSAR_SECRET_KEY"),
    "an empty secret": (GOOD | {"BURSAR_SECRET_KEY": ""}, "BURSAR_SECRET_KEY"),
    "a short secret": (GOOD | {"BURSAR_SECRET_KEY": "x" * 31}, "BURSAR_SECRET_KEY"),
    "the secret that everybody knows": (GOOD | {"BURSAR_SECRET_KEY": DEVELOPMENT_SECRET}, "BURSAR_SECRET_KEY"),
    "no vault key": (GOOD | {"BURSAR_VAULT_KEY": ""}, "BURSAR_VAULT_KEY"),
    "a short vault key": (GOOD | {"BURSAR_VAULT_KEY": "0a" * 31}, "BURSAR_VAULT_KEY"),
    "a vault key that is no number": (GOOD | {"BURSAR_VAULT_KEY": "g" * 64}, "BURSAR_VAULT_KEY"),
    "the vault key that everybody knows": (GOOD | {"BURSAR_VAULT_KEY": DEVELOPMENT_VAULT_KEY}, "BURSAR_VAULT_KEY"),
    "no key of fingerprints": (GOOD | {"BURSAR_VAULT_FINGERPRINT_KEY": ""}, "BURSAR_VAULT_FINGERPRINT_KEY"),
}


@pytest.mark.parametrize(("environment", "named"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_fit_for_development_only_is_refused(environment: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named) as refusal:
        load(None, environment | {"BURSAR_CONFIG": ""})
    assert "openssl" in str(refusal.value) or "postgresql://" in str(refusal.value)


def test_no_secret_stands_in_a_complaint() -> None:
    with pytest.raises(SettingsError) as refusal:
        load(None, GOOD | {"BURSAR_CONFIG": "", "BURSAR_SECRET_KEY": "short-but-secret"})
    assert "short-but-secret" not in str(refusal.value)


def test_variables_of_the_test_suite_are_none_of_ours() -> None:
    assert load(None, GOOD | {"BURSAR_CONFIG": "", "BURSAR_TEST_POSTGRESQL_URL": "x"}).secret_key == SECRET


def test_development_stays_on_this_machine_whatever_the_environment_says(tmp_path: Path) -> None:
    environment = {
        "BURSAR_HOST": "0.0.0.0",  # noqa: S104 - that it has no effect is what is tested
        "BURSAR_SECRET_KEY": SECRET,
        "BURSAR_LOG_LEVEL": "debug",
        "BURSAR_UNKNOWN": "x",
    }
    settings = development(tmp_path / "data", 1234, environment)
    assert (settings.host, settings.port, settings.development) == ("127.0.0.1", 1234, True)
    assert settings.secret_key == DEVELOPMENT_SECRET
    assert settings.log_level == "debug"
    assert settings.database_url == f"sqlite:///{(tmp_path / 'data' / 'bursar.db').resolve()}"


def test_settings_survive_the_way_to_a_worker_process() -> None:
    settings = load(None, GOOD | {"BURSAR_CONFIG": "", "BURSAR_METRICS_TOKEN": "t", "BURSAR_MIGRATE_AT_START": "false"})
    assert settings.migrate_at_start is False
    assert load(None, to_environment(settings)) == settings
