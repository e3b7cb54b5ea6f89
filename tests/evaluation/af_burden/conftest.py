"""Records of the tests: minutes of MIT-BIH, as MIT-BIH writes them and as SHDB-AF does."""

import pytest
import torch

from hf_ecg import ECGFeatureExtractor, ECGResNetConfig, ECGResNetForECGClassification
from hf_ecg.signals import read
from tests.data.made_shdb_af import write_record, write_table


@pytest.fixture(scope="package")
def raw(shared_data_dir, tmp_path_factory):
    """001: four minutes with AF from the second one on; 002: a minute and a half of it, not annotated."""
    folder = tmp_path_factory.mktemp("shdb")
    source = shared_data_dir / "mitdb" / "202"
    write_record(folder, "001", source, (1200, 1440))
    write_record(folder, "002", source, (1310, 1400), annotated=False)
    (folder / "RECORDS.txt").write_text("001\n002\n")
    write_table(folder, [{"Data_ID": name, "Subject_ID": name, "Annotated": "True"} for name in ("001", "002")])
    return folder


@pytest.fixture(scope="package")
def windows(shared_data_dir):
    """Four windows of 30 s of record 203, which is AF, two leads at 360 Hz."""
    record = read(shared_data_dir / "mitdb" / "203", rename={"MLII": "I"})
    return [record.cut(start, start + 10_800) for start in range(0, 43_200, 10_800)]


@pytest.fixture(scope="package")
def classifier(tmp_path_factory):
    """A tiny network of lead I with random weights, for normal, AF, other and noisy."""
    folder = tmp_path_factory.mktemp("classifier")
    names = ("normal", "AF", "other", "noisy")
    config = ECGResNetConfig(
        num_leads=1,
        num_samples=1000,
        sampling_rate=100,
        stem_width=4,
        widths=[4],
        depths=[1],
        kernel_sizes=[3],
        strides=[4],
        final_width=8,
        problem_type="single_label_classification",
        id2label=dict(enumerate(names)),
        label2id={name: place for place, name in enumerate(names)},
    )
    torch.manual_seed(0)
    ECGResNetForECGClassification(config).save_pretrained(folder)
    steps = [{"name": "pick_lead"}, {"name": "require_length", "minimum": 5, "maximum": 40}]
    steps += [{"name": "resample", "method": "polyphase"}, {"name": "normalise", "method": "zscore"}]
    ECGFeatureExtractor(sampling_rate=100, leads=["I"], num_samples=None, steps=steps).save_pretrained(folder)
    return str(folder)
