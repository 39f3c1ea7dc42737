"""Claims as one writes them and in SMT-LIB: how they are read.  No z3 is needed here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.provers.claims import read_claim
from filters.provers.smtlib import Claim, Unreadable, read_smtlib
from tests.linear_time import assert_linear

HEADER = "a b : Int\nx, y: Real\np q : Bool\na > 0"


def read(statement: str) -> str:
    return read_claim(HEADER, statement, "").statement.replace("$", "")


@pytest.mark.parametrize(
    ("statement", "term"),
    [
        ("a + b * a = 0", "(= (+ a (* b a)) 0)"),
        ("a - b - 1 = 0", "(= (- (- a b) 1) 0)"),
        ("-a * b = a * -b", "(= (* (- a) b) (* a (- b)))"),
        ("-a^2 <= 0", "(<= (- (let ((|power 0| a)) (* |power 0| |power 0|))) 0)"),
        ("a^1 = a^0", "(= a 1)"),
        ("a <= b < 3", "(and (<= a b) (< b 3))"),
        ("a ≤ b ∧ ¬ a = b → a < b", "(=> (and (<= a b) (not (= a b))) (< a b))"),
        ("p -> q -> p", "(=> p (=> q p))"),
        ("p and q or not p <-> q", "(= (or (and p q) (not p)) q)"),
        ("p = q", "(= p q)"),
        ("a != b", "(not (= a b))"),
        ("a / b = x", "(= (/ (to_real a) (to_real b)) x)"),
        ("x/2 + a = 0.5", "(= (+ (/ x (to_real 2)) (to_real a)) 0.5)"),
        ("a mod 2 = 0 or a div 2 = b", "(or (= (mod a 2) 0) (= (div a 2) b))"),
        ("((a)) = (b) and true", "(and (= a b) true)"),
    ],
)
def test_signs_bind_as_one_expects(statement: str, term: str) -> None:
    assert read(statement) == term


@pytest.mark.parametrize(
    ("statement", "offset"),
    [
        ("", 0),
        ("a +", 3),
        ("a b", 2),
        ("(a = b", 6),
        ("a = b)", 5),
        ("c = 1", 0),
        ("a", 0),
        ("p + 1 = 2", 2),
        ("a and p", 2),
        ("x mod 2 = 0", 2),
        ("a < b = p", 6),
        ("a^b = 1", 1),
        ("a^-1 = 1", 1),
        ("a^65 = 1", 1),
        ("2^3^2 = 1", 1),
        ("(a^8 + b)^9 = 1", 9),
        ("a = 1; b = 2", 5),
        ("a.b = 1", 1),
        ("eval(a) = 1", 0),
        ("(" * 100 + "a = b" + ")" * 100, 64),
        ("not " * 100 + "p", 4 * 64),
        ("a = " + "1" * 5000, 0),
    ],
)
def test_what_is_no_claim_is_refused_with_its_place(statement: str, offset: int) -> None:
    with pytest.raises(Unreadable) as unreadable:
        read_claim(HEADER, statement, "")
    assert (unreadable.value.part, unreadable.value.offset) == ("statement", offset)


@pytest.mark.parametrize("header", ["a : Nat", "a a : Int", "a : Int\na : Real", "and : Int", "a :", "a > 0\na : Int", ": Int"])
def test_a_header_declares_each_name_once(header: str) -> None:
    with pytest.raises(Unreadable) as unreadable:
        read_claim(header, "1 = 1", "")
    assert unreadable.value.part == "header"


def test_a_wrong_gold_is_told_before_a_wrong_proof() -> None:
    for reader, header in ((read_claim, HEADER), (read_smtlib, "(declare-const a Int)")):
        with pytest.raises(Unreadable) as unreadable:
            reader(header, "(a +", "(and so")
        assert unreadable.value.part == "statement"


def test_names_are_none_of_the_languages_own() -> None:
    claim = read_claim("let pi : Real", "let = pi", "\n let > pi\n")
    assert claim == Claim("(declare-const $let Real)\n(declare-const $pi Real)", (), "(= $let $pi)", (("(> $let $pi)", 1),))


def test_smtlib_is_split_into_declarations_premises_and_terms() -> None:
    header = "(set-logic ALL) ; all\n(declare-fun f (Int) Int)\n(assert (= (f 1) 2))"
    proof = " (> (f 1) 0) ; first\ntrue"
    claim = read_smtlib(header, "(= (f 1) |a (b|)", proof)
    assert claim.declarations == "( declare-fun f ( Int ) Int )"
    assert claim.premises == ("( = ( f 1 ) 2 )",)
    assert claim.statement == "( = ( f 1 ) |a (b| )"
    assert claim.lemmas == (("( > ( f 1 ) 0 )", 1), ("true", proof.index("true")))


@pytest.mark.parametrize(
    ("header", "statement", "proof", "part"),
    [
        ("(check-sat)", "true", "", "header"),
        ('(include "x")', "true", "", "header"),
        ('(set-option :regular-output-channel "x")', "true", "", "header"),
        ("(declare-const a Int", "true", "", "header"),
        ("a", "true", "", "header"),
        ("", "", "", "statement"),
        ("", "true true", "", "statement"),
        ("", "true) (assert false", "", "statement"),
        ("", '"', "", "statement"),
        ("", "|", "", "statement"),
        ("", "\ud800", "", "statement"),
        ("", "(" * 1000 + ")" * 1000, "", "statement"),
        ("", "true", "(and", "proof"),
        ("", "true", "true " * 65, "proof"),
    ],
)
def test_smtlib_beyond_claims_is_refused(header: str, statement: str, proof: str, part: str) -> None:
    with pytest.raises(Unreadable) as unreadable:
        read_smtlib(header, statement, proof)
    assert unreadable.value.part == part


pieces = st.lists(st.sampled_from([*'()abxp12+-*/^=<> |;"', "and", "not ", "->", "\n", ": Int", "mod", "≤", "é"]), max_size=25).map(
    "".join
)


@given(pieces, pieces, pieces)
def test_any_text_is_read_or_refused(header: str, statement: str, proof: str) -> None:
    for reader in (read_claim, read_smtlib):
        try:
            claim = reader(header, statement, proof)
        except Unreadable as unreadable:
            text = {"header": header, "statement": statement, "proof": proof}[unreadable.part]
            assert 0 <= unreadable.offset <= len(text)
            continue
        assert claim.statement.count("(") == claim.statement.count(")") or "|" in claim.statement or '"' in claim.statement


@pytest.mark.load
@pytest.mark.parametrize("unit", ["(", ")", "a ", "a:", "a^2+", "-", "not ", '"', "|", ";\n", "1", " ", "a = b\n"])
def test_time_is_linear_in_the_text(unit: str) -> None:
    def run(text: str) -> None:
        for reader in (read_claim, read_smtlib):
            for texts in ((text, "1 = 1", ""), ("a b : Int", text, ""), ("a b : Int", "true", text)):
                try:
                    reader(*texts)
                except Unreadable:
                    continue

    assert_linear(run, unit * (3_200 // len(unit)), unit * (32_000 // len(unit)))
