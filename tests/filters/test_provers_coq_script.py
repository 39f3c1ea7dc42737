"""What of a text becomes Coq's sentences, and which of them are run.  No Coq is needed here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.provers.coq_script import Refused, header_sentences, read_script, sentences, term
from tests.linear_time import assert_linear

MARKS = ["(*", "*)", '"', ".", "...", ". ", " ", "\n", "- ", "{ ", "} ", "1: ", "par: ", "é"]
fragments = st.sampled_from([*MARKS, "Proof. ", "Qed. ", "lia. ", "Lemma x : True. ", "Axiom "])
programs = st.one_of(st.text(max_size=60), st.lists(fragments, max_size=30).map("".join))


def steps(proof: str, header: str = "") -> list[str]:
    known = frozenset(sentence.words for sentence in sentences(header))
    return [step.text for step in read_script(proof, known).steps]


@pytest.mark.parametrize(
    ("proof", "expected"),
    [
        ("lia.", ["lia.", "Qed."]),
        ("Proof. lia. Qed.", ["Proof.", "lia.", "Qed."]),
        ("intros n.\n- { lia. }\n2: { x. } ++ y.", ["intros n.", "-", "{", "lia.", "}", "2: {", "x.", "}", "++", "y.", "Qed."]),
        ('(* a "*)" (* b *) . *) idtac "(* . ""x. y". lia.', ['idtac "(* . ""x. y".', "lia.", "Qed."]),
        ("apply Nat.add_comm.\tlia...", ["apply Nat.add_comm.", "lia...", "Qed."]),
        ("rewrite (x.(y)) in *. f 1.5.", ["rewrite (x.(y)) in *.", "f 1.5.", "Qed."]),
        ("all: lia. par: lia. 1-2, 4: lia. [x]: lia.", ["all: lia.", "all: lia.", "1-2, 4: lia.", "[x]: lia.", "Qed."]),
        ("Proof (eq_refl _).", ["Proof (eq_refl _)."]),
        ("Proof with lia. x... Unshelve. Defined.", ["Proof with lia.", "x...", "Unshelve.", "Defined."]),
        ("Check nat. Proof. Show. Time lia. Qed. Print Assumptions x.", ["Proof.", "lia.", "Qed."]),
        ("Require Import Lia. Proof. lia. Qed.", ["Require Import Lia.", "Proof.", "lia.", "Qed."]),
        ("Lemma a : True. exact I. Qed. Theorem b : True. exact a. Qed.",
         ["Lemma a : True.", "exact I.", "Qed.", "Theorem b : True.", "exact a.", "Qed."]),
    ],
)  # fmt: skip
def test_what_is_run(proof: str, expected: list[str]) -> None:
    assert steps(proof) == expected


@pytest.mark.parametrize(
    ("proof", "reason"),
    [
        ("", "no_proof"),
        ("(* Qed. *)", "no_proof"),
        ("Require Import Lia.", "no_proof"),
        ("Admitted.", "admitted"),
        ("Proof. lia. Admitted.", "admitted"),
        ("Axiom a : False. Proof. exact a. Qed.", "forbidden_command"),
        ("Proof. Redirect \"f\" idtac. Qed.", "forbidden_command"),
        ("Proof. lia. Qed. Drop.", "forbidden_command"),
        ("Proof. Cd \"/\". Qed.", "forbidden_command"),
        ("Load \"/etc/passwd\".", "forbidden_command"),
        ("Declare ML Module \"x\". Proof. lia. Qed.", "forbidden_command"),
        ("Add LoadPath \"/\". Proof. lia. Qed.", "forbidden_command"),
        ("Recursive Extraction t. Proof. lia. Qed.", "forbidden_command"),
        ("Unset Guard Checking. Proof. lia. Qed.", "forbidden_command"),
        ("#[bypass_check(guard)] Fixpoint f (n : nat) : False := f n. exact (f 0).", "forbidden_command"),
        ("Local Axiom a : False. exact a.", "forbidden_command"),
        ("Parameters a b : False. exact a.", "forbidden_command"),
        ("Set Universe Checking. lia.", "unsupported_command"),
        ("Notation \"1 = 2\" := True. exact I.", "unsupported_command"),
        ("Ltac lia := idtac. lia.", "unsupported_command"),
        ("Definition f := 1. Proof. lia. Qed.", "unsupported_command"),
        ("Proof. lia. Abort.", "unsupported_command"),
        ("Proof. Timeout 5 lia. Qed.", "unsupported_command"),
        ("Proof. Time Redirect \"f\" Print nat. Qed.", "forbidden_command"),
        ("Check nat. Print nat.", "no_proof"),
        ("Proof. 1: Check t. Qed.", "unsupported_command"),
        ("Proof. all: Redirect \"f\" idtac. Qed.", "forbidden_command"),
        ("Proof. 1: Qed.", "unsupported_command"),
        ("1: Proof (eq_refl).", "unsupported_command"),
        ("Proof (eq_refl). lia.", "unsupported_command"),
        ("Proof. lia. Qed. Lemma y : True. exact I. Qed.", "unsupported_command"),
        ("From Ltac2 Require Import Ltac2. lia.", "unsupported_command"),
        ("Require Import \"/tmp/evil\". lia.", "unsupported_command"),
        ("lia", "not_proved"),
        ("(* lia.", "not_proved"),
        ("idtac \"x.", "not_proved"),
        ("lia\x00.", "not_proved"),
        ("lia\ud800.", "not_proved"),
    ],
)  # fmt: skip
def test_what_is_refused_before_it_runs(proof: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        read_script(proof, frozenset())
    assert refused.value.reason == reason
    assert 0 <= refused.value.offset <= len(proof)


def test_what_the_header_has_is_passed_over() -> None:
    header = "Fixpoint f (n : nat) := 0. Lemma a : True. Proof. exact I. Qed."
    assert steps("Fixpoint f (n : nat)\n  := 0. Lemma a : True. Proof. exact I. Qed. Proof. lia. Qed.", header) == [
        "Proof.",
        "lia.",
        "Qed.",
    ]
    for changed in ("Fixpoint f (n : nat) := 1. Proof. lia. Qed.", "Lemma a : True. Proof. lia. Qed."):
        with pytest.raises(Refused) as refused:
            steps(changed, header)
        assert refused.value.reason == "unsupported_command"


@pytest.mark.parametrize(
    "source", ["Load x.", 'Time Redirect "f" Check x.', "Drop.", "Declare ML Module x.", 'Require Import "x".']
)
def test_a_header_reaches_for_no_file(source: str) -> None:
    with pytest.raises(Refused, match="header"):
        header_sentences("Require Import Lia. " + source)


@pytest.mark.parametrize("source", ["", " ", "(* x *)", "True. Axiom x : False", "True.", '"'])
def test_a_statement_is_one_term(source: str) -> None:
    with pytest.raises(Refused):
        term(source)
    assert term('f = "a. b" (* . *)') == 'f = "a. b"        '


@given(programs)
def test_sentences_are_the_text_without_space_and_comments(source: str) -> None:
    try:
        found = sentences(source)
    except Refused:
        return
    if "(*" not in source:
        assert "".join(sentence.text for sentence in found).replace(" ", "") == "".join(source.split())
    for sentence in found:
        assert sentence.text.split()[0][0] == source[sentence.start]
        assert sentence.text.isprintable()


@given(programs)
def test_any_text_is_read_or_refused(source: str) -> None:
    try:
        script = read_script(source, frozenset())
    except Refused as refused:
        assert 0 <= refused.offset <= len(source)
        return
    assert not any(step.text.startswith(("Axiom", "Admitted")) for step in script.steps)
    assert (script.opened is None) != (not script.theorems)


@pytest.mark.load
@pytest.mark.parametrize(
    "unit", ['"', "(*", "*)", ". ", "...", "...x", "- ", "a", "1: ", "1-", "1,", "[", " ", "{", "#[]", "Time ", "A.", "Open "]
)
def test_time_is_linear_in_the_text(unit: str) -> None:
    def run(text: str) -> None:
        for read in (lambda: read_script(text, frozenset()), lambda: header_sentences(text), lambda: term(text)):
            try:
                read()
            except Refused:
                continue

    assert_linear(run, unit * (3_200 // len(unit)), unit * (32_000 // len(unit)))
