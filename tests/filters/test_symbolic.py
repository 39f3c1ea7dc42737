"""Symbolic comparison: equal only what is surely equal, different only what surely is, and nothing of a text ignored."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from filters import symbolic
from filters.symbolic import Outcome, compare
from filters.symbolic.limits import refused
from filters.symbolic.notation import written_out
from filters.symbolic.tokens import Unreadable

ROOT = Path(__file__).parents[2]
needs_math_verify = pytest.mark.skipif(importlib.util.find_spec("math_verify") is None, reason="math-verify is not installed")


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    symbolic._compared.cache_clear()
    yield
    symbolic._compared.cache_clear()


# Equal and different, as the helper says

EQUAL = [
    (r"\cot x", r"\frac{\cos x}{\sin x}"),
    (r"\sin 2x", r"2\sin x\cos x"),
    (r"\sec^2 x-\tan^2 x", "1"),
    (r"\cosh x", r"\frac{e^x+e^{-x}}{2}"),
    ("(x-1)(x+1)", "x^2-1"),
    (r"\frac{a+b}{c}", r"\frac ac+\frac bc"),
    (r"2^{n+1}", r"2\cdot 2^n"),
    (r"\frac{n!}{(n-2)!}", "n(n-1)"),
    (r"\sqrt{x^2}", "|x|"),
    (r"\sqrt{2}+\sqrt{3}", r"\sqrt{5+2\sqrt6}"),
    (r"\frac{\sqrt6-\sqrt2}{4}", r"\sin 15^\circ"),
    (r"\tan^{-1}(1/2)+\tan^{-1}(1/3)", r"\frac{\pi}{4}"),
    (r"e^{i\pi}", "-1"),
    ("(1+i)^2", "2i"),
    (r"\mathrm{e}^{2x}", "(e^x)^2"),
    (r"4\sqrt(2)", r"\sqrt{32}"),
    ("0.5x", r"\frac{x}{2}"),
    (r"2\frac12x", r"\frac{5x}{2}"),
    (r"\log_4 x", r"\frac{\log_2 x}{2}"),
    (r"\log x+1", r"1+\log x"),
    ("x_1+x_2", "x_{2}+x_1"),
    ("x^{1/3}", r"\sqrt[3]{x}"),
    ("2x+1", "y=2x+1"),
    ("2x+1", "f(x)=2x+1"),
    ("y=2x+1", "2y=4x+2"),
    ("x^2+y^2=4", "x^2+y^2-4=0"),
    ("x=2,x=-2", r"x=\pm 2"),
    (r"\frac{-1\pm\sqrt5}{2}", r"\{\frac{-1-\sqrt5}{2},\frac{-1+\sqrt5}{2}\}"),
    ("1<x<2", "2>x>1"),
    ("(1,2)", "1<x<2"),  # math-verify alone: only with the relation as gold
    (r"(3,\infty)", "x>3"),
    ("x+1<y", "x-y<-1"),
    (r"(-\infty,2)\cup(3,\infty)", r"(3,\infty)\cup(-\infty,2)"),
    (r"\{(1,2),(3,4)\}", "(3,4),(1,2)"),
    (r"\begin{pmatrix}1&\sin 2x\end{pmatrix}", r"\begin{bmatrix}1&2\sin x\cos x\end{bmatrix}"),
    ("√2·π", r"\pi\sqrt2"),
]
DIFFERENT = [
    (r"\cot x", r"\tan x"),
    ("x^2-1", "x^2+1"),
    (r"\sin x", r"\sin x+10^{-70}"),
    (r"\pi", r"\pi+10^{-100}"),
    ("10^{-20}", "10^{-30}"),
    (r"\frac{1}{100!}", r"\frac{1}{99!}"),
    (r"1+\mathrm{e}", r"1-\mathrm{e}"),
    ("R-r", "r-R"),
    ("2(3)", "5"),
    (r"4\sqrt(2)", "4"),
    ("2x+1", "y=2x-1"),
    ("y=2x+1", "y=2x+2"),
    ("x^2+y^2=4", "x^2+y^2=5"),
    ("x>3", r"x\ge3"),
    ("x>3", "x<3"),
    ("1<x<2", "(1,3)"),
    ("(1,2)", "(1,2]"),
    ("(1,2)", "(2,1)"),
    ("(1,2,3)", "(1,2)"),
    (r"\{1,2\}", r"\{1,3\}"),
    (r"(5,\infty)", "(5,6)"),
    (r"\begin{pmatrix}1\\x\end{pmatrix}", r"\begin{pmatrix}1\\2x\end{pmatrix}"),
]
UNKNOWN = {
    (r"\sqrt{x^2}", "x"): "domain",
    (r"\ln x^2", r"2\ln x"): "domain",
    (r"\sqrt{x}\sqrt{y}", r"\sqrt{xy}"): "domain",
    (r"\cos n\pi", "(-1)^n"): "domain",
    (r"\sqrt[3]{-8}", "-2"): "domain",
    (r"\lfloor x\rfloor", "x"): "domain",
    ("x+1", "t+1"): "symbols",
    ("X", "x"): "symbols",
    ("x^2+C", "x^2+2+C"): "constant",
    ("0.333x", r"\frac{x}{3}"): "rounded",
    (r"\sqrt2x", "1.4142x"): "rounded",
    ("y=2x+1", "2x+1"): "kinds",
    ("1,2", "(1,2)"): "sets",
    (r"90^\circ", "90"): "degrees",
    (r"\tan 90^\circ", r"\tan 90^\circ"): "undefined",
    (r"\log x", r"\ln x"): "symbols",
    (r"9^{999999}", r"9^{999998}"): "magnitude",
}


def _every_fourth(cases: Iterable[tuple[str, ...]]) -> list[Any]:
    """Leave every fourth case to the fast suite: each costs tens of milliseconds."""
    return [pytest.param(*case, marks=pytest.mark.load) if place % 4 else case for place, case in enumerate(cases)]


@needs_math_verify
@pytest.mark.parametrize(("gold", "answer"), _every_fourth(EQUAL))
def test_equal(gold: str, answer: str) -> None:
    assert compare(gold, answer) == Outcome("equal", "equal")


@needs_math_verify
@pytest.mark.parametrize(("gold", "answer"), _every_fourth(DIFFERENT))
def test_different(gold: str, answer: str) -> None:
    assert compare(gold, answer) == Outcome("different", "values_differ")
    assert compare(answer, gold).relation in ("different", "unknown")


@needs_math_verify
@pytest.mark.parametrize(("gold", "answer", "reason"), _every_fourth((*pair, reason) for pair, reason in UNKNOWN.items()))
def test_unknown(gold: str, answer: str, reason: str) -> None:
    assert compare(gold, answer) == Outcome("unknown", reason)


# What math-verify 0.9.0 alone calls equal, by class

WRONG = [
    ("tiny values", r"\frac{1}{1000!}", r"\frac{1}{999!}"),
    ("tiny values", "10^{-20}", "10^{-30}"),
    ("tiny terms", r"\sin x", r"\sin x+10^{-70}"),
    ("six decimals", "1.0000001", "1.0000002"),
    ("e after a sign", r"1+\mathrm{e}", r"1-\mathrm{e}"),
    ("dots", r"1,2,\ldots", "1,2"),
    ("dots", r"1,2,\ldots,10", "1,2,10"),
    ("round brackets of a root", r"4\sqrt(2)", "4"),
    ("round brackets of a root", "4", r"4\sqrt(2)"),
    ("units", "5 km", "5 m"),
    ("units", r"5\text{ km}", r"5\text{ kg}"),
    ("percent", "100", r"100\%"),
    ("percent", r"9\%", "9"),
    ("bare right side", "y=2x+1", "2x+1"),
    ("bases", "52_8", "52"),
    ("bases", "52_8", "52_9"),
    ("nan", "nan", "nan"),
    ("nan", r"\frac{0}{0}", r"\frac{0}{0}"),
    ("upper and lower case", "X", "x"),
    ("upper and lower case", "R-r", "r-r"),
    ("products taken for mixed numbers", "2(3)", "5"),
    ("primes", "f'(x)", "f(x)"),
    ("transposes", "A^T", "A"),
    ("approximations", r"x\approx 3", "3"),
    ("what a slash divides by", "1/2x", r"\frac{1}{2x}"),
]
PROSE = ("x+1", "x+1 is not the answer")
PLAIN = """
import json, sys
from math_verify import parse, verify
print(json.dumps([bool(verify(parse(gold), parse(answer))) for gold, answer in json.load(sys.stdin)]))
"""


@needs_math_verify
@pytest.mark.parametrize(("gold", "answer"), [*((gold, answer) for _, gold, answer in WRONG), PROSE])
def test_known_wrong_verdicts_are_not_ours(gold: str, answer: str) -> None:
    assert compare(gold, answer).relation != "equal"


@pytest.mark.load
@needs_math_verify
def test_math_verify_alone_gives_them() -> None:
    pairs = [(f"${gold}$", f"${answer}$") for _, gold, answer in WRONG] + [("$x+1$", "$x+1$ is not the answer")]
    done = subprocess.run([sys.executable, "-c", PLAIN], input=json.dumps(pairs), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [True] * len(pairs)


# The spelling that the parser gets, and what gets none

SPELLINGS = {
    r"2(x_1+\frac12)": r"2\cdot (\bar{x_1}+\frac{1}{2})",
    r"\left(\dfrac{1}{2}\right)^{2}": r"(\frac{1}{2})^{2}",
    "1.5x": r"\frac{15}{10}\cdot \bar{x}",
    r"3\tfrac34": r"3+\frac{3}{4}",
    r"\sin^2x\cos x": r"(\sin{\bar{x}})^{2}\cdot (\cos{\bar{x}})",
    r"\ln(x)y": r"(\ln{\bar{x}})\cdot \bar{y}",
    "dx": r"\bar{d}\cdot \bar{x}",
    "x^(1/2)": r"\bar{x}^{\frac{1}{2}}",
    "|x||y|": r"\lvert \bar{x}\rvert \cdot \lvert \bar{y}\rvert ",
    r"1 \pm 2i": r"1+2\cdot I ,1-2\cdot I ",
    r"3 \geq x > 1": r"1<\bar{x}\leq 3",
    r"\mathbb{R}\setminus\{0\}": r"\mathbb{R}\setminus \{0\}",
    "$-2\\,x$.": r"-2\cdot \bar{x}",
    "（１，２）".translate(str.maketrans("１２", "12")): "(1,2",
}
SPELLINGS.popitem()  # a full-width comma and brackets are read, full-width digits are normalised before
REFUSED = {
    "the answer": "word",
    "x or y": "word",
    "5 cm": "word",
    r"5\text{ cm}": "command",
    r"\text{Evelyn}": "command",
    "50%": "character",
    "f'(x)": "character",
    "3:4": "character",
    "x²": "character",
    "\ud800": "character",
    "1,234": "thousands",
    "52_8": "base",
    "f(x+1)": "function",
    "x^T": "transpose",
    r"\ln^{-1} x": "inverse",
    "1/2x": "ambiguous_fraction",
    r"\sin x(y+1)": "ambiguous_argument",
    r"\sin x/2": "ambiguous_argument",
    "x^23": "argument",
    "2 3": "adjacent_numbers",
    "1e5": "scientific",
    "4.5e-7": "scientific",
    "x+": "ends_early",
    "": "ends_early",
    "(x]": "bracket",
    "x)": "left_over",
    "x_{n+1}": "subscript",
    "(1,2)+3": "collection",
    r"\int_0^1 x dx": "command",
    r"1,2,\ldots": "command",
    "nan": "word",
    "__import__('os').system('true')": "word",
}


@pytest.mark.parametrize(("text", "spelling"), SPELLINGS.items())
def test_one_spelling(text: str, spelling: str) -> None:
    assert written_out(text) == spelling


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_what_is_not_wholly_understood_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        written_out(text)
    assert refusal.value.reason == reason
    assert compare(text, "x") == compare("x", text) == Outcome("unknown", reason)


LIMITS = [
    ("x" * 4097, "too_long"),
    ("(" * 65 + "x" + ")" * 65, "nested_too_deeply"),
    (r"\frac" * 257, "too_many_commands"),
    ("x+" * 1025, "too_many_operators"),
    ("1" * 257, "digit_run_too_long"),
    ("123456789 " * 230, "too_many_digits"),
    ("1&" * 256, "matrix_too_large"),
    ("9^{9^{9}}", "nested_exponents"),
    ("9^9^9", "nested_exponents"),
    ("9**9**9", "nested_exponents"),
    ("2^{x^{3^4}}", "nested_exponents"),
    ("9!!", "nested_exponents"),
    (r"\det A", "eager_function"),
    (r"\gcd(4,6)", "eager_function"),
    (r"\operatorname{eigenvalues}(A)", "eager_function"),
    (r"\begin{vmatrix}1\end{vmatrix}", "eager_function"),
]


@pytest.mark.parametrize(("text", "limit"), LIMITS)
def test_static_limits(text: str, limit: str) -> None:
    assert refused(text) == limit
    assert compare(text, "1") == compare("1", text) == Outcome("unknown", limit)


@pytest.mark.parametrize(
    "text", ["x" * 4096, "(" * 64 + "x" + ")" * 64, "1" * 256, "e^{-(x-1)^2/2}", "(2^3)^4", "electric", "9^{9!}"]
)
def test_what_keeps_the_limits_is_not_refused(text: str) -> None:
    assert refused(text) is None


GOLDS = ROOT.parent / "shared" / "data" / "math500" / "test.jsonl"


@pytest.mark.load
@needs_math_verify
@pytest.mark.skipif(not GOLDS.exists(), reason=f"MATH-500 is not at {GOLDS}")
def test_golds_of_math500_are_never_different_from_themselves() -> None:
    golds = [json.loads(line)["answer"] for line in GOLDS.read_text("utf-8").split("\n") if line]
    relations = [compare(gold, gold).relation for gold in golds]
    assert "different" not in relations
    assert relations.count("equal") >= 470  # of 500; the others are words, bases and units, which the typed layer reads
