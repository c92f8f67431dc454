"""What MLflow runs to predict with a mirrored model.

MLflow keeps a copy of this file beside the model, its schema, the library and the owner's package,
so that it runs without the project.
"""

import atexit
import hashlib
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import polars as pl
import skops.io


class Mirrored(mlflow.pyfunc.PythonModel):
    """A model file of this project, behind the interface of MLflow."""

    def load_context(self, context: Any) -> None:
        """Load the file, once its SHA-256 is the recorded one."""
        file, config = Path(context.artifacts["model"]), context.model_config
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        if found != config["sha256"]:
            raise ValueError(f"{file.name} is not the mirrored model: its SHA-256 is {found}")
        # It stays as long as the process: data.py may read a file beside it.
        code = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, code, ignore_errors=True)
        shutil.unpack_archive(context.artifacts["code"], code)
        sys.path.append(code)  # at the end: in a project its own library is the one that counts
        from mlrepo.core.params import Data
        from mlrepo.prediction.predictor import Predictor
        from mlrepo.tables.schema import load_schema

        if "beside" in context.artifacts:  # of the owner's kind, by the model.py that made it
            from mlrepo.learning import saved_model

            model = saved_model.load(file, import_module(f"{config['package']}.model"), found)
        else:
            model = skops.io.load(file, trusted=list(config["trusted"]))
        self.by = Predictor(
            model,
            config["version"],
            found,
            Data.model_validate_json(config["data"]),
            load_schema(Path(context.artifacts["schema"])),
            import_module(f"{config['package']}.data").add_features,
        )

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> Any:
        """Return a prediction for each row, as the service makes it, or refuse the rows as it does.

        Shape (rows,). With the param `method` another method of the model is called, such as
        `predict_proba`, of shape (rows, classes).
        """
        from mlrepo.core.errors import ProjectError
        from mlrepo.prediction import frames

        try:
            return frames.predict(_polars(model_input), self.by, (params or {})["method"])
        except ProjectError as error:
            raise mlflow.MlflowException.invalid_parameter_value(str(error)) from None


def _polars(frame: pd.DataFrame) -> pl.DataFrame:
    """Return a table of pandas, whose NaN is an absent value, as one of polars."""
    columns = []
    for name in frame.columns:
        try:
            column = pl.from_pandas(frame[[name]])
            # Of an empty column polars says String, and one type of empty value is all types'.
            columns.append(column.cast(pl.Null) if frame[name].isna().all() else column)
        except (TypeError, ValueError, pl.exceptions.PolarsError):  # of pyarrow the same
            kinds = sorted({type(value).__name__ for value in frame[name]})
            words = f"the column '{name}' mixes {', '.join(kinds)}"
            raise mlflow.MlflowException.invalid_parameter_value(words) from None
    return pl.concat(columns, how="horizontal")


mlflow.models.set_model(Mirrored())
