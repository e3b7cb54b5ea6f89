"""Records made as those of the Noise Stress Test Database: its blocks, and its noise."""

import numpy as np

from hf_ecg.data.added_noise import noise_power, signal_power
from hf_ecg.data.stress_test import CONDITIONS, noise_blocks, stress_record
from hf_ecg.signals import read


def test_the_blocks_are_those_of_the_database(shared_data_dir):
    """118e_6 differs from 118 in our blocks alone. Its gain is that of the first five minutes (see test_added_noise),
    so that its blocks have from -4 to -13 dB; ours have what is said."""
    clean, theirs = (
        read(shared_data_dir / name).to_millivolts()[:1].astype(np.float64) for name in ("mitdb/118", "nstdb/118e_6")
    )
    ours, blocks = stress_record(
        clean, 360, "118", ["II"], conditions=[("em", -6.0)], recordings=str(shared_data_dir / "nstdb")
    )
    noisy = np.zeros(clean.shape[1], bool)
    for block in blocks:
        noisy[block.first : block.end] = True
    np.testing.assert_array_equal(ours[:, ~noisy], clean[:, ~noisy])
    # theirs keeps the level that the noise had at a block's end
    differs = np.abs(np.diff((theirs - clean)[0])) > 1e-3
    assert not differs[~noisy[1:] & ~noisy[:-1]].any() and differs[noisy[1:]].mean() > 0.5
    for made, (low, high) in ((ours, (-6.001, -5.999)), (theirs, (-13, -4))):
        for block in blocks:
            part = slice(block.first, block.end)
            signal, noise = signal_power(clean[:, part], 360), noise_power((made - clean)[:, part], 360)
            assert low < 10 * np.log10(signal / noise) < high


def test_every_block_takes_the_next_condition():
    beats = np.exp(-0.5 * ((np.arange(80_000) % 90 - 45) / 2.0) ** 2)[None]
    made, blocks = stress_record(beats, 100, "a", ["I"], turn=11)
    assert [(b.kind, b.snr_db) for b in blocks] == [CONDITIONS[11], CONDITIONS[0], CONDITIONS[1]]
    assert [(b.first, b.end) for b in blocks] == [(30_000, 42_000), (54_000, 66_000), (78_000, 80_000)]
    same, _ = stress_record(beats, 100, "a", ["I"], turn=11)
    np.testing.assert_array_equal(made, same)
    assert noise_blocks(30_000, 100) == []
