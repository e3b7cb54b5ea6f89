"""What this installation is: versions, devices, and which extras are complete."""

import importlib.metadata
import platform
import re

PACKAGE = "hf-ecg"
REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)(?:\[([\w, -]+)\])?")
EXTRA = re.compile(r"""extra\s*==\s*['"]([\w-]+)['"]""")
# for the figures of this package; accelerate and huggingface_hub for questions about a run
TOLD = ("torch", "transformers", "datasets", "accelerate", "huggingface-hub", "numpy", "scipy", "scikit-learn", "wfdb")


def versions() -> dict[str, str]:
    """Library -> version, "absent" for those that are not installed."""
    from ..version import __version__

    found = {"hf_ecg": __version__, "python": platform.python_version()}
    return found | {name: _version(name) or "absent" for name in TOLD}


def devices() -> list[str]:
    """The devices that torch sees, the CPU first."""
    import torch

    found = [f"cpu ({torch.get_num_threads()} threads)"]
    found += [f"cuda:{number} ({torch.cuda.get_device_name(number)})" for number in range(torch.cuda.device_count())]
    return found + ["mps"] * torch.backends.mps.is_available()


def extras() -> dict[str, list[str]]:
    """Extra -> what it wants and is not installed; nothing at all where the package itself is not installed."""
    try:
        wanted = importlib.metadata.requires(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    found: dict[str, list[str]] = {}
    for line in wanted:
        extra, requirement = EXTRA.search(line), REQUIREMENT.match(line)
        if extra and requirement and requirement[1] != PACKAGE:
            found.setdefault(extra[1], []).extend([] if _version(requirement[1]) else [requirement[1]])
    return found


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
