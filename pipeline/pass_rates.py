"""Pass rates: how each teacher's trials of each problem ended, as rows of the config `problems` and as the manifest's coverage."""

import collections
import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from filters.coverage import Fit, Outcome, curve, fit, is_judged, pass_at_k
from generators.strategies.strategy import StrategyTable
from schemas.sample import Origin
from schemas.tables import PROBLEMS_SCHEMA

Outcomes = collections.Counter[tuple[str, Outcome]]  # teacher and outcome → problems

TRIED: frozenset[Origin] = frozenset(("sampled", "solved", "recorded"))  # what one try at the plain prompt gives
DIGITS = 9  # of a float in the manifest: logarithms of another machine differ in the 16th, and a fit's in the 12th or so


@dataclasses.dataclass(slots=True)
class PassRate:
    """What one teacher made of one problem."""

    samples: int = 0
    rationalized: int = 0
    rationalized_correct: int = 0
    kept: int = 0
    correct: int = 0
    trials: list[bool] = dataclasses.field(default_factory=list)  # whether each sample without a hint is correct
    judged: bool = False  # any of the trials
    outcome: Outcome | None = None  # None where no trial could be judged or is without bias


Rates = dict[tuple[str, str], PassRate]  # by problem and teacher


@dataclasses.dataclass(frozen=True)
class PassRates:
    """Counts a partition; picklable."""

    strategy: StrategyTable
    asked_as: dict[str, str]  # part of a mixture → the mixture, which counts as one teacher

    def of(self, table: pa.Table, kept: Sequence[bool]) -> Rates:
        """Return the rates of a partition's annotated rows, which are in the order of the samples' indexes."""
        verdicts = table["verdict"].combine_chunks()
        columns = (
            *(table[name].to_pylist() for name in ("problem_id", "teacher", "origin")),
            pc.is_valid(table["hint"]).to_pylist(),
            *(pc.struct_field(verdicts, name).to_pylist() for name in ("status", "reason")),
        )
        rates: Rates = {}
        for problem, teacher, origin, hinted, status, reason, is_kept in zip(*columns, kept, strict=True):
            rate = rates.setdefault((problem, self.asked_as.get(teacher, teacher)), PassRate())
            correct = status == "correct"
            rate.samples += 1
            rate.correct += correct
            rate.kept += is_kept
            if hinted or origin == "rationalized":
                rate.rationalized += 1
                rate.rationalized_correct += correct
            elif origin in TRIED:
                rate.trials.append(correct)
                rate.judged |= is_judged(status, reason)
        for rate in rates.values():
            if rate.judged:
                counted = self.strategy.unconditional(rate.trials)
                outcome = Outcome(len(counted), sum(counted), self.strategy.reach(rate.trials))
                rate.outcome = outcome if outcome.reach else None
        return rates


def outcomes_of(rates: Rates) -> Outcomes:
    """Return how many problems ended in which way, for each teacher."""
    return collections.Counter((teacher, rate.outcome) for (_, teacher), rate in rates.items() if rate.outcome is not None)


def problem_rows(problems: pa.Table, rates: Rates) -> pa.Table:
    """Return a row for each problem and teacher, teachers by name, and one without a teacher for a problem without samples."""
    of_problem: dict[str, list[tuple[str | None, PassRate]]] = {}
    for (problem, teacher), rate in sorted(rates.items(), key=lambda item: item[0]):
        of_problem.setdefault(problem, []).append((teacher, rate))
    rows = [
        (place, teacher, rate)
        for place, problem in enumerate(problems["problem_id"].to_pylist())
        for teacher, rate in of_problem.get(problem, [(None, PassRate())])
    ]
    asked = problems.take(pa.array([place for place, _, _ in rows], pa.int64()))
    outcomes = [rate.outcome or Outcome(0, 0, 0) for _, _, rate in rows]
    columns: dict[str, list[Any]] = {
        "teacher": [teacher for _, teacher, _ in rows],
        **{
            name: [getattr(rate, name) for _, _, rate in rows]
            for name in ("samples", "correct", "rationalized", "rationalized_correct", "kept")
        },
        "trials": [one.n for one in outcomes],
        "right": [one.c for one in outcomes],
        "pass_at_k": [pass_at_k(one) for one in outcomes],
    }
    arrays = [
        pa.array(columns[field.name], type=field.type) if field.name in columns else asked[field.name] for field in PROBLEMS_SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=PROBLEMS_SCHEMA)


def coverage(parts: Iterable[Outcomes]) -> dict[str, Any]:
    """Return the manifest's coverage by teacher, from every partition's outcomes."""
    by_teacher: dict[str, collections.Counter[Outcome]] = {}
    for part in parts:
        for (teacher, outcome), problems in part.items():
            by_teacher.setdefault(teacher, collections.Counter())[outcome] += problems
    return {teacher: _covered(outcomes) for teacher, outcomes in sorted(by_teacher.items())}


def _covered(outcomes: "collections.Counter[Outcome]") -> dict[str, Any]:
    points = curve(outcomes)
    law = fit(points)
    return {
        "problems": outcomes.total(),
        "outcomes": [(*one, problems) for one, problems in sorted(outcomes.items())],
        "pass_at_k": [(k, _rounded(value), problems) for k, value, problems in points],
        "fit": {name: _rounded(value) for name, value in law._asdict().items()} if isinstance(law, Fit) else None,
        "no_fit": law if isinstance(law, str) else None,
    }


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
