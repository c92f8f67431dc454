"""Follow a stage: when another version comes into it, load that one and let it answer.

It looks at the names of Git's tags, in a thread of its own, which costs one short `git`. A version
that cannot be loaded changes nothing: the one before goes on to answer, and it is tried again.
"""

import threading
from time import monotonic, sleep

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline import git
from mlrepo.pipeline.output import Tell
from mlrepo.serving.served_version import Served, load
from mlrepo.serving.settings import Settings
from mlrepo.serving.telemetry import Meters, log
from mlrepo.versions import tags, write_tags
from mlrepo.versions.registry import Registry, Version

_LONGEST = 300.0  # seconds between two tries of a version that cannot be loaded


class Follower:
    """Holds what is served; ``served`` is replaced in one step."""

    served: Served

    def __init__(self, settings: Settings, meters: Meters, tell: Tell) -> None:
        """Load what is to be served, by the tags of this clone if no others can be fetched."""
        self._settings, self._meters = settings, meters
        self._told: dict[str, str] = {}  # what -> the last that was said of it
        self._wait, self._again = 0.0, 0.0  # until the next try, and when that is
        try:
            self._fetch()
        except ProjectError as error:  # a service that starts again must not need the Git remote
            tell(str(error))
        self._seen = self._tags()
        self._take(self._wanted(), tell)

    def start(self) -> None:
        """Begin to follow, until the process ends; a version that was named stays."""
        if self._settings.version is None:
            threading.Thread(target=self._run, name="follow", daemon=True).start()

    def look(self) -> None:
        """Look once; whatever fails, what is served goes on."""
        try:
            self._fetch()
            self._told.pop("fetch", None)
        except ProjectError as error:
            self._tell("fetch", str(error))
        try:
            seen = self._tags()
            if seen == self._seen and not self._wait:
                return
            wanted = self._wanted()
            if wanted.tag.oid != self.served.version.tag.oid:
                if seen == self._seen and monotonic() < self._again:
                    return
                self._seen = seen
                self._take(wanted, lambda step: log("note", says=step))
                self._meters.switches.inc()
            self._seen, self._wait = seen, 0.0
            self._meters.failing.set(0)
            self._told.pop("switch", None)
        except Exception as error:  # a version's own code can raise anything
            self._wait = min(2 * self._wait or self._settings.poll, _LONGEST)
            self._again = monotonic() + self._wait
            self._meters.failures.inc()
            self._meters.failing.set(1)
            self._tell("switch", str(error) if isinstance(error, ProjectError) else repr(error))

    def _run(self) -> None:
        while True:
            sleep(self._settings.poll)
            self.look()

    def _take(self, version: Version, tell: Tell) -> None:
        self.served = load(self._settings, version, tell)
        self._meters.serve(self.served.chosen.version, self.served.chosen.sha256)
        log("serve", **self.served.facts)

    def _tell(self, what: str, says: str) -> None:
        """Log a failure, and its repetitions not."""
        if self._told.get(what) != says:
            self._told[what] = says
            log(f"{what}_failed", says=says, model_version=self.served.chosen.version)

    def _fetch(self) -> None:
        if self._settings.fetch:
            write_tags.fetch(self._settings.model)

    def _wanted(self) -> Version:
        registry = Registry.load(self._settings.model)
        if self._settings.version is not None:
            return registry.version(self._settings.version)
        return registry.resolve(str(self._settings.stage))

    def _tags(self) -> str:
        form = "--format=%(objectname) %(refname)"
        return git.git("for-each-ref", form, *tags.references(self._settings.model))
