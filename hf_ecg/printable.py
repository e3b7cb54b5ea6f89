"""Text that somebody else wrote, shown in a message or a log: one line of characters that are what they look like."""

MOST = 300


def one_line(text: str, most: int | None = MOST) -> str:
    r"""A text as one printable line.

    Line feeds would forge lines of a log, escape sequences recolour or clear a terminal, marks of direction turn words
    round: everything that `str.isprintable` denies is written as Python writes it in a literal.

    Args:
        text: of a file, a model, a server.
        most: characters of the result, "..." included; None for all of them.

    Example:
        >>> from hf_ecg.printable import one_line
        >>> print(one_line("no\n2026-01-01 WARNING all is well\x1b[2J"))
        no\n2026-01-01 WARNING all is well\x1b[2J
    """
    line = text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return line if most is None or len(line) <= most else f"{line[: most - 3]}..."


def can_be_written(name: str) -> bool:
    """Whether a name of a file is text that UTF-8 can hold; older disks have names in other encodings."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
