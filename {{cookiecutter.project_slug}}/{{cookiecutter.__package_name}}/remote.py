"""DVC's default remote: whether it can be used, told in seconds, by its name and with the mend.

Left alone, DVC tells `unexpected error - Forbidden` of a wrong key, and retries for half an hour
where a server is gone.
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from .errors import ProjectError

PATIENCE = 12  # seconds that a remote has for its first answer
# botocore's own default is five attempts with growing pauses, for each file.
SHORT = {"AWS_MAX_ATTEMPTS": "2", "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "1"}

NONE = "DVC has no default remote: `dvc remote add --default storage ADDRESS` adds one"

# What the libraries below DVC say, what it means, and what mends it.
_MEANINGS = (
    (
        r"requires? .*dvc-|not supported\. Supported",
        "needs a plug-in that is not installed",
        "`uv add --dev 'dvc[KIND]'` adds it, with s3, gs, azure or ssh as KIND",
    ),
    (
        r"locate credentials|NoCredential|DefaultCredentials|no credentials|NoAuth|InvalidCred",
        "gets no credentials",
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or what its kind uses), or name a "
        "profile: `dvc remote modify --local NAME profile PROFILE`",
    ),
    (
        r"NoSuchBucket|bucket does not exist|NoSuchContainer|ContainerNotFound|404.*bucket",
        "has no such bucket",
        "make the bucket, or `dvc remote modify NAME url ADDRESS`",
    ),
    (
        r"\b40[13]\b|Forbidden|AccessDenied|InvalidAccessKey|SignatureDoesNot|Permission|denied",
        "refuses the key, the secret or what they may do",
        "check the credentials in the environment or .dvc/config.local, and their rights",
    ),
    (
        r"[Cc]onnect|[Tt]imed? ?out|Name or service|resolve|unreachable|getaddrinfo|EndpointConn",
        "cannot be reached",
        "check the network and the address: `dvc remote modify NAME endpointurl ADDRESS`",
    ),
    (
        r"No such file|FileNotFound|Read-only|Not a directory",
        "is no folder that can be written",
        "mount the drive or make the folder, or `dvc remote modify NAME url FOLDER`",
    ),
)


@dataclass(frozen=True)
class Remote:
    """A remote that answered."""

    name: str
    url: str
    writable: bool
    says: str  # why it is not writable


def explain(error: Exception, name: str, url: str) -> str:
    """Return what an error of a remote means and what mends it."""
    chain: list[str] = []
    cause = error.__cause__
    while cause is not None and len(chain) < 5:
        chain.append(f"{type(cause).__name__} {cause}")
        cause = cause.__cause__
    said = f"{error}" or type(error).__name__
    for pattern, meaning, mend in _MEANINGS:
        if re.search(pattern, " ".join([type(error).__name__, said, *chain])):
            return f"DVC's remote '{name}' ({url}) {meaning} ({said}): {mend.replace('NAME', name)}"
    return f"DVC's remote '{name}' ({url}) cannot be used: {said}"


def probe(patience: float = PATIENCE) -> Remote:
    """Read, write and delete a small object at the remote.

    Raises:
        ProjectError: if there is no remote, or it does not answer in ``patience`` seconds.
    """
    # In a process of its own, which can be ended: what hangs in a library cannot.
    command = [sys.executable, "-m", __spec__.name]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, **SHORT},
            timeout=patience,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ProjectError(
            f"DVC's remote does not answer for {patience:g} seconds: check the network and the "
            "address, which `dvc remote list` shows"
        ) from None
    if done.returncode:
        raise ProjectError(done.stderr.strip().removeprefix("error: "))
    return Remote(**json.loads(done.stdout))


def transfer(verb: str, all_versions: bool) -> None:
    """Push or pull what this commit needs, or every tagged version, once the remote has answered.

    Raises:
        ProjectError: naming the remote and the mend, if it fails. What was sent stays sent, and
            the next run goes on from there.
    """
    remote = probe()
    if verb == "push" and not remote.writable:
        raise ProjectError(remote.says)
    command = [sys.executable, "-m", __spec__.name, verb, *(["all"] if all_versions else [])]
    done = subprocess.run(command, env={**os.environ, **SHORT}, check=False)
    if done.returncode:
        probe()  # if it is gone by now, that is the reason
        raise ProjectError(
            f"not all was {verb}ed with DVC's remote '{remote.name}' ({remote.url}): mend what it "
            "says above and run this again; what is done stays done"
        )


def collect_garbage(cloud: bool) -> None:
    """Delete the objects of the cache, and of the remote if asked, that nothing in Git names.

    Raises:
        ProjectError: if DVC fails.
    """
    kept = ["--all-branches", "--all-tags", "--all-commits", "--all-experiments"]
    if cloud:
        probe()
    command = ["gc", "--force", *kept, *(["--cloud"] if cloud else [])]
    done = subprocess.run([sys.executable, "-m", "dvc", *command], check=False)
    if done.returncode:
        raise ProjectError("`dvc gc` failed: mend what it says above")


def _answer() -> dict[str, Any]:
    from dvc.repo import Repo  # type: ignore[import-untyped]

    repo = Repo()
    name, url = _named(repo)
    try:
        odb = repo.cloud.get_remote_odb()
        path = odb.fs.join(odb.path, f"probe-{os.getpid()}")
        odb.fs.exists(path)
    except Exception as error:  # each kind of remote has errors of its own
        raise ProjectError(explain(error, name, url)) from None
    says = ""
    try:
        odb.fs.makedirs(odb.path)
        with odb.fs.open(path, "wb") as file:
            file.write(b"can be deleted")
        odb.fs.remove(path)
    except Exception as error:
        says = explain(error, name, url)
        if "no such bucket" in says or "cannot be reached" in says:
            raise ProjectError(says) from None
    return {"name": name, "url": url, "writable": not says, "says": says}


def _transfer(verb: str, all_versions: bool) -> None:
    from dvc.repo import Repo

    with Repo() as here:
        # In the files of a tag DVC takes a relative address from the root of the disk.
        remotes = {"remote": dict(here.config["remote"])}
        name, url = _named(here)
    with Repo(config=remotes) as repo:
        try:
            if verb == "push":
                print(f"{repo.push(all_tags=all_versions)} files pushed")
            else:
                print(f"{repo.pull(all_tags=all_versions)['stats']['fetched']} files pulled")
        except Exception as error:
            raise ProjectError(explain(error, name, url)) from None


def _named(repo: Any) -> tuple[str, str]:
    name = repo.config["core"].get("remote")
    if not name:
        raise ProjectError(NONE)
    return name, repo.config["remote"].get(name, {}).get("url", "no address")


def main() -> None:
    """Print what the remote answered, as JSON; or push or pull, as the arguments say."""
    if len(sys.argv) == 1:
        print(json.dumps(_answer()))
    else:
        _transfer(sys.argv[1], all_versions="all" in sys.argv[2:])


if __name__ == "__main__":
    from .errors import run

    run(main)
