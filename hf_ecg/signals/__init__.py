"""Waveforms as numpy arrays (..., leads, samples) in millivolts; nothing of torch or transformers."""

from .annotations import Beats, RecordAnnotations, Rhythm, read_annotations
from .baseline import subtract_median
from .channels import Channels, choose_channels
from .filters import apply_filter, validate_filter
from .formats import read
from .leads import CHEST_LEADS, LIMB_LEADS, STANDARD_LEADS, canonical_leads, derive_limb_leads, select_leads
from .measuring import measure
from .missing import fill_missing, recorded_stretch, without_signal, zero_padding_to_missing
from .normalisation import normalise
from .quality import NoiseReport, QualityReport, check_quality, detect_noise
from .record import Annotation, Record
from .resampling import resample
from .streaming import RecordStream
from .units import MISSING_COUNT, UNITS, check_amplitude, counts_to_millivolts, to_millivolts
from .window import crop, pad
from .writers import Written, write

# its name until there were formats beside WFDB
read_record = read

__all__ = [
    "CHEST_LEADS",
    "LIMB_LEADS",
    "MISSING_COUNT",
    "STANDARD_LEADS",
    "UNITS",
    "Annotation",
    "Beats",
    "Channels",
    "NoiseReport",
    "QualityReport",
    "Record",
    "RecordStream",
    "Written",
    "RecordAnnotations",
    "Rhythm",
    "apply_filter",
    "canonical_leads",
    "check_amplitude",
    "check_quality",
    "choose_channels",
    "counts_to_millivolts",
    "crop",
    "derive_limb_leads",
    "detect_noise",
    "fill_missing",
    "measure",
    "normalise",
    "pad",
    "read",
    "read_annotations",
    "read_record",
    "recorded_stretch",
    "resample",
    "select_leads",
    "subtract_median",
    "to_millivolts",
    "validate_filter",
    "without_signal",
    "write",
    "zero_padding_to_missing",
]
