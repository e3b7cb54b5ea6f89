"""Why a model answers as it does: which part of which lead speaks for a class or a text, and which against it.

    import hf_ecg

    found = hf_ecg.explain("record.hea", "ecg-text-small", text="atrial fibrillation")
    found.by_lead  # one number a lead

Integrated gradients and occlusion explain one score; attention says what an encoder looks at, whatever it is asked.
`weights_matter` checks that a picture comes from what the model learned. `plotting.plot_explanation` draws one.
"""

from typing import TYPE_CHECKING

from ..lazy_names import lazy_names

__all__ = ["METHODS", "Explanation", "explain", "weights_matter"]

if TYPE_CHECKING:
    from .explaining import METHODS, explain
    from .explanation import Explanation
    from .randomised_weights import weights_matter
else:  # torch comes with the first name that needs it
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "METHODS": "explaining",
            "Explanation": "explanation",
            "explain": "explaining",
            "weights_matter": "randomised_weights",
        },
    )
