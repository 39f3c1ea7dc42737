"""The report's section on reflections: plots with their numbers, from what the manifest says."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from markupsafe import Markup
from pydantic import TypeAdapter

from pipeline import plots
from schemas.annotation import EFFECTS, LABELS
from schemas.reflection_statistics import ChainStatistics, Correctness, Difference, Mean, ReflectionStatistics

T = TypeVar("T")

TENTHS = 10  # of a chain; what has fewer reflections than that has no shares to speak of
MOST_BANDS = 64  # of length: what has more was written by nobody who counts tokens
EFFECT_COLOURS = {
    "effective": plots.EFFECTIVE,
    "changing": plots.CHANGING,
    "idle": plots.IDLE,
    "harmful": plots.HARMFUL,
}

Row = tuple[str, Sequence[str]]  # a name from anywhere, and numbers


class Block(NamedTuple):
    """A table, and where there is one the plot of its numbers."""

    title: str
    caption: str  # what is shown, and its units
    head: Sequence[str]
    rows: Sequence[Row]
    plot: Markup | None = None
    alt: str = ""  # what the plot shows, in words


class Reflections(NamedTuple):
    """What the page says of reflections."""

    chains: int
    tokens: str  # the tokenizer's name
    blocks: Sequence[Block]


_STATISTICS = TypeAdapter(ReflectionStatistics)


def section(manifest: Mapping[str, Any]) -> Reflections | None:
    """Return the section, None for a manifest of before there were statistics.  Raises ValueError where it holds others."""
    if "reflection" not in manifest:
        return None
    found = _STATISTICS.validate_python(manifest["reflection"])
    if len(found.lengths) > MOST_BANDS or any(len(tenths) != TENTHS for tenths in found.positions.values()):
        raise ValueError("statistics of another shape")
    agreement = _agreement(manifest["funnel"].get("agreement", {}))
    blocks = [*_blocks(found), *agreement] if found.overall.chains else []
    return Reflections(found.overall.chains, str(manifest["annotators"]["tokens"]), blocks)


def _blocks(found: ReflectionStatistics) -> Iterable[Block]:
    every = found.teachers if len(found.teachers) == 1 else {"all": found.overall, **found.teachers}
    if found.overall.reflections:
        yield _labels(found.overall)
        yield _positions(found)
        yield _effects(found.overall)
        yield _correctness(found.correctness)
        yield _difficulty(found)
    yield _lengths(found)
    yield _teachers(every)
    yield _courses(every)
    if found.overall.approaches:
        yield Block(
            "Approaches",
            "Chains whose words show an approach; one may show several.",
            ("approach", "chains", "share, %"),
            [
                (name.replace("_", " "), (f"{chains:,}", _percent(chains / found.overall.chains)))
                for name, chains in found.overall.approaches.items()
            ],
        )


def _labels(overall: ChainStatistics) -> Block:
    names = [_shown(label) for label, _ in _in_order(overall.labels)]
    rates = [one.per_1000_tokens or 0.0 for _, one in _in_order(overall.labels)]
    return Block(
        "How often",
        "Reflections per 1,000 tokens, by label. A sentence may have several labels.",
        ("label", "reflections", "per 1,000 tokens", "chains with one", "share of chains, %"),
        [
            (
                _shown(label),
                (f"{one.reflections:,}", _number(one.per_1000_tokens), f"{one.chains:,}", _percent(one.share)),
            )
            for label, one in _in_order(overall.labels)
        ],
        plots.bars(names, {("", plots.ACCENT): rates}, "reflections per 1,000 tokens"),
        _most(dict(zip(names, rates, strict=True)), "Most frequent"),
    )


def _positions(found: ReflectionStatistics) -> Block:
    shares = {_shown(label): [one / (sum(tenths) or 1) for one in tenths] for label, tenths in _in_order(found.positions)}
    ends = [f"{tenth * 10}" for tenth in range(TENTHS + 1)]
    drawn = {_shown(label): shares[_shown(label)] for label, tenths in _in_order(found.positions) if sum(tenths) >= TENTHS}
    return Block(
        "Where in the chain",
        "Share of a label's reflections that begin in each tenth of the chain's length (in characters). "
        + (f"The darkest square is {_percent(max(map(max, drawn.values())))} %. " if drawn else "")
        + f"A label that stood anywhere would have 10 % in each; one of fewer than {TENTHS} reflections is not drawn.",
        ("label", *(f"{ends[tenth]} to {ends[tenth + 1]}" for tenth in range(TENTHS))),
        [(name, [_percent(one) for one in tenths]) for name, tenths in shares.items()],
        plots.heat(list(drawn), list(drawn.values()), "place in the chain, % of its length", ends) if drawn else None,
        "; ".join(f"{name}: most in the tenth from {10 * tenths.index(max(tenths))} %" for name, tenths in drawn.items()),
    )


def _effects(overall: ChainStatistics) -> Block:
    known = {label: sum(one.effects.get(name, 0) for name in EFFECTS) for label, one in _in_order(overall.labels)}
    parts = {
        (name, colour): [100 * one.effects.get(name, 0) / (known[label] or 1) for label, one in _in_order(overall.labels)]
        for name, colour in EFFECT_COLOURS.items()
    }
    effects = overall.effects
    names = [f"{_shown(label)} ({count:,})" for label, count in known.items()]
    return Block(
        "What they did to the answer",
        ("" if any(known.values()) else "No chain states answers that can be compared on both sides of a reflection. ")
        + "Of the reflections with an answer stated before and after them, the share by what became of it: effective, wrong to "
        "right; changing, to another wrong one; idle, the same; harmful, right to wrong. Behind each label stands how many these "
        "are. Net gain: effective less harmful ones, by those.",
        ("label", *EFFECT_COLOURS, "not known", "net gain"),
        [
            *((_shown(label), _by_effect(one.effects, one.net_gain)) for label, one in _in_order(overall.labels)),
            ("all", _by_effect(effects, overall.net_gain)),
        ],
        plots.bars(names, parts, "% of those whose effect is known") if any(known.values()) else None,
        "All labels: " + ", ".join(f"{effects.get(name, 0):,} {name}" for name in EFFECT_COLOURS),
    )


def _by_effect(effects: Mapping[str, int], net_gain: float | None) -> tuple[str, ...]:
    return *(f"{effects.get(name, 0):,}" for name in (*EFFECT_COLOURS, "unknown")), _signed(net_gain)


def _correctness(found: Mapping[Any, Correctness]) -> Block:
    labels = _in_order(found)
    series = {
        ("raw", plots.QUIET): [_interval(one.raw) for _, one in labels],
        ("at problems as hard", plots.ACCENT): [_interval(one.by_difficulty) for _, one in labels],
        ("at the same problem", plots.CHANGING): [_interval(one.by_problem) for _, one in labels],
    }
    shown = {kind: points for kind, points in series.items() if any(one.value is not None for one in points)}
    return Block(
        "Right with and without",
        "How much more often chains with a label are right than those without, in percentage points, with 95 % intervals that "
        "take problems for drawn, not chains. Raw: all together, where hard problems may bring both more reflections and more "
        "errors. The others by Mantel-Haenszel, among chains of one teacher and of lengths within a factor of two: at problems "
        "that as many of the other tries solve, in fifths (few tries tell little, then some of the raw difference is left; of "
        "problems with one try: of one subject); or at the same problem. It says what goes together, not what causes what.",
        (
            *("label", "with", "right, %", "without", "right, %", "raw", "interval"),
            *("as hard", "interval", "chains", "same problem", "interval", "chains"),
        ),
        [
            (
                _shown(label),
                (
                    f"{one.chains:,}",
                    _percent(_share(one.correct, one.chains)),
                    f"{one.chains_without:,}",
                    _percent(_share(one.correct_without, one.chains_without)),
                    *_difference(one.raw),
                    *(*_difference(one.by_difficulty), f"{one.by_difficulty.compared:,}"),
                    *(*_difference(one.by_problem), f"{one.by_problem.compared:,}"),
                ),
            )
            for label, one in labels
        ],
        plots.intervals([_shown(label) for label, _ in labels], shown, "percentage points more often right with the label")
        if shown
        else None,
        "; ".join(
            f"{_shown(label)}: raw {_points(one.raw.value)}, at problems as hard {_points(one.by_difficulty.value)}, "
            f"at the same problem {_points(one.by_problem.value)}"
            for label, one in labels
        ),
    )


def _interval(one: Difference) -> plots.Interval:
    return plots.Interval(*(None if value is None else 100 * value for value in (one.value, one.low, one.high)))


def _difficulty(found: ReflectionStatistics) -> Block:
    bands = sorted({band.solved_from for band in found.difficulty}, key=lambda start: (start is None, start or 0.0))
    names = {start: "no other" if start is None else f"{100 * start:.0f} to {100 * start + 20:.0f}" for start in bands}
    by = {(band.solved_from, band.correct): band for band in found.difficulty}
    rates = {
        right: [None if (start, right) not in by else by[start, right].per_1000_tokens for start in bands]
        for right in (True, False)
    }
    return Block(
        "By difficulty",
        "Reflections per 1,000 tokens in right and in wrong chains, by how many of the other tries at the problem are right.",
        ("other tries right, %", "ended", "chains", "tokens", "per 1,000 tokens", *(_shown(label) for label in LABELS)),
        [
            (
                names[band.solved_from],
                (
                    "right" if band.correct else "wrong",
                    f"{band.chains:,}",
                    f"{band.tokens:,}",
                    _number(band.per_1000_tokens),
                    *(f"{band.labels.get(label, 0):,}" for label in LABELS),
                ),
            )
            for band in sorted(found.difficulty, key=lambda band: bands.index(band.solved_from))
        ],
        plots.lines(
            list(names.values()),
            [plots.Line("right chains", plots.EFFECTIVE, rates[True]), plots.Line("wrong chains", plots.HARMFUL, rates[False])],
            "reflections per 1,000 tokens",
            "other tries at the problem that are right, %",
        ),
        "; ".join(
            f"{names[start]} %: right {_number(rates[True][place])}, wrong {_number(rates[False][place])}"
            for place, start in enumerate(bands)
        ),
    )


def _lengths(found: ReflectionStatistics) -> Block:
    names = [_tokens(band.tokens_from) for band in found.lengths]
    after = [_hundredfold(band.overthinking) for band in found.lengths]
    left = [_hundredfold(band.underthinking) for band in found.lengths]
    return Block(
        "By length",
        "Overthinking: share of a right chain after its answer is settled. Underthinking: share of a wrong chain after it first "
        "stated the right answer, 0 where it never did. Means over chains of lengths from the number of tokens to twice that.",
        (
            "tokens from",
            "chains",
            "right",
            "wrong",
            "reflections per 1,000 tokens",
            "overthinking, %",
            "of chains",
            "underthinking, %",
            "of chains",
        ),
        [
            (
                f"{band.tokens_from:,}",
                (
                    f"{band.chains:,}",
                    f"{band.verdicts.get('correct', 0):,}",
                    f"{band.verdicts.get('incorrect', 0):,}",
                    _number(band.per_1000_tokens),
                    _number(_hundredfold(band.overthinking)),
                    f"{band.overthinking.chains:,}",
                    _number(_hundredfold(band.underthinking)),
                    f"{band.underthinking.chains:,}",
                ),
            )
            for band in found.lengths
        ],
        plots.lines(
            names,
            [plots.Line("overthinking", plots.ACCENT, after), plots.Line("underthinking", plots.HARMFUL, left)],
            "% of the chain",
            "length in tokens, from",
        ),
        "; ".join(f"from {name} tokens: overthinking {_number(value)} %" for name, value in zip(names, after, strict=True)),
    )


def _teachers(every: Mapping[str, ChainStatistics]) -> Block:
    return Block(
        "By teacher",
        "Reflections of each teacher's chains, and what they did to the answer.",
        ("", "chains", "tokens", "reflections", "per 1,000 tokens", *EFFECT_COLOURS, "not known", "net gain"),
        [
            (
                name,
                (
                    *(f"{number:,}" for number in (one.chains, one.tokens, one.reflections)),
                    _number(one.per_1000_tokens),
                    *_by_effect(one.effects, one.net_gain),
                ),
            )
            for name, one in every.items()
        ],
    )


def _courses(every: Mapping[str, ChainStatistics]) -> Block:
    return Block(
        "How chains come to their answers",
        "Means over the chains that have a value. First right: where the right answer is first stated, settled: where the last one "
        "is for good, in % of the chain; repeated: sentences that all but repeat an earlier one; skipped: results without a way "
        "to them; expansion: tokens by the median of the problem's other chains.",
        (
            *("", "thoughts", "answers stated", "changes", "first right, %", "settled, %", "overthinking, %", "underthinking, %"),
            *("superficial reflections", "repeated, %", "skipped, %", "expansion"),
        ),
        [
            (
                name,
                (
                    *(_number(mean.mean) for mean in (one.course.thoughts, one.course.answers, one.course.changes)),
                    *(_number(_hundredfold(mean)) for mean in (one.course.first_right, one.course.settled)),
                    *(_number(_hundredfold(mean)) for mean in (one.course.overthinking, one.course.underthinking)),
                    _number(one.course.superficial.mean),
                    *(_number(_hundredfold(mean)) for mean in (one.course.loops, one.skipped)),
                    _number(one.expansion.mean),
                ),
            )
            for name, one in every.items()
        ],
    )


def _agreement(labels: Mapping[str, Any]) -> Iterable[Block]:
    """Return how a teacher's tags agree with the rules', where a teacher was asked."""
    if labels:
        counted = ("both", "rules", "tagger")
        yield Block(
            "Rules and a teacher",
            "Chains and places where the rules and the teacher that tags both see a label, the rules alone, the teacher alone; "
            "Cohen's kappa by chains: 0 is as good as chance, 1 full agreement. Neither is the truth.",
            (
                "label",
                *(f"{of}: {whose}" for of in ("chains", "places") for whose in ("both", "rules alone", "teacher alone")),
                "kappa",
            ),
            [
                (
                    _shown(label),
                    (*(f"{one[of][whose]:,}" for of in ("chains", "places") for whose in counted), _signed(one["kappa"])),
                )
                for label, one in _in_order(labels)
            ],
        )


def _most(rates: Mapping[str, float], what: str) -> str:
    return f"{what}: " + ", ".join(f"{name} {_number(rate)}" for name, rate in sorted(rates.items(), key=lambda one: -one[1]))


def _in_order(by_label: Mapping[Any, T]) -> list[tuple[str, T]]:
    """Return what is said of each label, in the labels' own order; the manifest has them by name."""
    return [(label, by_label[label]) for label in LABELS if label in by_label]


def _shown(label: str) -> str:
    return label.replace("_", " ")


def _tokens(number: int) -> str:
    return f"{number >> 10:,}k" if number >= 1 << 10 else f"{number}"


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _hundredfold(one: Mean) -> float | None:
    return None if one.mean is None else 100 * one.mean


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}"


def _points(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:+.1f}"


def _difference(one: Difference) -> tuple[str, str]:
    return _points(one.value), "–" if one.low is None else f"{_points(one.low)} to {_points(one.high)}"
