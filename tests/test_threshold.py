"""A tuned threshold in a real project: in its record, the same for `predict` and the service."""

import json
from pathlib import Path

from releases import Released, copied
from serving import predicted, rows, serving

TUNED = {
    "train.threshold": {"tune": "accuracy"},
    "train.cross_validation": 3,
    "train.arguments": {"n_estimators": 3, "max_depth": 2},
}


def test_it_is_recorded_and_decides_for_predict_and_serve_alike(
    served_versions: Released, tmp_path: Path
) -> None:
    copy = copied(served_versions, tmp_path / "copy")
    # A class that is rare, and a threshold that is not the middle.
    text = (copy.path / "data/raw/penguins.csv").read_text(encoding="utf-8").splitlines()
    males = [line for line in text[1:] if ",male," in line]
    kept = set(males[::3])
    few = [line for line in text if line not in males or line in kept]
    (copy.path / "data/raw/penguins.csv").write_text("\n".join(few) + "\n", encoding="utf-8")
    copy.run("dvc", "add", "--quiet", "data/raw/penguins.csv")
    copy.ready("A threshold", TUNED)
    copy.model("register", "-m", "It decides by a threshold")

    record = copy.record("v1.2")
    limit = record["metrics"]["metrics/cross_validation.json"]["threshold"]
    kept_threshold = record["stages"]["train"]["params"]["params.yaml"]["train"]["threshold"]
    assert kept_threshold == TUNED["train.threshold"]
    assert f"threshold={limit}" in record["architecture"]["pipeline"].replace("\n", "")
    card = (copy.path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"- Decision threshold: {limit}\n" in card
    assert limit != 0.5

    expected = predicted(copy, "--version", "v1.2")
    for line in expected:
        says = "male" if float(line["probability_male"]) >= limit else "female"
        assert line["prediction"] == says
    middle = sum((float(line["probability_male"]) >= 0.5) for line in expected)
    assert middle != sum(line["prediction"] == "male" for line in expected)
    table = rows(copy)
    with serving(copy, "--version", "v1.2") as service:
        client = service.client()
        answers = client.ask("/predict/batch", {"rows": table}).json["predictions"]
        alone = client.ask("/predict", table[0]).json
    assert [answer["prediction"] for answer in answers] == [e["prediction"] for e in expected]
    assert alone["prediction"] == expected[0]["prediction"]

    copy.model("verify", "v1.2", "--rebuild")
    shown = json.loads(copy.model("diff", "v1.1", "v1.2", "--json").stdout)
    assert "threshold" in json.dumps(shown)
