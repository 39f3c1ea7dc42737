"""What `starbeam check` says of strategies, and that draws stay within what it says."""

import pytest

from generators.strategies.star import Star
from pipeline.estimates import estimates
from pipeline.plan import Plan, resolve
from pipeline.recipes import load
from tests.builders import a_context
from tests.pipeline.recipes_for_tests import ROOT
from tests.simulated_teacher import SimulatedTeacher, numeric_problems

SECOND = "teacher.second={ kind = 'openai', base_url = 'http://127.0.0.1:9/v1', model = 'm', sampling = { max_tokens = 10 } }"


def _plan(name: str, *settings: str) -> Plan:
    return resolve(load(str(ROOT / "recipes" / f"{name}.toml"), settings))


def _said(name: str, *settings: str) -> list[str]:
    return [line for one in estimates(_plan(name, *settings), 100, 400) for line in one.lines()]


def test_star_says_tries_and_hints_apart() -> None:
    tries, _, hints, _ = _said("star_gsm8k")
    assert tries == (
        "teacher main (openai): up to 100 samples in 100 calls; about 1,700 prompt and up to 102,400 completion tokens"
    )
    assert hints.startswith(
        "teacher main (openai): up to 100 samples on top, from a hint where no sample is right, in up to 100 calls;"
    )
    assert len(_said("star_gsm8k", "strategy.rationalize=0")) == 2


def test_votes_and_quotas_say_least_and_most() -> None:
    assert _said("self_consistency")[0].startswith("teacher main (openai): 900 to 1,600 samples in up to 1,600 calls;")
    assert _said("until_correct")[0].startswith("teacher main (openai): 400 to 6,400 samples in up to 6,400 calls;")


def test_a_scorer_reads_whole_samples_so_their_bound_is_in_its_prompts() -> None:
    asked = 8 * 100
    (scored,) = [line for line in _said("best_of") if line.startswith("teacher scorer (reward)")]
    tokens = asked * (1024 + 1 + 16)  # a sample's, the question's, the template's
    assert scored == f"teacher scorer (reward): up to 800 grades on top in up to 800 calls; about {tokens:,} prompt tokens"
    two = "teacher scorer (reward): up to 1,600 grades on top in up to 1,600 calls; "
    assert any(line.startswith(two) for line in _said("best_of", SECOND))


def test_without_a_bound_of_samples_a_scorer_s_cost_has_none() -> None:
    price = "teacher.scorer.price={ input = 1.0 }"
    lines = _said("best_of", "teacher.main.sampling={ temperature = 0.8 }", price)
    assert any("any number of prompt tokens" in line for line in lines)
    assert "teacher scorer: its cost has no bound, as the samples that it reads have none; set max_tokens there" in lines
    assert any(line.startswith("teacher scorer: up to 0.8328 by its price") for line in _said("best_of", price))


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.9, 1.0])
def test_no_seed_draws_more_hints_than_is_said(share: float) -> None:
    problems, plan = numeric_problems(60), _plan("star_gsm8k", f"strategy.rationalize={share}")
    assert isinstance(plan.strategy, Star)
    most = max((one.most for one in estimates(plan, len(problems), 1) if one.role == "rationalize"), default=0)
    teacher, strategy = SimulatedTeacher(lambda problem: 0.0), plan.strategy
    for seed in range(40):
        drawn = sum(strategy._is_drawn(one, a_context(teacher, seed=seed)) for one in problems)
        assert drawn <= most
    assert most <= 60 and (share not in (0.0, 1.0) or most == 60 * share)
