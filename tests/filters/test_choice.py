"""One label, committed to as a whole token; words that look like labels are not labels."""

import pytest

from filters.checkers.choice import Choice
from schemas.problem import Problem

OPTIONS = ("bank", "library", "department store", "mall", "new york")


def judged(gold: str | None, response: str, options: tuple[str, ...] = OPTIONS) -> tuple[str, str | None, str]:
    verdict = Choice().check(Problem.of(question="q", answer=gold, checker="choice", source="test", choices=options), response)
    return verdict.status, verdict.extracted, verdict.reason


@pytest.mark.parametrize(
    ("response", "label"),
    [
        ("It stores money. Therefore, the answer is the bank (a).", "A"),
        ("The answer must be a city. Therefore, the answer is new york (e).", "E"),
        ("(e).", "E"),
        ("E.", "E"),
        ("the answer is B) library", "B"),
        ("Answer: b. library", "B"),
        (r"\boxed{C}", "C"),
        (r"\boxed{\textbf{(C)}\ department store}", "C"),
        (r"The answer is $\text{C}$.", "C"),
        ("The answer is **D**.", "D"),
        ("Ｂ", "B"),
        ("The answer is a library", "B"),
        ("The answer is A bank", "A"),
        ("The answer is B because a bank is A place of money", "B"),
        ("The answer can't be A, so the answer is B", "B"),
        ("The answer is B, not A", "B"),
        ("The answer is (b) library, not the bank (a).", "B"),
        ("The answer is not A but B", "B"),
        ("答案：（B）", "B"),
        ("the answer is option D", "D"),
    ],
)
def test_reads_the_label(response: str, label: str) -> None:
    assert judged(label, response) == ("correct", label, "equal")
    other = "A" if label != "A" else "B"
    assert judged(other, response) == ("incorrect", label, "different")


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ("The answer is B or C", "uncommitted"),
        ("B/C", "uncommitted"),
        (r"\boxed{B, C}", "uncommitted"),
        ("The answer is (B) mall", "uncommitted"),
        ("The answer is B.\nThe answer is C.", "uncommitted"),
        ("The answer is A building", "answer_unreadable"),
        ("The answer is I think", "answer_unreadable"),
        ("The answer is not B", "answer_unreadable"),
        ("The answer is anything except (b)", "answer_unreadable"),
        ("The answer is F", "answer_unreadable"),
        ("The answer is \u0412", "answer_unreadable"),
        ("neither A nor B", "no_answer"),
        ("vitamin C", "no_answer"),
        ("A: bank\nB: library", "no_answer"),
        ("I went to A bank\nand home", "no_answer"),
    ],
)
def test_commits_to_no_single_label(response: str, reason: str) -> None:
    for gold in "ABC":
        status, extracted, given = judged(gold, response)
        assert status == ("unsure" if reason == "answer_unreadable" else "incorrect")
        assert given == reason
        assert extracted is None or reason == "answer_unreadable"


def test_gold_is_a_label_or_an_option() -> None:
    assert judged("mall", "D")[0] == "correct"
    assert judged("a", "A")[0] == "correct"
    for gold in (None, "Z", "cinema", ""):
        assert judged(gold, "A") == ("error", None, "gold_unreadable")
    assert judged("A", "B", ("B", "A")) == ("error", None, "gold_unreadable")


def test_equal_options_are_told_apart_by_their_labels() -> None:
    options = ("mortal", "dead", "mortal")  # CommonsenseQA has such items
    assert judged("C", "The answer is mortal (c).", options)[0] == "correct"
    assert judged("C", "The answer is mortal.", options) == ("incorrect", None, "uncommitted")


def test_an_option_may_hold_a_negation() -> None:
    options = ("yes", "no", "not enough information")
    assert judged("C", "The answer is not enough information (c).", options)[0] == "correct"
    assert judged("C", "(c) not enough information", options)[0] == "correct"
    assert judged("B", "The answer is no.", options)[0] == "correct"


BANK = ("cat", "bank", "bird")


@pytest.mark.parametrize(
    "response",
    [
        "(B)",
        "B.",
        "option B",
        r"\text{B}",
        "**B**",
        "B) bank",
        "(b) bank",
        "B bank",
        "the bank (b)",
        "bank",
        "**B. bank**",
        "B, because it stores money",
        "Answer: B since A is wrong",
        "B as cats purr",
        "The answer is B because A is wrong.",
        "Answer: B, not A",
        "Answer: (B) bank.\n\nA is wrong: cats purr.",
        "Answer: (B).\n\nThe other options are incorrect.",
    ],
)
def test_whole_forms_are_read(response: str) -> None:
    assert judged("B", response, BANK) == ("correct", "B", "equal")


@pytest.mark.parametrize(
    "response",
    [
        "Answer: B is wrong",
        "(B) is incorrect",
        "Answer: B is the worst, so A",
        "The answer is anything but B",
        "Answer: B ❌ A ✅",
        "Answer: B → A",
        "Answer: B if raining, A otherwise",
        "The answer is B. Actually A.",
        "Answer: B C",
        "The answer is cat, B",
        "Answer: all of A, B",
        "Answer: B unlikely",
        "Answer: B?",
        "B?",
        "Answer: B minus",
        "Answer: B vitamin",
        r"\boxed{B'}",
        "Answer: B is out",
        "Answer: I think A is right but B",
        "Answer: B.\nSo A.",
        "Answer: B\n\nA",
        "Answer: (B)\nB is wrong.",
    ],
)
def test_any_other_form_is_never_correct(response: str) -> None:
    assert judged("B", response, BANK)[0] != "correct"
