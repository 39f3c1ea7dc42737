"""The command line: one file a command, and one place where an error becomes a line and an exit status."""

import importlib
import io
import logging
import sys

import click

from schemas.errors import RunError, UserError

# Command → the module that holds it.  Modules are imported when their command is called: Beam takes seconds to import.
COMMANDS = {
    "build": "pipeline.cli.build",
    "sample": "pipeline.cli.build",
    "curate": "pipeline.cli.build",
    "star": "pipeline.cli.star",
    "check": "pipeline.cli.check",
    "list": "pipeline.cli.listing",
    "show": "pipeline.cli.show",
    "report": "pipeline.cli.report",
    "journal": "pipeline.cli.journal",
    "verify": "pipeline.cli.verdicts",
    "steps": "pipeline.cli.verdicts",
    "leaks": "pipeline.cli.verdicts",
    "tag": "pipeline.cli.tag",
    "mine": "pipeline.cli.mine",
    "dedupe": "pipeline.cli.dedupe",
    "decontaminate": "pipeline.cli.decontaminate",
}


class _Commands(click.Group):
    """Loads commands when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(COMMANDS[cmd_name]), f"{cmd_name}_command")
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> None:
        for stream in (sys.stdout, sys.stderr):  # rows are UTF-8 whatever the locale; a character must not end a run
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")
        try:
            super().invoke(ctx)
        except UserError as error:
            click.echo(f"starbeam: {_one_line(error)}", err=True)
            ctx.exit(2)
        except RunError as error:
            click.echo(f"starbeam: {_one_line(error)}", err=True)
            ctx.exit(1)


def _one_line(error: Exception) -> str:
    from pipeline.terminal import safe

    return safe(" ".join(str(error).split()))


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="starbeam")
def main() -> None:
    """Turn problems into verified, deduplicated, tagged chains of thought."""
    logging.getLogger().setLevel(logging.ERROR)  # Beam warns at import of clients that nobody asked for
