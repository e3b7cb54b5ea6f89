"""The metrics of this package as modules that `evaluate.load` takes by path, without network.

A folder a module, with its card. They are scripts that `evaluate` copies and imports by itself, not part of the
package's own imports.
"""

from pathlib import Path

from ...checks import nearest


def metric_path(name: str) -> str:
    """Folder of a metric module, for `evaluate.load`.

    Args:
        name: `macro_auroc`, `macro_auprc` or `patient_bootstrap`.

    Raises:
        ValueError: no such module.

    Example:
        >>> from hf_ecg.evaluation import metric_path
        >>> metric_path("macro_auroc").endswith("metric_modules/macro_auroc")
        True
    """
    known = sorted(path.parent.name for path in Path(__file__).parent.glob("*/README.md"))
    if name not in known:
        raise ValueError(f"there is no metric module {name!r}{nearest(name, known)}, only {known}")
    return str(Path(__file__).parent / name)
