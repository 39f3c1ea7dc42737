"""Plots as SVG that stands in a page: in the page's own colours, loading nothing, the same bytes for the same numbers."""

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

# What is drawn in the colour on the left is shown in the page's on the right, which is another one on dark ground.
COLOURS = {
    "#1d2326": "--ink",
    "#667177": "--quiet",
    "#dfe3e4": "--line",
    "#1f6f8b": "--accent",
    "#2e8b57": "--effective",
    "#c0392b": "--harmful",
    "#d9a400": "--changing",
    "#9aa5ab": "--idle",
}
INK, QUIET, LINE, ACCENT, EFFECTIVE, HARMFUL, CHANGING, IDLE = COLOURS
WIDTH = 6.8  # inches of 72 units

_STYLE = {
    "svg.fonttype": "none",  # text stays text
    "path.simplify": False,
    "font.size": 10.0,
    "text.parse_math": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": LINE,
    "axes.labelcolor": QUIET,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "grid.color": LINE,
    "text.color": INK,
    "xtick.color": QUIET,
    "ytick.color": INK,
    "xtick.bottom": False,
    "ytick.left": False,
    "legend.frameon": False,
}


class Line(NamedTuple):
    """One series of a plot of lines."""

    name: str
    colour: str
    values: Sequence[float | None]  # None where there is nothing to show


class Interval(NamedTuple):
    """An estimate with its interval; each None where it is not known."""

    value: float | None
    low: float | None
    high: float | None


def bars(names: Sequence[str], parts: Mapping[tuple[str, str], Sequence[float]], axis: str) -> Markup:
    """Return a bar for each name, of one or more parts, each with its name and colour."""

    def draw(axes: Any) -> None:
        left = [0.0] * len(names)
        for (name, colour), values in parts.items():
            axes.barh(names, values, left=left, color=colour, height=0.7, label=name, clip_on=False)
            left = [start + value for start, value in zip(left, values, strict=True)]
        axes.invert_yaxis()
        axes.grid(axis="x")
        axes.set_xlabel(axis)
        if len(parts) > 1:
            _legend(axes, len(parts))

    return _svg(draw, 0.9 + 0.26 * len(names))


def heat(names: Sequence[str], rows: Sequence[Sequence[float]], axis: str, ticks: Sequence[str]) -> Markup:
    """Return a square for each number, the darker the nearer to the largest; ticks stand between the columns."""
    most = max((value for row in rows for value in row), default=0.0) or 1.0

    def draw(axes: Any) -> None:
        for place, row in enumerate(rows):
            for column, value in enumerate(row):
                axes.barh(
                    place, 0.96, left=column + 0.02, height=0.92, color=ACCENT, alpha=0.04 + 0.96 * value / most, clip_on=False
                )
        axes.set_yticks(range(len(names)), names)
        axes.set_xticks(range(len(ticks)), ticks)
        axes.set_xlim(0, len(ticks) - 1)
        axes.invert_yaxis()
        axes.spines["bottom"].set_visible(False)
        axes.set_xlabel(axis)

    return _svg(draw, 0.8 + 0.26 * len(names))


def intervals(names: Sequence[str], series: Mapping[tuple[str, str], Sequence[Interval]], axis: str) -> Markup:
    """Return points with their intervals, one below the other for each name."""

    def draw(axes: Any) -> None:
        axes.axvline(0, color=QUIET, linewidth=1, clip_on=False)
        for step, ((name, colour), found) in enumerate(series.items()):
            axes.plot([], [], color=colour, label=name, linewidth=3)
            for place, one in enumerate(found):
                y = place + 0.25 * (step - (len(series) - 1) / 2)
                if one.value is not None:
                    _dot(axes, one.value, y, colour)
                if one.low is not None and one.high is not None:
                    axes.plot([one.low, one.high], [y, y], color=colour, linewidth=1.6, clip_on=False)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.grid(axis="x")
        axes.set_xlabel(axis)
        if series:
            _legend(axes, len(series))

    return _svg(draw, 0.9 + 0.36 * len(names))


def lines(names: Sequence[str], series: Sequence[Line], axis: str, over: str) -> Markup:
    """Return a line for each series over the same places; it breaks where there is no value."""

    def draw(axes: Any) -> None:
        for one in series:
            values = [float("nan") if value is None else value for value in one.values]
            axes.plot(range(len(names)), values, linewidth=1.8, color=one.colour, label=one.name, clip_on=False)
            for place, value in enumerate(one.values):
                if value is not None:
                    _dot(axes, place, value, one.colour)
        axes.set_xticks(range(len(names)), names)
        axes.set_xlim(-0.3, len(names) - 0.7)
        axes.set_ylim(bottom=0)
        axes.grid(axis="y")
        axes.set_xlabel(over)
        axes.set_ylabel(axis)
        axes.tick_params(axis="y", labelcolor=QUIET)
        if len(series) > 1:
            _legend(axes, len(series))

    return _svg(draw, 2.6)


def _dot(axes: Any, x: float, y: float, colour: str) -> None:
    """Draw a point as a line without length: a marker would be a shape that is defined once and pointed at by its name."""
    axes.plot([x, x], [y, y], color=colour, linewidth=6, solid_capstyle="round", clip_on=False)


def _legend(axes: Any, columns: int) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2, handlelength=1, borderpad=0.2)


def _svg(draw: Any, height: float) -> Markup:
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a person's own settings change no byte
        matplotlib.rcParams.update(_STYLE)
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        draw(figure.subplots())
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _in_page(written.getvalue())


def _in_page(svg: str) -> Markup:
    """Return what stands in a page: no header, no names that two plots would share, no style of its own, the page's colours."""
    box = re.search(r'viewBox="([\d. ]+)"', svg)
    assert box is not None
    body = svg[svg.index(">", svg.index("<svg")) + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<defs>.*?</defs>|<!--.*?-->|\n *", "", body, flags=re.DOTALL)
    body = re.sub(r' (?:id|clip-path)="[^"]*"|; font-family: [^;"]*', "", body)
    body = re.sub(r"#[0-9a-f]{6}\b", lambda found: f"var({COLOURS[found[0]]})" if found[0] in COLOURS else found[0], body)
    return Markup(f'<svg viewBox="{box[1]}" aria-hidden="true">{body.strip()}')
