"""Coq itself: what is proved, what is not and where, and what a hostile proof cannot do."""

import dataclasses
import random
import threading
import time

import pytest

from filters.provers import PROVERS, ProofError, Reply, Request, prove

pytestmark = pytest.mark.skipif(not PROVERS["coq"].installed(), reason="coqtop is not installed (Debian: coq)")

ZERO = "forall n : nat, n + 0 = n"
NAMED_LIKE_A_NOTATION = """Axiom rem : False. Lemma use : 1 = 2. destruct rem. Qed.
Notation "a 'rem' b" := (a - b) (at level 40, left associativity)."""
INDUCTION = "Proof.\nintros n.\ninduction n.\n- reflexivity.\n- simpl. rewrite IHn. reflexivity.\nQed."


def coq(proof: str, statement: str = ZERO, header: str = "", seconds: float = 10.0) -> Reply:
    return prove("coq", header, statement, proof, seconds)


@pytest.mark.parametrize(
    ("proof", "statement", "header"),
    [
        (INDUCTION, ZERO, ""),
        ("intros n. induction n; simpl; congruence.", ZERO, ""),
        (f"Theorem mine : {ZERO}.\n{INDUCTION}", ZERO, ""),
        (f"(* Here it is. *) Theorem mine : forall n : nat,\n  n + O (* zero *) = n.\n{INDUCTION}", ZERO, ""),
        ("Theorem mine (n : nat) : n + 0 = n. Proof. induction n; simpl; congruence. Qed.", ZERO, ""),
        (f"Lemma helper : 1 = 1. Proof. reflexivity. Qed.\nTheorem mine : {ZERO}. {INDUCTION}", ZERO, ""),
        (f"Theorem mine : {ZERO}. {INDUCTION}\nCorollary more : 1 + 0 = 1. Proof. apply mine. Qed.", ZERO, ""),
        ("Require Import Arith. Proof. intros n. apply Nat.add_0_r. Qed.", ZERO, ""),
        ("Require Import Utf8. Proof. intros n. induction n; simpl; congruence. Qed.", ZERO, ""),  # it prints `fun` otherwise
        ("Proof with auto. split... Qed.", "True /\\ 1 = 1", ""),
        ("split. 2: { reflexivity. } par: exact I.", "True /\\ 1 = 1", ""),
        ("intros A x. exists x. reflexivity. Defined.", "forall (A : Type) (x : A), exists y, y = x", "Set Implicit Arguments."),
        ("exact (exist _ 3 eq_refl).", "{n : nat | n = 3}", ""),
        ("intros é. destruct é as [H|H]; exact H.", "True \\/ True -> True", ""),
        ("native_compute. reflexivity.", "2 * 2 = 4", ""),
        ("Proof (fun n => eq_sym (plus_n_O n)).", ZERO, ""),
        ("exact two.", "1 + 1 = 2", "Lemma two : 1 + 1 = 2. Open Scope nat_scope. reflexivity. Qed."),
        ("by move=> A x.", "forall (A : Type) (x : A), x = x", "From Coq Require Import ssreflect."),
        ("Fixpoint f (n : nat) := 0.\nTheorem t : f 1 = 0. Proof. reflexivity. Qed.", "f 1 = 0", "Fixpoint f (n : nat) :=\n  0."),
        ("Lemma a : True. Proof. exact I. Qed. Proof. reflexivity. Qed.", "f 1 = 0",
         "Definition f (n : nat) := 0.\nLemma a : True. Proof. exact I. Qed."),
    ],
)  # fmt: skip
def test_a_right_proof_holds(proof: str, statement: str, header: str) -> None:
    assert coq(proof, statement, header) == Reply(reason="proved")


def test_a_wrong_proof_fails_with_place_message_and_goals() -> None:
    wrong = INDUCTION.replace("rewrite IHn", "rewrite (* é *) nothing")
    message = "The reference nothing was not found in the current environment."
    goal = "n : nat\nIHn : n + 0 = n\n============================\nS (n + 0) = S n"
    assert coq(wrong) == Reply(reason="not_proved", errors=(ProofError(5, 26, message),), open_goals=(goal,))


@pytest.mark.parametrize(
    ("proof", "reason", "place"),
    [
        ("Proof. intros n. reflexivity. Qed.", "not_proved", (1, 18)),
        ("Proof.\n intros n.\n lia.\nQed.", "not_proved", (3, 2)),
        ("Proof.\n intros n.\nQed.", "open_goals", (3, 1)),
        ("intros n.", "open_goals", (1, 10)),
        ("Proof. Qed.", "open_goals", (1, 8)),
        ("Proof. eexists. shelve. Qed.", "not_proved", (1, 8)),
        ("", "no_proof", (1, 1)),
        ("I think it holds.", "unsupported_command", (1, 1)),
        ("it holds by induction.", "not_proved", (1, 10)),
        ("Proof. intros n. Admitted.", "admitted", (1, 18)),
        ("Proof. intros n. admit. Qed.", "admitted", (1, 25)),
        ("Proof. give_up. Qed.", "admitted", (1, 17)),
        ("Theorem mine : 0 + 0 = 0. Proof. reflexivity. Qed.", "statement_changed", (1, 1)),
        ("Theorem mine : forall n : nat, 0 + n = n. Proof. reflexivity. Qed.", "statement_changed", (1, 1)),
        ("Lemma helper : True. exact I. Qed.\nTheorem mine : True. exact helper. Qed.", "statement_changed", (2, 1)),
        ("Require Import Classical. Proof. intros n. destruct (classic (n + 0 = n)) as [H|H]. exact H. exfalso. "
         "apply H. induction n; simpl; congruence. Qed.", "not_proved", None),
        ("Require Import Classical. intros n. apply NNPP. intros H. apply H. clear H. induction n; simpl; congruence.",
         "assumptions", None),
        ("fix f 1. exact f.", "not_proved", (1, 18)),
        ("exact ltac:(admit).", "not_proved", None),
    ],
)  # fmt: skip
def test_what_does_not_hold(proof: str, reason: str, place: tuple[int, int] | None) -> None:
    reply = coq(proof)
    assert reply.reason == reason, reply
    if place is not None:
        assert (reply.errors[0].line, reply.errors[0].column) == place


@pytest.mark.parametrize(
    ("proof", "statement"),
    [
        ("Theorem mine : 2 = 2. Proof. reflexivity. Qed.", "1 + 1 = 2"),  # the same by computation is not the same statement
        ("Lemma le : nat -> nat -> Prop. exact (fun _ _ => True). Defined. Theorem t : le 3 2. exact I. Qed.", "le 3 2"),
        ("Lemma eq : nat -> nat -> Prop. exact (fun _ _ => True). Defined. Theorem t : eq 3 2. exact I. Qed.", "eq 3 2"),
        ("Lemma False : Prop. exact True. Defined. Theorem t : False. exact I. Qed.", "False"),
    ],
)
def test_a_changed_or_shadowed_statement_is_not_a_proof(proof: str, statement: str) -> None:
    assert coq(proof, statement).reason == "statement_changed"


@pytest.mark.load
def test_imports_cannot_change_what_is_proved() -> None:
    assert coq("Require Import ZArith. Open Scope Z_scope. reflexivity.", "1 = 1").reason == "unknown"
    assert (
        coq("Require Import ZArith. Open Scope Z_scope. Theorem t : 1 = 1. reflexivity. Qed.", "1 = 1").reason
        == "statement_changed"
    )


@pytest.mark.parametrize(
    ("header", "proof", "statement", "assumptions"),
    [
        ("Axiom evil : False.", "destruct evil.", "1 = 2", ("evil",)),
        ("Lemma half : 1 = 2. Admitted.", "exact half.", "1 = 2", ("half",)),
        ("Require Import Classical.", "intros P. apply classic.", "forall P : Prop, P \\/ ~ P", ("classic",)),
        (NAMED_LIKE_A_NOTATION, "exact use.", "1 = 2", ("rem",)),
        ("Section S. Variable A : Prop. Hypothesis a : A.", "exact a.", "A", ("a",)),
    ],
)
def test_what_the_header_brings_may_be_used_and_is_told(
    header: str, proof: str, statement: str, assumptions: tuple[str, ...]
) -> None:
    assert coq(proof, statement, header) == Reply(reason="proved", assumptions=assumptions)


def test_a_check_that_the_header_switches_off_proves_nothing() -> None:
    header = "Unset Guard Checking. Fixpoint f (n : nat) : False := f n. Set Guard Checking."
    assert coq("exact (f 0).", "False", header).reason == "assumptions"


def test_a_library_axiom_that_the_proof_imports_is_not_the_headers() -> None:
    proof = "Require Import Classical. Proof. intros P. apply classic. Qed."
    reply = coq(proof, "forall P : Prop, P \\/ ~ P")
    assert (reply.reason, reply.errors[0].message) == ("assumptions", "it rests on classic")
    shadowing = "Lemma classic : True. exact I. Qed."  # the name alone says nothing
    assert coq(proof, "forall P : Prop, P \\/ ~ P", shadowing).reason == "assumptions"


@pytest.mark.parametrize(
    ("header", "statement", "part"),
    [
        ("Require Import NoSuchLibrary.", "True", "header"),
        ("Definition f := ", "True", "header"),
        ("Lemma open : True.", "True", "header"),
        ("Load \"x\".", "True", "header"),
        ("", "forall n, n +", "statement"),
        ("", "nothing n", "statement"),
        ("", "5", "statement"),
        ("", "", "statement"),
        ("", "True. Axiom evil : False", "statement"),
        ("", "\ud800", "statement"),
    ],
)  # fmt: skip
def test_a_gold_that_does_not_stand_is_said_so(header: str, statement: str, part: str) -> None:
    reply = coq("exact I.", statement, header)
    assert (reply.reason, reply.errors[0].part) == ("gold_unreadable", part)


HOSTILE = [
    'idtac "Closed under the global context".',
    'idtac "<prompt>Coq < 99 || 0 < </prompt>".',
    'idtac "No more goals.". idtac "starbeam_theorem is defined".',
    'fail "<prompt>Coq < 99 || 0 < </prompt>".',
    'try fail "<prompt>starbeam_theorem < 7 |starbeam_theorem| 0 < </prompt>".',
    'fail 0 "\n\n<prompt>Coq < 8 || 0 < </prompt>".',
    "Axiom evil : False. destruct evil.",
    "Proof. exact I. Qed. Axiom evil : False.",
    "Lemma evil : False. Admitted. Theorem t : False. exact evil. Qed.",
    "Lemma evil : False. Proof. admit. Qed. Theorem t : False. exact evil. Qed.",
    "Unset Guard Checking. fix f 1. exact (f 0).",
    'Redirect "out" Print nat. Qed.',
    'Proof. Redirect "out" idtac. Qed.',
    'Extraction "out.ml" nat.',
    "Drop.",
    'Declare ML Module "evil".',
    'Load "/etc/passwd".',
    "Proof. Set Universe Polymorphism. Qed.",
    'Notation "1 = 2" := True. exact I.',
    "Theorem t : True. exact I. Qed.",
    "Theorem False : True. exact I. Qed.",
    "Lemma starbeam_statement : True. exact I. Qed. Theorem t : True. exact I. Qed.",
    "Lemma starbeam_seal : True. exact I. Qed. Theorem t : True. exact I. Qed.",
    "Lemma starbeam_theorem : True. exact I. Qed.",
    "Theorem t : ltac:(exact True). exact I. Qed.",
    "vm_cast_no_check I.",
    "exact_no_check I.",
    "change_no_check True. exact I.",
    "native_cast_no_check I.",
    "assert_succeeds idtac. Qed. Qed.",
    "cut False. tauto. assert_fails idtac.",
    "cofix f. exact f.",
    "refine (let f := fix f (n : nat) : False := f n in f 0).",
    "abstract admit.",
    "transparent_abstract (exact_no_check I).",
    "evar (x : False). exact x.",
    "(* Qed. *) (* *) Qed.",
    "Proof. (* \" *) Qed. \" *) exact I. Qed.",
    "exact I.\x00Qed.",
    "BackTo 1. Theorem t : True. exact I. Qed.",
    "Reset Initial. Theorem t : True. exact I. Qed.",
    "Module M. Axiom evil : False. End M. destruct M.evil.",
    "Require Import Coq.Compat.AdmitAxiom. admit.",
    "Require Import Coq.Compat.AdmitAxiom. exact (proof_admitted).",
    "Goal True. exact I. Qed.",
    "Instance t : False. Admitted.",
    "#[global] Axiom evil : False. destruct evil.",
    "Program Definition t : False := _. Admit Obligations.",
]  # fmt: skip


@pytest.mark.parametrize("proof", HOSTILE)
def test_nothing_proves_what_is_false(proof: str) -> None:
    reply = coq(proof, "False")
    assert reply.reason not in ("proved", "prover_failed", "gold_unreadable")
    assert coq("exact I.", "True").ok  # and the next proof is judged as ever


@pytest.mark.load
def test_no_mixture_of_hostile_sentences_proves_what_is_false() -> None:
    pieces = [
        *HOSTILE,
        "exact I.",
        "Qed.",
        "Proof.",
        "split.",
        "- idtac.",
        "{",
        "}",
        "Theorem u : 1 = 1.",
        "reflexivity.",
        "(*",
        "*)",
        '"',
    ]
    rng = random.Random(17)
    for _ in range(2000):
        proof = " ".join(rng.choices(pieces, k=rng.randint(1, 8)))
        assert not coq(proof, "False", seconds=2.0).ok, proof


@pytest.mark.load
@pytest.mark.parametrize(
    ("proof", "reasons"),
    [
        ("repeat (idtac; pose True).", {"timeout", "resources"}),
        ("do 1000000000 idtac.", {"timeout"}),
        ("let rec f := idtac; f in f.", {"timeout", "resources"}),
        ('do 1000000000 idtac "spam spam spam spam spam spam spam spam".', {"timeout", "resources"}),
        ("assert (Nat.pow 2 60 = 0) by (vm_compute; reflexivity).", {"timeout", "resources"}),
        ("assert (length (List.repeat 0 (Nat.pow 10 9)) = 0) by (vm_compute; reflexivity).", {"timeout", "resources"}),
        ("pose (x := ltac:(let x := eval cbv in (Nat.pow 3 30) in exact x)).", {"timeout", "resources"}),
        ("assert (Nat.pow 2 22 = 0); [cbv; reflexivity|].", {"timeout", "resources"}),
        ("exact " + "(" * 20000 + "I" + ")" * 20000 + ".", {"not_proved", "resources", "timeout"}),
        ("intros n. " + "assert (True). " * 2000, {"open_goals", "timeout"}),
    ],
)  # fmt: skip
def test_what_does_not_end_is_ended(proof: str, reasons: set[str]) -> None:
    started = time.monotonic()
    reply = coq(proof, header="Require Import List.", seconds=1.0)
    assert reply.reason in reasons
    assert time.monotonic() - started < 60
    assert coq("exact I.", "True").ok


def test_replies_do_not_depend_on_what_came_before() -> None:
    proofs = [
        "intros n. nothing.",
        INDUCTION,
        "intros n. pose (x := 1). lia.",
        "split.",
        "eexists.",
        "Theorem x : 1 = 2. auto. Qed.",
    ]
    alone = [coq(proof) for proof in proofs]
    mixed = {proof: coq(proof) for proof in reversed(proofs)}
    assert [mixed[proof] for proof in proofs] == alone


@pytest.mark.load
def test_several_headers_are_kept_apart() -> None:
    for _ in range(2):
        for value in range(4):
            assert coq("reflexivity.", f"x = {value}", f"Definition x := {value}.").ok
            assert not coq("reflexivity.", f"x = {value + 1}", f"Definition x := {value}.").ok


@pytest.mark.load
def test_lia_and_reals() -> None:
    assert coq("intros. lia.", "forall a b : nat, a < b -> 2 * a < 2 * b", "Require Import Lia.").ok
    reply = coq("intros. lra.", "forall x : R, (x > 1 -> x + x > 2)%R", "Require Import Reals Lra.")
    assert reply.ok
    assert reply.assumptions
    imported = "Require Import Lia.\nTheorem t : forall n, n + 0 = n. Proof. lia. Qed."
    assert coq(imported, "forall n : nat, n + 0 = n").ok


@pytest.mark.load
def test_a_process_that_ends_with_the_thread_that_started_it_is_replaced() -> None:
    own = dataclasses.replace(PROVERS["coq"], grace_seconds=71.0)  # with helpers of its own
    request = Request(statement="True", proof="exact I.")
    for _ in range(5):
        thread = threading.Thread(target=own.prove, args=(request,))
        thread.start()
        thread.join()
        assert own.prove(request).ok
