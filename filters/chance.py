"""The chance column: how often a problem's choices were right, against blind guessing among its options."""

import functools
from collections.abc import Sequence
from fractions import Fraction
from math import comb

from schemas.annotation import Chance, Status

NAME = "chance_v1"
SIGNIFICANT = 0.05  # Fisher, Statistical Methods for Research Workers (1925), chapter III: the conventional level


def chance(problem_ids: Sequence[str], options: Sequence[int], statuses: Sequence[Status]) -> list[Chance | None]:
    """Return each row's problem against chance, the same for all its samples; None for problems with fewer than two options.

    Row i is a sample of `problem_ids[i]`, whose problem offers `options[i]` options.  Raises ValueError where lengths differ.
    """
    samples: dict[str, int] = {}
    correct: dict[str, int] = {}
    for problem, status in zip(problem_ids, statuses, strict=True):
        samples[problem] = samples.get(problem, 0) + 1
        correct[problem] = correct.get(problem, 0) + (status == "correct")
    return [
        against_chance(count, samples[problem], correct[problem]) if count > 1 else None
        for problem, count in zip(problem_ids, options, strict=True)
    ]


@functools.lru_cache(maxsize=4096)
def against_chance(options: int, samples: int, correct: int) -> Chance:
    """Return the corrected score and the exact upper tail of Binomial(samples, 1/options) at `correct`."""
    guess = Fraction(1, options)
    corrected = (Fraction(correct, samples) - guess) / (1 - guess)
    wrong = options - 1
    tail = sum(comb(samples, right) * wrong ** (samples - right) for right in range(correct, samples + 1))
    return Chance(options, samples, correct, float(corrected), float(Fraction(tail, options**samples)))
