"""The commands in the text of the README and of pages, and what a test types for each."""

from pages import page

# As the default answers leave it; the commands of a tracker and of a service have tests of theirs.
GENERATED = page("README.md")
# Pages whose commands follow on those of the README, one after the other, with what they show.
STORY = "".join(page(f"docs/{name}.md") for name in ("experiments", "versions", "predict"))
MORE = ("changes", "estimators", "problems", "remote", "reproduce")
REST = "".join(page(f"docs/{name}.md") for name in MORE)
TEXTS = GENERATED + STORY + REST + page("docs/data.md").partition("\n## How tables")[0]

BACK = (
    "git checkout params.yaml dvc.lock environment env.json metrics reports MODEL_CARD.md"
    " && uv run dvc checkout"
)
# The whole way of a colleague: from nothing to a project that was made again and checked.
CLONE = (
    "git clone ADDRESS FOLDER && cd FOLDER && python bootstrap.py"
    " && uv run dvc repro --force && git diff --exit-code && uv run model doctor"
)
# What a run that was cut short may have taken away: files of Git's, and of DVC's.
LOSE = "rm -r metrics reports models data/prepared MODEL_CARD.md"
# The commands that stand in the text of these pages, in an order in which they can be run
#  one after the other, with what its words in capitals stand for.
IN_TEXT = {
    "uv run": "uv run python --version",
    "uv run dvc repro": "uv run dvc repro",
    "uv run model ci check": "uv run model ci check --help",  # test_ci_story.py runs it
    "uv run model status": "uv run model status",
    "uv run model scores": "uv run model scores",
    "python -m mlrepo STEP": ". .venv/bin/activate && python -m mlrepo card",
    "uv run python -m mlrepo train": "uv run python -m mlrepo train && uv run dvc status --quiet",
    "uv run pytest": "uv run pytest --collect-only --quiet",
    "uv run dvc plots show --open": "BROWSER=true uv run dvc plots show --open",
    "source .venv/bin/activate": ". .venv/bin/activate && dvc --version",
    "dvc exp run -S train.arguments.n_estimators=300": (
        ". .venv/bin/activate && dvc exp run -S train.arguments.n_estimators=300"
    ),
    "dvc exp run --run-all": ". .venv/bin/activate && dvc exp run --run-all",  # nothing waits
    "uv run dvc metrics diff": "uv run dvc metrics diff",
    "uv run dvc params diff": "uv run dvc params diff",
    BACK: f"! uv run dvc exp run -S train.arguments.n_estimators=-5 && {LOSE} && {BACK}"
    ' && test -z "$(git status --porcelain)" && uv run dvc status --quiet'
    " && test -s MODEL_CARD.md && test -s models/model.skops",
    "uv run dvc metrics diff HEAD~1 HEAD": "uv run dvc metrics diff HEAD~1 HEAD",
    "dvc exp show -A": "uv run dvc exp show -A --no-pager",
    "uv run dvc exp remove leaves": "uv run dvc exp remove leaves",
    "uv run model sweep": (
        "sed -i.old 's/^trials: .*/trials: 3/' sweep.yaml && rm sweep.yaml.old"
        " && uv run model sweep"
    ),
    "uv run model sweep apply": "git checkout sweep.yaml && uv run model sweep apply",
    "git checkout . && uv run dvc checkout": (
        "git checkout . && uv run dvc checkout && uv run dvc status --quiet"
    ),
    "git checkout dvc.lock": "git checkout dvc.lock",
    'git add -A && git commit -m "What changed"': (
        'uv run dvc repro && echo >> params.yaml && git add -A && git commit -m "What changed"'
    ),
    "uv run model push && git push": (
        "git init --quiet --bare ../origin.git && git remote add origin ../origin.git"
        " && git push --quiet --set-upstream origin main && git push --quiet --tags"
        " && uv run model push && git push"
    ),
    CLONE: CLONE.replace("ADDRESS FOLDER && cd FOLDER", "../origin.git ../second && cd ../second")
    + " && uv run dvc status --quiet && cmp models/model.skops ../penguins/models/model.skops",
    "uv run dvc remote modify --local storage url ADDRESS": (
        "cd ../second && mv ../penguins-remote ../moved && ! uv run model pull"
        " && uv run dvc remote modify --local storage url ../moved"
    ),
    "uv run model pull": (
        "cd ../second && rm -r .dvc/cache data/prepared models && uv run model pull"
        " && mv ../moved ../penguins-remote"
        " && cmp models/model.skops ../penguins/models/model.skops"
    ),
    "git pull && uv sync && uv run model pull": "git pull && uv sync && uv run model pull",
    "model promote": "uv run model promote --help",
    "model rollback": "uv run model rollback --help",
    "model show": "uv run model show && uv run model show --json",
    "model at 2026-03-01 prod": "uv run model at 2026-03-01 prod",
    "model get prod -o FOLDER": "uv run model get prod -o ../deployed",
    "model record v1 --format slsa": "uv run model record v1 --format slsa",
    "model gate": "uv run model gate",
    "model deprecate v1.1 -m WHY": "uv run model deprecate v1.1 -m WHY",
    "model retire staging -m WHY": (
        "uv run model promote v1 staging -m WHY && uv run model retire staging -m WHY"
    ),
    "model note v1 -m WHY --link ADDRESS": (
        "uv run model note v1 -m WHY --link https://example.com/tickets/7"
    ),
    "model restore v1": (
        "uv run model restore v1 && git switch --quiet main && uv run dvc checkout"
    ),
    "uv run model doctor": "uv run model doctor | grep 'mlrepo .*, as released'",
    "model predict": "uv run model predict --help",
    "uv sync": "uv sync",
    "git checkout COMMIT && uv run dvc checkout": ("git checkout HEAD~1 && uv run dvc checkout"),
    "git switch main && uv run dvc checkout": "git switch main && uv run dvc checkout",
    "make": "make",
    "make help": "make help",
    "make lint test": "make lint test",
    "make merge": (
        "git checkout --quiet -b side HEAD~1 && git commit --quiet --allow-empty -m side"
        " && git checkout --quiet main && git merge --quiet side && make merge"
    ),
    "uv add NAME": "uv add --dev six && git checkout pyproject.toml uv.lock && uv sync",
    "uv add lightgbm": (
        "uv add lightgbm && git checkout --quiet pyproject.toml uv.lock && uv sync"
    ),
    "uv run model start TABLE --target COLUMN": (
        "cp data/raw/penguins.csv ../new.csv && uv run model start ../new.csv --target species"
        " --purpose Why --source Where --licence MIT"
        " && git checkout --quiet . && git clean --quiet --force data && uv run dvc checkout"
    ),
    "model start --help": "uv run model start --help",
    "uv run dvc add data/raw/NAME": (
        "cp data/raw/penguins.csv data/raw/new.csv && uv run dvc add data/raw/new.csv"
    ),
    "uv run model schema --force": ("uv run model schema --force && git checkout schema.yaml"),
    "uv run model remote ADDRESS": ("uv run model remote ../elsewhere && git checkout .dvc/config"),
    "uv run model gc --cloud": "uv run model gc --cloud --yes",
}
# Names of commands, which are typed elsewhere with what belongs to them; and a server's start.
NAMED = {
    *("dvc exp run", "dvc pull", "dvc push", "git add -A", "git commit", "git fetch --tags"),
    "uv add xgboost",  # test_boosting.py does it
    *("git push", "model", "model diff", "model history", "model push", "model register"),
    *("model verify", "uv add", "uv run model push"),
    *("uv run model verify VERSION --rebuild", "uv run --with jupyterlab jupyter lab"),
}
