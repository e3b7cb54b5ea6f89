"""What pyproject.toml cannot say: found are the packages of hf_ecg/, and model_cards/ is installed inside it."""

from setuptools import find_namespace_packages, setup

setup(
    packages=[*find_namespace_packages(include=["hf_ecg", "hf_ecg.*"]), "hf_ecg.model_cards"],
    package_dir={"hf_ecg.model_cards": "model_cards"},
)
