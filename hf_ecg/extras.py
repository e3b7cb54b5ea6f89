"""Packages that only some tasks need: what to type when one is not installed."""


def install_words(package: str, extra: str) -> str:
    """How a package is had: by its own name anywhere, or as an extra of this one in a checkout.

    Example:
        >>> from hf_ecg.extras import install_words
        >>> print(install_words("matplotlib", "plot"))
        pip install matplotlib, or in a checkout of hf_ecg: pip install -e ".[plot]"
    """
    return f'pip install {package}, or in a checkout of hf_ecg: pip install -e ".[{extra}]"'
