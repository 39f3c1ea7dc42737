"""One label, committed to as a whole token; words that look like labels are not labels."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from filters.checkers.choice import Choice
from schemas.problem import Problem

QUESTIONS = Path(__file__).parents[2].parent / "shared" / "data" / "commonsenseqa" / "dev.jsonl"

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
        ("选项B正确", "B"),
        ("故选：C。", "C"),
        ("正确选项是D", "D"),
        ("本题选择 B 项。", "B"),
        ("答案是B，不是A", "B"),
        ("Option (C) is correct.", "C"),
        ("So I choose (D).", "D"),
        ("The correct statement is (B).", "B"),
        ("E is the correct answer.", "E"),
        ("A, C and D are wrong, so it must be that the answer is B.", "B"),
        ("Since A is a place of money, the answer is B.", "B"),
        ("B. library\n\nExplanation: it has books.", "B"),
        ("Reasons.\n\n**D**", "D"),
        ("The answer is B. It has books.", "B"),
        ("[B]", "B"),
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
        ("B is correct. C is correct.", "uncommitted"),
        ("The answer is B. C is also correct.", "uncommitted"),
        ("The options are A, B, C and D.", "no_answer"),
        ("不选B", "no_answer"),
        ("排除B", "no_answer"),
        ("选项B错误", "no_answer"),
        ("答案是B或C", "uncommitted"),
        ("答案：\u0412", "answer_unreadable"),
        ("The answer is \u0392", "answer_unreadable"),
        ("The answer can't be B.", "no_answer"),
        ("B is not the answer.", "no_answer"),
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


@pytest.mark.parametrize("gold", ["(B)", r"\text{(B)}", r"\textbf{(B)}", "B.", "B) library", "b", "the library", "Ｂ"])
def test_forms_of_a_gold(gold: str) -> None:
    assert judged(gold, "The answer is B.") == ("correct", "B", "equal")
    assert judged(gold, "The answer is C.") == ("incorrect", "C", "different")


@pytest.mark.parametrize("gold", ["B", "(B)", r"\text{(B)}"])
def test_without_options_labels_are_compared(gold: str) -> None:
    for response in ("B", "(b).", "The answer is (B) library.", r"\boxed{\text{B}}", "故选B", "B. It has books."):
        assert judged(gold, response, ()) == ("correct", "B", "equal")
    for response in ("C", r"\boxed{C}", "The answer is (J)."):
        assert judged(gold, response, ())[0] == "incorrect"
    for response in ("B or C", "A building", "B library", "The answer is I think", "\u0412", "K", "library"):
        assert judged(gold, response, ())[0] != "correct"


@pytest.mark.parametrize("gold", ["library", "K", "B or C", None])
def test_without_options_a_gold_is_a_label(gold: str | None) -> None:
    assert judged(gold, "B", ()) == ("error", None, "gold_unreadable")


def commonsense_questions() -> Iterator[tuple[str, tuple[str, ...]]]:
    for line in QUESTIONS.read_text("utf-8").split("\n"):
        if line:
            row = json.loads(line)
            yield row["answerKey"], tuple(choice["text"] for choice in row["question"]["choices"])


@pytest.mark.skipif(not QUESTIONS.exists(), reason=f"the questions of CommonsenseQA are not at {QUESTIONS}")
def test_every_gold_of_commonsense_questions_is_right_and_another_letter_is_not() -> None:
    forms = (
        "The answer is ({small}).",
        r"\boxed{{{label}}}",
        "{label}. {text}",
        "{text}",
        "So the answer is the {text} ({small}).",
    )
    wrong = []
    questions = list(commonsense_questions())
    for gold, options in questions:
        for label, expected in ((gold, "correct"), ("ABCDE"["EABCD".index(gold)], "incorrect")):
            text = options["ABCDE".index(label)]
            for form in forms:
                response = form.format(label=label, small=label.lower(), text=text)
                if judged(gold, response, options)[0] != expected:
                    wrong.append((response, options))
    assert len(questions) == 1221
    # An option that stands twice cannot be named by its text, and these are no English.
    odd = (" the the ", " the a ", " the because ")
    assert [one for one in wrong if one[1].count(one[0]) < 2 and not any(words in one[0] for words in odd)] == []


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
