"""What pyproject.toml cannot say: folders beside the package are installed inside it.

They are copied while a wheel is built, and are not packages of their own: so every package lies where its name says,
and an editable installation is a plain path, which type checkers and editors follow.
"""

import shutil
from pathlib import Path

from setuptools import find_namespace_packages, setup
from setuptools.command.build_py import build_py

# folder in hf_ecg/ -> folder of the checkout, and which of its files
INSIDE = {
    "model_cards": ("model_cards", ("*.jinja", "*.md")),
    "recipes": ("train/recipes", ("*.yaml",)),
    "recipes/ssl": ("train/recipes/ssl", ("*.yaml",)),
    "comparisons": ("train/comparisons", ("*.yaml",)),
    "language_models": ("train/language_models", ("*.yaml",)),
    "shifts": ("train/shifts", ("*.yaml",)),
    "stages": ("train/stages", ("*.yaml",)),
    "sweeps": ("train/sweeps", ("*.yaml",)),
    "cohorts": ("train/cohorts", ("*.yaml",)),
}


def beside() -> list[tuple[str, Path]]:
    """(folder in hf_ecg/, file of the checkout), sorted."""
    return sorted(
        (inside, path)
        for inside, (folder, kinds) in INSIDE.items()
        for kind in kinds
        for path in Path(folder).glob(kind)
    )


class BuildWithFoldersBeside(build_py):
    """Copies them into the package; an editable installation reads them where they are."""

    def run(self):
        super().run()
        for inside, path in [] if self.editable_mode else beside():
            target = Path(self.build_lib, "hf_ecg", inside)
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / path.name)

    def get_source_files(self):
        return [*super().get_source_files(), *(path.as_posix() for _, path in beside())]


setup(
    # said, since setuptools writes a plain path only where it is
    package_dir={"": "."},
    packages=find_namespace_packages(include=["hf_ecg", "hf_ecg.*"]),
    py_modules=["hf_ecg_command"],
    cmdclass={"build_py": BuildWithFoldersBeside},
)
