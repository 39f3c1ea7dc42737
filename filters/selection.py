"""Selection: one decision a row, from the recipe, with a reason for every row that is not kept."""

import collections
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from filters.chance import SIGNIFICANT
from filters.conditions import reasons_of, unmet
from filters.diversity import Rows, most_different
from filters.paths import path
from filters.signatures import Signatures, as_matrix
from schemas.recipe import Select
from schemas.sample import chain_text

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

NOT_DUPLICATE = "not_duplicate"
NOT_CONTAMINATED = "not_contaminated"
WRONG_STEPS = pa.array(["wrong", "right_answer_wrong_steps"], pa.string())


class Rule(NamedTuple):
    """One thing that a row must be."""

    meaning: str  # for a reader
    holds: Callable[[pa.Table, Select], Mask]
    reasons: Callable[[pa.Table, Select], list[str]]  # a code for each row, read where the rule does not hold
    keys: tuple[str, ...] = ()  # of `[select]`: it needs one of them, and they count by it alone


def _field(table: pa.Table, column: str, name: str) -> pa.Array:
    return pc.struct_field(table[column].combine_chunks(), name)


def _mask(values: pa.Array) -> Mask:
    mask: Mask = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
    return mask


def _always(reason: str) -> Callable[[pa.Table, Select], list[str]]:
    return lambda table, _: [reason] * table.num_rows


def _at_most(table: pa.Table, column: str, name: str, most: float | None) -> Mask:
    """Return which rows are not known to be over a bound."""
    bound = np.ones(table.num_rows, dtype=np.bool_)
    return bound if most is None else ~_mask(pc.greater(_field(table, column, name), most))


def _tokens(table: pa.Table) -> npt.NDArray[np.int64]:
    return np.asarray(pc.fill_null(_field(table, "granularity", "tokens"), 0).to_numpy(zero_copy_only=False), dtype=np.int64)


def _fits(table: pa.Table, settings: Select) -> Mask:
    tokens = _tokens(table)
    fits: Mask = tokens >= (settings.min_tokens or 0)
    return fits if settings.max_tokens is None else fits & (tokens <= settings.max_tokens)


def _lengths(table: pa.Table, settings: Select) -> list[str]:
    return ["too_short" if tokens < (settings.min_tokens or 0) else "too_long" for tokens in _tokens(table).tolist()]


def _duplicate_reasons(table: pa.Table, _: Select) -> list[str]:
    return [f"duplicate_{kind}" for kind in _field(table, "duplicate", "kind").to_pylist()]


def _holds_no_copy(table: pa.Table, _: Select) -> Mask:
    column = table["contamination"].combine_chunks()
    copies = pc.equal(pc.struct_field(pc.list_flatten(column), "kind"), "copy")
    clean = np.ones(table.num_rows, dtype=np.bool_)
    clean[pc.list_parent_indices(column).filter(copies).to_numpy()] = False
    return clean


RULES: dict[str, Rule] = {
    "correct": Rule(
        "the verdict is correct",
        lambda table, _: _mask(pc.equal(_field(table, "verdict", "status"), "correct")),
        lambda table, _: list(_field(table, "verdict", "status").to_pylist()),
    ),
    "steps_hold": Rule(
        "no step of the chain is known to be wrong",
        lambda table, _: ~_mask(pc.is_in(_field(table, "steps", "status"), value_set=WRONG_STEPS)),
        lambda table, _: [
            f"steps_{status}" if status == "wrong" else status for status in _field(table, "steps", "status").to_pylist()
        ],
    ),
    "no_leak": Rule(
        "the chain does not show that it was told the answer",
        lambda table, _: _mask(pc.is_null(table["leak"].combine_chunks())),
        lambda table, _: [f"leak_{kind}" for kind in _field(table, "leak", "kind").to_pylist()],
    ),
    "beats_chance": Rule(
        f"its problem's choices are right more often than guessing gives, p ≤ {SIGNIFICANT}",
        lambda table, _: ~_mask(pc.greater(_field(table, "chance", "p_value"), SIGNIFICANT)),
        _always("as_good_as_guessing"),
    ),
    "finished": Rule(
        "the teacher was not cut off by a length limit",
        lambda table, _: ~_mask(pc.equal(table["finish_reason"].combine_chunks(), "length")),
        _always("unfinished"),
    ),
    "has_reasoning": Rule(
        "the thought is not empty",
        lambda table, _: _mask(pc.not_equal(table["reasoning"].combine_chunks(), "")),
        _always("no_reasoning"),
    ),
    "chosen": Rule(
        "its strategy did not choose another sample instead",
        lambda table, _: ~_mask(pc.invert(table["chosen"].combine_chunks())),
        _always("not_chosen"),
    ),
    "majority": Rule(
        "its answer is the majority's, with at least the share of votes that [select] min_vote_share says",
        lambda table, settings: (
            _mask(_field(table, "vote", "agrees"))
            & _mask(pc.greater_equal(_field(table, "vote", "share"), settings.min_vote_share))
        ),
        _always("not_majority"),
    ),
    "reflections": Rule(
        "it has as many reflections of each kind as [[select.reflections]] says",
        lambda table, settings: unmet(table, settings.reflections) < 0,
        lambda table, settings: reasons_of(settings.reflections, unmet(table, settings.reflections)),
        ("reflections",),
    ),
    "not_looping": Rule(
        "it says no more again than [select] max_loops allows",
        lambda table, settings: _at_most(table, "course", "loops", settings.max_loops),
        _always("looping"),
        ("max_loops",),
    ),
    "steps_shown": Rule(
        "it skips no more steps than [select] max_skipped allows; a chain without results passes",
        lambda table, settings: _at_most(table, "granularity", "skipped", settings.max_skipped),
        _always("steps_skipped"),
        ("max_skipped",),
    ),
    "not_overthinking": Rule(
        "it goes on after the right answer no longer than [select] max_overthinking allows; one that does not end right passes",
        lambda table, settings: _at_most(table, "course", "overthinking", settings.max_overthinking),
        _always("overthinking"),
        ("max_overthinking",),
    ),
    "length": Rule(
        "it has no fewer tokens than [select] min_tokens and no more than max_tokens",
        _fits,
        _lengths,
        ("min_tokens", "max_tokens"),
    ),
    NOT_CONTAMINATED: Rule(
        "it holds no copy of a benchmark's item; one with other numbers is only reported",
        _holds_no_copy,
        _always("contaminated"),
    ),
    NOT_DUPLICATE: Rule(
        "no kept row is a copy of it",
        lambda table, _: _mask(pc.is_null(table["duplicate"].combine_chunks())),
        _duplicate_reasons,
    ),
}


def eligible(table: pa.Table, settings: Select) -> Mask:
    """Return which rows pass every rule but `not_duplicate`: of two copies, one of these must survive."""
    passed = np.ones(table.num_rows, dtype=np.bool_)
    for name in settings.keep:
        if name != NOT_DUPLICATE:
            passed &= RULES[name].holds(table, settings)
    return passed


def chain_lengths(table: pa.Table) -> npt.NDArray[np.int64]:
    """Return the length of each chain in code points, reasoning and response together."""
    parts = [pc.utf8_length(table[name].combine_chunks()).to_numpy(zero_copy_only=False) for name in ("reasoning", "response")]
    return np.asarray(parts[0] + parts[1], dtype=np.int64)


NO_TURN = -1


class Turns(NamedTuple):
    """When rows are kept of those of their problem: one of each way, those whose turn comes first; the next where one is a copy."""

    turn: Places  # from 0, the first of all ways before others; NO_TURN of a row that is not kept whatever others are
    way: Places  # the turn itself; of `distinct` equations that of the first row with these
    after: Places  # the turn of the next of its way, NO_TURN where there is none
    ways: Places  # how many its problem has


def turns(table: pa.Table, rows: Sequence[int], settings: Select) -> Turns:
    """Return the turns of some rows."""
    found = Turns(*(np.full(table.num_rows, NO_TURN, dtype=np.int64) for _ in Turns._fields))
    problems, indexes = table["problem_id"].to_pylist(), table["index"].to_pylist()
    lengths = chain_lengths(table)
    of_problem: dict[str, list[int]] = {}
    for row in sorted(rows, key=lambda row: (lengths[row], indexes[row])):
        of_problem.setdefault(problems[row], []).append(row)
    chains = _Chains(table)
    for best_first in of_problem.values():
        repeated = _same_equations(chains, best_first) if settings.distinct == "equations" else {}
        left = [row for row in best_first if row not in repeated]
        in_turn = [*_in_turn(chains, left, settings), *repeated]
        found.turn[in_turn] = found.way[in_turn] = np.arange(len(in_turn))
        found.ways[in_turn] = len(left)
        last: dict[int, int] = {}  # the first of a way → the last so far
        for row, first in repeated.items():
            found.way[row] = found.turn[first]
            found.after[last.get(first, first)] = found.turn[row]
            last[first] = row
    return found


def within_quota(found: Turns, settings: Select) -> Mask:
    """Return the rows that `select` keeps if there are no copies, by their turns.  Of two copies, one of these should survive."""
    wanted: Mask = (found.turn >= 0) & (found.turn == found.way)
    return wanted if settings.max_per_problem is None else wanted & (found.turn < settings.max_per_problem)


def select(table: pa.Table, settings: Select, given: Turns | None = None) -> list[str | None]:
    """Return for each row the code of the first rule that turns it away, or None where it is kept.

    Of a problem's rows that pass the rules, those are kept that are `distinct`, and of these at most `max_per_problem`: those whose
    turn comes first, the shortest chain and then what the recipe prefers.  `given`: turns by which copies were told from kept rows;
    None: those of the rows that pass.
    """
    reasons: list[str | None] = [None] * table.num_rows
    for name in settings.keep:
        rule = RULES[name]
        failed = np.flatnonzero(~rule.holds(table, settings))
        codes = rule.reasons(table, settings) if len(failed) else []
        for row in failed.tolist():
            reasons[row] = reasons[row] or codes[row]
    passed = [row for row, reason in enumerate(reasons) if reason is None]
    found = turns(table, passed, settings) if given is None else given
    problems, kept = table["problem_id"].to_pylist(), collections.Counter[str]()
    ways: set[tuple[str, int]] = set()
    for row in sorted(passed, key=lambda row: found.turn[row]):
        way = problems[row], int(found.way[row])
        if way in ways:
            reasons[row] = "same_equations"
        elif settings.max_per_problem is not None and kept[problems[row]] >= settings.max_per_problem:
            reasons[row] = "over_quota"
        else:
            kept[problems[row]] += 1
        ways.add(way)
    return reasons


class _Chains:
    """The chains of a table, read where rows compete for a place."""

    def __init__(self, table: pa.Table) -> None:
        self._columns = {
            name: table[name] for name in ("reasoning", "response", "approaches", "signature") if name in table.column_names
        }
        self._paths: dict[int, str] = {}

    def text(self, row: int) -> str:
        return chain_text(self._columns["reasoning"][row].as_py(), self._columns["response"][row].as_py())

    def path(self, row: int) -> str:
        if row not in self._paths:
            self._paths[row] = path(self.text(row))
        return self._paths[row]

    def approaches(self, rows: Sequence[int]) -> list[list[str]]:
        return [self._columns["approaches"][row].as_py() for row in rows]

    def signatures(self, rows: Sequence[int]) -> Signatures:
        return as_matrix([self._columns["signature"][row].as_py() for row in rows])


def _same_equations(chains: _Chains, best_first: Sequence[int]) -> dict[int, int]:
    """Return the rows of a problem with the equations of one before them, each with the first.  One that states none is like none.

    RFT keeps the one that is furthest from those already kept, by summed edit distance, which depends on the order and takes time
    quadratic in the samples; here it is the shortest, as for the quota.
    """
    repeated: dict[int, int] = {}
    seen: dict[str, int] = {}
    for row in best_first if len(best_first) > 1 else ():
        equations = chains.path(row)
        first = seen.setdefault(equations, row)
        if equations and first != row:
            repeated[row] = first
    return repeated


SPARE = 4  # of rows that differ most so many times the quota are put in turn, for those that are copies of other problems' rows


def _in_turn(chains: _Chains, best_first: Sequence[int], settings: Select) -> Sequence[int]:
    """Return the rows of a problem in the order in which `max_per_problem` has a place for them."""
    most = settings.max_per_problem
    if most is None or len(best_first) <= most or settings.prefer == "shortest":
        return best_first
    paths = [chains.path(row) for row in best_first]
    chosen = most_different(Rows(paths, chains.approaches(best_first), chains.signatures(best_first)), SPARE * most)
    left = [place for place in range(len(best_first)) if place not in set(chosen)]
    return [best_first[place] for place in (*chosen, *left)]
