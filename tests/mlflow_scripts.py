"""What people do in MLflow, as scripts that run in a project."""

IRIS = """
import polars as pl
from sklearn.datasets import load_iris

iris = load_iris()
names = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
table = pl.DataFrame(iris.data, schema=names)
species = pl.Series("species", iris.target_names[iris.target].tolist())
table.with_columns(species).write_csv("data/raw/iris.csv")
"""
# MLflow's quick example, as typed and then with LOG, which is what the page says of it. It learns
# from the same rows, so that the results can be compared.
CLASSIC = """
import mlflow
import polars as pl
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score

train, test = (pl.read_parquet(f"data/prepared/{side}.parquet") for side in ("train", "test"))
names = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
mlflow.set_experiment("iris_classifier_project")
with mlflow.start_run(run_name="classic"):
    model = RandomForestClassifier(n_estimators=100, random_state=0)
    model.fit(train[names].to_numpy(), train["species"].to_list())
    accuracy = accuracy_score(test["species"].to_list(), model.predict(test[names].to_numpy()))
    mlflow.log_param("n_estimators", 100)
    mlflow.log_metric("accuracy", accuracy)
LOG
with mlflow.start_run(run_name="as typed"):
    try:
        mlflow.sklearn.log_model(model, "model")
    except mlflow.MlflowException as refused:
        assert "sklearn.tree._tree.Tree" in str(refused)
    else:
        raise AssertionError("the page says that it is refused")
"""
COMPARE = """
import json, sys
from pathlib import Path
import mlflow
import polars as pl
from mlrepo.learning import features, model_file

found = mlflow.search_runs(experiment_names=["iris_classifier_project"], output_format="list")
[classic] = [run for run in found if run.info.run_name == "classic"]
[ours] = [run for run in found if run.data.tags.get("version") == "v1.0.0"]
test = pl.read_parquet("data/prepared/test.parquet")
own = model_file.load(Path("models/model.skops"))
x = features.select(test, features.fitted(own, test.schema))
restored = mlflow.pyfunc.load_model("models:/penguins.model@prod")
probabilities = restored.predict(test.to_pandas(), params={"method": "predict_proba"})
assert (probabilities == own.predict_proba(x)).all()
names = [str(name) for name in own.feature_names_in_]
predictions = {
    "classic": mlflow.sklearn.load_model(f"runs:/{classic.info.run_id}/model").predict(
        test[names].to_numpy()
    ),
    "dvc": own.predict(x),
    "mlflow": restored.predict(test.to_pandas()),
    "file": model_file.load(Path(sys.argv[1])).predict(x),
}
print(json.dumps({
    "classic": {**classic.data.params, **classic.data.metrics},
    "ours": {**ours.data.params, **ours.data.metrics, **ours.data.tags},
    "files": sorted(
        each.path for each in mlflow.MlflowClient().list_artifacts(ours.info.run_id)
    ),
    "predictions": {key: value.tolist() for key, value in predictions.items()},
}))
"""
# What MLflow's pages show of our run, of its model and of a sweep.
# Without the project, so that the model has what MLflow keeps of it and no more.
SHOWN = """
import json, sys
from pathlib import Path
import mlflow

sys.path[:] = [place for place in sys.path if not Path(place, "mlrepo").exists()]
client = mlflow.MlflowClient()
found = mlflow.search_runs(experiment_names=["iris_classifier_project"], output_format="list")
[ours] = [run for run in found if run.data.tags.get("version") == "v1.0.0"]
trials = [run for run in found if run.info.run_name.startswith("sweep-")]
model = client.get_logged_model(ours.outputs.model_outputs[0].model_id)
version = client.get_model_version_by_alias("penguins.model", "prod")
signature = mlflow.models.get_model_info("models:/penguins.model@prod").signature
loaded = mlflow.pyfunc.load_model("models:/penguins.model@prod")
folder = mlflow.artifacts.download_artifacts("models:/penguins.model@prod")
print(json.dumps({
    "experiment": ours.info.experiment_id,
    "run": ours.info.run_id,
    "user": ours.info.user_id,
    "milliseconds": ours.info.end_time - ours.info.start_time,
    "tags": ours.data.tags,
    "metrics": ours.data.metrics,
    "params": ours.data.params,
    "tables": {
        each.tags[0].value: [
            each.dataset.name,
            each.dataset.digest,
            json.loads(each.dataset.source),
            json.loads(each.dataset.profile),
        ]
        for each in ours.inputs.dataset_inputs
    },
    "pictures": [each.path for each in client.list_artifacts(ours.info.run_id, "plots")],
    "model": model.model_id,
    "model_params": model.params,
    "model_metrics": {each.key: each.value for each in model.metrics},
    "model_tables": sorted({each.dataset_name for each in model.metrics}),
    "model_tags": model.tags,
    "notes": version.description,
    "inputs": [
        [each["name"], each["type"], each["required"]] for each in signature.inputs.to_dict()
    ],
    "outputs": [[each["name"], each["type"]] for each in signature.outputs.to_dict()],
    "example": loaded.input_example.to_dict("records"),
    "of_example": loaded.predict(loaded.input_example).tolist(),
    "parents": [
        [client.get_run(run.data.tags["mlflow.parentRunId"]).info.run_name, run.info.run_id]
        for run in trials
    ],
    "all": [json.dumps(run.to_dictionary(), default=str) for run in found],
    "folder": folder,
    "library": sys.modules["mlrepo"].__file__,
}))
"""
