"""A bucket with tables that others write, and copies of a project that read from it."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers import Copy, Stages, copy_again
from servers import KEY, SECRET

# Ask S3 as its interface is called: https://docs.aws.amazon.com/AmazonS3/latest/API/
CALL = """
import json, sys
from pathlib import Path
import s3fs
method, arguments = sys.argv[1], json.loads(sys.argv[2])
if "Body" in arguments:
    arguments["Body"] = Path(arguments["Body"]).read_bytes()
answer = s3fs.S3FileSystem(version_aware=True).call_s3(method, **arguments)
print(json.dumps(answer.get("VersionId")))
"""
TABLE = """
import sys
import polars as pl
path, first, count, *columns = sys.argv[1:]
table = pl.read_csv("data/raw/penguins.csv", null_values="NA").select(columns or pl.all())
table.slice(int(first), int(count)).write_parquet(path)
"""


@dataclass(frozen=True)
class Reader(Copy):
    """A copy that has the credentials and the address of a bucket in its environment."""

    url: str

    def run(
        self, *command: str, check: bool = True, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command with them, or with those that ``variables`` give."""
        given = {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.url,
        }
        return super().run(*command, check=check, **{**given, **variables})

    def shell(self, *commands: str) -> Stages:
        """Run commands as a shell does; return what they did with the stages of the pipeline."""
        return Stages.of(self.run("bash", "-c", "\n".join(["set -e", *commands])).stdout)

    def again(self, folder: Path) -> "Reader":
        """Copy it with its cache."""
        copy = copy_again(self, folder)
        return Reader(copy.path, copy.project, self.url)

    def clone(self, folder: Path) -> "Reader":
        """Clone its commits and tags, with an empty cache and the same relative DVC remote."""
        self.run("git", "clone", "--quiet", str(self.path), str(folder))
        (folder / ".venv").symlink_to(self.project.path / ".venv", target_is_directory=True)
        with (folder / ".git/info/exclude").open("a", encoding="utf-8") as exclude:
            exclude.write("/.venv\n")
        return Reader(folder, self.project, self.url)

    def refused(self, *command: str, **variables: str) -> str:
        """Run a command that must end with a message and no traceback; return what it says."""
        done = self.run(*command, check=False, **variables)
        assert done.returncode in (1, 2), done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout + done.stderr

    def use(self, path: str, *columns: str) -> None:
        """Take a table of penguins, as the README says; the schema is that of all of them."""
        table = str(self.path.parent / "all.parquet")
        self.run("python", "-c", TABLE, table, "0", "344", *columns)
        self.set_params({"data.path": table})
        self.run("model", "schema", "--force")
        self.set_params({"data.path": path})
        self.repro()

    def ask(self, method: str, **arguments: Any) -> Any:
        """Ask S3; return the version that it answers."""
        return self.json("python", "-c", CALL, method, json.dumps(arguments))

    def make_bucket(self, name: str, versions: bool) -> None:
        """Make a bucket, which keeps versions or none."""
        self.ask("create_bucket", Bucket=name)
        if versions:
            on = {"Status": "Enabled"}
            self.ask("put_bucket_versioning", Bucket=name, VersioningConfiguration=on)

    def put(self, bucket: str, key: str, first: int, count: int) -> Any:
        """Write some of the penguins, as somebody upstream does; return the version."""
        table = self.path.parent / "upstream.parquet"
        self.run("python", "-c", TABLE, str(table), str(first), str(count))
        return self.ask("put_object", Bucket=bucket, Key=key, Body=str(table))
