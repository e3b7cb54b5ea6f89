"""What commands and options were called before: an old call is told where it went."""

# (command, option, or "" for the command itself) -> what to type now
LATE_NAMES = {
    ("demo", "--data"): "`hf-ecg tour --data ...`: `hf-ecg demo` is a page in the browser now",
    ("demo", "--output_dir"): "`hf-ecg tour --output_dir ...`: `hf-ecg demo` is a page in the browser now",
}


def moved(command: str, option: str) -> str:
    """ "; it went to ...", or nothing.

    Example:
        >>> from hf_ecg.cli.late_names import moved
        >>> moved("demo", "--data").startswith("; it went to `hf-ecg tour")
        True
    """
    found = LATE_NAMES.get((command, option.replace("-", "_").replace("__", "--", 1)))
    return f"; it went to {found}" if found else ""
