"""The step `beat_tokens` beside a loop over records that calls wfdb's detector, as HeartLang's tokeniser does.

    python tests/benchmarks/beat_tokens.py [--records 1000] [--repeats 3]

Made records of twelve leads, 10 s at 100 Hz, 50 to 150 beats a minute. The loop searches one lead by
`wfdb.processing.xqrs_detect` and cuts every beat of every lead by itself, written plainly from the description of the
original. Times are of the processor, one thread; the ways take turns.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout works without installation

from hf_ecg import ECGFeatureExtractor
from hf_ecg.signals.beat_detection import xqrs_peaks
from hf_ecg.signals.leads import STANDARD_LEADS
from tests.benchmarks.timing import compare, ratio
from tests.signals.made_beats import every, waveform

HALF, LENGTH, MOST = 48, 96, 256
BATCH = 50


def one_by_one(signals: np.ndarray) -> int:
    for record in signals:
        tokens = np.zeros((MOST, LENGTH))
        peaks, place = xqrs_peaks(record[0], 100), 0
        for lead in record:
            for number, peak in enumerate(peaks):
                start = max(peak - HALF if number == 0 else (peaks[number - 1] + peak) // 2, 0)
                last = number == len(peaks) - 1
                stop = min(peak + HALF if last else (peak + peaks[number + 1]) // 2, len(lead))
                if stop - start > LENGTH:
                    start = max(peak - HALF, 0)
                    stop = min(start + LENGTH, len(lead))
                at = max(HALF - (peak - start), 0)
                stretch = lead[start:stop][: LENGTH - at]
                if place < MOST:
                    tokens[place, at : at + len(stretch)] = stretch
                    place += 1
    return len(signals)


def by_the_step(signals: np.ndarray, **parameters) -> int:
    leads = list(STANDARD_LEADS)
    step = {"name": "beat_tokens", "max_tokens": MOST} | parameters
    extractor = ECGFeatureExtractor(100, leads, 1000, [{"name": "select_leads"}, step])
    for first in range(0, len(signals), BATCH):
        extractor(signals[first : first + BATCH], 100, leads, "mV")
    return len(signals)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    seconds = np.linspace(0.4, 1.2, arguments.records)
    signals = np.stack([waveform(every(one), seed=number) for number, one in enumerate(seconds)])
    ways = {
        "wfdb, record by record": lambda: one_by_one(signals),
        "beat_tokens": lambda: by_the_step(signals),
        "beat_tokens, xqrs": lambda: by_the_step(signals, detector="xqrs", searched="first"),
    }
    found = compare(ways, arguments.repeats, "beats")
    first = next(iter(ways))
    for name in ways:
        speed = found[name]["processor"]["median"]
        times = ratio(found, name, first)["median"]
        sys.stdout.write(f"{name}: {speed:.0f} records a second of the processor, {times:.1f} times the loop\n")


if __name__ == "__main__":
    main()
