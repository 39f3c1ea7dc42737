"""The rounds of a loop as a person reads them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from pipeline.outer_loop.loop import Round

HEADS = ("round", "held-out", "solved", "hints", "leaks", "kept", "copies", "again", "steps")  # 80 characters hold them


def rounds_table(rounds: "Sequence[Round]") -> Table:
    """Return a table with a line a round.

    `held-out`: the accuracy of the model that the round begins with; `solved`: problems with a right sample, of all; `hints`:
    problems that only a hint solved; `leaks`: samples that show it; `kept`: rows; `copies`: within the round; `again`: kept chains
    that rounds before kept too, word for word and nearly.  LOOP.json has these and more.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in HEADS:
        table.add_column(head, justify="right", no_wrap=True)
    for one in rounds:
        held_out = "" if one.accuracy is None else f"{one.accuracy.mean:.1%}"
        table.add_row(str(one.number), held_out, *_cells(one))
    return table


def _cells(one: "Round") -> list[str]:
    brought = one.brought
    if brought is None:
        return [""] * (len(HEADS) - 2)
    return [
        f"{brought.solved:,}/{brought.problems:,}",
        f"{brought.rescued:,}",
        f"{brought.leaks:,}",
        f"{brought.kept:,}",
        f"{sum(brought.copies.values()):,}",
        f"{brought.seen_before:,}+{brought.near_before:,}",
        "" if one.steps is None else f"{one.steps:,}",
    ]
