"""What a person sees: text that cannot drive the terminal, coloured chains, the funnel."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.problem import CHOICE_LABELS

# One colour a label, told apart on dark and on light ground.
LABEL_STYLES = {
    "verification": "bold green",
    "backtracking": "bold red",
    "alternative": "bold blue",
    "hesitation": "bold yellow",
    "subgoal": "bold cyan",
    "backward_chaining": "bold bright_blue",
    "self_correction": "bold magenta",
    "summary": "bold bright_black",
}
EFFECT_STYLES = {"effective": "green", "harmful": "red", "changing": "yellow", "idle": "dim"}
STATUS_STYLES = {"correct": "green", "incorrect": "red", "unsure": "yellow", "error": "magenta"}

# Control characters drive a terminal, and the direction marks reorder what is read: each becomes a visible symbol.
# A symbol is one code point, as what it stands for, so offsets into the text stay true.
_VISIBLE = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"},
    0x7F: 0x2421,
    **dict.fromkeys([*range(0x80, 0xA0), 0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD),
}


def safe(text: str) -> str:
    """Return a text with its control characters made visible; it has as many code points as before."""
    return text.translate(_VISIBLE)


def chain(reasoning: str, response: str, reflections: Sequence[Mapping[str, Any]]) -> Text:
    """Return a chain with its reflections coloured, each with its label behind it, and with its effect where that is known."""
    from schemas.sample import chain_text

    text = Text(safe(chain_text(reasoning, response)))
    spans = sorted(reflections, key=lambda one: (one["start"], one["end"]))
    for one in spans:
        text.stylize(LABEL_STYLES.get(one["label"], "bold"), one["start"], one["end"])
    pieces, last = [], 0
    for one in spans:
        end = max(one["end"], last)
        effect = one.get("effect")
        behind = Text(f" [{one['label']}]", style="dim italic") if effect is None else _with_effect(one["label"], effect)
        pieces += [text[last:end], behind]
        last = end
    return Text.assemble(*pieces, text[last:])


def _with_effect(label: str, effect: str) -> Text:
    return Text.assemble((f" [{label}: ", "dim italic"), (effect, EFFECT_STYLES.get(effect, "")), ("]", "dim italic"))


def course(values: Mapping[str, Any]) -> str:
    """Return how a chain came to its answer and how finely it goes, in one line; "" where the row says nothing of it."""
    one, fine = values.get("course"), values.get("granularity")
    if not one or not fine:
        return ""
    parts = [f"{fine['tokens']:,} tokens", f"{_counted(one['thoughts'], 'thought')}", *(values.get("approaches") or ())]
    if one["answers"]:
        parts.append(f"{_counted(one['answers'], 'answer')} stated, {_counted(one['changes'], 'change')}")
    places = {"first right": one["first_right"], "settled": one["settled"], "after that": one["overthinking"]}
    parts += [f"{name} {place:.0%}" for name, place in places.items() if place is not None]
    if fine["skipped"]:
        parts.append(f"skipped steps {fine['skipped']:.2f}")
    if one["loops"]:
        parts.append(f"repeated {one['loops']:.0%}")
    return "; ".join(parts)


def _counted(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def row(values: Mapping[str, Any]) -> Text:
    """Return one row of a release: what was asked, the chain, the verdict."""
    lines = Text()
    if values.get("sample_id") is None:  # a record that never became a sample
        lines.append(f"{values['stage']}: {values['reason']}: {safe(values['detail'] or '')}\n", style="yellow")
        return lines.append(safe(values["raw"] or ""))
    verdict = values["verdict"]
    lines.append(f"{values['sample_id']}  {safe(values['teacher'])}  {values['origin']}\n", style="dim")
    lines.append(safe(values["question"]), style="bold")
    lines.append("\n\n")
    lines.append_text(chain(values["reasoning"], values["response"], values["reflections"]))
    lines.append("\n\n")
    lines.append(verdict["status"], style=STATUS_STYLES.get(verdict["status"], ""))
    read, gold = safe(str(verdict["extracted"])), safe(str(values["answer"]))
    lines.append(f"  read {read}, gold {gold}  ({verdict['checker']}: {verdict['reason']})", style="dim")
    if values.get("choice_order"):
        asked = ", ".join(CHOICE_LABELS[place] for place in values["choice_order"])
        lines.append(f"\noptions asked in the order {asked}; read is the label as asked", style="dim")
    if told := course(values):
        lines.append(f"\n{told}", style="dim")
    for flag in (values.get("steps") or {}).get("flags") or ():
        lines.append(f"\n{flag['kind']}: {safe(flag['detail'])}", style="yellow")
    if values.get("leak"):
        lines.append(f"\nleak: {values['leak']['kind']}: {safe(values['leak']['marker'])}", style="yellow")
    for hit in values.get("contamination") or ():
        where = f"in the {hit['field']}, {hit['overlap']:.0%} of its words"
        lines.append(f"\n{hit['kind']} of {safe(hit['benchmark'])} {safe(hit['item'])} {where}", style="yellow")
    if values.get("duplicate"):
        copy = values["duplicate"]
        lines.append(f"\n{copy['kind']} copy of {safe(copy['kept_id'])}, similarity {copy['jaccard']:.3f}", style="yellow")
    if values.get("reason"):
        lines.append(f"\nrejected: {values['reason']}", style="yellow")
    return lines


def funnel(counts: Mapping[str, Any], coverage: Mapping[str, Any], chains: Mapping[str, Any] | None = None) -> Table:
    """Return the funnel and the coverage of a manifest as a table.  `chains`: what it says of the reflections of all of them."""
    table = Table(title="from records to rows", title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("step")
    table.add_column("rows", justify="right")
    table.add_column("of which", overflow="fold")
    records = counts["rejected_records"]
    table.add_row("problem records", f"{counts['problem_records']:,}", _parts({"repeated": counts["repeated"]}))
    if counts["sample_records"]:
        table.add_row("sample records", f"{counts['sample_records']:,}", "completions recorded in files")
    table.add_row("records rejected", f"{sum(records.values()):,}", _parts(records))
    table.add_row("problems", f"{counts['problems']:,}", _parts({"with samples": counts["problems_sampled"]}))
    table.add_row("samples", f"{counts['samples']:,}", _parts(counts["verdicts"]))
    for teacher, statuses in counts["teachers"].items():
        table.add_row(f"  by {safe(teacher)}", f"{sum(statuses.values()):,}", _parts(statuses))
    for origin, statuses in counts["origins"].items() if "rationalized" in counts["origins"] else ():
        table.add_row(f"  {origin}", f"{sum(statuses.values()):,}", _parts(statuses))
    if counts["judged"]:
        table.add_row("  by the judge", f"{sum(counts['judged'].values()):,}", _parts(counts["judged"]))
    for teacher, covered in coverage.items():
        table.add_row(f"coverage {safe(teacher)}", f"{covered['problems']:,}", _pass_at_k(covered))
    table.add_row("steps", f"{sum(counts['steps'].values()):,}", _parts(counts["steps"]))
    if counts["leaks"]:
        table.add_row("leaks", f"{sum(counts['leaks'].values()):,}", _parts(counts["leaks"]))
    for benchmark, kinds in counts["contaminated"].items():
        table.add_row(f"contaminated by {safe(benchmark)}", "", _parts(kinds))
    compared = counts["compared"]
    pairs = {"alike": compared["pairs_alike"], "large buckets": compared["buckets_capped"]}
    table.add_row(
        "pairs compared", f"{compared['pairs_compared']:,}", f"of {compared['pairs_candidate']:,}; {_parts(pairs) or 'none alike'}"
    )
    table.add_row("duplicates", f"{sum(counts['duplicates'].values()):,}", _parts(counts["duplicates"]))
    table.add_row("reflections", f"{sum(counts['reflections'].values()):,}", _parts(counts["reflections"]))
    if chains and chains["reflections"]:
        table.add_row("  per 1,000 tokens", f"{chains['per_1000_tokens']:.2f}", _parts(chains["effects"]))
    if counts["tagged"]:
        table.add_row("  tagged by a teacher", f"{counts['tagged']['read']:,}", _agreement(counts["agreement"]))
    rejected = counts["rejected_samples"]
    table.add_row("samples rejected", f"{sum(rejected.values()):,}", _parts(rejected))
    table.add_row("kept", f"{counts['kept']:,}", _parts({"problems": counts["problems_kept"]}), style="bold")
    return table


def _parts(parts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {safe(name)}" for name, count in parts.items() if count)


def _agreement(labels: Mapping[str, Any]) -> str:
    """Return how a teacher's tags agree with the rules', where both are not constant."""
    known = [f"{label} {of_label['kappa']:.2f}" for label, of_label in labels.items() if of_label["kappa"] is not None]
    return "kappa with the rules: " + (", ".join(known) or "none")


def _pass_at_k(covered: Mapping[str, Any]) -> str:
    """Return pass@1, and pass@k of the largest k that all problems reach."""
    of_all = [(k, value) for k, value, problems in covered["pass_at_k"] if problems == covered["problems"]]
    return ", ".join(f"pass@{k} {value:.2f}" for k, value in dict([of_all[0], of_all[-1]]).items())


def console_of(stderr: bool) -> Console:
    """Return a console on stdout or stderr that takes no text for markup."""
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)
