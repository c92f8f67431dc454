"""The step `card`: what this commit's model is, for people and for the Hugging Face Hub."""

from mlrepo.core.files import atomic
from mlrepo.core.paths import CARD
from mlrepo.scoring.card import card

from .params import Params


def main(params: Params) -> None:
    """Write MODEL_CARD.md; a section of your own is text behind that of the library."""
    with atomic(CARD) as partial:
        partial.write_text(card(params), encoding="utf-8", newline="\n")
