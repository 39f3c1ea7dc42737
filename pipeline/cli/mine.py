"""`starbeam mine`."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from pipeline import storage
from pipeline.cli.parts import field_paths
from pipeline.terminal import console_of
from schemas.annotation import LABELS
from schemas.errors import UserError

if TYPE_CHECKING:
    from pipeline.mine import Corpus

STDOUT = "-"


@click.command("mine")
@click.argument("corpus")
@click.option(
    "--against", metavar="CORPUS", help="What it is compared with; by default the rows of CORPUS that --where leaves out."
)
@click.option(
    "--where", multiple=True, metavar="FIELD=VALUE", help="Only rows of CORPUS with this value; repeatable, all must hold."
)
@click.option("--against-where", multiple=True, metavar="FIELD=VALUE", help="… of --against, or of CORPUS where that is not given.")
@click.option("--field", "fields", multiple=True, metavar="NAME=PATH", help="Read text or group from another field.")
@click.option("--against-field", "their_fields", multiple=True, metavar="NAME=PATH", help="… of --against; by default the same.")
@click.option("--kind", type=click.Choice(["ngram", "opener"]), help="Only runs of words, or only openers of sentences.")
@click.option("--top", default=20, show_default=True, type=click.IntRange(min=1), help="Patterns to show of each side.")
@click.option("--out", metavar="FILE", help="Where all patterns go as JSON lines; - is stdout, in place of the table.")
@click.option(
    "--as-markers",
    "label",
    type=click.Choice(LABELS),
    help="Print the patterns of CORPUS as entries of the tagger's file of this label, in place of the table.",
)
def mine_command(
    corpus: str,
    against: str | None,
    where: tuple[str, ...],
    against_where: tuple[str, ...],
    fields: tuple[str, ...],
    their_fields: tuple[str, ...],
    kind: str | None,
    top: int,
    out: str | None,
    label: str | None,
) -> None:
    """Find what is said more often in CORPUS: runs of words and sentence openers, with their log-odds and significance.

    CORPUS is JSON lines or Parquet (a path, glob or URL; reads text and optionally group), or the folder of a run or release.
    Rows of one group that follow each other count as one document.
    """
    from filters.mining import mine, rules
    from pipeline.mine import FIELDS, lines, markers, summary, table

    at, their_at = (field_paths(given, FIELDS) for given in (fields, their_fields or fields))
    first, second = _corpora((corpus, where, at), (against, against_where, their_at))
    _check_out(out, (*first.files, *second.files))
    mined = mine((first, second), kind)
    for line in summary(mined, first.rejects + second.rejects):
        click.echo(f"starbeam: {line}", err=True)
    findings = mined.findings
    if out is not None and out != STDOUT:
        storage.write_bytes(out, "".join(lines(findings)).encode())
    if label is not None:
        ours = [one for one in findings if one.z > 0 and one.examples][:top]  # a rule without one holds nothing to its meaning
        click.echo(markers(label, rules(ours, second)), nl=False)
    elif out == STDOUT:
        click.echo("".join(lines(findings)), nl=False)
    else:
        console = console_of(stderr=False)
        for sign, title in ((1, f"more often in {first.title}"), (-1, f"more often in {second.title}")):
            if shown := [one for one in findings if one.z * sign > 0][:top]:
                console.print(table(shown, title, console.width))
        if not findings:
            click.echo("nothing is significantly more frequent on either side")


Side = tuple[str | None, Sequence[str], Mapping[str, str]]  # path, what its rows must hold, where their fields are


def _corpora(one: Side, other: Side) -> "tuple[Corpus, Corpus]":
    """Return both sides.  Raises UserError where they are the same rows."""
    from pipeline.mine import Corpus, Where

    (corpus, where, at), (against, against_where, their_at) = one, other
    ours = [Where.of("--where", setting) for setting in where]
    theirs = [Where.of("--against-where", setting) for setting in against_where]
    others = against is None and not theirs
    if others and not ours:
        raise UserError("nothing to compare with; give --against CORPUS, or --where FIELD=VALUE to part the rows of one")
    shown = sys.stderr.isatty()
    first = Corpus("CORPUS", str(corpus), at, ours, False, shown)
    second = Corpus("--against", against or str(corpus), their_at, ours if others else theirs, others, shown)
    if not others and first.files == second.files and set(ours) == set(theirs) and at == their_at:
        raise UserError(
            f"--against {second.path}: is CORPUS, with the same rows; give other rows, by --where and --against-where too"
        )
    return first, second


def _check_out(out: str | None, files: Sequence[str]) -> None:
    if out is None or out == STDOUT:
        return
    if not out.endswith(".jsonl"):
        raise UserError(f"--out {out}: unknown format; the name must end in .jsonl, or be - for stdout")
    if any(storage.same_place(path, out) for path in files):
        raise UserError(f"--out {out}: is read; give another file")
