"""What an estimator remembers of the run that fitted it, and not of the data.

Threads, times, counters and memory addresses differ between runs and machines and change no
prediction, so they are reset in the model file. Nodes are those of skops' ``schema.json``.
"""

import json
import re
from typing import Any, Final

from .errors import ProjectError

State = dict[str, Any]

_SEARCHES: Final = (
    "sklearn.model_selection._search.",
    "sklearn.model_selection._search_successive_halving.",
)
_BIN_MAPPER: Final = "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper"
_LIGHTGBM: Final = "lightgbm.basic.Booster"
_NEIGHBOUR_TREES: Final = (
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
)
# Four numbers in the state of such a tree, which is a tuple, count the queries it answered:
# https://github.com/scikit-learn/scikit-learn/blob/1.9.1/sklearn/neighbors/_binary_tree.pxi.tp
_QUERY_COUNTERS: Final = slice(7, 11)


def reset(node: State) -> None:
    """Reset in place what an object remembers of its run.

    Raises:
        ProjectError: for a hyperparameter search, which is made of such memories.
    """
    name = f"{node['__module__']}.{node['__class__']}"
    if name.startswith(_SEARCHES):
        raise ProjectError(
            f"{node['__class__']} keeps the times of its fits, so its file differs in every run: "
            "save its best_estimator_"
        )
    state = (node.get("content") or {}).get("content")
    if isinstance(state, list):
        if name in _NEIGHBOUR_TREES:
            state[_QUERY_COUNTERS] = [_json(0)] * 4
    elif isinstance(state, dict):
        if "n_jobs" in state:
            state["n_jobs"] = _json(None)
        if "_stop_words_id" in state:  # an address in memory; text vectorizers find a new one
            state["_stop_words_id"] = _json(None)
        if name == _BIN_MAPPER:  # its Cython code takes numbers only
            state["n_threads"] = _json(1)
        if name == _LIGHTGBM:
            _reset_lightgbm(state)


def _reset_lightgbm(state: State) -> None:
    # It resolves n_jobs to the number of cores and writes that into the text of the model.
    params = state["params"]["content"]
    if "num_threads" in params:
        params["num_threads"] = _json(0)
    text = state["_handle"]
    text["content"] = re.sub(r"\[num_threads: -?\d+\]", "[num_threads: 0]", text["content"])


def _json(value: int | None) -> State:
    return {
        "__class__": "str",
        "__module__": "builtins",
        "__loader__": "JsonNode",
        "content": json.dumps(value),
        "is_json": True,
    }
