"""A version that can be handed out: the model with all that is known of it, in one folder."""

from pathlib import Path

from .. import git
from ..declared import declared
from ..errors import ProjectError
from ..exports.render import render
from ..layout import markdown
from ..output import as_json
from ..versions import deliver
from ..versions.registry import Registry, Version, recorded
from ..versions.tags import artifact_in_tag
from .forge import RefusedError, forge
from .proof import holds
from .reach import fetch, sign_in
from .shell import say, summarize

RELEASES = Path("release")  # Git ignores it
CARD = "MODEL_CARD.md"


def release(tag: str) -> bool:
    """Prove a version, fill a folder with it and attach that to the provider's release.

    Returns:
        Whether the version holds; one that does not is not released.

    Raises:
        ProjectError: if there is no such version, or the provider refuses.
    """
    sign_in()
    fetch()
    model, version = find(tag)
    if not holds(model, version):
        return False
    say("collect")
    folder = RELEASES / tag.replace("/", "-")
    files = _fill(folder, version)
    print("\n".join(map(str, files)))
    record = recorded(version)
    facts = [["commit", version.tag.commit], ["SHA-256", record["artifact"]["sha256"]]]
    facts += [["data", f"{record['data']['path']}, MD5 {record['data']['md5']}"]]
    text = f"{version.tag.notes}\n\n{markdown([['part', 'value'], *facts])}"
    summarize(f"## {tag}\n\n{text}")
    service = forge()
    if service is None:
        print(f"No token of a provider is here, so the release is the folder {folder}.")
        return True
    say("attach")
    try:
        print(service.release(tag, text, files))
    except RefusedError as reason:
        raise ProjectError(f"{folder} is complete, but attached to no release: {reason}") from None
    return True


def find(tag: str) -> tuple[str, Version]:
    """Return the model and the version that a tag's name stands for.

    Raises:
        ProjectError: if it is no version of a model of dvc.yaml.
    """
    for model in declared():
        for version in Registry.load(model).versions.values():
            if version.tag.name == tag:
                return model, version
    example = f"{artifact_in_tag(next(iter(declared())))}@v1.0.0"
    raise ProjectError(f"{tag} is no version here: name one as `git tag` does, such as {example}")


def _fill(folder: Path, version: Version) -> list[Path]:
    model = deliver.fetch(version, folder)
    texts = {
        "record.json": as_json(recorded(version)),
        "provenance.slsa.json": render(version, "slsa"),
        "bom.cdx.json": render(version, "cyclonedx"),
    }
    for name, text in texts.items():
        (folder / name).write_text(f"{text.rstrip()}\n", encoding="utf-8", newline="\n")
    names = [f"{model.name}.sha256", "VERSION.json", *texts]
    if git.ask("cat-file", "-e", f"{version.tag.commit}:./{CARD}") is not None:
        (folder / CARD).write_bytes(git.bytes_at(version.tag.commit, CARD))
        names.append(CARD)
    return [model, *(folder / name for name in names)]
