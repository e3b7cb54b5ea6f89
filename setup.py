"""What pyproject.toml cannot say: found are the packages of hf_ecg/, and folders beside it are installed inside it.

The module of the console script is installed beside the package, see hf_ecg/cli/door.
"""

from setuptools import find_namespace_packages, setup

INSIDE = {
    "hf_ecg.model_cards": "model_cards",
    "hf_ecg.recipes": "train/recipes",
    "hf_ecg.comparisons": "train/comparisons",
    "hf_ecg.stages": "train/stages",
}
BESIDE = {"hf_ecg_command": "hf_ecg/cli/door"}

setup(
    packages=[*find_namespace_packages(include=["hf_ecg", "hf_ecg.*"]), *INSIDE, *BESIDE],
    package_dir={**INSIDE, **BESIDE},
)
