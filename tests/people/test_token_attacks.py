"""Everything that is no access token of ours is refused, however much it looks like one."""

import base64
import hmac
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from bursar.kit.clock import MICROSECONDS_PER_SECOND
from tests.people.harness import HOME, PUBLIC_URL, House

WALLETS = "/api/v1/sample/wallets"


def encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=="))


@pytest.fixture
def token(house: House) -> str:
    house.user()
    return house.token()


@pytest.fixture
def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, payload, _ = token.split(".")
    return decoded(header), decoded(payload)


@pytest.fixture
def published(house: House) -> dict[str, Any]:
    [key] = house.call("GET", "/.well-known/jwks.json").json["keys"]
    assert isinstance(key, dict)
    return key


def ours(house: House, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Signed with our very key: what is wrong with it must be found by what it says."""
    return signed_by_hand(house.run(house.identity.keys.current()).key, header, claims)


def signed_by_hand(key: ECKey, header: Any, claims: Any) -> str:
    """For headers that a library would not write."""
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    from cryptography.hazmat.primitives.hashes import SHA256

    text = f"{encoded(header)}.{encoded(claims)}"
    private = key.private_key
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    first, second = utils.decode_dss_signature(private.sign(text.encode(), ec.ECDSA(SHA256())))
    return f"{text}.{encoded(first.to_bytes(32, 'big') + second.to_bytes(32, 'big'))}"


def refused(house: House, token: str) -> bool:
    reply = house.call("GET", WALLETS, token=token)
    return reply.status == 401 and reply.code in ("token_invalid", "token_expired", "api_key_invalid")


def test_the_genuine_one_and_its_copy_made_by_hand_are_let_in(
    house: House, token: str, parts: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    """Otherwise what follows would prove nothing."""
    assert house.call("GET", WALLETS, token=token).status == 200
    assert house.call("GET", WALLETS, token=ours(house, *parts)).status == 200


OTHER = ECKey.generate_key("P-256").as_dict(private=False)
HEADERS: dict[str, dict[str, Any]] = {
    "no algorithm": {"alg": "none"},
    "no algorithm, spelt otherwise": {"alg": "nOnE"},
    "algorithm is empty": {"alg": ""},
    "algorithm is no text": {"alg": ["ES256"]},
    "symmetric algorithm": {"alg": "HS256"},
    "another curve": {"alg": "ES384"},
    "RSA": {"alg": "RS256"},
    "EdDSA": {"alg": "EdDSA"},
    "brings its own key": {"jwk": OTHER},
    "names a key set": {"jku": "https://evil.example.test/jwks.json"},
    "names our key set": {"jku": f"{PUBLIC_URL}/.well-known/jwks.json"},
    "names a certificate": {"x5u": "https://evil.example.test/cert.pem"},
    "brings a certificate": {"x5c": ["MIIB"]},
    "certificate thumbprint": {"x5t": "abc"},
    "unknown critical extension": {"crit": ["exp2"], "exp2": 1},
    "critical extension that is known": {"crit": ["b64"], "b64": False},
    "empty critical list": {"crit": []},
    "compressed": {"zip": "DEF"},
    "encrypted": {"enc": "A256GCM"},
    "nested": {"cty": "JWT"},
    "key id is a path": {"kid": "../../../../dev/null"},
    "key id is SQL": {"kid": "x' OR '1'='1"},
    "key id is an address": {"kid": "https://evil.example.test/key"},
    "key id is unknown": {"kid": "no-such-key"},
    "key id is empty": {"kid": ""},
    "key id is no text": {"kid": {"a": 1}},
    "key id is null": {"kid": None},
    "plain token": {"typ": "JWT"},
    "identity token": {"typ": "id+jwt"},
    "refresh token": {"typ": "rt+jwt"},
    "media type": {"typ": "application/at+jwt"},
    "type in capitals": {"typ": "AT+JWT"},
    "type is null": {"typ": None},
}


@pytest.mark.parametrize("change", list(HEADERS.values()), ids=list(HEADERS))
def test_a_header_that_is_not_exactly_ours_is_refused(
    house: House, parts: tuple[dict[str, Any], dict[str, Any]], change: dict[str, Any]
) -> None:
    header, claims = parts
    assert refused(house, ours(house, header | change, claims))
    unsigned = f"{encoded(header | change)}.{encoded(claims)}."
    assert refused(house, unsigned)


@pytest.mark.parametrize("missing", ["alg", "typ", "kid"])
def test_a_header_that_lacks_something_is_refused(
    house: House, parts: tuple[dict[str, Any], dict[str, Any]], missing: str
) -> None:
    header, claims = parts
    assert refused(house, ours(house, {k: v for k, v in header.items() if k != missing}, claims))


SOON = 60
CLAIMS: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example.test"},
    "issuer with a slash": {"iss": f"{PUBLIC_URL}/"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "https://evil.example.test"},
    "audience is the issuer": {"aud": PUBLIC_URL},
    "audience is a list": {"aud": [f"{PUBLIC_URL}/api/v1"]},
    "no audience": {"aud": None},
    "expiry is text": {"exp": "9999999999"},
    "expiry is a fraction": {"exp": 9_999_999_999.5},
    "expiry is null": {"exp": None},
    "expiry is true": {"exp": True},
    "subject is null": {"sub": None},
    "subject is a number": {"sub": 1},
    "session is null": {"sid": None},
    "session is another's": {"sid": "ses_nobody"},
    "no token id": {"jti": None},
    "organisation is a list": {"org": [HOME]},
    "issue time is text": {"iat": "now"},
    "not yet is text": {"nbf": "later"},
}


@pytest.mark.parametrize("change", list(CLAIMS.values()), ids=list(CLAIMS))
def test_claims_that_are_not_ours_are_refused_even_with_our_signature(
    house: House, parts: tuple[dict[str, Any], dict[str, Any]], change: dict[str, Any]
) -> None:
    header, claims = parts
    reply = house.call("GET", WALLETS, token=ours(house, header, claims | change))
    assert reply.status == 401


@pytest.mark.parametrize("missing", ["iss", "aud", "sub", "org", "sid", "iat", "exp", "jti"])
def test_a_token_that_lacks_a_claim_is_refused(
    house: House, parts: tuple[dict[str, Any], dict[str, Any]], missing: str
) -> None:
    header, claims = parts
    assert refused(house, ours(house, header, {k: v for k, v in claims.items() if k != missing}))


def test_times_are_kept_to(house: House, parts: tuple[dict[str, Any], dict[str, Any]]) -> None:
    header, claims = parts
    now = house.clock.now_microseconds() // MICROSECONDS_PER_SECOND
    assert house.call("GET", WALLETS, token=ours(house, header, claims | {"exp": now})).code == "token_expired"
    assert refused(house, ours(house, header, claims | {"nbf": now + 61}))
    assert refused(house, ours(house, header, claims | {"iat": now + 61}))
    assert (
        house.call("GET", WALLETS, token=ours(house, header, claims | {"iat": now + SOON, "nbf": now + SOON})).status
        == 200
    )
    house.clock.advance(599)
    assert house.call("GET", WALLETS, token=ours(house, header, claims)).status == 200
    house.clock.advance(1)
    assert house.call("GET", WALLETS, token=ours(house, header, claims)).code == "token_expired"


def test_the_published_key_is_no_secret_to_sign_with(
    house: House, parts: tuple[dict[str, Any], dict[str, Any]], published: dict[str, Any]
) -> None:
    """Key confusion: what everybody may know, used as the secret of a symmetric signature."""
    header, claims = parts
    public = ECKey.import_key(published)
    for secret in (
        public.as_pem(private=False),
        public.as_der(private=False),
        json.dumps(published).encode(),
        published["x"].encode(),
        base64.urlsafe_b64decode(published["x"] + "=="),
    ):
        for algorithm, digest in (("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")):
            text = f"{encoded(header | {'alg': algorithm})}.{encoded(claims)}"
            assert refused(house, f"{text}.{encoded(hmac.digest(secret, text.encode(), digest))}")


def test_a_signature_of_another_key_is_refused(house: House, parts: tuple[dict[str, Any], dict[str, Any]]) -> None:
    header, claims = parts
    assert refused(house, jwt.encode(header, claims, ECKey.generate_key("P-256"), algorithms=["ES256"]))
    rsa = RSAKey.generate_key(2048)
    assert refused(house, jwt.encode(header | {"alg": "RS256"}, claims, rsa, algorithms=["RS256"]))
    other = ECKey.generate_key("P-256")
    brought = {"jwk": other.as_dict(private=False), "kid": other.thumbprint()}
    assert refused(house, signed_by_hand(other, header | brought, claims))


def test_a_changed_token_is_refused(house: House, token: str) -> None:
    header, payload, signature = token.split(".")
    claims = decoded(payload)
    for changed in (
        f"{header}.{encoded(claims | {'org': 'acct_other'})}.{signature}",
        f"{header}.{encoded(claims | {'sub': 'usr_other'})}.{signature}",
        f"{header}.{payload}.{encoded(bytes(64))}",  # a signature of zeros fits every message where nobody checks
        f"{header}.{payload}.",
        f"{header}.{payload}",
        f"{header}..{signature}",
        f".{payload}.{signature}",
        "..",
        "...",
        f"{token}.{signature}",
        token + "=",
        token[:-2],
        f"{header}.{payload}.{signature[:-4]}",
        "a.b.c",
        f"{encoded(b'[]')}.{payload}.{signature}",
        f"{encoded(b'null')}.{payload}.{signature}",
        f"{encoded(bytes([255, 254]))}.{payload}.{signature}",
        "x" * 20_000 + ".y.z",
    ):
        assert house.call("GET", WALLETS, token=changed).status == 401, changed[:80]


def test_other_tokens_of_ours_are_no_access_tokens_and_the_reverse(house: House) -> None:
    user = house.user()
    house.codes.of_user[user.id] = {"111111", "222222"}
    challenge = house.login().json["error"]["challenge"]
    answer = house.login(code="111111").json
    for foreign in (challenge, answer["refresh_token"]):
        assert house.call("GET", WALLETS, token=foreign).status == 401
        assert house.call("GET", WALLETS, cookies={"__Host-bursar_session": foreign}).status == 401
    for foreign in (challenge, answer["access_token"], "", "x" * 1000):
        reply = house.call("POST", "/api/v1/auth/refresh", {"refresh_token": foreign})
        assert (reply.status, reply.code) == (401, "refresh_token_invalid")
    for foreign in (answer["refresh_token"], answer["access_token"], ""):
        reply = house.call("POST", "/api/v1/auth/second-factor", {"challenge": foreign, "code": "222222"})
        assert (reply.status, reply.code) == (401, "challenge_invalid")


def test_a_token_of_another_installation_with_the_same_key_is_refused(house: House, token: str) -> None:
    """Two that share a database by mistake still differ in their address."""
    elsewhere = house.identity_of_another_process(public_url="https://other.example.test")
    reply = house.run(house.acall("GET", WALLETS, token=token, application=house.application_of(elsewhere)))
    assert (reply.status, reply.code) == (401, "token_invalid")


def test_what_is_wrong_with_a_token_does_not_repeat_it(house: House, token: str) -> None:
    reply = house.call("GET", WALLETS, token=token[:-3] + "abc")
    assert token[:30] not in reply.body.decode()
