"""What counts as a good answer to a damaged file."""

from collections.abc import Callable, Iterable

from huggingface_hub.errors import StrictDataclassError

RIGHT, ERROR, FINDING = "right", "error", "finding"
# The configurations of the Hugging Face libraries raise their own error; it names the field and what was wanted.
EXPECTED = (ValueError, OSError, StrictDataclassError)
LONGEST_MESSAGE = 20_000


def judge(read: Callable, check: Callable[[object], str | None], names: Iterable[str]) -> tuple[str, str]:
    """Reads, and says what came of it.

    Args:
        read: reads the damaged file.
        check: what is wrong with the result, by an independent reading; None when it is right.
        names: an error's message holds at least one of them: the file, or the key that is wrong.

    Returns:
        "right", "error" with its message, or "finding" with what is amiss.
    """
    try:
        result = read()
    except EXPECTED as error:
        message = str(error)
        if not any(name and str(name) in message for name in names):
            return FINDING, f"{type(error).__name__} names neither file nor key: {message[:300]!r}"
        if len(message) > LONGEST_MESSAGE:
            return FINDING, f"a message of {len(message)} characters: {message[:100]!r}"
        return ERROR, f"{type(error).__name__}: {message[:300]}"
    except BaseException as error:  # anything else is what this program looks for
        return FINDING, f"raises {type(error).__name__}: {str(error)[:300]}"
    try:
        wrong = check(result)
    except Exception as error:
        wrong = f"the independent reading fails ({type(error).__name__}: {str(error)[:300]})"
    return (RIGHT, "") if wrong is None else (FINDING, f"wrong without a word: {wrong[:300]}")
