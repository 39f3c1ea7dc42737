"""The checker of proofs: where the proof is in a response, and what verdict each reply gives."""

import json
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.checkers.proof import Proof, proof_text
from filters.provers import PROVERS, Reply, Request
from filters.provers.protocol import REASONS, SECONDS, Reason
from filters.sandbox import bubblewrap
from schemas.annotation import STATUSES
from schemas.problem import Problem
from tests.builders import a_problem
from tests.linear_time import assert_linear

needs_coq = pytest.mark.skipif(not PROVERS["coq"].installed(), reason="coqtop is not installed (Debian: coq)")
needs_z3 = pytest.mark.skipif(not PROVERS["z3"].installed(), reason="the Python package z3-solver is not installed")


class Recorder:
    """A prover that notes what it is asked and says what it was told to."""

    name = "coq"

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        self.asked: list[Request] = []

    def prove(self, request: Request) -> Reply:
        self.asked.append(request)
        return Reply(reason=self.reason)


def a_proof_problem(prover: str = "coq", statement: str = "True", header: str = "") -> Problem:
    tests = json.dumps({"prover": prover, "header": header, "statement": statement})
    return a_problem(question="Prove it.", answer=None, checker="proof", tests=tests)


@pytest.mark.parametrize(
    ("section", "proof"),
    [
        ("Here:\n```coq\nProof. lia. Qed.\n```\nDone.", "Proof. lia. Qed."),
        ("```\nfirst.\n```\nBetter:\n```Coq\nsecond.\n```", "second."),
        ("```coq\nproof.\n```\nRun it with\n```sh\ncoqc x.v\n```", "proof."),
        ("~~~lean4\nby simp\n~~~", "by simp"),
        ("```smt2\n(> a 0)\n```", "(> a 0)"),
        ("````coq\n```\nx.\n````", "```\nx."),
        ("```coq\nintros n.", "intros n."),
        ("  ```coq\n  x.\n  ```", "  x."),
        ("The proof is simple. Proof. lia. Qed. This holds.", "Proof. lia. Qed."),
        ("Proof with auto.\nx... Qed. Or: Proof. y. Qed.", "Proof with auto.\nx... Qed. Or: Proof. y. Qed."),
        ("lia.", "lia."),
        ("Qed. Proof. lia.", "Qed. Proof. lia."),
        ("", None),
        (" \n ", None),
        ("```coq\n```", None),
    ],
)
def test_where_the_proof_is(section: str, proof: str | None) -> None:
    assert proof_text(section) == proof


@given(
    st.lists(st.sampled_from(["```", "~~~", "coq", "python", "\n", "x.", "Proof.", " Qed.", "Proof with", " "]), max_size=20).map(
        "".join
    )
)
def test_a_proof_is_part_of_the_text(section: str) -> None:
    proof = proof_text(section)
    assert proof is None or (proof.strip() and proof in section)


@pytest.mark.load
@pytest.mark.parametrize("unit", ["```\n", "```coq\n", "Proof.", "Proof with ", "Proof \n", "Qed.", "`", "~~~x\n", " "])
def test_time_is_linear_in_the_text(unit: str) -> None:
    def run(text: str) -> None:
        proof_text(text)

    assert_linear(run, unit * (20_000 // len(unit)), unit * (200_000 // len(unit)))


STATUS = {
    "correct": {"proved"},
    "incorrect": {"not_proved", "open_goals", "admitted", "assumptions", "statement_changed", "forbidden_command", "no_proof"},
    "unsure": {"unsupported_command", "too_long", "timeout", "resources", "unknown"},
    "error": {"gold_unreadable", "prover_missing", "prover_failed"},
}


@pytest.mark.parametrize("status", STATUSES)
def test_each_reason_has_its_status(status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set().union(*STATUS.values()) == REASONS
    for reason in STATUS[status]:
        monkeypatch.setitem(PROVERS, "coq", Recorder(reason))
        verdict = Proof().check(a_proof_problem(), "<think>hm</think>```coq\nexact I.\n```")
        assert (verdict.status, verdict.extracted, verdict.reason) == (status, "exact I.", reason)


def test_the_prover_is_given_the_golds_statement_and_the_texts_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder("proved")
    monkeypatch.setitem(PROVERS, "coq", recorder)
    long = "x" * 5000
    verdict = Proof(seconds=2.5).check(a_proof_problem("coq", "1 = 1", "Require Import Lia."), f"```coq\n{long}\n```")
    assert recorder.asked == [Request(header="Require Import Lia.", statement="1 = 1", proof=long, seconds=2.5)]
    assert verdict.extracted == "x" * 4096


def test_the_verdict_says_where_no_sandbox_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROVERS, "coq", Recorder("proved"))
    for available, name in ((True, "proof_v1"), (False, "proof_v1+rlimits")):
        monkeypatch.setattr(bubblewrap, "available", lambda available=available: available)
        assert Proof().check(a_proof_problem(), "exact I.").checker == name


@pytest.mark.parametrize(
    "tests",
    [
        None,
        "",
        "proof",
        "[]",
        "{}",
        '{"prover": "coq"}',
        '{"prover": "isabelle", "statement": "True"}',
        '{"prover": ["coq"], "statement": "True"}',
        '{"prover": "coq", "statement": 1}',
        '{"prover": "coq", "statement": "True", "header": null}',
        "[" * 100_000,
    ],
)
def test_a_gold_that_names_no_statement_is_an_error(tests: str | None) -> None:
    verdict = Proof().check(a_problem(checker="proof", tests=tests), "exact I.")
    assert verdict == ("error", None, "proof_v1", "gold_unreadable")


@pytest.mark.parametrize("response", ["", "<think>Proof. exact I. Qed.", "<think>exact I.</think>", "```coq\n\n```"])
def test_no_proof_is_incorrect(response: str) -> None:
    assert Proof().check(a_proof_problem(), response) == ("incorrect", None, "proof_v1", "no_answer")


def test_a_prover_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROVERS, "lean", Recorder("prover_missing"))
    assert Proof().check(a_proof_problem("lean"), "by trivial").status == "error"


def test_pickles() -> None:
    assert pickle.loads(pickle.dumps(Proof(3.0))) == Proof(3.0)
    assert Proof().seconds == SECONDS


@needs_coq
@pytest.mark.parametrize(
    ("response", "status", "reason"),
    [
        ("By induction.\n```coq\nProof. intros n. induction n; simpl; congruence. Qed.\n```", "correct", "proved"),
        ("Proof. intros n. induction n; simpl; congruence. Qed.", "correct", "proved"),
        ("Proof. intros n. reflexivity. Qed.", "incorrect", "not_proved"),
        ("Proof. intros n. Qed.", "incorrect", "open_goals"),
        ("Proof. Admitted.", "incorrect", "admitted"),
        ("```\nAxiom a : False. Proof. destruct a. Qed.\n```", "incorrect", "forbidden_command"),
        ("```\nTheorem t : 0 + 0 = 0. Proof. reflexivity. Qed.\n```", "incorrect", "statement_changed"),
        ("```\nDefinition x := 1.\nProof. lia. Qed.\n```", "unsure", "unsupported_command"),
    ],
)
def test_coq(response: str, status: str, reason: str) -> None:
    verdict = Proof().check(a_proof_problem("coq", "forall n : nat, n + 0 = n"), response)
    assert (verdict.status, verdict.reason) == (status, reason)


@needs_coq
def test_a_proof_that_takes_too_long_is_unsure() -> None:
    verdict = Proof(seconds=0.2).check(a_proof_problem(), "```coq\ndo 1000000000 idtac. exact I.\n```")
    assert (verdict.status, verdict.reason) == ("unsure", "timeout")


@needs_z3
@pytest.mark.parametrize(
    ("statement", "response", "status"),
    [
        ("a^2 + b^2 >= 2*a*b", "```\n(a - b)^2 >= 0\n```", "correct"),
        ("a^2 + b^2 >= 2*a*b", "```\n(a - b)^2 > 0\n```", "incorrect"),
        ("a^2 + b^2 >= 2*a*b", "It is clear.", "incorrect"),
        ("a^2 + b^2 > 2*a*b", "```\n(a - b)^2 >= 0\n```", "incorrect"),
        ("a +", "```\ntrue\n```", "error"),
    ],
)
def test_z3(statement: str, response: str, status: str) -> None:
    assert Proof().check(a_proof_problem("z3", statement, "a b : Int"), response).status == status


@needs_coq
def test_threads_share_a_checker() -> None:
    problem, proofs = a_proof_problem("coq", "1 = 1"), ["reflexivity.", "exact I.", "Admitted.", "split."] * 5
    alone = [Proof().check(problem, proof) for proof in proofs]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda proof: Proof().check(problem, proof), proofs)) == alone
