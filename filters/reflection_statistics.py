"""What the manifest says of reflections, from counts that add up; floats only here, in a fixed order."""

import collections
from fractions import Fraction
from typing import Any

import numpy as np

from filters.reflection_counts import FIFTHS, MEANS, MILLION, SUMS, TENTHS, Counts, Key
from filters.stratified import GROUPS, Cells, Estimate, difference, difference_of_sums
from schemas.annotation import EFFECTS, LABELS, STATUSES
from schemas.reflection_statistics import (
    ChainStatistics,
    Correctness,
    CourseStatistics,
    Difference,
    DifficultyBand,
    LabelStatistics,
    LengthBand,
    Mean,
    ReflectionStatistics,
)

NAME = "reflection_statistics_v1"
UNKNOWN = "unknown"  # the effect that a reflection has where none is known
DIGITS = 9  # of a float: the last ones of a sum may differ on another machine


def statistics(counts: Counts) -> ReflectionStatistics:
    """Return the statistics of everything that was counted."""
    nested = _nested(counts.by_key)
    return ReflectionStatistics(
        version=NAME,
        overall=_chains(nested.get("all", {})),
        teachers={name: _chains(of_teacher) for name, of_teacher in nested.get("teacher", {}).items()},
        positions={label: [nested.get("position", {}).get(label, {}).get(tenth, 0) for tenth in range(TENTHS)] for label in LABELS},
        lengths=[_length(length, of_band) for length, of_band in nested.get("length", {}).items()],
        difficulty=[
            _difficulty(difficulty, bool(correct), tries)
            for difficulty, of_band in nested.get("difficulty", {}).items()
            for correct, tries in of_band.items()
        ],
        correctness=_correctness(counts, nested.get("problem", {})),
    )


def _nested(counts: "collections.Counter[Key]") -> dict[str | int, Any]:
    """Return counts by key as a tree, its branches in order."""
    tree: dict[str | int, Any] = {}
    for key, number in sorted(counts.items()):
        here = tree
        for name in key[:-1]:
            here = here.setdefault(name, {})
        here[key[-1]] = number
    return tree


def _chains(found: dict[str, Any]) -> ChainStatistics:
    chains, tokens = found.get("chains", 0), found.get("tokens", 0)
    labels = {label: found.get("labels", {}).get(label, {}) for label in LABELS}
    effects = {name: sum(one.get("effects", {}).get(name, 0) for one in labels.values()) for name in (*EFFECTS, UNKNOWN)}
    reflections = sum(one.get("reflections", 0) for one in labels.values())
    means = {name: _mean(found.get(name, {})) for name in (*MEANS, "skipped", "expansion")}
    sums = {name: Mean(chains=chains, mean=_share(found.get(name, {}).get("sum", 0), chains)) for name in SUMS}
    return ChainStatistics(
        chains=chains,
        tokens=tokens,
        verdicts=_verdicts(found),
        reflections=reflections,
        per_1000_tokens=_share(1000 * reflections, tokens),
        effects=effects,
        net_gain=_net_gain(effects),
        labels={label: _label(one, chains, tokens) for label, one in labels.items()},
        course=CourseStatistics(**sums, **{name: means[name] for name in MEANS}),
        skipped=means["skipped"],
        expansion=means["expansion"],
        languages={name: _rounded(millionths / MILLION / chains) for name, millionths in found.get("languages", {}).items()},
        approaches=found.get("approaches", {}),
    )


def _label(found: dict[str, Any], chains: int, tokens: int) -> LabelStatistics:
    effects = {name: found.get("effects", {}).get(name, 0) for name in (*EFFECTS, UNKNOWN)}
    return LabelStatistics(
        reflections=found.get("reflections", 0),
        chains=found.get("chains", 0),
        share=_share(found.get("chains", 0), chains),
        per_1000_tokens=_share(1000 * found.get("reflections", 0), tokens),
        effects=effects,
        net_gain=_net_gain(effects),
    )


def _length(length: int, found: dict[str, Any]) -> LengthBand:
    return LengthBand(
        tokens_from=1 << length >> 1,  # what has so many binary digits
        chains=found["chains"],
        tokens=found["tokens"],
        reflections=found["reflections"],
        per_1000_tokens=_share(1000 * found["reflections"], found["tokens"]),
        verdicts=_verdicts(found),
        overthinking=_mean(found.get("overthinking", {})),
        underthinking=_mean(found.get("underthinking", {})),
    )


def _difficulty(difficulty: int, correct: bool, found: dict[str, Any]) -> DifficultyBand:
    labels = {label: found.get("labels", {}).get(label, 0) for label in LABELS}
    return DifficultyBand(
        solved_from=None if difficulty < 0 else difficulty / FIFTHS,
        correct=correct,
        chains=found["chains"],
        tokens=found["tokens"],
        labels=labels,
        per_1000_tokens=_share(1000 * sum(labels.values()), found["tokens"]),
    )


def _correctness(counts: Counts, problems: dict[str, Any]) -> "dict[Any, Correctness]":
    """Return for each label how often tries with it are right, and tries without."""
    strata: dict[tuple[str | int, ...], int] = {}
    for cell in sorted(counts.cells):
        strata.setdefault(cell[:-1], len(strata))
    tables = np.zeros((len(strata), GROUPS, 2 + 2 * len(LABELS)), dtype=np.int64)
    for cell, numbers in counts.cells.items():
        tables[strata[cell[:-1]], cell.group] = numbers
    found = {}
    for place, label in enumerate(LABELS, start=1):
        with_it = tables[..., 2 * place : 2 * place + 2]
        cells = np.concatenate([with_it, tables[..., :2] - with_it], axis=2)
        chains, correct, chains_without, correct_without = cells.sum(axis=(0, 1)).tolist()
        found[label] = Correctness(
            chains=chains,
            correct=correct,
            chains_without=chains_without,
            correct_without=correct_without,
            raw=_in_cells(cells.sum(axis=0, keepdims=True)),
            by_difficulty=_in_cells(cells),
            by_problem=_in_problems(problems.get(label, {})),
        )
    return found


def _in_cells(cells: Cells) -> Difference:
    of_stratum = cells.sum(axis=1)
    both = of_stratum[(of_stratum[:, 0] > 0) & (of_stratum[:, 2] > 0)]
    return _difference(difference(cells), len(both), int(both[:, [0, 2]].sum()))


def _in_problems(groups: dict[int, Any]) -> Difference:
    def total(name: str, by_number: dict[int, Any]) -> Fraction:
        return sum((Fraction(found[name], number) for number, found in by_number.items()), Fraction(0))

    sums = [(total("gain", by_number), total("weight", by_number)) for by_number in groups.values()]
    strata = [(number, found["strata"]) for by_number in groups.values() for number, found in by_number.items()]
    return _difference(difference_of_sums(sums), sum(count for _, count in strata), sum(number * count for number, count in strata))


def _difference(found: Estimate | None, strata: int, compared: int) -> Difference:
    values = (None, None, None) if found is None else found
    value, low, high = (None if one is None else _rounded(one) for one in values)
    return Difference(value=value, low=low, high=high, strata=strata, compared=compared)


def _verdicts(found: dict[str, Any]) -> dict[str, int]:
    return {status: found.get("verdicts", {}).get(status, 0) for status in STATUSES}


def _mean(found: dict[str, int]) -> Mean:
    chains = found.get("chains", 0)
    return Mean(chains=chains, mean=_share(found.get("sum", 0), MILLION * chains))


def _net_gain(effects: dict[str, int]) -> float | None:
    return _share(effects["effective"] - effects["harmful"], sum(effects[name] for name in EFFECTS))


def _share(part: int, whole: int) -> float | None:
    return _rounded(part / whole) if whole else None


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
