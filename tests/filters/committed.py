"""The number that a response commits to: what the tests of extraction and of commitment share."""

from filters.answers.quantity import Quantity, judge, read_quantity
from filters.extraction import Extraction, extract_answer


def committed(response: str) -> Extraction[Quantity]:
    """Return the extraction of a plain number; a unit may be left out of one of two commitments."""
    return extract_answer(response, read_quantity, _same)


def _same(one: Quantity, other: Quantity) -> bool:
    return judge(one, other) in (("correct", "equal"), ("unsure", "unit_missing"))
