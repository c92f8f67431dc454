"""Data and models through a real S3 server; test_s3_*.py are the long rest."""

from pathlib import Path

from conftest import Project
from helpers import sha256
from servers import S3
from sharing import share


def test_what_is_pushed_comes_to_a_fresh_clone_and_a_wrong_key_is_told(
    s3_project: Project, s3: S3, tmp_path: Path
) -> None:
    mine = share(s3_project, tmp_path, s3, "round-trip")
    wrong = {"AWS_ACCESS_KEY_ID": "wrong"}
    for command in (("model", "push"), ("git", "push", "origin", "main"), ("model", "pull")):
        said = mine.told(*command, **wrong)
        assert "refuses the key, the secret" in said
        assert "check the credentials" in said
    assert not mine.objects()
    assert not mine.run("git", "ls-remote", "origin").stdout

    mine.run("model", "push")
    # The cache also holds what Git keeps, from DVC's run cache.
    assert mine.objects().keys() <= mine.cached().keys()
    mine.run("git", "push", "--quiet", "--set-upstream", "origin", "main")

    yours = mine.clone("yours")
    yours.run("model", "pull")
    yours.run("dvc", "status", "--quiet")
    assert yours.cached().keys() == mine.objects().keys()
    assert yours.outputs() == mine.outputs()
    raw = "data/raw/penguins.csv"
    assert sha256(yours.path / raw) == sha256(mine.path / raw)
    assert yours.changed() == []
