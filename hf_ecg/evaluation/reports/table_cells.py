"""Names that people chose, in cells and lists of Markdown."""

from collections.abc import Iterable


def cell(name: str) -> str:
    """A name in one cell: a bar would end it, and a line break the table.

    Example:
        >>> from hf_ecg.evaluation.reports.table_cells import cell
        >>> cell("AF | new\\nonset")
        'AF \\\\| new onset'
    """
    return " ".join(name.split()).replace("|", "\\|")


def listed(names: Iterable[str]) -> str:
    """Names one after the other, between semicolons where one of them has a comma.

    Example:
        >>> from hf_ecg.evaluation.reports.table_cells import listed
        >>> listed(["NORM", "MI"]), listed(["AF, new", "MI"])
        ('NORM, MI', 'AF, new; MI')
    """
    names = list(names)
    return ("; " if any("," in name for name in names) else ", ").join(names)
