"""Crop and pad."""

import numpy as np
import pytest

from hf_ecg.signals import crop, pad


def test_crop_and_pad():
    row = np.arange(5)[None]
    assert crop(row, 3).tolist() == [[0, 1, 2]]
    assert crop(row, 3, "center").tolist() == [[1, 2, 3]]
    assert crop(row, 3, "end").tolist() == [[2, 3, 4]]
    assert crop(row, 9).tolist() == row.tolist()
    assert pad(row, 8, "both", -1).tolist() == [[-1, 0, 1, 2, 3, 4, -1, -1]]
    assert pad(row, 7).tolist() == [[0, 1, 2, 3, 4, 0, 0]]
    assert pad(row, 3).tolist() == row.tolist()
    with pytest.raises(ValueError, match="position is 'middle'"):
        crop(row, 3, "middle")
    with pytest.raises(ValueError, match="num_samples is 0"):
        pad(row, 0)
    with pytest.raises(ValueError, match="num_samples is 2.5, wanted a whole number"):
        crop(row, 2.5)


def test_leading_axes_and_type_are_kept(signals):
    single = signals.astype(np.float32)
    assert crop(single, 10, "center").shape == (2, 3, 10) and crop(single, 10).dtype == np.float32
    longer = pad(single, 1001, "start")
    assert longer.shape == (2, 3, 1001) and longer.dtype == np.float32 and not longer[..., 0].any()
