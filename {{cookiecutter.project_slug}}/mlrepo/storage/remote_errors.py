"""What the libraries below DVC say of a remote, what it means, and how to fix it.

Left alone, DVC tells `unexpected error - Forbidden` of a wrong key.
"""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from mlrepo.core.errors import ProjectError, known

KINDS = ("azure", "gs", "s3", "ssh")  # each is an extra of dvc, and the scheme of its addresses

Fixes = dict[str, str]  # kind of remote, as its addresses begin -> what helps; "": any other


class RemoteError(ProjectError):
    """A remote or a bucket that cannot be used; a subclass is known by the words of libraries.

    Attributes:
        known_by: a pattern of these words.
        means: what they mean.
        fix: what helps, by the kind of remote.
    """

    known_by: ClassVar[str] = ""
    means: ClassVar[str] = "cannot be used"
    fix: ClassVar[Fixes] = {"": "see `dvc remote list` and the settings of NAME in .dvc/config"}


class PlugInError(RemoteError):
    """DVC lacks the package for this kind of remote."""

    known_by = r"RemoteMissingDeps|requires? .*dvc-|Unsupported URL"
    means = "needs a plug-in that is not installed"
    fix: ClassVar[Fixes] = {kind: f"`uv add --dev 'dvc[{kind}]'` adds it" for kind in KINDS} | {
        "": "`uv add --dev 'dvc[KIND]'` adds it; KIND is that of its address"
    }


class CredentialsError(RemoteError):
    """There are none."""

    known_by = (
        r"locate credentials|NoCredential|DefaultCredentials|no credentials|NoAuth|InvalidCred"
        r"|AzureAuth|ProfileNotFound"
    )
    means = "gets no credentials"
    fix: ClassVar[Fixes] = {
        "": "see what its kind of remote takes as credentials in .dvc/config.local",
        "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile: `dvc remote "
        "modify --local NAME profile PROFILE`",
        "gs": "set GOOGLE_APPLICATION_CREDENTIALS to the file of a key, or name it: `dvc remote "
        "modify --local NAME credentialpath FILE`",
        "azure": "name the account: `dvc remote modify NAME account_name ACCOUNT`, and its key: "
        "`dvc remote modify --local NAME account_key KEY`",
        "ssh": "name a key: `dvc remote modify --local NAME keyfile FILE`",
    }


class BucketError(RemoteError):
    """It is not there."""

    known_by = r"NoSuchBucket|bucket does not exist|NoSuchContainer|ContainerNotFound|404.*bucket"
    means = "has no such bucket"
    fix: ClassVar[Fixes] = {"": "make the bucket, or `dvc remote modify NAME url ADDRESS`"}


class RightsError(RemoteError):
    """The credentials are wrong, or may not do this."""

    known_by = (
        r"\b40[13]\b|Forbidden|AccessDenied|InvalidAccessKey|SignatureDoesNot|Permission|denied"
        r"|failed to authenticate|AuthenticationFailed|Anonymous caller"
    )
    means = "refuses the key, the secret or what they may do"
    fix: ClassVar[Fixes] = {
        "": "check the credentials in the environment or .dvc/config.local, and their rights",
        "ssh": "check user and key: `dvc remote modify --local NAME user USER`, `dvc remote modify "
        "--local NAME keyfile FILE`",
    }


class UnreachableError(RemoteError):
    """It does not answer, or not in time."""

    known_by = (
        r"[Cc]onnect(?!ion_string)|[Tt]imed? ?out|Name or service|resolve|unreachable|getaddrinfo"
        r"|EndpointConn"
    )
    means = "cannot be reached"
    fix: ClassVar[Fixes] = {
        "": "check the network and the address: `dvc remote modify NAME url ADDRESS`",
        "s3": "check the network and the address: `dvc remote modify NAME endpointurl ADDRESS`",
        "gs": "check the network and the credentials, which are asked for there: `dvc remote "
        "modify --local NAME credentialpath FILE`",
        "azure": "check the network and the account: `dvc remote modify NAME account_name ACCOUNT`",
        "ssh": "check the network, the host: `dvc remote modify NAME url ADDRESS`, and the port: "
        "`dvc remote modify NAME port PORT`",
    }


# On this machine: another address in the committed settings would be that of all clones.
_FOLDER = "`uv run dvc remote modify --local NAME url FOLDER`"


class FolderError(RemoteError):
    """A folder that is none, such as that of a drive that is not mounted."""

    known_by = r"No such file|FileNotFound|Not a directory"
    means = "is no folder that can be written"
    fix: ClassVar[Fixes] = dict.fromkeys(
        KINDS, "make the folder, or `dvc remote modify NAME url ADDRESS`"
    ) | {"": f"mount the drive or make the folder, or {_FOLDER}"}


class FolderRightsError(RemoteError):
    """A folder that this user may not read, or not write to."""

    means = "is a folder that you may not read, or not write to"
    fix: ClassVar[Fixes] = {"": f"check its owner and permissions, or {_FOLDER}"}


class DiskFullError(RemoteError):
    """The disk of this machine or of the remote is full."""

    means = "cannot be used, as no space is left there or here"
    fix: ClassVar[Fixes] = {"": "free some space"}


_BY_WORDS = (PlugInError, CredentialsError, BucketError, RightsError, UnreachableError, FolderError)
_NO_RIGHT = (errno.EACCES, errno.EPERM, errno.EROFS)
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def kind_of(error: BaseException, is_folder: bool = False) -> type[RemoteError]:
    """Return what an error of a library means.

    Args:
        error: of any library; each kind of remote has its own: fsspec, botocore, asyncssh, ...
        is_folder: whether it is about a folder of this machine, where numbers of the system tell
            what the words of a server would tell.
    """
    if isinstance(error, OSError) and error.errno in _DISK_FULL:
        return DiskFullError
    if isinstance(error, OSError) and is_folder:
        return FolderRightsError if error.errno in _NO_RIGHT else FolderError
    chain = [error]
    while len(chain) < 6 and (cause := chain[-1].__cause__):
        chain.append(cause)
    words = " ".join(f"{type(each).__name__} {each}" for each in chain)
    return next((kind for kind in _BY_WORDS if re.search(kind.known_by, words)), RemoteError)


def helps(kind: type[RemoteError], address: str, name: str) -> str:
    """Return what helps against a kind of trouble with the remote at an address."""
    return kind.fix.get(address.partition("://")[0], kind.fix[""]).replace("NAME", name)


def explain(error: Exception, subject: str, name: str, address: str) -> RemoteError:
    """Return an error for people: what ``subject`` lacks, in whose words, and how to fix it.

    ``name`` is that of the remote, for the command that changes its settings.
    """
    kind = kind_of(error, is_folder="://" not in address)
    said = str(error) or type(error).__name__
    return kind(f"{subject} {kind.means} ({said}): {helps(kind, address, name)}")


@contextmanager
def explained(subject: str, name: str, address: str) -> Iterator[None]:
    """Raise what a library raises in the block as `explain` returns it.

    An error about the files of the project is none of the remote's.
    """
    try:
        yield
    except ProjectError:
        raise
    except Exception as error:  # each kind of remote has errors of its own
        if words := known.of_files(error):
            raise ProjectError(words) from None
        raise explain(error, subject, name, address) from None
