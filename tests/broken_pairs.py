"""Which broken states a command cannot pass over, and where the short form lets them meet."""

# In such a state, a command that needs the file may not say that all is well.
NEEDED = {
    "dvc.yaml": {"doctor", "status", "push", "pull", "links", "register"},
    "dvc.lock": {"doctor", "status", "push", "pull", "links", "register", "predict"},
    "params.yaml": {"doctor", "status", "prepare", "train", "evaluate", "gate", "start", "schema"},
    "schema.yaml": {"doctor", "status", "prepare", "predict"},
    "versions.yaml": {"promote", "gate", "approve", "rollback", "serve"},
    "sweep.yaml": {"sweep"},
    ".dvc/config": {"doctor", "push", "pull", "register"},
    # Without a remote a version in the cache can be promoted all the same.
    ".dvc/config: conflict": {"promote"},
    ".dvc/config: an unknown key": {"promote"},
    ".dvc: deleted": {"doctor", "push", "pull", "links", "register"},
    "raw data: the pointer has a conflict": {"doctor", "status", "pull", "links"},
    "raw data": {"register"},
    "the remote": {"doctor"},
    "the remote's drive": {"pull"},
    "cache and remote": {"doctor", "verify", "get"},
    "cache: a file": {"pull all"},
    "model:": {"gate", "predict", "register"},
    "model: damaged": {"doctor", "status"},
    "prepared table": {"doctor", "evaluate"},
    "metrics": {"doctor", "stage card"},
    "env.json": {"doctor", "train"},
    "pyproject.toml": {"doctor"},
    "uv.lock": {"doctor", "environment"},
    "Git: no repository": {"doctor", "register", "promote", "show", "history", "serve", "mirror"},
    "Git: no commit": {"doctor", "register"},
    "Git: a damaged index": {"doctor", "pull"},
    "Git: a lock is left": {"restore"},
    "Git: the remote is gone": {"doctor", "register", "promote"},
    "Git: no remote": {"register", "promote", "retire", "note"},
    "Git: not all": {"doctor", "register"},
    "model.py": {"train"},
    "params.py": {"prepare", "schema", "environment"},
}

# These refuse a whole project as well, and so most states for a reason of their own: there is no
# signing key, say, or nothing to do. Wherever they stand below, the message has to name the state.
REFUSED_ANYWAY = {
    *("approve", "ci deploy", "countersign", "from-mlflow", "mirror", "register", "reject"),
    *("serve", "sweep", "sweep apply"),
}
# They take a minute of a project that is whole.
SLOW = {"ci check", "ci report", "ci train", "ci verify", "rebuild"}

# State -> commands that must refuse it in the short form. Each command that can refuse one is here.
SHORT = {
    "dvc.yaml: a bracket is not closed": ("rebuild", "links"),
    "dvc.yaml: deleted": ("ci report", "page"),
    "dvc.yaml: conflict": ("sweep apply", "start"),
    "dvc.yaml: empty": ("ci verify",),
    "dvc.yaml: a stage is a list": ("status",),
    "dvc.yaml: not UTF-8": ("ci train",),
    "dvc.lock: conflict": ("start",),
    "dvc.lock: deleted": ("predict",),
    "dvc.lock: cut short": ("register",),
    "dvc.lock: empty": ("push",),
    "dvc.lock: a list": ("push all",),
    "params.yaml: cut short": ("train",),
    "params.yaml: deleted": ("status",),
    "params.yaml: conflict": ("schema",),
    "params.yaml: empty": ("evaluate",),
    "params.yaml: a number in place of a section": ("environment",),
    "params.yaml: a tab": ("add",),
    "schema.yaml: deleted": ("predict",),
    "schema.yaml: conflict": ("prepare",),
    "schema.yaml: empty": ("status",),
    "versions.yaml: conflict": ("promote",),
    "versions.yaml: deleted": ("approve",),
    "sweep.yaml: conflict": ("sweep",),
    ".dvc/config: conflict": ("gc",),
    ".dvc/config: no remote": ("pull all",),
    ".dvc/config: an unknown key": ("gc cloud",),
    ".dvc: deleted": ("remote",),
    "raw data: the pointer has a conflict": ("pull",),
    "raw data: the pointer is deleted": ("register",),
    "raw data: lost": ("prepare", "predict"),
    "the remote's drive is not mounted": ("pull",),
    "the remote's drive is not mounted, in a new clone": ("pull",),
    "the remote's server cannot be reached": ("push",),
    "the remote's plug-in is not installed": ("doctor",),
    "cache and remote: lost": ("get", "verify", "ci release"),
    "cache: a file in the place of the folder": ("pull all",),
    "model: deleted": ("gate",),
    "model: damaged": ("predict",),
    "prepared table: damaged": ("evaluate",),
    "metrics: cut short": ("scores", "stage card"),
    "env.json: deleted": ("doctor offline",),
    "env.json: conflict": ("train",),
    "env.json: a list": ("doctor",),
    "pyproject.toml: conflict": ("doctor",),
    "uv.lock: conflict": ("environment",),
    "uv.lock: deleted": ("doctor",),
    "Git: no repository": (
        *("show", "history", "at", "diff", "record", "card of a version", "report"),
        *("predict by a version", "seal"),
    ),
    "Git: no commit": ("register",),
    "Git: a damaged index": ("doctor", "pull"),
    "Git: a lock is left": ("restore",),
    "Git: the remote is gone": ("reject", "deprecate", "countersign"),
    "Git: no remote is chosen": ("note", "retire", "rollback", "ci deploy"),
    "Git: not all is committed": ("register",),
    "model.py: no Python": ("train",),
    "params.py: no Python": ("schema",),
}
PAIRS = [(state, name) for state, names in SHORT.items() for name in names]
# For each of these states the doctor names the same one command that helps.
RESTORED = (
    "dvc.yaml: deleted",
    "dvc.yaml: conflict",
    "dvc.lock: conflict",
    "dvc.lock: deleted",
    "dvc.lock: cut short",
    "params.yaml: cut short",
    "params.yaml: deleted",
    "schema.yaml: deleted",
    ".dvc/config: conflict",
)
# Where DVC answered with a hundred lines, and `model` with blame for the remote.
CELLS = [
    (state, name)
    for state in (
        "dvc.yaml: a bracket is not closed",
        "dvc.lock: conflict",
        "params.yaml: cut short",
    )
    for name in ("doctor", "push", "pull")
]

# Of a project with a tracker and the service.
TRACKED = {
    "serve": "model serve --port 0",
    "mirror": "model mirror",
    "from-mlflow": "model from-mlflow v1 -o ../out",
    "ci mirror": "env MLFLOW_TRACKING_URI=sqlite:///mlflow.db python -m mlrepo.commands ci mirror",
}
TRACKED_PAIRS = [
    ("Git: no repository", "serve"),
    ("versions.yaml: conflict", "serve"),
    ("schema.yaml: deleted", "serve"),  # a version has its own
    (".dvc/config: conflict", "mirror"),
    ("Git: no repository", "from-mlflow"),
    ("pyproject.toml: conflict", "ci mirror"),
]

# What Git tells the hook pre-push, of a remote that has nothing yet.
PUSHED = "echo refs/heads/main $(git rev-parse HEAD) refs/heads/main 0"
PRE_PUSH = f"sh -c '{PUSHED} | .githooks/pre-push gone address'"
POST_CHECKOUT = ".githooks/post-checkout HEAD~1 HEAD 1"
# With an environment of its own, as it changes that.
BOOTSTRAP = "sh -c 'rm .venv && exec python bootstrap.py'"
COMMIT = "git commit --all -m Why"
AROUND = [  # state, program that calls ours, exit code of that
    ("schema.yaml: conflict", "dvc repro", 255),
    ("dvc.lock: conflict", COMMIT, 1),
    ("model.py: no Python", COMMIT, 1),
    (".dvc/config: conflict", PRE_PUSH, 2),
    ("the remote's drive is not mounted, in a new clone", POST_CHECKOUT, 0),
    ("pyproject.toml: conflict", BOOTSTRAP, 1),
    ("uv.lock: conflict", BOOTSTRAP, 1),
]
AROUND_LONG = [
    ("params.py: no Python", "dvc repro", 255),
    ("model.py: no Python", "dvc repro", 255),
    ("env.json: conflict", COMMIT, 1),
    ("schema.yaml: empty", COMMIT, 1),
    ("uv.lock: conflict", COMMIT, 1),
    ("params.yaml: a number in place of a section", COMMIT, 1),
    (".dvc/config: no remote", PRE_PUSH, 2),
    ("the remote's server cannot be reached", PRE_PUSH, 2),
    ("dvc.lock: conflict", POST_CHECKOUT, 0),
    ("dvc.yaml: a bracket is not closed", BOOTSTRAP, 1),
    ("params.yaml: cut short", BOOTSTRAP, 1),
    ("dvc.lock: conflict", BOOTSTRAP, 1),
    (".dvc/config: conflict", BOOTSTRAP, 1),
]


def must_refuse(state: str, name: str) -> bool:
    """Whether a command needs what is broken."""
    needed = [names for part, names in NEEDED.items() if state.startswith(part)]
    return any(name in names for names in [SHORT[state], *needed])
