"""z3 on small claims: valid, not valid with a counterexample, not decided."""

import pytest

from filters.provers import PROVERS, ProofError, Reply, prove

pytestmark = pytest.mark.skipif(not PROVERS["z3"].installed(), reason="the Python package z3-solver is not installed")

NAMES = "a b c : Int\nx y z : Real\np q : Bool"


def z3(statement: str, proof: str = "", header: str = NAMES, seconds: float = 10.0) -> Reply:
    return prove("z3", header, statement, proof, seconds)


@pytest.mark.parametrize(
    "statement",
    [
        "a^2 + b^2 >= 2*a*b",
        "x^2 + y^2 ≥ 2*x*y",
        "a > 0 -> a >= 1",
        "a mod 2 = 1 -> (a^2) mod 2 = 1",
        "a < b and b < c -> a < c",
        "p and (p -> q) -> q",
        "(a + b)^2 = a^2 + 2*a*b + b^2",
        "y != 0 -> x / y * y = x",
        "2 + 2 = 4",
        "7 div 2 = 3 and 7 mod 2 = 1 and 7 / 2 = 3.5",
        "-7 mod 2 = 1",
        "2^10 = 1024",
    ],
)
def test_valid_claims(statement: str) -> None:
    assert z3(statement) == Reply(reason="proved")


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("a^2 + b^2 < 2*a*b", "a = "),
        ("x > 0 -> x >= 1", "x = (/ 1.0 2.0)"),
        ("x / y * y = x", "y = 0.0"),
        ("a > 3 -> a > 4", "a = 4"),
        ("p or q", "p = false, q = false"),
        ("2 + 2 = 5", "counterexample"),
    ],
)
def test_claims_that_are_not_valid_have_a_counterexample(statement: str, told: str) -> None:
    reply = z3(statement)
    assert (reply.reason, reply.errors[0].part) == ("not_proved", "statement")
    assert told in reply.errors[0].message


def test_what_is_not_decided_is_neither_right_nor_wrong() -> None:
    assert z3("a > 0 and b > 0 and c > 0 -> a^3 + b^3 != c^3", seconds=0.3).reason in ("timeout", "unknown")


def test_lemmas_must_hold_one_after_the_other() -> None:
    assert z3("x^2 + y^2 >= 2*x*y", "(x - y)^2 >= 0").ok
    assert z3("a > 2", "a > 1\na > 0", "a : Int\na > 3").ok
    wrong = z3("x^2 + y^2 >= 2*x*y", "(x - y)^2 >= 0\n(x - y)^2 > 0")
    assert wrong == Reply(reason="not_proved", errors=(ProofError(2, 1, "the lemma has a counterexample: x = 0.0, y = 0.0"),))
    assert z3("2 + 2 = 4", "It is clear").errors == (ProofError(1, 1, "It is not declared"),)


def test_contradictory_premises_prove_nothing() -> None:
    assert z3("a = 7", "", "a : Int\na > 0\na < 0").reason == "gold_unreadable"


@pytest.mark.parametrize(
    ("header", "statement", "proof", "reason"),
    [
        ("(declare-fun f (Int) Int) (assert (= (f 1) 2))", "(= (f 1) 2)", "", "proved"),
        ("(declare-fun f (Int) Int) (assert (= (f 1) 2))", "(= (f 1) 3)", "", "not_proved"),
        ("(declare-fun f (Int) Int)", "(= (g 1) 3)", "", "gold_unreadable"),
        ("(declare-fun f (Int) Int)", "5", "", "gold_unreadable"),
        ("(declare-fun f (Foo) Int)", "true", "", "gold_unreadable"),
        ("(declare-fun f (Int) Int)", "true", "(= (f 1) nothing)", "not_proved"),
        ("(declare-fun f (Int) Int)", "false", "false", "not_proved"),
        ("(declare-fun f (Int) Int)", "false", "false) (assert false", "not_proved"),
        ("(declare-fun f (Int) Int)", "\ud800", "", "gold_unreadable"),
        ("(define-fun-rec g ((n Int)) Int (ite (<= n 0) 1 (* n (g (- n 1)))))", "(= (g 5) 120)", "", "proved"),
        ("(declare-datatype P ((mk (fst Int) (snd Int))))", "(= (fst (mk 1 2)) 1)", "(= 1 1)", "proved"),
        ("", "(= (+ 2 2) 4)", "", "proved"),
        ("", "(2 + 2) * 3 = 12", "", "proved"),
        ("(set-logic ALL)", "(forall ((n Int)) (exists ((m Int)) (> m n)))", "", "proved"),
    ],
)
def test_smtlib(header: str, statement: str, proof: str, reason: str) -> None:
    assert z3(statement, proof, header).reason == reason


@pytest.mark.load
@pytest.mark.parametrize(
    "statement",
    [
        "x^64 * y^64 * z^64 + a^64 * b^63 != 17 + c^61 * x^59",
        "((((x^2 + y)^2 + z)^2 + x)^2 + y)^4 * (x*y*z)^60 > a^60",
        " + ".join(["a*b*c"] * 400) + " != 7919",
    ],
)
def test_what_does_not_end_is_ended(statement: str) -> None:
    assert z3(statement, seconds=0.5).reason in ("proved", "not_proved", "timeout", "unknown", "resources")
    assert z3("2 + 2 = 4").ok


@pytest.mark.load
def test_a_process_that_does_not_heed_its_time_is_ended() -> None:
    tower = "2"
    for _ in range(5):
        tower = f"(let ((p {tower})) (* {' '.join(['p'] * 64)}))"  # 2 to the 64 to the 5th
    assert z3(f"(> {tower} 0)", header="(set-logic ALL)", seconds=0.5).reason in ("timeout", "resources")
    assert z3("2 + 2 = 4").ok
