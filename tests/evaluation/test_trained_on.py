import json
import re

import pyarrow.parquet as pq
import pytest

import hf_ecg
from hf_ecg import trained_on
from hf_ecg.embed import embed_records
from hf_ecg.evaluation.judging.record_classes import classify_record
from hf_ecg.evaluation.loading import load_dual_encoder, pick_device
from hf_ecg.evaluation.protocol import SourceFacts, TrainingFacts
from hf_ecg.simulation import simulate_ecg, write_wfdb
from hf_ecg.trained_on import trained_on_note
from hf_ecg.training.run_card import model_card
from tests.evaluation import tiny

SIMULATED = SourceFacts(config="simulated_100hz", simulated=True, records=1500)
FEW = SourceFacts(config="ptb_xl_100hz", records=2000)
MANY = SourceFacts(config="mimic_iv_ecg_500hz", records=700_000)


@pytest.fixture(autouse=True)
def nothing_told_yet(monkeypatch):
    monkeypatch.setattr(trained_on, "_told", set())


def write(folder, *sources, run=None):
    folder.mkdir(exist_ok=True)
    (folder / "training_facts.json").write_text(json.dumps(TrainingFacts(sources=sources).to_dict()))
    if run is not None:
        (folder / "training_run.json").write_text(json.dumps(run))
    return folder


@pytest.mark.parametrize(
    ("sources", "run", "told"),
    [
        ([SIMULATED], None, "clep learned from 1,500 simulated ECGs: .* its answers on real ones mean nothing"),
        (
            [MANY, SIMULATED],
            None,
            r"701,500 records, simulated ones among them \(simulated_100hz\): do not trust its answers",
        ),
        ([], {"simulated": True, "num_records": 90}, "learned from 90 simulated ECGs"),
        ([FEW], None, r"clep learned from 2,000 records \(ptb_xl_100hz\), which is few: it is not a medical device"),
        ([SourceFacts(config="ptb_xl_100hz")], {"num_records": 2833}, r"2,833 records \(ptb_xl_100hz\)"),
        ([MANY], None, None),
        ([MANY, FEW], None, None),
        ([SourceFacts()], None, None),
    ],
)
def test_what_stands_beside_answers(tmp_path, sources, run, told):
    folder = write(tmp_path / "clep", *sources, run=run)
    note = trained_on_note(folder)
    assert note is None if told is None else re.search(told, note)


def test_an_encoder_folder_has_the_facts_of_its_run_and_no_name_has_none(tmp_path):
    run = write(tmp_path / "clep", SIMULATED)
    (run / "encoder").mkdir()
    assert "simulated" in trained_on_note(run / "encoder")
    assert trained_on_note("") is None and trained_on_note("you/nothing") is None and trained_on_note("/no/x") is None


def test_facts_that_join_stay_simulated():
    facts = TrainingFacts(sources=(FEW,)).merge([SIMULATED, SourceFacts(config="ptb_xl_100hz", records=10)])
    assert [(each.simulated, each.records) for each in facts.sources] == [(False, 2000), (True, 1500)]
    assert TrainingFacts.from_dict(facts.to_dict()) == facts
    with pytest.raises(ValueError, match="records is '7', wanted int or null"):
        TrainingFacts.from_dict({"sources": [{"records": "7"}]})


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toys") / "clep"
    tiny.dual_encoder().save_pretrained(folder)
    tiny.processor().save_pretrained(folder)
    return write(folder, SIMULATED)


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    ecg = simulate_ecg("atrial_fibrillation", sampling_rate=100, seed=1)
    return str(write_wfdb(ecg, tmp_path_factory.mktemp("records") / "record"))


def told(caplog):
    return [entry.getMessage() for entry in caplog.records if "learned from" in entry.getMessage()]


def test_a_pipeline_of_a_toy_says_so_once(toy, caplog):
    for _ in range(2):
        hf_ecg.pipeline("zero-shot-ecg-classification", toy, device="cpu")
    (said,) = told(caplog)
    assert said.startswith("clep learned from 1,500 simulated ECGs")


def test_a_classified_record_and_embeddings_say_so(toy, record, caplog, tmp_path):
    model, processor = load_dual_encoder(str(toy), pick_device("cpu"))
    classify_record(model, processor, record, ["atrial fibrillation"], window="first")
    assert len(told(caplog)) == 1
    result = embed_records(record, str(toy), tmp_path / "e.parquet", progress=False)
    metadata = json.loads(pq.read_schema(result.output).metadata[b"hf_ecg"])
    assert metadata["trained_on"] == trained_on_note(toy)


def test_the_card_says_so_where_the_facts_do(toy):
    card = model_card(toy)
    assert "Trained on simulated signals" in card
