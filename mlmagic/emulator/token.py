"""The fake service account: its key, the bearer token that it is good for, and who may come in with what."""

from __future__ import annotations

import base64
import binascii
import json
import time
from dataclasses import dataclass
from typing import Any

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SECONDS = 3600
_SKEW_SECONDS = 60


class BadAssertionError(Exception):
    """A JWT that the key has not signed, or that says something else than it should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A service account that exists nowhere else."""

    email: str
    private_key: str
    """PEM, PKCS 8."""
    token: str
    """The bearer token that all requests need."""

    def key_file(self, project: str, url: str) -> dict[str, str]:
        """Return what `GOOGLE_APPLICATION_CREDENTIALS` is to lead to."""
        return {
            "type": "service_account",
            "project_id": project,
            "private_key_id": "emulator",
            "private_key": self.private_key,
            "client_email": self.email,
            "client_id": "1",
            "token_uri": f"{url}/token",
        }

    def grant(self, form: dict[str, str]) -> dict[str, Any]:
        """Answer a request for an access token.

        Raises:
            BadAssertionError: the assertion is not this account's.
        """
        if form.get("grant_type") != _GRANT:
            raise BadAssertionError(f"grant_type must be {_GRANT}.")
        self.verify(form.get("assertion", ""))
        return {"access_token": self.token, "expires_in": _SECONDS, "token_type": "Bearer"}

    def verify(self, assertion: str) -> None:
        """Check a JWT.

        Raises:
            BadAssertionError: it was not signed by this account's key, is somebody else's, or has expired.
        """
        signed, _, signature = assertion.rpartition(".")
        try:
            claims = json.loads(_decode(signed.split(".")[1]))
            _check_signature(self.private_key, signed.encode(), _decode(signature))
            expires = float(claims["exp"])
        except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
            raise BadAssertionError("Invalid JWT Signature.") from None
        if claims.get("iss") != self.email:
            raise BadAssertionError("Invalid grant: account not found")
        if expires < time.time() - _SKEW_SECONDS:
            raise BadAssertionError("Invalid JWT: Token must be a short-lived token and in a reasonable timeframe.")


def new_private_key() -> str:
    """Return a new key, as PEM."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode()


def _check_signature(private_key: str, signed: bytes, signature: bytes) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    key = serialization.load_pem_private_key(private_key.encode(), None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("not an RSA key")
    try:
        key.public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise ValueError("another key") from None


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
