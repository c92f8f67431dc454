"""Where a version goes when it comes into a stage: fill this in.

`model ci deploy TAG` runs `python deploy.py`, which says whether there is a target, then proves the
version, then runs `python deploy.py FOLDER STAGE`. FOLDER holds the model, its SHA-256 and
VERSION.json; an exit code other than 0 fails the job. Where $MODEL_IMAGE says where images of the
service go, VERSION.json names as `image` the one with this version's code.

As it stands, it copies them to $DEPLOY_TARGET, a folder or a prefix such as s3://bucket/models:

    MODEL/STAGE/VERSION.json           what is in the stage; `file` is the path of its model
    MODEL/STAGE/v1.2.0/model.skops     a version's file, which never changes

VERSION.json is replaced as a whole and comes last: who reads it first, and then the file that it
names, never sees one version's name with another one's bytes. Old files stay, for who reads them.
"""

import json
import os
import shutil
import sys
from pathlib import Path


def deploy(folder: Path, stage: str, target: str) -> str:
    """Copy a version to the target; return where its VERSION.json is."""
    facts = json.loads((folder / "VERSION.json").read_text(encoding="utf-8"))
    name, version = facts["file"], facts["version"]
    place = f"{target}/{facts['model']}/{stage}"
    for copied in (f"{name}.sha256", name):
        put(folder / copied, f"{place}/{version}/{copied}")
    facts["file"] = f"{version}/{name}"
    (folder / "VERSION.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    put(folder / "VERSION.json", f"{place}/VERSION.json")
    return f"{place}/VERSION.json"


def put(file: Path, target: str) -> None:
    """Copy a file so that the target is the old or the new one at any moment."""
    if "://" in target:
        import fsspec  # DVC brings it, with the plug-in of its remote

        filesystem, path = fsspec.core.url_to_fs(target)
        filesystem.put_file(str(file), path)  # object stores show an object when it is whole
        return
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    shutil.copyfile(file, partial)
    partial.replace(path)


if __name__ == "__main__":
    place = os.environ.get("DEPLOY_TARGET", "").rstrip("/")
    if not place:
        sys.exit(
            "error: DEPLOY_TARGET is not set: give it a folder or s3://bucket/prefix, or write "
            "your own step into deploy.py"
        )
    if len(sys.argv) > 1:
        print(deploy(Path(sys.argv[1]), sys.argv[2], place))
