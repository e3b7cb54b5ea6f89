"""The baseline of a lead, taken away."""

import numpy as np

from ._arrays import as_double, check_no_missing


def subtract_median(signals: np.ndarray, sampling_rate: float, seconds: float) -> np.ndarray:
    """Each sample minus the median of those around it: what is left is the waveform without its slow wander.

    The window has int(seconds * sampling_rate) + 1 samples and zeros beyond the edges, as `scipy.signal.medfilt`.
    ECGFounder (util.py) takes 0.4 s, which at 500 Hz is 201 samples.

    Args:
        signals: (..., samples).
        sampling_rate: hertz.
        seconds: length of the window.

    Raises:
        ValueError: a rate or length that is not positive, a window with an even number of samples, which has no
            middle, NaN or infinite samples.
    """
    for name, value in (("sampling_rate", sampling_rate), ("seconds", seconds)):
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} is {value!r}, wanted a positive number")
    signals, dtype = as_double(signals)
    check_no_missing(signals, "the running median")
    window = int(seconds * sampling_rate) + 1
    if window % 2 == 0:
        raise ValueError(
            f"a running median of {seconds} s at {sampling_rate:g} Hz has {window} samples, wanted an odd number"
        )
    from scipy.ndimage import median_filter

    # row by row: in one dimension scipy has a rank filter that is some thirty times faster than the one for more
    medians = np.empty_like(signals)
    for place in np.ndindex(signals.shape[:-1]):
        medians[place] = median_filter(signals[place], size=window, mode="constant", cval=0.0)
    return (signals - medians).astype(dtype, copy=False)
