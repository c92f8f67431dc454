"""params.yaml: every mistake is one clear line."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError
from mlrepo.core.owner import load_params

from .conftest import template_yaml

SHIPPED = """\
data:
  path: table.csv
  schema: schema.yaml
  csv: {separator: ",", decimal: ".", thousands: null, encoding: utf-8, missing: [""]}
  task: classification
  target: kind
  weight: null
  id: []
  features: {include: [], exclude: []}
prepare:
  drop_missing_target: true
  split: {method: random, test_size: 0.25, seed: 0, column: null, equal_features: apart}
train:
  estimator: sklearn.svm.SVC
  arguments: {C: 1e-3}
  seed: 0
  preprocessing:
    numbers: {impute: median, scale: none}
    categories: {impute: most_frequent, encode: onehot, max_categories: null}
    dates: none
    texts: {}
  cross_validation: 5
  threshold: null
  batches: {rows: null, passes: 1, on_disk: false}
evaluate:
  metric: null
  seed: 0
  intervals: {resamples: 200, confidence: 0.9}
  slices: []
  importance_repeats: 2
numerics: {pinned: true}
"""
# Sections that this text lacks, such as those of stages of your own.
OTHERS = {
    name: section
    for name, section in template_yaml("params.yaml").items()
    if f"\n{name}:" not in f"\n{SHIPPED}"
}
TEXT = SHIPPED + yaml.dump(OTHERS)


def load(path: Path, text: str) -> object:
    path.write_text(text, encoding="utf-8")
    return load_params(path)


def test_the_params_of_a_new_project_are_valid(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(yaml.dump(template_yaml("params.yaml")), encoding="utf-8")
    assert load_params(path).data.target


def test_numbers_are_read_as_dvc_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    load(path, TEXT)
    assert load_params(path).train.arguments == {"C": 0.001}
    for text in ("1e-3", "010", "no", "0x1F", ".5", "-.inf", "~", "on", "12:30", "'1'", "True"):
        path.write_text(f"key: {text}\n", encoding="utf-8")
        assert yaml.load(path) == YAML(typ="safe", pure=True).load(path), text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed: 0\n  preprocessing", "preprocessing", "train.seed is missing"),
        ("seed: 0\n  preprocessing", "sead: 0\n  preprocessing", "did you mean 'seed'?"),
        ("0.25", '"0.25"', "prepare.split.test_size must be a valid number, not '0.25'"),
        ("0.25", "1", "prepare.split.test_size must be less than 1, not 1"),
        ("0.25", "0", "prepare.split.test_size must be greater than 0, not 0"),
        ("slices: []", "slices: kind", "evaluate.slices must be a list, not 'kind'"),
        ("method: random", "method: luck", "must be 'random', 'stratified', 'group' or 'time'"),
        ("method: random", "method: group", "method 'group' needs a column name in 'column'"),
        ("column: null", "column: herd", "method 'random' uses no column"),
        ("cross_validation: 5", "cross_validation: 1", "must be 0 (off) or at least 2 folds"),
        ("id: []", "id: [kind]", "the target 'kind' cannot be a feature or an id as well"),
        ("pinned: true", "pinned: yes", "numerics.pinned must be a valid boolean, not 'yes'"),
        ("seed: 0\n  intervals", "seed: 0\n  seed: 1\n  intervals", "the key 'seed' stands twice"),
        ("slices: []", "slices: [", "is not valid YAML: line"),
    ],
)
def test_a_mistake_is_told_in_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert TEXT.count(old) == 1
    with pytest.raises(ProjectError) as caught:
        load(tmp_path / "params.yaml", TEXT.replace(old, new))
    assert message in str(caught.value)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    text = TEXT.replace("0.25", "2").replace("pinned: true", "pinned: 1")
    with pytest.raises(ProjectError) as caught:
        load(tmp_path / "params.yaml", text)
    assert len(str(caught.value).splitlines()) == 2
