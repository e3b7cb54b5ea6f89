"""Groups that know their commands by name and import one when it is asked for."""

import importlib
from dataclasses import dataclass

import click

from ..checks import nearest


@dataclass(frozen=True)
class Entry:
    """A command that is not imported yet.

    Args:
        module: below `hf_ecg.cli.commands`; its `command` is the command.
        sentence: for the list of commands.
    """

    module: str
    sentence: str


class Group(click.Group):
    """A table of commands."""

    def __init__(self, name: str, help: str, entries: "dict[str, Entry | Group]", **options):
        super().__init__(name, help=help, context_settings={"max_content_width": 110}, **options)
        self.entries = entries

    def list_commands(self, ctx) -> list[str]:
        return list(self.entries)

    def get_command(self, ctx, name: str):
        entry = self.entries.get(name, self.entries.get(name.replace("_", "-")))
        if isinstance(entry, Entry):
            return importlib.import_module(f"hf_ecg.cli.commands.{entry.module}").command
        return entry

    def resolve_command(self, ctx, args: list[str]):
        if self.get_command(ctx, args[0]) is None:
            known = ", ".join(self.entries)
            ctx.fail(f"there is no command {args[0]!r}{nearest(args[0], self.entries)}, only {known}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx, formatter) -> None:
        """The table, without an import of its commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _sentence(entry)) for name, entry in self.entries.items()])


def _sentence(entry: Entry | Group) -> str:
    return entry.sentence if isinstance(entry, Entry) else entry.help.partition("\n")[0]
