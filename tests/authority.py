"""A time stamp authority on this machine: `openssl ts -reply` behind HTTP, with a CA of its own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SETTINGS = """
[tsa]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha256
"""


@dataclass(frozen=True)
class Authority:
    """Where it is asked, and the certificate that its answers are checked against."""

    url: str
    certificate: Path


@contextmanager
def serve_authority(folder: Path, lasts: timedelta = timedelta(days=30)) -> Iterator[Authority]:
    """Yield an authority whose keys are in ``folder``, which must not exist.

    ``lasts`` says when its certificate ends.
    """
    folder.mkdir()
    (folder / "settings").write_text(SETTINGS, encoding="utf-8")
    (folder / "serial").write_text("01\n", encoding="utf-8")
    ca, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    _certify(folder / "ca.pem", "A CA", ca, ca, timedelta(days=30))
    _certify(folder / "tsa.pem", "An authority", own, ca, lasts)
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "tsa.key").write_bytes(own.private_bytes(*form))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Answer as `openssl ts` does; some paths answer wrongly."""
            (folder / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/odd":  # another request than the one it was sent
                odd = ("ts", "-query", "-sha256", "-digest", "0" * 64, "-cert", "-out", "query")
                subprocess.run(["openssl", *odd], cwd=folder, check=True, capture_output=True)
            elif self.path == "/refuses":
                (folder / "query").write_bytes(b"no request")
            sign = ["-signer", "tsa.pem", "-inkey", "tsa.key"]
            if self.path != "/alone":  # with the certificate that it was signed with
                sign += ["-chain", "ca.pem"]
            reply = (
                "ts",
                "-reply",
                "-config",
                "settings",
                "-section",
                "tsa",
                "-queryfile",
                "query",
            )
            command = ["openssl", *reply, *sign, "-out", "answer"]
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
            self.send_response(404 if self.path == "/absent" else 200)
            self.end_headers()
            page = b"<html>Welcome</html>"
            answer = (folder / "answer").read_bytes()
            self.wfile.write(page if self.path == "/page" else answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield Authority(f"http://127.0.0.1:{server.server_port}", folder / "ca.pem")
        server.shutdown()


def _certify(
    file: Path,
    name: str,
    of: ec.EllipticCurvePrivateKey,
    by: ec.EllipticCurvePrivateKey,
    lasts: timedelta,
) -> None:
    subject, issuer = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (name, "A CA")
    )
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(of.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + lasts)
    )
    if of is by:
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    else:
        use = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        made = made.add_extension(use, critical=True)
    file.write_bytes(made.sign(by, hashes.SHA256()).public_bytes(Encoding.PEM))
