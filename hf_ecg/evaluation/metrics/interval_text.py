"""How an interval is written: with what it leaves out, in the same cell, because cells are quoted alone."""

ONE_SEED = "one seed"
PATIENTS_ONLY = "patients only"


def interval_text(interval: dict, sign: bool = False, seeds: int | None = None, seeds_resampled: bool = True) -> str:
    """A value with its interval: "0.894 [0.875, 0.912]", or "0.894 [0.875, 0.912] (one seed)".

    An interval over the patients of one run says nothing of what another seed would give, which may be more.

    Args:
        interval: "value", "low" and "high", all None where there is no value.
        sign: write a plus too, as for a difference.
        seeds: runs that the value is a mean over, of a difference the fewer of both; None where nothing was trained.
        seeds_resampled: with several seeds the bootstrap draws them too; otherwise the cell says "patients only".

    Example:
        >>> from hf_ecg.evaluation.metrics.interval_text import interval_text
        >>> interval_text({"value": 0.1, "low": 0.05, "high": 0.2}, sign=True, seeds=1)
        '+0.100 [+0.050, +0.200] (one seed)'
    """
    if interval["value"] is None:
        return "no value"
    form = "+.3f" if sign else ".3f"
    words = f"{interval['value']:{form}} [{interval['low']:{form}}, {interval['high']:{form}}]"
    if seeds == 1:
        return f"{words} ({ONE_SEED})"
    return words if seeds is None or seeds_resampled else f"{words} ({PATIENTS_ONLY})"
