import random

from hypothesis import given
from hypothesis import strategies as st

from schemas.identity import content_id, partition_of, rng_for
from schemas.problem import Problem
from tests.builders import a_problem, a_sample

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(TEXT | st.none(), max_size=4), st.lists(TEXT | st.none(), max_size=4))
def test_ids_are_equal_exactly_where_the_parts_are(one: list[str | None], other: list[str | None]) -> None:
    assert (content_id(*one) == content_id(*other)) == (one == other)


def test_seeds_and_names_share_no_draws() -> None:
    draws = [rng_for(seed, name, index).getrandbits(64) for seed in (1, 2, 3) for name in "ab" for index in range(500)]
    assert len(set(draws)) == len(draws)


def test_a_seed_is_not_shifted_by_one_index() -> None:
    assert rng_for(42, "x", 1).random() != rng_for(43, "x", 0).random()


def test_problems_spread_over_partitions_and_stay_in_theirs() -> None:
    ids = [content_id(str(index)) for index in range(6400)]
    counts = [0] * 64
    for problem_id in ids:
        counts[partition_of(problem_id, 64)] += 1
    assert min(counts) > 50 and max(counts) < 160
    assert partition_of("x", 64) == 38  # a release's rows must not move when the code does


def test_a_problems_id_is_what_is_asked_not_its_gold() -> None:
    assert a_problem(answer="42").problem_id == a_problem(answer="43", subject="sums").problem_id
    assert a_problem(choices=["a", "b"]).problem_id != a_problem(choices=["ab"]).problem_id
    assert a_problem(question="other").problem_id != a_problem().problem_id


def test_a_samples_id_tells_equal_texts_at_other_places_apart() -> None:
    same = {a_sample().sample_id, a_sample().sample_id}
    assert len(same | {a_sample(index=1).sample_id, a_sample(teacher="b").sample_id, a_sample(round=1).sample_id}) == 4
    assert a_sample(reasoning="ab", response="c").sample_id != a_sample(reasoning="a", response="bc").sample_id


def test_known_ids_do_not_change_with_the_code() -> None:
    problem = Problem.of(question="q", answer=None, checker="numeric", source="s", choices=("x", "y"))
    assert problem.problem_id == "cd934feef4a5af7146d74fe9e598aa17"
    assert isinstance(rng_for(0, "a", 0), random.Random)
    assert rng_for(0, "a", 0).getrandbits(32) == 788721468
