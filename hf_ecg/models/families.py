"""The families, one line each: the only place that lists the folders.

Their names are public in `hf_ecg`; each folder's `FAMILY` is made known to the Auto classes, the converter, the cards
and the contract tests by `hf_ecg.auto`.
"""

# ruff: noqa: F403
from .clear import *
from .clocs import *
from .ecg_contrastive import *
from .ecg_convnextv2 import *
from .ecg_fm import *
from .ecg_inception import *
from .ecg_resnet import *
from .ecg_resnext import *
from .ecg_text import *
from .ecg_tf_mae import *
from .ecg_unet import *
from .ecg_vit import *
from .heartlang import *
from .heartlang_vqhbr import *
from .melp import *
from .melp_text import *
from .openecg_codec import *
from .st_mem import *
from .tolerantecg import *
