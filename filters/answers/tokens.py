r"""From text to tokens: LaTeX, Unicode and plain notation become one alphabet.

A token is a kind and a text.  Kinds: number, name (a variable), function, word (prose or a unit), op, open, close, comma,
command.  Text that cannot be mathematics or a unit gives None.
"""

import re
import unicodedata
from typing import NamedTuple

from filters.normalization import nfkc

MAX_TOKENS = 2048  # twice the 1,024 operators of inspect_ai's limits: each stands between two operands

_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ", "0123456789+-ni", strict=True))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))
_SUPERSCRIPT_RUN = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ]+")
_SUBSCRIPT_RUN = re.compile("[₀₁₂₃₄₅₆₇₈₉]+")
_VULGAR = {sign: unicodedata.normalize("NFKC", sign).partition("\u2044") for sign in "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"}
_UNICODE = {
    "\u2212": "-", "–": "-", "—": "-", "×": r"\times ", "⋅": r"\cdot ", "·": r"\cdot ", "÷": r"\div ", "∕": "/", "⁄": "/",
    "√": r"\sqrt", "π": r"\pi ", "∞": r"\infty ", "∪": r"\cup ", "∩": r"\cap ", "≤": r"\le ", "≥": r"\ge ", "⩽": r"\le ",
    "⩾": r"\ge ", "≠": r"\ne ", "∈": r"\in ", "±": r"\pm ", "∓": r"\mp ", "°": r"^\circ ", "∅": r"\emptyset ", "⟨": r"\langle ",
    "⟩": r"\rangle ", "ℝ": r"\mathbb{R} ", "ℤ": r"\mathbb{Z} ", "ℚ": r"\mathbb{Q} ", "ℕ": r"\mathbb{N} ",
    "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ",
    "γ": r"\gamma ", "λ": r"\lambda ", "μ": r"\mu ", "σ": r"\sigma ", "φ": r"\phi ", "ω": r"\omega ", "δ": r"\delta ",
    "∧": r"\wedge ", "∨": r"\vee ", "∖": r"\setminus ", "，": ",", "、": ",", "；": ";", "：": ":", "【": "[", "】": "]",
    "′": "'", "≈": r"\approx ", "→": r"\to ", "∣": "|", "\u00a0": " ", "˚": r"^\circ ", "º": r"^\circ ",
}  # fmt: skip
_TRANSLATION = str.maketrans(_UNICODE)

# Commands that only set a formula, and those that are another spelling.
_SETTING = re.compile(
    r"(?P<row>\\\\(?:\[[^\[\]]{0,20}\])?)|\\(?:left|right|big|Big|bigg|Bigg|bigl|bigr|Bigl|Bigr|displaystyle|textstyle|limits|nolimits|mathstrut|phantom\{[^{}]*\})"
    r"(?![A-Za-z])\.?|\\[()\[\]]|\\(?:quad|qquad|enspace|thinspace)(?![A-Za-z])|\\[,;:! >\n]|(?<!\\)\$|~|\\hspace\{[^{}]*\}"
)
_THIN_THOUSANDS = re.compile(r"(?<=[0-9])(?:\{,\}|,?\\[,!;: ]|,\\!\s)\s?(?=[0-9]{3}(?![0-9]))")
_SPACED_THOUSANDS = re.compile(r"(?<![0-9.,/^_ ])[1-9][0-9]{0,2}(?: [0-9]{3})+(?![0-9/])")
_ALIASES = {
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "leq": "le", "leqslant": "le", "geq": "ge", "geqslant": "ge", "neq": "ne",
    "lt": "<", "gt": ">", "ast": "cdot", "land": "and", "lor": "or", "wedge": "and", "vee": "or", "lbrace": "{", "rbrace": "}",
    "varnothing": "emptyset", "lvert": "|", "rvert": "|", "vert": "|", "mid": "|", "arg": "operator", "dbinom": "binom",
    "tbinom": "binom", "backslash": "setminus", "degree": "circ", "log": "log", "lg": "lg", "colon": ":", "lbrack": "[",
    "rbrack": "]", "bigcup": "cup", "bigcap": "cap", "iff": "operator", "dots": "ldots", "cdots": "ldots",
    "ldotp": "ldots", "infin": "infty", "bmod": "mod",
}  # fmt: skip
_FONTS = frozenset(
    "text textbf textrm textit textsf texttt textnormal mathrm mathbf mathit mathsf mbox operatorname mathbb boldsymbol bold emph "
    "underline boxed fbox hbox mathcal rm bf it vec".split()
)
_FUNCTIONS = frozenset(
    "sin cos tan cot sec csc arcsin arccos arctan arccot sinh cosh tanh exp ln log lg sqrt abs floor ceil".split()
)
_PLAIN_FUNCTIONS = {"asin": "arcsin", "acos": "arccos", "atan": "arctan"}
_GREEK = frozenset(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho sigma tau upsilon phi "
    "varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega ell".split()
)
_OPERATORS = {
    "times": "*", "cdot": "*", "div": "/", "pm": "±", "mp": "∓", "cup": "∪", "cap": "∩", "in": "∈", "le": "≤", "ge": "≥",
    "ne": "≠", "<": "<", ">": ">", "|": "|", "setminus": "∖", "circ": "°", "approx": "≈", ":": ":", "to": "→", "implies": "→",
    "Rightarrow": "→", "rightarrow": "→", "and": "and", "or": "or",
}  # fmt: skip
_PAIRED = {"{": "\\{", "}": "\\}", "langle": "(", "rangle": ")", "[": "[", "]": "]", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈",
           "rceil": "⌉"}  # fmt: skip
_TOKEN = re.compile(
    r"\s*+(?:(?P<number>[0-9]++(?:\.(?:[0-9]++|(?=\s?\\overline)))?|\.[0-9]++)|\\(?P<command>[A-Za-z]++|[{}%#&_|\\$])|(?P<word>[A-Za-zΑ-Ωα-ωµ]++)"
    r"|(?P<cjk>[\u4e00-\u9fff]++)|(?P<two><=|>=|!=|=>|->|\*\*)|(?P<one>[-+*/^_=<>|(){}\[\],;:!%'.?€£¥₹\"@#&`]))"
)
_NUMBER_SETS = {"R": "ℝ", "Z": "ℤ", "Q": "ℚ", "N": "ℕ", "C": "ℂ"}
_BRACED_TEXT = re.compile(r"\s*+\{([^{}]{0,200})\}")
_LIST_WORDS = {"and": ",", "or": ",", "和": ",", "或": ",", "与": ",", "或者": ",", "以及": ",", "及": ","}
_TWO = {"<=": "≤", ">=": "≥", "!=": "≠", "=>": "→", "->": "→", "**": "^"}
_CONSTANTS = {"pi": "pi", "infinity": "oo", "infty": "oo", "inf": "oo", "oo": "oo"}


class Token(NamedTuple):
    """One token; `spaced` where white space stands before it, `upright` where it is set as text."""

    kind: str
    text: str
    spaced: bool = False
    upright: bool = False


def unified(text: str) -> str:
    """Return the text with Unicode's mathematics spelt as LaTeX.  Superscripts become exponents, never digits of a number."""
    text = _VULGAR_RUN.sub(lambda match: _vulgar(match[0]), text) if not text.isascii() else text
    if not text.isascii():
        text = _SUPERSCRIPT_RUN.sub(lambda match: "^{" + "".join(map(_SUPERSCRIPTS.__getitem__, match[0])) + "}", text)
        text = _SUBSCRIPT_RUN.sub(lambda match: "_{" + "".join(map(_SUBSCRIPTS.__getitem__, match[0])) + "}", text)
        text = nfkc(text.translate(_TRANSLATION)).translate(_TRANSLATION)
    return text


_VULGAR_RUN = re.compile("[¼-¾⅐-⅞]")


def _vulgar(sign: str) -> str:
    above, _, below = _VULGAR[sign]
    return rf"\frac{{{above}}}{{{below}}}"


def tokenize(text: str) -> list[Token] | None:
    """Return the tokens, None where something is in no alphabet of mathematics, or where there are too many."""
    text = _THIN_THOUSANDS.sub("", unified(text))
    text = _SETTING.sub(lambda match: "\\\\" if match["row"] else " ", text).rstrip()
    text = _SPACED_THOUSANDS.sub(lambda match: match[0].replace(" ", ""), text)
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            return None
        position = _add(tokens, text, match)
        if position < 0 or len(tokens) > MAX_TOKENS:
            return None
    return tokens


def _add(tokens: list[Token], text: str, match: re.Match[str]) -> int:
    """Add the match's tokens and return where to go on, -1 where it is nothing known."""
    kind = match.lastgroup or ""
    value = match[kind]
    spaced = match.start(kind) > match.start() and kind != "command"
    if kind == "number":
        tokens.append(Token("number", value, spaced))
    elif kind == "command":
        return _command(tokens, text, value, match.end())
    elif kind == "word":
        _words(tokens, value, spaced)
    elif kind == "cjk":
        tokens.append(Token("op", ",") if value in _LIST_WORDS else Token("word", value, spaced))
    elif kind == "two":
        tokens.append(Token("op", _TWO[value]))
    elif value in "({[":
        tokens.append(Token("open", value, spaced))
    elif value in ")}]":
        tokens.append(Token("close", value, spaced))
    elif value in "€£¥₹":
        tokens.append(Token("word", value, spaced))
    elif value == "'" and tokens and tokens[-1].kind == "name":
        tokens[-1] = tokens[-1]._replace(text=f"{tokens[-1].text}'")  # f'(x)
    elif value in "?'\"@#`":
        return -1
    else:
        tokens.append(Token("op", value, spaced))
    return match.end()


def _command(tokens: list[Token], text: str, name: str, end: int) -> int:
    name = _ALIASES.get(name, name)
    if name in _FONTS:
        return _font(tokens, text, name, end)
    if name in ("begin", "end"):
        return _environment(tokens, text, name, end)
    if name == "%":
        tokens.append(Token("op", "%"))
    elif name == "$":
        tokens.append(Token("word", "$"))
    elif name == "\\":
        tokens.append(Token("op", "\\\\"))
    elif name in _OPERATORS:
        tokens.append(Token("op", "," if name in ("and", "or") else _OPERATORS[name]))
    elif name in _PAIRED:
        shown = _PAIRED[name]
        tokens.append(Token("open" if shown in ("\\{", "(", "[", "⌊", "⌈") else "close", shown))
    elif name in _FUNCTIONS:
        tokens.append(Token("function", name))
    elif name in _CONSTANTS:
        tokens.append(Token("name", _CONSTANTS[name]))
    elif name in _GREEK:
        tokens.append(Token("name", name))
    elif name in ("angle", "triangle"):  # a label: \angle A = 55^\circ
        return end
    elif name in ("frac", "over", "binom", "overline", "emptyset", "mod", "sqrt"):
        tokens.append(Token("command", name))
    else:
        return -1
    return end


def _font(tokens: list[Token], text: str, name: str, end: int) -> int:
    if name in ("boxed", "fbox", "mathbf", "boldsymbol", "bold", "underline", "vec", "rm", "bf", "it"):
        return end  # what is inside is read as if it were not there
    match = _BRACED_TEXT.match(text, end)
    if match is None:
        return end if text[end : end + 1] == "{" else -1
    content = match[1].strip()
    if name == "mathbb":
        tokens.append(Token("name", _NUMBER_SETS.get(content, content)))
    elif content in _LIST_WORDS:
        tokens.append(Token("op", ","))
    elif len(content) == 1 and content.isalpha():
        tokens.append(Token("name", content))
    elif content in _FUNCTIONS:
        tokens.append(Token("function", content))
    else:
        inner = tokenize(content)
        if inner is None:
            return -1
        tokens.extend(token._replace(upright=True) for token in inner)
    return match.end()


def _environment(tokens: list[Token], text: str, name: str, end: int) -> int:
    match = _BRACED_TEXT.match(text, end)
    if match is None:
        return -1
    tokens.append(Token("open" if name == "begin" else "close", match[1].strip()))
    end = match.end()
    if name == "begin" and match[1] == "array":
        columns = _BRACED_TEXT.match(text, end)
        end = columns.end() if columns else end
    return end


def _words(tokens: list[Token], run: str, spaced: bool) -> None:
    """Add a run of letters: a function, a constant, a list word, a unit or prose as a word, a product of up to three variables."""
    folded = run.casefold()
    folded = _PLAIN_FUNCTIONS.get(folded, folded)
    if len(run) == 1:
        tokens.append(Token("name", run, spaced))
    elif folded in _FUNCTIONS:
        tokens.append(Token("function", folded, spaced))
    elif folded in _CONSTANTS:
        tokens.append(Token("name", _CONSTANTS[folded], spaced))
    elif folded in _LIST_WORDS:
        tokens.append(Token("op", ","))
    elif folded == "union":
        tokens.append(Token("op", "∪"))
    elif folded == "in" and any(token.kind == "name" for token in tokens[-1:]):
        tokens.append(Token("op", "∈"))
    else:
        tokens.append(Token("word", run, spaced))
