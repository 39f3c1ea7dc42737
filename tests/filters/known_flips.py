"""Chains whose every change of the answer is known: a statement, a reflection, another statement, and so on."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from schemas.annotation import Effect, Label, Reflection
from schemas.problem import Problem
from tests.builders import a_problem


class Way(NamedTuple):
    """One way to state the answers of a problem, and to reflect between two of them."""

    problem: Problem
    values: tuple[str, str, str]  # the right one, two wrong ones
    statements: tuple[str, ...]
    reflections: tuple[tuple[Label, str], ...]
    distractors: tuple[str, ...]  # results on the way, that answer nothing


class KnownChain(NamedTuple):
    """A chain with its reflections, without effects, and the effect that each must get."""

    problem: Problem
    chain: str
    reflections: list[Reflection]
    effects: list[Effect | None]
    stated: list[str]


ENGLISH: tuple[tuple[Label, str], ...] = (
    ("hesitation", "Wait, I forgot the second box of 4."),
    ("verification", "Let me check this against the 3 shelves."),
    ("self_correction", "That is wrong, I made a mistake."),
    ("alternative", "Alternatively, I could begin with the 7 bags."),
    ("backtracking", "Let me go back to the start."),
)
CHINESE: tuple[tuple[Label, str], ...] = (
    ("hesitation", "等等，第2箱好像漏了。"),
    ("verification", "让我再检查一遍。"),
    ("self_correction", "算错了，我看漏了3个。"),
    ("alternative", "换个思路，从7个袋子开始。"),
)
STEPS = ("Each of the 5 boxes has 4 apples, 5 * 4 = 20.", "There are 3 shelves.", "She gives 6 to Tom, so Tom has 8 now.")
CHINESE_STEPS = ("每箱有4个苹果，5*4=20。", "一共有3层架子。", "小明给了小红6个，所以小红有8个。")

# From one statement to the next: 0 is right, 1 and 2 are wrong.
COURSES = ((1, 0), (0, 1), (1, 2), (0, 0), (1, 1), (1, 0, 0), (1, 2, 0), (0, 1, 0), (2, 1, 1, 0), (1, 0, 2, 0, 1))

WAYS = (
    Way(
        a_problem(question="How many apples does Ann have in total?", answer="17"),
        ("17", "12", "1,250"),
        (
            "So the answer is {}.",
            "The answer should be {}.",
            "Therefore, Ann has a total of {} apples.",
            "So Ann has {} apples.",
            "Final answer: {}.",
            "So we get \\boxed{{{}}}.",
        ),
        ENGLISH,
        STEPS,
    ),
    Way(
        a_problem(question="Ann has 5 boxes. What is the total cost?", answer="$45"),
        ("$45", "$42", "$7.50"),
        ("So the answer is {}.", "Thus, the total cost is {}.", "The total cost is {} now, so the final answer is {}."),
        ENGLISH,
        STEPS,
    ),
    Way(
        a_problem(question="Let $x + y = 3$ and $2y = 5$.  Find $x$.", answer="\\frac{3}{4}", checker="math"),
        ("\\frac{3}{4}", "\\frac{4}{3}", "2\\sqrt{3}"),
        (
            "Therefore, \\( x = {} \\).",
            "So the answer is ${}$.",
            "So $x = {}$.",
            "This gives\n\\[ \\boxed{{{}}} \\]",
            "\n**Final Answer**\n\n${}$\n",
        ),
        ENGLISH,
        ("So \\( y = \\frac{5}{2} \\).", "Here \\( 2 \\cdot 3 = 6 \\)."),
    ),
    Way(
        a_problem(question="Who lends money?", answer="B", checker="choice", choices=("river", "bank", "hill")),
        ("B", "A", "C"),
        ("So the answer is ({}).", "So it must be {}.", "The correct option is {}.", "Therefore, {} is correct."),
        ENGLISH,
        ("A hill is high.", "Money is kept in 2 places."),
    ),
    Way(
        a_problem(question="Who lends money?", answer="(B) bank", checker="choice", choices=("river", "bank", "hill")),
        ("bank", "river", "hill"),
        ("So the answer is {}.", "Therefore, it is the {}.", "The best answer is the {}."),
        ENGLISH,
        ("Some are high.", "Money is kept in 2 places."),
    ),
    Way(
        a_problem(question='Is f(f(x)) even or odd? Enter "even", "odd" or "neither".', answer="even", checker="text"),
        ("even", "odd", "neither"),
        ("So the answer is {}.", "Therefore, f(f(x)) is {}.", "\\boxed{{{}}}."),
        ENGLISH,
        ("So g is continuous.", "Its square is 4."),
    ),
    Way(
        a_problem(question="小明一共有多少个苹果？", answer="17"),
        ("17", "12", "25"),
        ("所以答案是{}。", "因此，小明一共有{}个苹果，答案为{}。", "最终答案：{}。", "所以最后的结果是{}。"),
        CHINESE,
        CHINESE_STEPS,
    ),
    Way(
        a_problem(question="哪个借钱？", answer="B", checker="choice", choices=("河", "银行", "山")),
        ("B", "A", "C"),
        ("所以选{}。", "因此答案是{}。", "正确选项是{}。"),
        CHINESE,
        ("山很高。", "钱在2个地方。"),
    ),
)


def known_chains() -> Iterator[KnownChain]:
    """Yield every course in every way, each statement in other words than the one before."""
    for way in WAYS:
        for number, course in enumerate(COURSES):
            for first in range(len(way.statements)):
                yield _chain(way, course, number + first)


def _chain(way: Way, course: Sequence[int], turn: int) -> KnownChain:
    parts: list[str] = []
    reflections: list[Reflection] = []
    effects: list[Effect | None] = []
    joint = "" if way.reflections is CHINESE else " " if turn % 2 else "\n\n"
    for place, state in enumerate(course):
        if place:
            label, words = way.reflections[(turn + place) % len(way.reflections)]
            start = sum(len(part) + len(joint) for part in parts)
            reflections.append(Reflection(label, start, start + len(words), words.split(",")[0].split("，")[0], None, None))
            effects.append(_effect(course[place - 1], state))
            parts.append(words)
        parts.append(way.distractors[(turn + place) % len(way.distractors)])
        statement = way.statements[(turn + place) % len(way.statements)]
        parts.append(statement.replace("{}", way.values[state]).replace("{{", "{").replace("}}", "}"))
    stated = [way.values[state] for state in course]
    return KnownChain(way.problem, joint.join(parts), reflections, effects, stated)


def _effect(before: int, after: int) -> Effect:
    if before == after:
        return "idle"
    return "effective" if after == 0 else "harmful" if before == 0 else "changing"
