r"""Mathematics as a list of tokens: numbers, single letters, signs, and commands with their backslash, all in one spelling.

Plain text, LaTeX and Unicode give the same tokens.  Words, units and whatever else is no mathematics are refused, never left out.
"""

import re


class Unreadable(Exception):
    """The text is of no notation known here.  `reason` is a short code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_UNICODE = str.maketrans(
    {"−": "-", "–": "-", "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "÷": r"\div ", "π": r"\pi ", "√": r"\sqrt ",
     "∞": r"\infty ", "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "∈": r"\in ", "∪": r"\cup ", "∩": r"\cap ", "±": r"\pm ",
     "∓": r"\mp ", "°": r"^\circ ", "∅": r"\emptyset ", "ℝ": r"\mathbb{R}", "α": r"\alpha ", "β": r"\beta ", "γ": r"\gamma ",
     "θ": r"\theta ", "λ": r"\lambda ", "μ": r"\mu ", "σ": r"\sigma ", "φ": r"\phi ", "ω": r"\omega ", "，": ",", "（": "(",
     "）": ")", "＝": "=", "＋": "+", "\u00a0": " "}
)  # fmt: skip
# What sets a formula and means nothing; `row` stays.
_SETTING = re.compile(
    r"(?P<row>\\\\)|\\(?:left|right|bigg?[lr]?|Bigg?[lr]?|displaystyle|textstyle|limits|quad|qquad)(?![A-Za-z])"
    r"|\\[,;:!> ()\[\]]|\$|~"
)
_FONT = re.compile(r"\\(?:mathrm|text|operatorname|mathit|mbox)\s*\{\s*([A-Za-z]{1,6})\s*\}")
_MATRIX = re.compile(r"\\(begin|end)\s*\{[pb]?matrix\}")
_TOKEN = re.compile(
    r"\s*+(?:(?P<number>[0-9]++(?:\.[0-9]++)?|\.[0-9]++)|(?P<command>\\(?:[A-Za-z]++|[{}\\]))|(?P<letters>[A-Za-z]++)"
    r"|(?P<sign>\*\*|<=|>=|!=|[-+*/^_=<>|(){}\[\],&!]))"
)
_ALIASES = {
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "leq": "le", "leqslant": "le", "geq": "ge", "geqslant": "ge", "neq": "ne",
    "dbinom": "binom", "tbinom": "binom", "varnothing": "emptyset", "times": "*", "cdot": "*", "ast": "*", "div": "/", "lt": "<",
    "gt": ">", "lbrace": "{", "rbrace": "}", "lvert": "|", "rvert": "|", "vert": "|", "infinity": "infty", "imath": "i",
}  # fmt: skip
FUNCTIONS = frozenset("sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh exp ln log lg".split())
GREEK = frozenset(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta kappa lambda mu nu xi rho sigma tau upsilon phi varphi chi "
    "psi omega Gamma Delta Theta Lambda Sigma Phi Psi Omega ell".split()
)
_PLAIN = FUNCTIONS | {"sqrt", "pi", "infty", "infinity"}  # commands that are often written without a backslash
_NO_PRODUCTS = frozenset(
    "and or not no yes if is in at of on to by the for per all any nan inf cm mm km kg ft am pm max min mod".split()
)
_THOUSANDS = re.compile(r"(?<![0-9.,])[0-9]{1,3},[0-9]{3}(?![0-9])")
_SCIENTIFIC = re.compile(r"[0-9][eE][-+]?[0-9]")  # 2e-7 is 2·10^-7 to some, and 2e − 7 to others
_FUNCTION_NAME = re.compile(r"\s*([A-Za-z])\s*\(\s*([A-Za-z])\s*\)\s*(?==(?!=))")


def tokens_of(text: str) -> list[str]:
    """Return the tokens.  Raises Unreadable."""
    text = _SETTING.sub(lambda match: r"\\" if match["row"] else " ", text.translate(_UNICODE)).strip().removesuffix(".")
    if _THOUSANDS.search(text):
        raise Unreadable("thousands")
    if _SCIENTIFIC.search(text):
        raise Unreadable("scientific")
    named = _FUNCTION_NAME.match(text)  # f(x) = …: what is named has the name f(x)
    text = f"{named[1]}_{named[1]}{text[named.end() :]}" if named else text
    text = _MATRIX.sub(r"\\\1 ", _FONT.sub(r"\\\1 ", text)).rstrip()
    tokens: list[str] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise Unreadable("character")
        position = match.end()
        token = match[match.lastgroup or 0]
        if match.lastgroup == "letters":
            tokens.extend(_letters(token))
        elif match.lastgroup == "command":
            tokens.append(_command(token[1:]))
        else:
            tokens.append("^" if token == "**" else token)
    return tokens


def _command(name: str) -> str:
    name = _ALIASES.get(name, name)
    return name if len(name) == 1 and name in "eidT*/<>|" else "\\" + name


def _letters(run: str) -> list[str]:
    """Return a function's or constant's name, or the variables of a product: up to three, and no words."""
    if run in _PLAIN:
        return [_command(run)]
    if len(run) > 3 or run.lower() in _NO_PRODUCTS:
        raise Unreadable("word")
    return list(run)
