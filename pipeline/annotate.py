"""Annotation: what the filters say of a partition's samples, as columns beside them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from filters import (
    approaches,
    chance,
    contamination,
    effects,
    fingerprints,
    granularity,
    leaks,
    reflections,
    signatures,
    steps,
    votes,
)
from filters.benchmark_index import BenchmarkIndex
from filters.checkers.checker import Checker
from filters.choice_order import as_asked
from filters.skipped_steps import skipped_steps
from filters.tokens import WORDS, Tokenizer
from filters.verify import judged, verify
from schemas.annotation import JUDGE_NAME, Contamination, Judgement
from schemas.problem import Problem
from schemas.sample import chain_text
from schemas.tables import ANNOTATED_SCHEMA, PROBLEM_COLUMNS

WORDS_V1 = Tokenizer(WORDS)


def annotators(checkers: Mapping[str, Checker], judge_counts: bool, tokenizer: Tokenizer = WORDS_V1) -> dict[str, str]:
    """Return what each role is filled by, with its version: a change of any makes annotations stale."""
    names = {f"checker.{name}": checker.name for name, checker in checkers.items()} | (
        {"judge": JUDGE_NAME} if judge_counts else {}
    )
    columns = {"steps": steps, "leak": leaks, "chance": chance, "vote": votes, "reflections": reflections, "course": effects}
    columns |= {"granularity": granularity, "approaches": approaches, "contamination": contamination}
    columns |= {"fingerprint": fingerprints, "signature": signatures}
    return {**names, **{column: module.NAME for column, module in columns.items()}, "tokens": tokenizer.name}


def problems_of(table: pa.Table) -> dict[str, Problem]:
    """Return a partition's problems by id."""
    return {row["problem_id"]: Problem(**{**row, "choices": tuple(row["choices"])}) for row in table.to_pylist()}


def annotate(
    problems: Mapping[str, Problem],
    samples: pa.Table,
    checkers: Mapping[str, Checker],
    judge_counts: bool = True,
    benchmarks: BenchmarkIndex | None = None,
    in_chains: bool = False,
    tokenizer: Tokenizer = WORDS_V1,
) -> pa.Table:
    """Return the samples with their problems' columns and every annotation.

    The filters see each problem as it was asked, in the sample's order of its options; the columns have it as it is.
    Items of benchmarks are looked for in the problems, and where asked in the chains.
    """
    given = [problems[problem_id] for problem_id in samples["problem_id"].to_pylist()]
    orders = [order or () for order in samples["choice_order"].to_pylist()]
    asked = [as_asked(problem, order) for problem, order in zip(given, orders, strict=True)]
    reasonings, responses = samples["reasoning"].to_pylist(), samples["response"].to_pylist()
    chains = [chain_text(reasoning, response) for reasoning, response in zip(reasonings, responses, strict=True)]
    verdicts = verify(asked, responses, checkers)
    if judge_counts:
        verdicts = judged(verdicts, [one and Judgement(**one) for one in samples["judgement"].to_pylist()])
    hinted = _hinted(samples)
    problem_ids = [problem.problem_id for problem in asked]
    checked, skips = [], []
    for chain, problem, verdict in zip(chains, asked, verdicts, strict=True):  # one reading of a chain's equations serves both
        checked.append(steps.check(chain, problem, verdict))
        skips.append(skipped_steps(chain, problem.question))
    tagged = reflections.reflections(chains, [problem.question for problem in asked])
    reflected, courses = effects.effects(chains, tagged, asked, verdicts)
    added: dict[str, list[Any]] = {
        **{name: [getattr(problem, name) for problem in given] for name in PROBLEM_COLUMNS},
        "verdict": verdicts,
        "steps": checked,
        "leak": leaks.leaks(chains, asked, hinted),
        "chance": chance.chance(problem_ids, [len(problem.choices) for problem in asked], [one.status for one in verdicts]),
        "vote": votes.vote(given, verdicts, orders, hinted),
        "reflections": reflected,
        "course": courses,
        "granularity": granularity.granularity(chains, asked, tokenizer.counts, skips),
        "approaches": approaches.approaches(chains),
        "contamination": _contamination(given, chains if in_chains else [], benchmarks),
        "fingerprint": fingerprints.fingerprints(chains),
        "signature": signatures.packed(signatures.signatures(chains)),
    }
    columns = [
        pa.array(added[field.name], type=field.type) if field.name in added else samples[field.name] for field in ANNOTATED_SCHEMA
    ]
    return pa.Table.from_arrays(columns, schema=ANNOTATED_SCHEMA)


def _contamination(
    problems: Sequence[Problem], chains: Sequence[str], benchmarks: BenchmarkIndex | None
) -> list[list[Contamination] | None]:
    """Return the items that each row's problem holds, its options with it, and those that its chain holds."""
    if benchmarks is None:
        return [None] * len(problems)
    asked = {problem.problem_id: "\n".join((problem.question, *problem.choices)) for problem in problems}
    found = dict(zip(asked, contamination.contamination(list(asked.values()), benchmarks), strict=True))
    in_chains = contamination.contamination(chains, benchmarks, "chain") or [[]] * len(problems)
    return [[*found[problem.problem_id], *of_chain] for problem, of_chain in zip(problems, in_chains, strict=True)]


def _hinted(samples: pa.Table) -> list[bool]:
    """Return which samples were made by a teacher that had been told the answer."""
    columns = zip(samples["hint"].to_pylist(), samples["origin"].to_pylist(), strict=True)
    return [hint is not None or origin == "rationalized" for hint, origin in columns]
