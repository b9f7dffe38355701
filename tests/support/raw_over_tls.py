"""A gRPC server with TLS that plays Google's, and a prediction that asks it: a process of its own."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.api.httpbody_pb2 import HttpBody

from mlmagic.backends.google.client.connection import Connection
from mlmagic.backends.google.client.raw_prediction import RawPredictionCalls
from mlmagic.backends.google.settings import GoogleSettings


def certificate() -> tuple[bytes, bytes]:
    """A key, and a certificate for localhost that it has signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now).not_valid_after(now + timedelta(1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    signed = made.sign(key, hashes.SHA256())
    return key.private_bytes(*plain), signed.public_bytes(serialization.Encoding.PEM)


def answer(_request: bytes, context: Any) -> bytes:
    """Print what came along, and say who answers."""
    told = dict(context.invocation_metadata())
    print(told["authorization"])
    print(told["x-goog-request-params"])
    context.send_initial_metadata((("x-vertex-ai-deployed-model-id", "2"),))
    return HttpBody(content_type="application/json", data=b'{"predictions":[1]}').SerializeToString()


def main() -> None:
    """Serve, and ask once."""
    key, signed = certificate()
    roots = Path(tempfile.mkdtemp()) / "roots.pem"
    roots.write_bytes(signed)
    os.environ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] = str(roots)
    server = grpc.server(ThreadPoolExecutor(1))
    methods = {"RawPredict": grpc.unary_unary_rpc_method_handler(answer)}
    service = "google.cloud.aiplatform.v1.PredictionService"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))
    port = server.add_secure_port("localhost:0", grpc.ssl_server_credentials([(key, signed)]))
    server.start()
    settings = GoogleSettings(
        project="p", region="us-central1", bucket="gs://b", endpoint=f"https://localhost:{port}", token="secret"
    )
    calls = RawPredictionCalls(Connection(settings))
    print(calls.ask("projects/p/locations/us-central1/endpoints/7", b"{}"))
    calls.close()
    server.stop(None).wait()
    roots.unlink()
    roots.parent.rmdir()


if __name__ == "__main__":
    main()
