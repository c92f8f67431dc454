"""Which stages have to run again when some params change, in their order."""

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from ..errors import ProjectError
from ..pipeline import PARAMS, PIPELINE, Pipeline, Stage
from ..results import CROSS_VALIDATION


def stages_of(pipeline: Pipeline, keys: Iterable[str]) -> list[Stage]:
    """Return the stages that read one of ``keys``, and those that follow from them.

    Raises:
        ProjectError: if a stage is of a kind that only DVC can read, or no key changes the scores
            of the cross-validation.
    """
    if pipeline.unread:
        raise ProjectError(
            f"{', '.join(pipeline.unread)} in {PIPELINE}: foreach, matrix, vars or another folder "
            "are for `dvc exp run --queue` alone"
        )
    keys = list(keys)
    found: dict[str, Stage] = {}
    written: set[str] = set()
    for stage in _ordered(pipeline.stages):
        named = stage.params.get(PARAMS, ())
        reads = named is None or any(_overlap(key, name) for key in keys for name in named)
        if reads or written & {*stage.deps, *stage.params}:
            found[stage.name] = stage
            written |= stage.outs.keys()
    if CROSS_VALIDATION.as_posix() not in written:
        raise ProjectError(
            f"{', '.join(keys)}: no stage that they reach writes {CROSS_VALIDATION}, so all trials "
            "would be equal"
        )
    return list(found.values())


def _ordered(stages: tuple[Stage, ...]) -> list[Stage]:
    makers = {out: stage.name for stage in stages for out in stage.outs}
    needs = {
        stage.name: {makers[path] for path in (*stage.deps, *stage.params) if path in makers}
        for stage in stages
    }
    by_name = {stage.name: stage for stage in stages}
    try:
        return [by_name[name] for name in TopologicalSorter(needs).static_order()]
    except CycleError as error:
        raise ProjectError(f"{PIPELINE}: stages need each other in a circle: {error}") from None


def _overlap(a: str, b: str) -> bool:
    return a == b or a.startswith(f"{b}.") or b.startswith(f"{a}.")
