"""Annotation: what the filters say of a partition's samples, as columns beside them."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from filters import fingerprints, reflections
from filters.checkers.checker import Checker
from filters.verify import verify
from schemas.problem import Problem
from schemas.sample import chain_text
from schemas.tables import ANNOTATED_SCHEMA, PROBLEM_COLUMNS


def annotators(checkers: Mapping[str, Checker]) -> dict[str, str]:
    """Return what each role is filled by, with its version: a change of any makes annotations stale."""
    names = {f"checker.{name}": checker.name for name, checker in checkers.items()}
    return {**names, "reflections": reflections.NAME, "signature": fingerprints.NAME}


def problems_of(table: pa.Table) -> dict[str, Problem]:
    """Return a partition's problems by id."""
    return {row["problem_id"]: Problem(**{**row, "choices": tuple(row["choices"])}) for row in table.to_pylist()}


def annotate(problems: Mapping[str, Problem], samples: pa.Table, checkers: Mapping[str, Checker]) -> pa.Table:
    """Return the samples with their problems' columns and every annotation."""
    asked = [problems[problem_id] for problem_id in samples["problem_id"].to_pylist()]
    reasonings, responses = samples["reasoning"].to_pylist(), samples["response"].to_pylist()
    chains = [chain_text(reasoning, response) for reasoning, response in zip(reasonings, responses, strict=True)]
    added: dict[str, list[Any]] = {
        **{name: [getattr(problem, name) for problem in asked] for name in PROBLEM_COLUMNS},
        "verdict": verify(asked, responses, checkers),
        "reflections": reflections.reflections(chains),
        "fingerprint": fingerprints.fingerprints(chains),
        "signature": fingerprints.signatures(chains),
    }
    columns = [
        pa.array(added[field.name], type=field.type) if field.name in added else samples[field.name] for field in ANNOTATED_SCHEMA
    ]
    return pa.Table.from_arrays(columns, schema=ANNOTATED_SCHEMA)
