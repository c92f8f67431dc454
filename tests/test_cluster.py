"""The pipeline on a real Dask cluster, of which it knows the address alone: the same bytes."""

import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import TEMPLATE, Project, Tool
from dask_cluster import SEARCH, Cluster, cluster, listening, refused, wait_for
from helpers import QUICK, Copy, copy_again, copy_project, in_long_form
from spoil import swap

DOCS = (TEMPLATE / "{{cookiecutter.project_slug}}/docs/cluster.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def two(clustered: Copy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of two workers that lives as long as these tests."""
    with cluster(clustered, tmp_path_factory.mktemp("two") / "cluster") as made:
        made.workers(2)
        yield made


@pytest.fixture
def copy(clustered: Copy, tmp_path: Path) -> Copy:
    return copy_again(clustered, tmp_path / "penguins")


@pytest.fixture
def own(copy: Copy, tmp_path: Path) -> Iterator[Cluster]:
    """A cluster without workers for one test."""
    with cluster(copy, tmp_path / "cluster") as made:
        yield made


def test_a_forest_and_its_intervals_have_the_same_bytes(copy: Copy, two: Cluster) -> None:
    embedded = copy.outputs()
    copy.run("dvc", "repro", "--force", DASK_SCHEDULER_ADDRESS=two.address)
    assert copy.outputs() == embedded
    assert copy.changed() == []
    ran = two.ran()
    assert len(ran) == 2
    for kinds in ran.values():
        assert any("_parallel_build_trees" in kind for kind in kinds), ran
    assert any("values" in kinds for kinds in ran.values()), ran


@in_long_form
def test_a_search_has_the_same_bytes(copy: Copy, two: Cluster) -> None:
    copy.set_params({**QUICK, **SEARCH})
    assert "best of the search: {" in copy.run("dvc", "repro").stdout
    embedded = copy.outputs()
    copy.run("dvc", "repro", "--force", DASK_SCHEDULER_ADDRESS=two.address)
    assert copy.outputs() == embedded
    assert all(any("_fit_and_score" in kind for kind in kinds) for kinds in two.ran().values())


@in_long_form
def test_workers_run_the_code_of_the_commit(copy: Copy, two: Cluster) -> None:
    """They have the package installed, and ran it for another commit before."""
    copy.set_params(QUICK)
    copy.run("dvc", "repro", DASK_SCHEDULER_ADDRESS=two.address)
    before = copy.read("metrics/evaluate.json"), copy.lines("reports/scores.csv")
    swap("mlrepo/learning/metrics/aggregates.py", r"(/ weights\.sum\(axis=1\))$", r"\1 / 2")(
        copy.path
    )
    copy.run("dvc", "repro", DASK_SCHEDULER_ADDRESS=two.address)
    there = copy.outputs()
    assert copy.lines("reports/scores.csv") != before[1]
    copy.run("dvc", "repro", "--force")
    assert copy.outputs() == there


def test_no_address_imports_nothing_of_dask(clustered: Copy) -> None:
    done = clustered.run("python", "-X", "importtime", "-m", "mlrepo", "train")
    assert "mlrepo.learning.fit" in done.stderr
    for name in (
        "distributed",
        "dask",
        "cloudpickle.cloudpickle_fast",
        "mlrepo.learning.cluster.workers",
    ):
        assert f" {name}\n" not in done.stderr


@in_long_form
def test_a_dead_address_is_told_in_seconds(copy: Copy) -> None:
    nobody = "tcp://127.0.0.1:9"
    said = refused(copy, "train", nobody)
    assert f"error: no Dask scheduler answers at {nobody} (" in said
    assert "unset it to work without a cluster" in said
    copy.set_params({"train.seed": 1})
    # An address of another form is refused at once: what the dead one takes more is the wait.
    seconds: dict[str, list[float]] = {nobody: [], "nowhere": []}
    for _ in range(3):  # the best of three, as the machine may be busy
        for address, took in seconds.items():
            start = time.monotonic()
            done = copy.run("dvc", "repro", check=False, DASK_SCHEDULER_ADDRESS=address)
            took.append(time.monotonic() - start)
            assert done.returncode != 0
            assert f"no Dask scheduler answers at {address} (" in done.stderr
    waited, at_once = (min(took) for took in seconds.values())
    assert waited - at_once < 4


def test_other_versions_are_refused_by_name(copy: Copy, own: Cluster, tmp_path: Path) -> None:
    python = tmp_path / "other/bin/python"
    versions = copy.run("uv", "pip", "freeze").stdout.split()
    same = [each for each in versions if each.split("==")[0] in {"dask", "distributed"}]
    copy.run("uv", "venv", "--quiet", "--python", sys.executable, str(tmp_path / "other"))
    install = ("uv", "pip", "install", "--quiet", "--python", str(python))
    copy.run(*install, *same, "numpy==2.3.1")
    own.start(str(python), "-m", "dask", "worker", own.address, "--host", "127.0.0.1")
    wait_for(own.ask)
    said = refused(copy, "train", own.address)
    assert "numpy 2.3.1 instead of" in said
    assert "scikit-learn (none) instead of" in said
    assert "`uv sync --extra cluster`" in said


@in_long_form
def test_other_arithmetic_is_refused_unless_nothing_is_pinned(copy: Copy, own: Cluster) -> None:
    own.start("dask", "worker", own.address, "--host", "127.0.0.1", OPENBLAS_CORETYPE="Prescott")
    wait_for(own.ask)
    said = refused(copy, "evaluate", own.address)
    assert "would not compute the same bits" in said
    assert "python -m mlrepo.core.numerics dask worker" in said
    copy.set_params({"numerics.pinned": False})
    copy.run("python", "-m", "mlrepo", "evaluate", DASK_SCHEDULER_ADDRESS=own.address)


def test_without_the_extra_it_says_what_to_install(
    project: Project, two: Cluster, tmp_path: Path
) -> None:
    plain = copy_project(project, tmp_path / "penguins")
    assert "run `uv sync --extra cluster`" in refused(plain, "train", two.address)


def test_nothing_listens_beyond_loopback(two: Cluster) -> None:
    pids = {process.pid for process in two.started} | {w["pid"] for w in two.ask().values()}
    assert listening(pids) == {"127.0.0.1"}


def test_the_three_commands_of_the_docs_and_the_fourth(copy: Copy) -> None:
    section = DOCS.split("## From a laptop")[1].split("\n## ")[0]
    commands = [line[2:] for line in section.splitlines() if line.startswith("$ ")]
    assert len(commands) == 4
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("", 0)) as two:
        ports = {"8786": one.getsockname()[1], "8787": two.getsockname()[1]}
    script = "\n".join(commands).replace("{{ cookiecutter.__package_name }}", "penguins")
    for port, free in ports.items():
        script = script.replace(port, str(free))
    before = copy.outputs()
    script = script.replace("dvc repro", "dvc repro --force")  # as nothing has changed here
    said = copy.run("bash", "-c", f"set -em\n{script}\nkill %1 %2\nwait")
    assert "Running stage 'evaluate'" in said.stdout
    assert "Registered to" in said.stderr
    assert copy.outputs() == before


@in_long_form
def test_the_commands_of_slurm_with_stand_ins_for_it(copy: Copy, tmp_path: Path) -> None:
    """Which start what they are given on this machine, and end it with the job, as SLURM does."""
    tools, folder = tmp_path / "tools", copy.path.parent / "job-1"
    tools.mkdir()
    for name, line in (("srun", 'exec "$@"'), ("sbatch", 'exec setsid --wait bash "$2"')):
        (tools / name).write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    copy.run("model", "push")
    section = DOCS.split("## SLURM")[1]
    make, submit = (line[2:] for line in section.splitlines() if line.startswith("$ "))
    copy.run(
        "bash", "-c", make.replace("PROJECT", str(copy.path)).replace("/shared/job-1", str(folder))
    )
    with socket.create_server(("", 0)) as free:
        port = str(free.getsockname()[1])
    script = section.split("```bash\n")[1].partition("```")[0].replace("8786", port)
    job = script.replace("dvc repro", "dvc repro --force")  # as nothing has changed here
    (folder / "train.sbatch").write_text(f"trap 'kill $(jobs -p)' EXIT\n{job}", encoding="utf-8")
    made = Copy(folder, copy.project)
    said = made.run("bash", "-c", f"export PATH={tools}:$PATH && {submit}")
    assert "Running stage 'evaluate'" in said.stdout
    assert "Registered to" in said.stderr
    assert made.outputs() == copy.outputs()


def test_tls_from_end_to_end(copy: Copy, tmp_path: Path, tool: Tool) -> None:
    openssl = tool("openssl", "apt-get install openssl")
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")
    request = f"req -x509 -nodes -newkey rsa:2048 -days 1 -subj /CN=here -keyout {key} -out"
    copy.run(openssl, *request.split(), certificate)
    lines = [line[9:] for line in DOCS.splitlines() if line.startswith("$ export ")]
    assert len(lines) == 5
    variables = dict(pair.split("=") for line in lines for pair in line.split())
    for name, value in variables.items():
        if value.startswith("/"):
            variables[name] = key if name.endswith("KEY") else certificate
    with cluster(copy, tmp_path / "cluster", "--protocol", "tls", **variables) as secured:
        assert secured.address.startswith("tls://")
        secured.workers(1)
        with pytest.MonkeyPatch.context() as patch:
            before = copy.outputs()
            for name, value in variables.items():
                patch.setitem(copy.project.environment, name, value)
            copy.run("python", "-m", "mlrepo", "evaluate", DASK_SCHEDULER_ADDRESS=secured.address)
            assert copy.outputs() == before
            assert "values" in str(secured.ran())
        assert "no Dask scheduler answers" in refused(copy, "evaluate", secured.address)
