"""Large and many files through a real S3 server, and garbage collection."""

from dataclasses import replace
from pathlib import Path

from conftest import Project
from helpers import LONG, QUICK, in_long_form, sha256
from servers import S3
from sharing import MANY, Sharer, md5, pseudorandom, share, tree

MODEL = "models/model.skops"


@in_long_form
def test_a_large_file_and_a_folder_of_many_come_to_a_fresh_clone(
    s3_project: Project, s3: S3, tmp_path: Path
) -> None:
    mine = share(s3_project, tmp_path, s3, "large")
    large = Path("data/raw/large.bin")
    with (mine.path / large).open("wb") as file:
        for number in range(500 if LONG else 40):
            file.write(pseudorandom(number, 1_000_000))
    mine.run("dvc", "add", "--quiet", str(large))
    mine.manage("many")
    mine.run("model", "push")
    assert md5(mine.path / large) in mine.objects()
    mine.run("git", "push", "--quiet", "origin", "main")  # the hook has nothing to add

    yours = mine.clone("yours")
    yours.run("model", "pull")
    yours.run("dvc", "status", "--quiet")
    assert tree(yours.path / "data") == tree(mine.path / "data")
    assert len(tree(yours.path / "data/raw/many")) == MANY


def publish(copy: Sharer, trees: int) -> None:
    """Train, push everything, and register a version."""
    copy.set_params({**QUICK, "train.arguments": {"n_estimators": trees}})
    copy.repro()
    copy.commit(f"{trees} trees")
    copy.run("model", "push")
    copy.run("git", "push", "--quiet", "--set-upstream", "origin", "main")
    copy.run("model", "register", "-m", f"{trees} trees")


@in_long_form
def test_garbage_collection_keeps_every_version(
    s3_project: Project, s3: S3, tmp_path: Path
) -> None:
    mine = share(s3_project, tmp_path, s3, "garbage")
    publish(mine, 5)
    publish(mine, 6)
    yours = mine.clone("yours")
    yours.run("model", "pull")
    publish(yours, 7)  # which the first clone has not heard of when it collects

    junk = mine.path / "data/raw/junk.csv"
    junk.write_text("a\n1\n", encoding="utf-8")
    mine.run("dvc", "add", "--quiet", str(junk))
    mine.run("model", "push")
    digest = md5(junk)
    assert digest in mine.objects().keys() & mine.cached().keys()
    for path in (junk, junk.with_name("junk.csv.dvc")):
        path.unlink()
    mine.run("git", "checkout", "--quiet", "data/raw/.gitignore")
    there = mine.objects().keys()

    mine.run("model", "gc", "--yes")
    assert digest not in mine.cached()
    assert mine.objects().keys() == there
    mine.run("model", "gc", "--cloud", "--yes")
    assert mine.objects().keys() == there  # a colleague may be about to commit it
    mine.run("model", "gc", "--cloud", "--yes", "--older-than", "0")
    assert mine.objects().keys() == there - {digest}

    fresh = mine.clone("fresh")
    for version in ("v1.0.0", "v1.1.0", "v1.2.0"):
        record = fresh.record(version)
        entries = [each for each in record["files"].values() if each["kept_by"] == "dvc"]
        entries += [part for each in entries for part in each.get("parts", {}).values()]
        kept = [each["md5"].removesuffix(".dir") for each in entries]
        assert len(kept) > 5
        assert set(kept) <= mine.objects().keys()
        mine.run("model", "verify", version)
        fresh.run("model", "get", version, "-o", "out")
        assert sha256(fresh.path / "out/model.skops") == record["artifact"]["sha256"]
    assert len({fresh.record(v)["artifact"]["sha256"] for v in ("v1", "v1.1", "v1.2")}) == 3


def test_a_clone_without_history_collects_nothing(
    s3_project: Project, s3: S3, tmp_path: Path
) -> None:
    mine = share(s3_project, tmp_path, s3, "shallow")
    mine.run("model", "push")
    mine.run("git", "push", "--quiet", "origin", "main")
    there = mine.objects().keys()
    folder = tmp_path / "shallow"
    mine.run("git", "clone", "--quiet", "--depth=1", f"file://{mine.origin}", str(folder))
    done = replace(mine, path=folder).run("model", "gc", "--cloud", check=False)
    assert done.returncode == 2
    assert "`git fetch --unshallow` brings them" in done.stderr
    assert mine.objects().keys() == there
