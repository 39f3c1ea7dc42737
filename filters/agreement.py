"""How the rules' reflections and a teacher's tags agree, label by label: by chain and by place in it.

Neither is the truth: a low kappa says that one of them misses or invents, not which.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from schemas.annotation import LABELS, Label, Reflection, Tag

Span = tuple[int, int]
_RULES, _TAGGER = 1, 2


class Shared(NamedTuple):
    """What both see, the rules alone, and the tagger alone."""

    both: int
    rules: int
    tagger: int


class Agreement(NamedTuple):
    """How they agree on one label."""

    chains: Shared  # that have the label at all
    neither: int  # chains that have it for none of them
    places: Shared  # in all chains


def agreement(rules: Sequence[Sequence[Reflection]], tagger: Sequence[Sequence[Tag]]) -> dict[Label, Agreement]:
    """Return the agreement on each label, given what either says of the same chains."""
    return {
        label: _of_label([(_spans(one, label), _spans(other, label)) for one, other in zip(rules, tagger, strict=True)])
        for label in LABELS
    }


def _spans(marked: Iterable[Reflection | Tag], label: Label) -> list[Span]:
    return [(one.start, one.end) for one in marked if one.label == label]


def _of_label(chains: Sequence[tuple[list[Span], list[Span]]]) -> Agreement:
    whose = [_RULES * bool(rules) | _TAGGER * bool(tagger) for rules, tagger in chains]
    return Agreement(_shared(whose), whose.count(0), _shared([one for pair in chains for one in places(*pair)]))


def _shared(whose: Sequence[int]) -> Shared:
    return Shared(both=whose.count(_RULES | _TAGGER), rules=whose.count(_RULES), tagger=whose.count(_TAGGER))


def places(rules: Sequence[Span], tagger: Sequence[Span]) -> list[int]:
    """Return the places of a chain, in its order, each by who marks it: 1 the rules, 2 the tagger, 3 both.

    A place is what spans of either cover that overlap on each other, so a span over half of a chain is one place, however many
    of the other's it meets.
    """
    found: list[int] = []
    reach = -1
    for start, end, whose in sorted([*((*one, _RULES) for one in rules), *((*one, _TAGGER) for one in tagger)]):
        if start >= reach:
            found.append(0)
        found[-1] |= whose
        reach = max(reach, end)
    return found


def kappa(both: int, rules: int, tagger: int, neither: int) -> float | None:
    """Return Cohen's kappa of two yes or no, -1 to 1 (Cohen 1960, Educational and Psychological Measurement 20).

    0: as good as chance.  None where chance alone would agree always: both say yes to all, or no to all, or there is nothing.
    """
    every = both + rules + tagger + neither
    by_chance = (both + rules) * (both + tagger) + (tagger + neither) * (rules + neither)  # its share, times every²
    return None if by_chance == every * every else ((both + neither) * every - by_chance) / (every * every - by_chance)
