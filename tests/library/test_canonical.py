"""The bytes of a model file follow from what the model learned, and from nothing else."""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import numpy as np
import pytest
import scipy.sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from mlrepo.learning import model_file
from penguins import model as architecture

from .conftest import PYPROJECT

INPUTS = (np.arange(240.0) * 37 % 101).reshape(60, 4)
CLASSES = INPUTS[:, 0] > 50
TEXTS = [f"word{i % 7} and thing{i % 3}" for i in range(60)]

# Arithmetic that threads change, threads that leave their number in the model, sets.
SCRIPT = """
import sys
from pathlib import Path
from mlrepo.core import numerics
numerics.pin()
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from mlrepo.learning import model_file
inputs = np.sin(np.arange(12000.0)).reshape(600, 20)
classes = inputs[:, :3].sum(axis=1) > 0
trees = HistGradientBoostingClassifier(max_iter=5, random_state=0)
parts = [("line", LogisticRegression()), ("trees", trees)]
model = VotingClassifier(parts, voting="soft").fit(inputs, classes)
model.words_ = {"apple", "fig", "pear", "plum", 3.5, ("a", 1)}
model.frozen_ = frozenset({"apple", "fig", "pear", "plum"})
path = Path(sys.argv[1])
print(model_file.save(model, path))
loaded = model_file.load(path)
assert loaded.words_ == model.words_ and loaded.frozen_ == model.frozen_
print(model_file.save(loaded, path))
"""


def test_threads_hash_seeds_and_processes_do_not_show(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    running = []
    for seed, threads in (("0", "1"), ("1", "2"), ("2", "8")):
        settings = {"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": threads}
        running.append(
            subprocess.Popen(
                [sys.executable, "-c", SCRIPT, str(tmp_path / f"{seed}.skops")],
                cwd=tmp_path,
                env=os.environ | settings | {"OPENBLAS_NUM_THREADS": threads},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    digests = set()
    for process in running:
        output, errors = process.communicate()
        assert process.returncode == 0, errors
        digests |= set(output.split())
    assert len(digests) == 1


def test_the_number_of_jobs_does_not_show(tmp_path: Path) -> None:
    digests = {
        model_file.save(
            RandomForestClassifier(5, random_state=0, n_jobs=jobs).fit(INPUTS, CLASSES),
            tmp_path / "model.skops",
        )
        for jobs in (None, 1, 2, -1)
    }
    assert len(digests) == 1


@pytest.mark.parametrize("last", [SGDClassifier(random_state=0), SVC()], ids=["array", "sparse"])
def test_text_models_and_sparse_matrices_keep_their_bytes(
    tmp_path: Path, last: SVC | SGDClassifier
) -> None:
    model = make_pipeline(TfidfVectorizer(stop_words=["and"]), last).fit(TEXTS, CLASSES)
    digest = model_file.save(model, tmp_path / "model.skops")
    loaded = model_file.load(tmp_path / "model.skops")
    assert np.array_equal(loaded.decision_function(TEXTS), model.decision_function(TEXTS))
    assert model_file.save(loaded, tmp_path / "model.skops") == digest


def test_shared_and_equal_arrays_are_written_once_and_loaded_apart(tmp_path: Path) -> None:
    model = GaussianNB().fit(INPUTS, CLASSES)
    model.first_ = np.arange(1000.0)
    model.second_ = model.first_
    shared = model_file.save(model, tmp_path / "model.skops")
    model.second_ = model.first_.copy()
    assert model_file.save(model, tmp_path / "model.skops") == shared
    assert (tmp_path / "model.skops").stat().st_size < 2 * model.first_.nbytes
    loaded = model_file.load(tmp_path / "model.skops")
    loaded.first_[0] = -1
    assert loaded.second_[0] == 0


def test_a_sparse_matrix_comes_back_equal(tmp_path: Path) -> None:
    model = GaussianNB().fit(INPUTS, CLASSES)
    model.matrix_ = scipy.sparse.random_array((40, 30), density=0.1, rng=0, format="csr")
    model_file.save(model, tmp_path / "model.skops")
    loaded = model_file.load(tmp_path / "model.skops")
    assert np.array_equal(loaded.matrix_.toarray(), model.matrix_.toarray())


def test_a_numpy_function_is_named_by_its_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # After `from numpy import log1p` in a module that is imported before numpy, skops finds the
    # function there first.
    model = make_pipeline(FunctionTransformer(np.log1p), GaussianNB()).fit(INPUTS, CLASSES)
    expected = model_file.save(model, tmp_path / "model.skops")
    monkeypatch.setattr(architecture, "log1p", np.log1p, raising=False)
    others = {name: module for name, module in sys.modules.items() if name not in SHOWN_FIRST}
    first = {name: sys.modules[name] for name in SHOWN_FIRST}
    monkeypatch.setattr(sys, "modules", first | others)
    assert model_file.save(model, tmp_path / "model.skops") == expected


SHOWN_FIRST = [architecture.__name__]


def test_members_are_stored_plainly_and_without_a_date(tmp_path: Path) -> None:
    model = RandomForestClassifier(3, random_state=0).fit(INPUTS, CLASSES)
    model_file.save(model, tmp_path / "model.skops")
    with ZipFile(tmp_path / "model.skops") as archive:
        members = archive.infolist()
        contents = [archive.read(member) for member in members]
    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}
    assert {member.compress_type for member in members} == {ZIP_STORED}
    assert len(set(contents)) == len(contents)
    numbered = [f"{i}.npy" for i in range(len(members) - 1)]
    assert [member.filename for member in members] == [*numbered, "schema.json"]
