"""Who is let in."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mlmagic.emulator.access import Access
from mlmagic.emulator.errors import ApiError
from mlmagic.emulator.token import Account, BadAssertionError, new_private_key

EMAIL = "emulator@p.iam.gserviceaccount.com"


@pytest.fixture(scope="module")
def account() -> Account:
    return Account(email=EMAIL, private_key=new_private_key(), token="the-token")


def signed(private_key: str, **claims: Any) -> str:
    from google.auth import crypt, jwt

    told = {"iss": EMAIL, "aud": "http://localhost/token", "iat": time.time(), "exp": time.time() + 3600, **claims}
    return jwt.encode(crypt.RSASigner.from_string(private_key), told).decode()


def test_what_the_key_has_signed_gets_the_token(account: Account) -> None:
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": signed(account.private_key)}

    assert account.grant(form) == {"access_token": "the-token", "expires_in": 3600, "token_type": "Bearer"}
    with pytest.raises(BadAssertionError, match="grant_type must be"):
        account.grant({**form, "grant_type": "password"})


def test_what_another_key_has_signed_does_not(account: Account) -> None:
    with pytest.raises(BadAssertionError, match="Invalid JWT Signature"):
        account.verify(signed(new_private_key()))


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"iss": "somebody@else"}, "account not found"),
        ({"exp": 5}, "reasonable timeframe"),
        ({"exp": None}, "Invalid JWT"),
    ],
)
def test_what_says_something_else_does_not(account: Account, claims: dict[str, Any], said: str) -> None:
    with pytest.raises(BadAssertionError, match=said):
        account.verify(signed(account.private_key, **claims))


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer other", "Basic the-token", "Bearer a.b.c"])
def test_other_bearers_are_refused(account: Account, given: str | None) -> None:
    with pytest.raises(ApiError, match="invalid authentication credentials") as refused:
        Access(account=account, port=5).check_bearer(given)

    assert refused.value.code == 401


def test_the_token_may_be_the_first_part_of_the_address(account: Account) -> None:
    access = Access(account=account, port=5)

    assert access.prefix("/the-token/storage/v1/b") == "/the-token"
    assert access.prefix("/the-tokenx/storage") == access.prefix("/storage/the-token") == access.prefix("") == ""


def test_foreign_hosts_and_origins_are_refused(account: Account) -> None:
    access = Access(account=account, port=5)

    access.check_origin({"Host": "localhost:5", "Origin": "http://127.0.0.1:5"})
    for headers in ({"Host": "evil.example:5"}, {"Host": "localhost:5", "Origin": "http://evil.example"}, {}):
        with pytest.raises(ApiError, match="is not this emulator's") as refused:
            access.check_origin(headers)
        assert refused.value.code == 403
