"""Run the service until it is told to stop."""

import signal
import socket
import sys
from importlib.util import find_spec

import uvicorn

from mlrepo.core.errors import ProjectError
from mlrepo.pipeline.output import Tell
from mlrepo.serving.app import make_app
from mlrepo.serving.follow import Follower
from mlrepo.serving.settings import Settings
from mlrepo.serving.telemetry import Meters, log

_GRACE = 30  # seconds for what is in flight


def run(settings: Settings, tell: Tell) -> None:
    """Serve a version, or what is in a stage; end when the process gets SIGTERM or SIGINT."""
    if "pandas" not in sys.modules and find_spec("pandas") is None:
        sys.meta_path.insert(0, _NoPandas)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    meters = Meters()
    # The address first: a service that cannot have it loads nothing and logs nothing.
    with bind(settings.host, settings.port) as listening:
        follower = Follower(settings, meters, tell)
        host, port = listening.getsockname()[:2]
        app = make_app(lambda: follower.served, settings, meters)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=_GRACE,
        )
        server = uvicorn.Server(config)
        # uvicorn stops at these signals once it runs, and then raises them again for whoever was
        # there before.
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: setattr(server, "should_exit", True))
        log("start", host=host, port=port, token=settings.token is not None)
        follower.start()
        server.run(sockets=[listening])
    log("stop")


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 is a free one."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        # Python adds the address, which is named here already.
        why = str(error.strerror).partition(" (")[0]
        raise ProjectError(f"{host}, port {port}: {why}: choose --host and --port") from None


class _NoPandas:
    """Ends each search for pandas where it begins.

    scikit-learn tries to import it some thirty times for each prediction, and a search that finds
    nothing is made anew each time: a third of what the prediction of one row costs.
    """

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Refuse pandas, and leave other modules to other finders."""
        if name == "pandas":
            raise ModuleNotFoundError("No module named 'pandas'", name=name)
