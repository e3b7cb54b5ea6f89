"""Where `hf-ecg` enters: a module beside the package, and not in it.

Python executes `hf_ecg/__init__.py` before any module inside, and that brings torch and transformers: seconds that
`hf-ecg --help` and a mistyped option should not cost. So the package is entered here as the import system itself does
it, in its two steps (a module object with the package's path, then the execution of its file), and the second step
waits until a command runs.
"""

import importlib.util
import sys


def main() -> None:
    """The console script."""
    execute = None
    if "hf_ecg" not in sys.modules:
        found = importlib.util.find_spec("hf_ecg")
        package = sys.modules["hf_ecg"] = importlib.util.module_from_spec(found)

        def execute() -> None:
            found.loader.exec_module(package)

    from hf_ecg.cli import run

    run(before=execute)


if __name__ == "__main__":
    main()
