"""What CLOCS' training writes (danikiyasseh/CLOCS, prepare_network.py): a network of one encoder for all views."""

import re

from ...processing import ECGFeatureExtractor
from ...signals.leads import STANDARD_LEADS
from ..shared.conversion import load_renamed, read_checkpoint, unwrap
from .configuration_clocs import CLOCSConfig
from .modeling_clocs import CLOCSModel

EMBEDDING = "view_linear_modules.0.weight"
# of the five layers of a block, those with weights
_PARTS = {0: "convolution", 1: "norm"}
_LAYERS_OF_A_BLOCK = 5


def convert_clocs(source: str, checkpoint) -> tuple[CLOCSModel, ECGFeatureExtractor]:
    """The encoder of a CLOCS checkpoint; the size of its embedding is that of the file.

    Args:
        source: "clocs".
        checkpoint: path or content of the state dict, or of a mapping that holds it.

    Raises:
        ValueError: missing or unknown keys, such as those of a second encoder; an unsafe file.
    """
    state = unwrap(read_checkpoint(checkpoint))
    given = state.get(EMBEDDING)
    size = given.shape[0] if given is not None and given.ndim == 2 else CLOCSConfig().hidden_size
    model = CLOCSModel(CLOCSConfig(hidden_size=size))
    load_renamed(model, state, our_name, {}, source)
    return model.eval(), clocs_feature_extractor()


def our_name(key: str) -> str | None:
    """The name that a tensor of the original has in `CLOCSModel`; None when it is not of the one encoder."""
    if match := re.fullmatch(r"view_linear_modules\.0\.(\w+)", key):
        return f"embedding.{match[1]}"
    # convolution, norm, ReLU, max-pool, dropout
    match = re.fullmatch(r"view_modules\.0\.(\d+)\.(\w+)", key)
    if match is None:
        return None
    block, layer = divmod(int(match[1]), _LAYERS_OF_A_BLOCK)
    where = f"blocks.{block - 1}" if block else "stem"
    return f"{where}.{_PARTS[layer]}.{match[2]}" if layer in _PARTS else None


def clocs_feature_extractor() -> ECGFeatureExtractor:
    """Five seconds of one lead, the first ones, from 0 to 1."""
    return ECGFeatureExtractor(
        sampling_rate=500,
        leads=list(STANDARD_LEADS),
        num_samples=2500,
        steps=[
            {"name": "pick_lead"},
            {"name": "resample", "method": "polyphase"},
            {"name": "crop", "position": "start"},
            {"name": "normalise", "method": "minmax", "over": "lead", "epsilon": 1e-8},
            {"name": "pad"},
        ],
    )
