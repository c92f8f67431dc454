"""DVC signs in to S3 by a role and the token of a job, with no key, as docs/ci.md says.

S3 is rclone's. In place of AWS' token service stands one that knows one token. Google and Azure
have no server that runs here.
"""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from conftest import run
from servers import KEY, SECRET, serve_s3

ROLE = "arn:aws:iam::123456789012:role/penguins"
ANSWER = f"""
<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials>
<AccessKeyId>{KEY}</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>
<SessionToken>session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>
</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>
"""
CONFIG = """[core]
    analytics = false
    remote = storage
['remote "storage"']
    url = s3://models/penguins
    endpointurl = {}
"""


class TokenService(BaseHTTPRequestHandler):
    """It gives the keys of the S3 server for the role and the token of the job."""

    def do_POST(self) -> None:
        asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        good = asked["RoleArn"] == [ROLE] and asked["WebIdentityToken"] == ["token-of-the-job"]
        self.send_response(200 if good else 403)
        self.send_header("Content-Type", "text/xml")
        self.end_headers()
        self.wfile.write(ANSWER.encode() if good else b"<ErrorResponse/>")

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def token_service() -> Iterator[str]:
    """The address of the token service."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), TokenService)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_role_and_a_token_are_enough(
    token_service: str, environment: dict[str, str], tmp_path: Path
) -> None:
    folder, token = tmp_path / "project", tmp_path / "token"
    variables = {
        **{name: value for name, value in environment.items() if not name.startswith("AWS_")},
        "AWS_ROLE_ARN": ROLE,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "AWS_ENDPOINT_URL_STS": token_service,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "",  # as a provider sets a secret that is not there
        "AWS_SECRET_ACCESS_KEY": "",
    }
    folder.mkdir()
    run("git", "init", "--quiet", cwd=folder, environment=variables)
    run("dvc", "init", "--quiet", cwd=folder, environment=variables)
    (folder / "table").write_text("data", encoding="utf-8")
    run("dvc", "add", "--quiet", "table", cwd=folder, environment=variables)
    with serve_s3(tmp_path / "s3", "models") as s3:
        (folder / ".dvc/config").write_text(CONFIG.format(s3.url), encoding="utf-8")
        token.write_text("another", encoding="utf-8")
        refused = run("dvc", "push", cwd=folder, environment=variables, check=False)
        assert refused.returncode != 0
        assert s3.objects("models") == set()
        token.write_text("token-of-the-job", encoding="utf-8")
        run("dvc", "push", cwd=folder, environment=variables)
        assert len(s3.objects("models/penguins/files/md5")) == 1
