"""Put the outputs of a stage back that has failed.

DVC takes them away before it runs a stage. What a stage has not written anew comes back as dvc.lock
has it, out of the last commit or out of DVC's cache.
"""

from pathlib import Path
from typing import Any

from mlrepo.core.files import atomic
from mlrepo.pipeline import git
from mlrepo.storage import remote
from mlrepo.storage.store import Store, Stored, hashes_of


def put_back(stage: str) -> None:
    """Bring back what is missing of the outputs of ``stage``, which is DVC's own name for it."""
    name = stage.rpartition(":")[2]  # DVC may have been started in another folder
    with remote.open_repo() as repo:
        store = Store(repo)
        named = [each for each in repo.index.stages if getattr(each, "name", None) == name]
        # Another model's stages have these names as well.
        stages = [each for each in named if Path(each.wdir).resolve() == Path.cwd().resolve()]
        for out in (
            out for each in stages for out in each.outs if out.hash_info and not out.exists
        ):
            if out.use_cache:
                out.checkout(allow_missing=True)  # a link, where the cache has links
            else:
                _from_git_or_cache(out, store)


def _from_git_or_cache(out: Any, store: Store) -> None:
    path = Path(out.fs_path).relative_to(Path.cwd())
    stored = Stored(path.as_posix(), out.hash_info.value)
    content = git.bytes_at("HEAD", stored.path) if stored.path in git.paths_at("HEAD") else b""
    if hashes_of(content)["md5"] == stored.md5:
        with atomic(path) as partial:
            partial.write_bytes(content)
    elif store.in_cache(stored.md5):
        for part in store.parts(stored):
            if store.in_cache(part.md5):
                store.fetch(part, Path(part.path), None)
