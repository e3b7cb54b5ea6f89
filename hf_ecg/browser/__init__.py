"""A page in the browser: drop an ECG, see it on paper, with its measurements and what a model says of it.

    from hf_ecg.browser import build_page, serve

    serve(build_page("ecg-text-small"))

gradio comes with the extra `browser`. Nothing is sent anywhere, and nothing is loaded from the network. Uploads are
read once and deleted; what names a patient is not read.
"""

from typing import TYPE_CHECKING

from ..lazy_names import lazy_names

__all__ = ["Examiner", "build_page", "serve"]

if TYPE_CHECKING:
    from .examiner import Examiner
    from .page import build_page
    from .serving import serve
else:  # `hf-ecg demo --help` needs neither torch nor gradio
    __getattr__, __dir__ = lazy_names(__name__, {"Examiner": "examiner", "build_page": "page", "serve": "serving"})
