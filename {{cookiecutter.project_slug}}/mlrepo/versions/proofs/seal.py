"""The head of the chain for a notary: one hash over all tags of a model.

A chain that was written anew from some tag to its end holds for whoever has none of the old tags.
A seal that was kept elsewhere does not: it names the last tags, and they lead to all before them.
So tags that came since change nothing, and a tag that was put before it later is named.

Git names tags by SHA-1, for which two contents of one hash have been made. A seal takes the SHA-256
of each tag's own bytes, and of these the SHA-256 of the list that `sha256sum` would print.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import AwareDatetime, Field

from mlrepo.core.errors import ProjectError
from mlrepo.core.files import all_or_nothing
from mlrepo.core.sections import Section, parse
from mlrepo.pipeline import git
from mlrepo.pipeline.output import Tell
from mlrepo.versions import tags
from mlrepo.versions.proofs import time_stamp
from mlrepo.versions.registry import Registry
from mlrepo.versions.tags import Tag

FORMAT = 1  # raised when a key changes its meaning
_AT_ONCE = 500  # tags whose bytes are in memory: a record can take 50 KB


class Seal(Section):
    """What a seal says; ``every`` is in the files of `model seal -o`, and not in its line."""

    format: int
    model: str
    tags: int
    sha256: str
    newest: str
    at: AwareDatetime = Field(strict=False)  # of the newest tag
    ends: dict[str, str]  # name -> SHA-256 of each tag that no other names
    every: dict[str, str] | None = None  # the same of all tags

    def line(self, *, whole: bool = False) -> str:
        """Return it as one line; ``whole``: with every tag, so that each can be named later."""
        content = self.model_dump(mode="json", exclude=None if whole else {"every"})
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def seal(registry: Registry) -> Seal:
    """Seal the tags of this clone, those that are not believed as well: they may be some day."""
    registry.newest()  # raises where there is nothing to seal
    found = tags.read(registry.model)
    every = _hashes(found)
    newest = list(registry.chain.tags.values())[-1]
    named = {name for tag in found.values() for name in _names(tag)}
    return Seal(
        format=FORMAT,
        model=registry.model,
        tags=len(every),
        sha256=_of_list(every),
        newest=newest.name,
        at=newest.date,
        ends={name: sha256 for name, sha256 in every.items() if name not in named},
        every=every,
    )


def write(sealed: Seal, file: Path, url: str | None, authority: Path | None) -> None:
    """Write a seal with all its tags to a new file, and beside it the time stamp of the file."""
    stamp = _stamp(file)
    for path in (file, stamp):
        if path.exists():
            raise ProjectError(f"{path} exists, and a seal is kept: name a new file")
    content = f"{sealed.line(whole=True)}\n".encode()
    if bool(url) != bool(authority):
        raise ProjectError("a time stamp needs both: --time-stamp URL --authority CERTIFICATE.pem")
    answer = time_stamp.ask(url, content, authority) if url and authority else None
    with all_or_nothing() as partial:
        partial(file).write_bytes(content)
        if answer:
            partial(stamp).write_bytes(answer)


@dataclass(frozen=True)
class Kept:
    """A seal as a person has it: a line, or the file that has the line."""

    seal: Seal
    content: bytes
    file: Path | None

    @classmethod
    def of(cls, given: str, folder: Path) -> "Kept":
        """Read what a person typed in ``folder``."""
        if given.lstrip().startswith("{"):
            return cls(read(given, "the seal"), given.encode(), None)
        try:
            content = (folder / given).read_bytes()
        except OSError as error:
            raise ProjectError(f"{given} cannot be read: {error.strerror}") from None
        return cls(read(content.decode(errors="replace"), given), content, folder / given)

    def check(self, model: str, authority: Path | None, tell: Tell) -> Iterator[str]:
        """Yield what does not hold; where an authority is named, so of its time stamp."""
        tell(f"sealed: {self.seal.tags} tags up to {self.seal.newest} of {self.seal.at}")
        yield from broken(Registry.load(model), self.seal)
        stamp = _stamp(self.file) if self.file else None
        if authority is None:
            if stamp and stamp.exists():
                tell("its time stamp is not checked: --authority CERTIFICATE.pem names who made it")
        elif stamp is None:
            yield "a time stamp is of a file: name the file of the seal in place of its line"
        else:
            when = time_stamp.check(stamp, self.content, authority)
            tell(f"{authority.name} proves that the seal was there at {when}")


def read(text: str, place: str) -> Seal:
    """Return the seal in a text, such as a mail; raise for none, or one that denies itself."""
    lines = [line for line in map(str.strip, text.splitlines()) if line.startswith('{"format":')]
    if len(lines) != 1:
        raise ProjectError(
            f"{place} has {len(lines) or 'no'} seals: give the one line that `model seal` printed, "
            "or a file that has it"
        )
    try:
        content = json.loads(lines[0])
    except ValueError as error:
        raise ProjectError(f"the seal in {place} is not whole: {error}") from None
    found = parse(content, Seal, place)
    if found.format != FORMAT:
        raise ProjectError(f"{place} is of the format {found.format}, and this knows {FORMAT}")
    every = found.every
    if every is not None and (len(every), _of_list(every)) != (found.tags, found.sha256):
        raise ProjectError(f"{place} was changed: its hash is not that of the tags it lists")
    return found


def broken(registry: Registry, sealed: Seal) -> Iterator[str]:
    """Yield what was sealed and is not there any more, and what has come into the sealed past."""
    if sealed.model != registry.model:
        yield f"it is of the model {sealed.model}, not of {registry.model}"
        return
    found = tags.read(registry.model)
    here = _hashes(found)
    is_whole = sealed.every is not None
    known = sealed.every if sealed.every is not None else sealed.ends
    lost = [name for name, sha256 in known.items() if here.get(name) != sha256]
    for name in lost:
        yield f"{name} was sealed, and is {'another tag now' if name in here else 'gone'}"
    if lost and not is_whole:
        yield "this seal names its last tags alone: one in a file of `model seal -o` names each"
        return
    reached = (
        set(known) if is_whole else tags.reached(sealed.ends, lambda name: _names(found.get(name)))
    )
    covered = reached & here.keys()
    if not is_whole and _of_list({name: here[name] for name in covered}) != sealed.sha256:
        absent = ", ".join(sorted(reached - found.keys()))
        yield (
            f"the {len(covered)} tags up to {sealed.newest} are not the {sealed.tags} sealed ones"
            f"{f': {absent} is gone' if absent else ''}"
        )
        return
    for name, tag in registry.chain.tags.items():
        if name not in reached and tag.date <= sealed.at:
            yield f"{name} is dated before the seal, which does not know it: it came into the past"


def _names(tag: Tag | None) -> set[str]:
    """Return the tags that the record of a tag names, believed or not."""
    claims = (tag.claims.get(key) for key in ("after", "besides")) if tag else ()
    return {name for named in claims if isinstance(named, dict) for name in named}


def _stamp(file: Path) -> Path:
    return file.with_name(f"{file.name}.tsr")


def _hashes(found: dict[str, Tag]) -> dict[str, str]:
    """Return name -> SHA-256 of the bytes of each tag; a lightweight one has none."""
    oids = {name: found[name].oid for name in sorted(found, key=str.encode)}
    oids = {name: oid for name, oid in oids.items() if oid != found[name].commit}
    asked, made = list(oids.values()), list[str]()
    for start in range(0, len(asked), _AT_ONCE):
        contents = git.objects(asked[start : start + _AT_ONCE])
        made += [hashlib.sha256(content).hexdigest() for content in contents]
    return dict(zip(oids, made, strict=True))


def _of_list(hashes: dict[str, str]) -> str:
    names = sorted(hashes, key=str.encode)
    text = "".join(f"{hashes[name]}  {name}\n" for name in names)
    return hashlib.sha256(text.encode()).hexdigest()
