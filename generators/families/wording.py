"""Words that every solver shares: how a slip is noticed and mended."""

import random

MENDS = (
    "Wait, {e} is {r}, not {w}",
    "Hmm, {w}? No, {e} = {r}",
    "Hold on, {e} makes {r}; I had {w}, which is wrong",
    "Actually no, {e} = {r} rather than {w}",
    "Let me double-check {e}: that gives {r}, so {w} was a mistake",
    "Wait, that's not right: {e} = {r}",
    "Hmm, let me redo {e}. It is {r}, not {w}",
)


def mended(rng: random.Random, expression: str, right: int, wrong: int) -> str:
    """Return a sentence, without its full stop, that puts `right` in the place of `wrong`."""
    return rng.choice(MENDS).format(e=expression, r=right, w=wrong)
