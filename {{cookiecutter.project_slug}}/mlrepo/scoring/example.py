"""Refuse a card that speaks of the example where the table is another one."""

from pathlib import Path

from mlrepo.core import yaml
from mlrepo.core.errors import ProjectError, known
from mlrepo.core.params import LibraryParams

# What params.yaml of a new project says.
PURPOSE = "An example to start from, the sex of measured penguins."
SOURCE = "Palmer penguins: Gorman, Williams and Fraser (2014), doi:10.1371/journal.pone.0090081"
LIMIT = "Three species of the Palmer Archipelago, measured 2007 to 2009: it knows no others."
# A table with one of these columns is the example's, whatever became of its rows and the others.
COLUMNS = {"bill_length_mm", "bill_depth_mm", "flipper_length_mm"}


def refuse(params: LibraryParams) -> None:
    """Raise if the card has a text of the example, and the schema none of its columns."""
    said = params.card
    texts = {"purpose": [said.purpose], "data.source": [said.data.source], "limits": said.limits}
    left = [
        f"card.{key}"
        for key, words in texts.items()
        if any(" ".join(each.split()) in (PURPOSE, SOURCE, LIMIT) for each in words)
    ]
    if not left:
        return
    if COLUMNS.isdisjoint(_names(Path(params.data.table_schema))):
        raise ProjectError(
            f"{', '.join(left)} in params.yaml still speak of the example's penguins, and "
            f"{params.data.path} is another table: write card.purpose, card.data.source, "
            "card.data.licence and card.limits ([] where there are none) for yours"
        )


def _names(schema: Path) -> list[str]:
    """Return the columns; not by `tables.schema`, on which this step does not depend."""
    content = yaml.load(schema)
    try:
        return [field["name"] for field in content["fields"]]
    except (KeyError, TypeError):
        raise ProjectError(f"{schema} has no `fields`: {known.how_to_fix(schema)}") from None
