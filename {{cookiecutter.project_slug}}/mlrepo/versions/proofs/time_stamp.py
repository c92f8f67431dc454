"""Time stamps of RFC 3161: an authority that others trust says when it saw the hash of a file.

The program `openssl` asks and checks, and what is kept is the authority's whole answer: whoever has
file, answer and certificate checks it by `openssl ts -verify`, without this project.
"""

import hashlib
import re
import subprocess
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline.output import last_words

PATIENCE = 30  # seconds


def ask(url: str, content: bytes, authority: Path) -> bytes:
    """Return what a time stamp authority answers of the SHA-256 of ``content``, once it is proven.

    ``authority`` is a file of certificates in PEM.
    """
    with TemporaryDirectory() as scratch:
        query, file = Path(scratch, "query.tsq"), Path(scratch, "answer.tsr")
        digest = hashlib.sha256(content).hexdigest()
        _openssl("-query", "-sha256", "-digest", digest, "-cert", "-out", str(query))
        headers = {"Content-Type": "application/timestamp-query"}
        try:
            request = urllib.request.Request(url, query.read_bytes(), headers)
            with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
                file.write_bytes(reply.read())
        except (OSError, ValueError) as error:
            raise ProjectError(f"no time stamp from {url}: {error}") from None
        _prove(file, f"the answer of {url}", authority, "-queryfile", str(query))
        return file.read_bytes()


def check(answer: Path, content: bytes, authority: Path) -> datetime:
    """Return when the authority saw ``content``; raise if the answer does not prove that."""
    digest = hashlib.sha256(content).hexdigest()
    return _prove(answer, str(answer), authority, "-digest", digest)


def _prove(answer: Path, place: str, authority: Path, *of_what: str) -> datetime:
    if not authority.is_file():
        raise ProjectError(f"{authority} does not exist: name the certificate of the authority")
    told = _openssl("-reply", "-in", str(answer), "-text").stdout
    found = re.search(r"^Time stamp: (\w+ +\d+ [\d:]+)(?:\.\d+)? (\d+) GMT$", told, re.MULTILINE)
    if found is None:
        refused = re.search(r"^Status description: (.*)$", told, re.MULTILINE)
        raise ProjectError(f"{place} is no time stamp{f': {refused[1]}' if refused else ''}")
    when = datetime.strptime(f"{found[1]} {found[2]} +0000", "%b %d %H:%M:%S %Y %z")
    # A stamp outlives the certificate of the day it was made on.
    then = ("-attime", str(int(when.timestamp())))
    command = ("-verify", *of_what, "-in", str(answer), "-CAfile", str(authority), *then)
    done = _openssl(*command)
    if done.returncode:
        why = re.search(r":error:[^:]*:[^:]*:[^:]*:([^:]*)", done.stderr)
        reason = why[1] if why else last_words(done)
        raise ProjectError(f"{place} is no time stamp of this by {authority}: {reason}")
    return when.astimezone(UTC)


def _openssl(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["openssl", "ts", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        raise ProjectError(
            "time stamps need the program openssl: `apt-get install openssl`, or "
            "https://openssl-library.org"
        ) from None
