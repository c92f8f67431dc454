"""What MLflow runs to predict with a mirrored model; it is copied there and stands alone."""

import hashlib
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
            raise ValueError(f"{file} is not the mirrored model: its SHA-256 is {found}")
        self.model = skops.io.load(file, trusted=list(config["trusted"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> Any:
        """Return a prediction for each row of a table, of pandas or polars.

        It needs the columns that the model reads. Shape (rows,). With the param `method` another
        method is called, such as `predict_proba`, of shape (rows, classes).
        """
        # What MLflow hands over otherwise makes a frame of pandas; NaN there is an absent value.
        is_polars = isinstance(model_input, pl.DataFrame)
        table = model_input if is_polars else pl.from_pandas(pd.DataFrame(model_input))
        names = [str(name) for name in self.model.feature_names_in_]
        # As the project hands them over: numbers first and as 64-bit floats, absent values as None,
        # dates as seconds since 1970 by the clock of their zone.
        numbers, texts, dates = [], [], []
        for name in names:
            dtype, column = table.schema[name], pl.col(name)
            if dtype in (pl.String, pl.Categorical):
                texts.append(column.cast(pl.String))
            elif dtype.is_temporal():
                zoned = isinstance(dtype, pl.Datetime)
                moment = column.dt.replace_time_zone(None) if zoned else column
                dates.append(moment.dt.epoch("s").cast(pl.Float64))
            else:
                numbers.append(column.cast(pl.Float64))
        columns = table.select(*numbers, *texts, *dates)
        method = (params or {}).get("method", "predict")
        if method not in ("predict", "predict_proba", "decision_function"):
            raise ValueError(f"'{method}' is no method of a model that predicts")
        return getattr(self.model, method)(columns)


mlflow.models.set_model(Mirrored())
