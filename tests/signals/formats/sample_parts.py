"""What the samples of all formats have in common: an invented patient, and a signal."""

import numpy as np

from hf_ecg.signals.leads import STANDARD_LEADS

FIRST, LAST = "Zaphodia", "Quirkleby"
WHO = {
    "first": FIRST,
    "last": LAST,
    "id": "ZQ-774411",
    "birth": "19310228",
    "birth_dashed": "1931-02-28",
    "birth_us": "02-28-1931",
    "physician": "Slartibard",
    "operator": "Vogonella",
    "institution": "Milliways Infirmary",
    "serial": "SN-90210-X7",
    "accession": "ACC-5550123",
    "address": "Betelgeuse Lane",
}
RATE, SECONDS = 500, 10
# microvolts a count
STEP = 5
EIGHT = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")


def counts(leads=STANDARD_LEADS, rate=RATE, seconds=SECONDS):
    """int16 (leads, samples): a beat a second, of another size in each lead; III and the augmented leads follow."""
    time = np.arange(rate * seconds) / rate % 1.0
    waves = ((0.3, 0.02, 0.1), (0.46, 0.008, -0.1), (0.5, 0.012, 1.2), (0.54, 0.008, -0.25), (0.8, 0.05, 0.3))
    beat = sum(size * np.exp(-(((time - place) / width) ** 2) / 2) for place, width, size in waves)
    # Even numbers, so that halves are whole.
    made = {name: 2 * np.rint(beat * (0.5 + 0.07 * place) * 500 / STEP) for place, name in enumerate(EIGHT)}
    one, two = made["I"], made["II"]
    made |= {"III": two - one, "aVR": -(one + two) / 2, "aVL": one - two / 2, "aVF": two - one / 2}
    return np.stack([made[lead] for lead in leads]).astype(np.int16)


def written(path, content):
    path.write_bytes(content)
    return path
