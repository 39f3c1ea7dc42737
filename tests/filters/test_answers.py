"""Answers as typed values: what equals what, over every type, and that no text is too much."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.answers.comparison import compare
from filters.answers.exact import Unevaluable, modular, rational
from filters.answers.expression import Expr, Num, Op, Sym
from filters.answers.precise import agreement
from filters.answers.reading import Reading, is_sentinel, read_answer
from tests.linear_time import seconds


def read(text: str) -> Reading:
    reading = read_answer(text)
    assert reading is not None, text
    return reading


def relation(gold: str, answer: str) -> str:
    return compare(read(gold), read(answer)).relation


EQUAL = r"""
18 ¦ 18.0
1/2 ¦ \frac12
\frac43 ¦ 1\frac{1}{3}
137 \frac{1}{2} ¦ 137.5
0.\overline{3} ¦ \frac13
11,\! 111,\! 111,\! 100 ¦ 11111111100
3 \times 10^5 ¦ 300{,}000
1024 ¦ 2^{10}
1024 ¦ 2^10
10,000,000 ¦ 10\text{ million}
-\frac{35}{9} ¦ \frac{-35}{9}
18 ¦ eighteen
三分之一 ¦ \frac13
3.5万 ¦ 35000
90^\circ ¦ 90 degrees
90^\circ ¦ 90
\frac{\pi}{6} ¦ 30^\circ
5 km ¦ 5000 m
50 m ¦ 50m
864 \mbox{ inches}^2 ¦ 6 \text{ ft}^2
72 km/h ¦ 20 meters per second
1 liter ¦ 1000 \text{ cm}^3
5千米 ¦ 5000米
\$18.90 ¦ 18.90 dollars
5.4 \text{ cents} ¦ 0.054 dollars
25\% ¦ 25 percent
25% ¦ 百分之二十五
3\sqrt{13} ¦ \sqrt{117}
\frac{1}{\sqrt3} ¦ \frac{\sqrt{3}}{3}
\sqrt[3]{-8} ¦ -2
\frac{20000}{\pi} ¦ 20000/π
6 - 5i ¦ -5i+6
\frac{1}{1-i} ¦ \frac{1+i}{2}
(a+5)(b+2) ¦ ab+2a+5b+10
8n^2+4n+1 ¦ (2n+1)^2+4n^2
x^{-1} ¦ \frac{1}{x}
\cot x ¦ \frac{\cos x}{\sin x}
\sin^2 x ¦ 1-\cos^2(x)
\sin 2x ¦ 2\sin x\cos x
4 \ln 2 ¦ \ln 16
|x| ¦ \sqrt{x^2}
x_1 + x_2 ¦ x_{2}+x_{1}
(6,31,-1) ¦ \left( 6, 31, -1 \right)
(6,31,-1) ¦ 6, 31, -1
(2,3) ¦ x=2, y=3
(2,3) ¦ y = 3, x = 2
1,-2 ¦ -2 \text{ and } 1
1,-2 ¦ x=1 \text{ or } x=-2
2,3 ¦ x=2或x=3
\{1,2,3\} ¦ 3, 2, 1
\{1\pm\sqrt{5},-2\} ¦ -2, 1-\sqrt5, 1+\sqrt5
1 \pm \sqrt{19} ¦ 1+\sqrt{19}, 1-\sqrt{19}
(0,9) \cup (9,36) ¦ (9,36)∪(0,9)
(2,\infty) ¦ x > 2
(2,\infty) ¦ (2, +\infty)
[-2,7] ¦ -2 \le x \le 7
[-2,7] ¦ 7 ≥ x ≥ -2
x \in [-2,7] ¦ [-2,7]
(-\infty, 2) \cup (3, \infty) ¦ x<2 \text{ or } x>3
(2, \infty) ¦ \{x \mid x > 2\}
(2, \infty) ¦ \{x \in \mathbb{R} : x > 2\}
\begin{pmatrix} -1/3 \\ 2/3 \end{pmatrix} ¦ \begin{bmatrix}-\frac13\\ \frac23\end{bmatrix}
\begin{pmatrix} 1 & 0 \\ 0 & 1 \end{pmatrix} ¦ \left[\begin{array}{cc}1&0\\0&1\end{array}\right]
52_8 ¦ 52_{8}
x=5 ¦ 5
5 ¦ x = 5
3 ¦ x = 6/2 = 3
x^3+3x-6 ¦ p(x) = x^3 + 3x - 6
f(x) = x^2+1 ¦ x^2+1
y = 2x+3 ¦ 2x - y + 3 = 0
5x - 7y + 11z + 4 = 0 ¦ 10x - 14y + 22z = -8
x^2+y^2=1 ¦ y^2 = 1-x^2
2x + y < 4 ¦ 4 > y + 2x
PV = nRT ¦ nRT = PV
xe^x-e^x ¦ e^x(x-1)
[0,2] ¦ [0,1) \cup [1,2]
(-\infty,0)\cup(0,\infty) ¦ \mathbb{R} \setminus \{0\}
(-\infty,\infty) ¦ ℝ
20^\circ\text{C} ¦ 20 °C
25\text{ N} ¦ 25 newtons
90 \text{ cm}^2 ¦ 90 (in square centimeters)
30% ¦ 30 per cent
\frac14 ¦ {1 \over 4}
55^\circ ¦ \angle A = 55^\circ
(8,-2) ¦ (x,y) = (8,-2)
\begin{pmatrix} -2 & 1 \\ 3/2 & -1/2 \end{pmatrix} ¦ -\frac{1}{2}\begin{pmatrix} 4 & -2 \\ -3 & 1 \end{pmatrix}
\begin{pmatrix} -1 & 0 \\ 0 & -1 \end{pmatrix} ¦ -\begin{pmatrix} 1 & 0 \\ 0 & 1 \end{pmatrix}
(0, \pm 3) ¦ (0,3),\ (0,-3)
180^\circ ¦ \pi \text{ rad}
9.8 \text{ m/s}^2 ¦ 980 \text{ cm/s}^2
1 \text{ g/cm}^3 ¦ 1000 \text{ kg/m}^3
40 \text{ W} ¦ 40 \text{ J/s}
2.5\ \mu\text{C} ¦ 2.5 \times 10^{-6} \text{ C}
36\pi \text{ cm}^3 ¦ 36\pi \text{ cubic centimeters}
6x^2 - 4 ¦ f'(x) = 6x^2 - 4
(1,2),(2,1) ¦ (2,1),(1,2)
\text{Evelyn} ¦ Evelyn
\text{ellipse} ¦ an ellipse
\text{(C)} ¦ C
""".strip().split("\n")

DIFFERENT = r"""
18 ¦ 18.1
1/3 ¦ 0.333
\sqrt{2} ¦ 1.414
\sqrt{2} ¦ 1.41421356237309504880168872420969807856967187537694807317667974
10^{-20} ¦ 10^{-30}
1+\frac{1}{100!} ¦ 1
1+\pi\cdot 10^{-60} ¦ 1
x+10^{-40} ¦ x
1+e ¦ 1-e
1 + \mathrm{e} ¦ 1 - \mathrm{e}
4\sqrt{2} ¦ 4
4\sqrt(2) ¦ 4
5 km ¦ 5 m
5 km ¦ 5 kg
\$5 ¦ €5
3R^2 ¦ 3r^2
x+1 ¦ y+1
x=5 ¦ y=5
x-y ¦ y-x
(1,2) ¦ (2,1)
(1,2) ¦ [1,2]
[-2,7] ¦ -2 < x \le 7
(2,\infty) ¦ x \ge 2
(2,3) ¦ (2,3,4)
1,-2 ¦ 1
1 ¦ 1,-2
3 ¦ 3 or 4
3 ¦ \pm 3
\{1,2\} ¦ \{1,3\}
52_8 ¦ 53_8
y = 2x+3 ¦ y = 2x-3
x > 2 ¦ x < 2
x + y > 2 ¦ x + y \ge 2
2x + y < 4 ¦ 2x + y > 4
\begin{pmatrix} 1 & 0 \\ 0 & 1 \end{pmatrix} ¦ \begin{pmatrix} 0 & 1 \\ 1 & 0 \end{pmatrix}
\text{even} ¦ odd
tea ¦ eat
10 ¦ 10\text{ million}
10 ¦ 10 million dollars
x \in [-2,7] ¦ t \in [-2,7]
(1,2),(2,1) ¦ (1,2)
(1,2),(2,1) ¦ (1,2),(2,1),(-1,-2)
e^{x+1} ¦ e^x+1
[0,2] ¦ [0,1) \cup (1,2]
(-\infty,\infty) ¦ \mathbb{R} \setminus \{0\}
20^\circ\text{C} ¦ 20^\circ\text{F}
2^{10} ¦ 2\cdot 10
x^2 ¦ x2^1
""".strip().split("\n")[:-1]

# What a convention decides, or what could be either, is not said to be the same.
UNKNOWN = r"""
0 ¦ \infty-\infty
1,3,5 ¦ 1,3,5,...
26 ¦ 26 dozen apples
10 ¦ x = 20 = 10
10 ¦ 10打
42 ¦ 42 is not the answer
25\% ¦ 25
25\% ¦ 0.25
100 ¦ 100\%
15\mbox{ cm}^2 ¦ 15
18 apples ¦ 18 pears
52_8 ¦ 52
12 ¦ 5+7
12 ¦ 3 \cdot 4
\frac12 ¦ \sin 30^\circ
\begin{pmatrix} 1 \\ 2 \end{pmatrix} ¦ (1,2)
\begin{pmatrix} 1 \\ 2 \end{pmatrix} ¦ \begin{pmatrix} 1 & 2 \end{pmatrix}
y = 2x+3 ¦ 2x+3
1,2 ¦ (1,2)
x ¦ \sqrt{x^2}
\log 100 ¦ 2
1, 2, \ldots, 10 ¦ 1, 2, \ldots, 11
\int_0^1 x dx ¦ \int_0^1 y dy
9^{9^{9^9}} ¦ 9^{9^{9^9}}+1
""".strip().split("\n")


@pytest.mark.parametrize(
    ("wanted", "pair"),
    [("equal", one) for one in EQUAL] + [("different", one) for one in DIFFERENT] + [("unknown", one) for one in UNKNOWN],
)
def test_how_two_answers_compare(wanted: str, pair: str) -> None:
    gold, _, answer = pair.partition(" ¦ ")
    assert relation(gold, answer) == wanted


@pytest.mark.parametrize("text", ["proof", "(Proof)", r"\text{Not found}", "N/A", "略", "证明略。", " None "])
def test_a_gold_that_stands_for_none_is_a_sentinel(text: str) -> None:
    assert is_sentinel(text)
    assert not is_sentinel(f"{text} 5")


@pytest.mark.parametrize("text", ["", "  ", "$$", "≈ 5", "about 5", r"\approx 5", "x" * 4097])
def test_what_is_no_answer(text: str) -> None:
    assert read_answer(text) is None


fractions = st.fractions(max_denominator=50, min_value=-50, max_value=50)
leaves = st.one_of(fractions.map(Num), st.sampled_from([Sym("x"), Sym("y"), Sym("pi")]))


def _deeper(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    pairs = st.tuples(inner, inner)
    small = st.integers(0, 4).map(lambda power: Num(Fraction(power)))
    return st.one_of(
        pairs.map(lambda two: Op("add", two)),
        pairs.map(lambda two: Op("mul", two)),
        pairs.map(lambda two: Op("div", two)),
        inner.map(lambda one: Op("neg", (one,))),
        st.tuples(inner, small).map(lambda two: Op("pow", two)),
    )


expressions = st.recursive(leaves, _deeper, max_leaves=12)


def latex(expression: Expr) -> str:
    """Return LaTeX with every operand braced or bracketed, so that only the parser's own rules are tested."""
    if isinstance(expression, Num):
        value = expression.value
        return f"({value.numerator})" if value.denominator == 1 else rf"\frac{{{value.numerator}}}{{{value.denominator}}}"
    if isinstance(expression, Sym):
        return {"pi": r"\pi "}.get(expression.name, expression.name)
    parts = [latex(one) for one in expression.args]
    forms = {"add": "({} + {})", "mul": r"({}) \cdot ({})", "div": r"\dfrac{{{}}}{{{}}}", "neg": "-({})", "pow": "({})^{{{}}}"}
    return f"\\left({forms[expression.name].format(*parts)}\\right)"


@given(expressions)
def test_what_is_written_is_read_back_as_the_same_function(expression: Expr) -> None:
    text = latex(expression)
    if len(text) > 4096:
        return
    reading = read_answer(text)
    assert reading is not None
    part = Num(reading.quantity.value) if reading.quantity is not None else reading.part
    assert isinstance(part, Num | Sym | Op)
    try:
        assert modular(part, "p") == modular(expression, "p")
    except Unevaluable:
        with pytest.raises(Unevaluable):
            modular(expression, "p")


@given(expressions, expressions)
def test_digits_agree_with_exact_arithmetic(one: Expr, other: Expr) -> None:
    """Two ways to compare, independent of each other, never contradict."""
    try:
        same = all(modular(one, point) == modular(other, point) for point in ("p", "q"))
    except Unevaluable:
        return
    found = agreement(one, other)
    assert found in ("everywhere", "unknown") if same else found in ("nowhere", "unknown", "mixed")


def test_a_near_identity_of_44_digits_is_none() -> None:
    root = Op("sqrt", (Num(Fraction(652)),))
    near = Op("exp", (Op("mul", (Sym("pi"), root)),))
    assert agreement(near, Num(Fraction(68925893036109279891085639286943768))) == "nowhere"


@given(expressions)
def test_constants_are_the_same_modulo_a_prime(expression: Expr) -> None:
    try:
        value = rational(expression)
    except Unevaluable:
        return
    assert modular(Num(value), "p") == modular(expression, "p")


PIECES = (
    r"\frac{ \sqrt{ \text{ \left( \begin{pmatrix} \end{pmatrix} \{ \} { } ( ) [ ] | ^ _ + - * / = < ≤ , ; ∪ ∈ ∞ ± ! ° % $ & \\ 1 "
    r"23 0.5 1,234 x y i e π \sin \log km apples 三 万 或 和 ½ ² e5 : ' \mid \ldots ∅ f(x) or and"
)
alphabet = st.sampled_from([" ", *PIECES.split()])


@given(st.lists(alphabet, max_size=16).map("".join))
def test_any_text_equals_itself_and_comparing_ends(text: str) -> None:
    reading = read_answer(text)
    if reading is not None:
        assert compare(reading, reading).relation == "equal"
        for gold in ("18", "x^2+1", r"\sqrt{2}", "(1,2)", r"\{1,2\}", "x > 2", "5 km"):
            forth, back = compare(read(gold), reading), compare(reading, read(gold))
            assert {forth.relation, back.relation} != {"equal", "different"}


HOSTILE = [
    "(" * 4000,
    "{" * 2000 + "x" + "}" * 2000,
    r"\frac{" * 800,
    r"\sqrt{" * 600 + "x" + "}" * 600,
    "9^{9^{9^{9^9}}}",
    "(((((9!)!)!)!)!)!",
    "10^{10^{10}}",
    "10000000!",
    "(x+1)^{1000000000}",
    r"\binom{100000}{50000}",
    "|x" * 1300,
    "-" * 4000,
    "1," * 2000,
    "2^" * 2000 + "2",
    r"\sin " * 800 + "x",
    "1e" + "9" * 400,
    "9" * 4096,
    r"\begin{pmatrix}" + "1&" * 1900 + r"\end{pmatrix}",
    r"\pm 1" * 800,
    "½" * 4000,
    "5 " + "km " * 1300,
    r"\exp(\exp(\exp(100)))",
    r"\tan(10^{1000})",
    "x^{x^{x^{x^{x}}}}",
    "(10^{300})^{300}",
    "\\{" * 2000,
    "a=b" * 1300,
]


def test_no_text_takes_long() -> None:
    """A hostile answer costs no more than a few hundred times what a plain formula costs: nothing grows without bound."""
    golds = [read(gold) for gold in ("18", "x^2+1", r"\sqrt{2}", "(1,2)")]

    def judged(text: str) -> None:
        reading = read_answer(text)
        for gold in golds:
            if reading is not None:
                compare(gold, reading)

    plain = [rf"\sqrt{{{number}}}+\sin {number}" for number in range(50)]
    usual = max(seconds(lambda: [judged(text) for text in plain]) / len(plain), 1e-4)
    for text in HOSTILE:
        assert any(seconds(lambda text=text: judged(text)) < 2000 * usual for _ in range(2)), text[:40]
