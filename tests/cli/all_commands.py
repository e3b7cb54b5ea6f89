"""Every command of the table, as the words that call it."""

from collections.abc import Iterator

from hf_ecg.cli import application
from hf_ecg.cli.groups import Entry, Group


def every_command(group: Group = application, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Entry]]:
    for name, entry in group.entries.items():
        if isinstance(entry, Entry):
            yield (*words, name), entry
        else:
            yield from every_command(entry, (*words, name))


COMMANDS = {" ".join(words): entry for words, entry in every_command()}
