"""The ways to train, one class each; a recipe's section `method` names one."""

from ...checks import nearest
from ..data_sections import DataSection
from ..recipe_sections import MethodSection
from ..sections import parse_section
from .labels import Labels
from .lead_reconstruction import LeadReconstruction
from .method import Feeding, Method, TrainingStart
from .survival import Survival
from .targets import Targets
from .text_pairs import TextPairs
from .text_views import TextViews
from .view_pairs import ViewPairs
from .waveforms import Waveforms

METHODS: dict[str, type[Method]] = {
    method.name: method
    for method in (TextPairs, TextViews, ViewPairs, Labels, Targets, Survival, Waveforms, LeadReconstruction)
}

__all__ = ["METHODS", "Feeding", "Method", "TrainingStart", "build_method"]


def build_method(section: MethodSection, data: DataSection, source: str = "recipe") -> Method:
    """The method that a recipe names.

    Args:
        section, data: of the recipe.
        source: what a message calls the file.

    Raises:
        ValueError: an unknown name or option (the nearest is named), an option of another type, data that do not fit.
    """
    if section.name not in METHODS:
        known = ", ".join(METHODS)
        raise ValueError(f"{source}: method.name is {section.name!r}{nearest(section.name, METHODS)}; known: {known}")
    method = METHODS[section.name]
    options = parse_section(method.Options, section.options, "method.options", source)
    try:
        return method(options, data)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
