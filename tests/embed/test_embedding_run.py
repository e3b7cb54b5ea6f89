"""Many records, one table, and in it the numbers that the model gives each record alone."""

import json
import runpy
import sys

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import wfdb
from transformers import AutoFeatureExtractor, AutoModel

import hf_ecg
from hf_ecg import ECGFeatureExtractor, ECGResNetConfig, ECGResNetModel
from hf_ecg.data.corpus import load_corpus
from hf_ecg.embed import EmbeddingOptions, embed_records
from hf_ecg.embed.__main__ import main
from hf_ecg.embed.encoder import Encoder
from hf_ecg.embed.pooled_rows import PooledRows
from hf_ecg.embed.table_parts import METADATA_KEY
from hf_ecg.signals.measuring import VALUE_NAMES
from hf_ecg.signals.window import window_spans
from hf_ecg.simulation import simulate_ecg, write_wfdb
from tests.embed.made_records import direct, embeddings, table, write_record
from tests.evaluation.tiny import dual_encoder, ecg_config, processor, write_corpus


def single_lead_config():
    return ECGResNetConfig(num_leads=1, num_samples=100, sampling_rate=100, depths=[1, 1], widths=[8, 16])


@pytest.fixture(scope="module")
def dual(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dual")
    dual_encoder().save_pretrained(folder)
    processor().save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("embedded") / "corpus", 40)


def test_a_folder_gives_the_numbers_of_the_model_record_by_record(records, encoder, tmp_path):
    result = embed_records(records, encoder, tmp_path / "emb.parquet", EmbeddingOptions(batch_size=3), progress=False)
    found = table(result.output)
    assert (result.records, result.windows, result.refused, result.refused_path) == (6, 10, 0, None)
    assert found["record_id"].tolist() == ["a", "b", "b", "b", "c", "a", "d", "d", "d", "e"]
    assert found["window"].tolist() == [0, 0, 1, 2, 0, 0, 0, 1, 2, 0]
    spans = [[0, 1], [0, 1], [1, 2], [1.5, 2.5], [0, 0.6], [0, 1], [0, 1], [1, 2], [2, 3], [0, 1]]
    np.testing.assert_allclose(found[["start_s", "stop_s"]], spans, atol=0.002)
    for _, row in found.iterrows():
        signals, fields = wfdb.rdsamp(row["path"].removesuffix(".hea"))
        part = slice(round(row["start_s"] * fields["fs"]), round(row["stop_s"] * fields["fs"]))
        alone = direct(encoder, signals.T[:, part], sampling_rate=fields["fs"], leads=fields["sig_name"], units="mV")
        np.testing.assert_allclose(row["embedding"], alone[0], atol=1e-5)
    # from I and II follow the limb leads, the chest leads but V2 stay absent
    assert found["lead_mask"][5].tolist() == [True] * 6 + [False, True, False, False, False, False]


def test_the_metadata_says_what_made_it(records, encoder, tmp_path):
    output = tmp_path / "emb.parquet"
    embed_records([records / "a", records / "c.hea"], encoder, output, EmbeddingOptions(stride=0.5), progress=False)
    schema = pq.read_schema(output)
    facts = json.loads(schema.metadata[METADATA_KEY])
    assert str(schema.field("embedding").type) == "fixed_size_list<element: float>[16]"
    revision = table(output)["model_revision"][0]
    assert revision.startswith("sha256:") and facts["model_revision"] == revision and facts["model"] == encoder
    assert ECGFeatureExtractor(**_recipe(facts["feature_extractor"])).steps == facts["feature_extractor"]["steps"]
    assert facts["embedding"] == "pooler_output" and facts["stride_seconds"] == 0.5 and facts["windows"] == 2
    rows = datasets.Dataset.from_parquet(str(output), cache_dir=str(tmp_path / "cache"))
    assert rows[0]["record_id"] == "a" and len(rows[0]["embedding"]) == 16


def _recipe(saved: dict) -> dict:
    return {key: saved[key] for key in ("sampling_rate", "leads", "num_samples", "steps")}


def test_other_weights_have_another_revision(encoder):
    model = AutoModel.from_pretrained(encoder)
    extractor = AutoFeatureExtractor.from_pretrained(encoder)
    one = Encoder(model, extractor).revision
    assert one == Encoder(encoder).revision
    with torch.no_grad():
        next(model.parameters())[0] += 1e-3
    assert Encoder(model, extractor).revision != one


def test_a_corpus_gives_the_numbers_of_its_rows(corpus, dual, tmp_path):
    output = tmp_path / "emb.parquet"
    embed_records(corpus, dual, output, EmbeddingOptions(batch_size=5, folds=[9, 10]), progress=False)
    rows = load_corpus(corpus, folds=[9, 10])
    model, extractor = AutoModel.from_pretrained(dual).ecg_model.eval(), AutoFeatureExtractor.from_pretrained(dual)
    with torch.no_grad():
        wanted = model(**extractor(list(rows), return_tensors="pt")).pooler_output.numpy()
    assert table(output)["record_id"].tolist() == rows["record_id"][:]
    assert set(table(output)["path"]) == {str(corpus)}
    np.testing.assert_allclose(embeddings(output), wanted, atol=1e-5)
    one_split = tmp_path / "split.parquet"
    embed_records(corpus, dual, one_split, EmbeddingOptions(split="validation"), progress=False)
    assert set(table(one_split)["record_id"]) == set(load_corpus(corpus, folds=[9])["record_id"][:])


def test_projected_embeddings_are_those_that_are_compared_with_texts(corpus, records, dual, tmp_path):
    output = tmp_path / "emb.parquet"
    embed_records([records / "a.hea", corpus], dual, output, EmbeddingOptions(projected=True), progress=False)
    model, extractor = AutoModel.from_pretrained(dual).eval(), AutoFeatureExtractor.from_pretrained(dual)
    inputs = [
        extractor(str(records / "a"), return_tensors="pt"),
        extractor(list(load_corpus(corpus)), return_tensors="pt"),
    ]
    with torch.no_grad():
        wanted = torch.cat([model.get_ecg_features(**part).pooler_output for part in inputs])
    wanted = torch.nn.functional.normalize(wanted, dim=-1)
    np.testing.assert_allclose(embeddings(output), wanted, atol=1e-5)
    assert embeddings(output).shape == (41, 8)


def test_an_encoder_has_no_projected_space(records, encoder, tmp_path):
    with pytest.raises(ValueError, match="only a dual encoder"):
        embed_records(records, encoder, tmp_path / "emb.parquet", EmbeddingOptions(projected=True))


def test_windows_and_how_they_end():
    assert list(window_spans(100, 100)) == [(0, 100)]
    assert list(window_spans(60, 100)) == [(0, 60)]
    assert list(window_spans(209, 100)) == [(0, 100), (100, 200)]
    assert list(window_spans(210, 100)) == [(0, 100), (100, 200), (110, 210)]
    assert list(window_spans(250, 100, stride=50)) == [(0, 100), (50, 150), (100, 200), (150, 250)]
    assert list(window_spans(1000, 100, which="first")) == [(0, 100)]
    assert list(window_spans(1000, 100, which="recipe")) == [(0, 1000)]
    assert list(window_spans(1000, None)) == [(0, 1000)]


@pytest.mark.parametrize("crops", ["mean", "max"])
def test_the_recipe_window_is_what_the_extractor_makes_of_the_file(tmp_path, crops):
    """A recipe with several crops and a filter over the whole record: one row, the crops' mean or their largest."""
    folder = tmp_path / "model"
    ECGResNetModel(ecg_config()).save_pretrained(folder)
    steps = [{"name": "normalise", "method": "zscore", "over": "lead"}, {"name": "multi_crop", "count": 3}]
    ECGFeatureExtractor(sampling_rate=100, num_samples=100, steps=steps).save_pretrained(folder)
    header = write_record(tmp_path, "long", seconds=4)
    options = EmbeddingOptions(window="recipe", crops=crops)
    embed_records(header, str(folder), tmp_path / "emb.parquet", options, progress=False)
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    inputs = extractor(str(header), window="recipe", return_tensors="pt")
    assert len(inputs.pop("record_index")) == 3
    with torch.no_grad():
        pooled = AutoModel.from_pretrained(folder).eval()(**inputs).pooler_output
    wanted = pooled.mean(0) if crops == "mean" else pooled.amax(0)
    np.testing.assert_allclose(embeddings(tmp_path / "emb.parquet")[0], wanted, atol=1e-5)


def test_without_a_fixed_length_neighbours_do_not_matter(records, tmp_path):
    folder = tmp_path / "model"
    ECGResNetModel(ecg_config()).save_pretrained(folder)
    ECGFeatureExtractor(sampling_rate=100, num_samples=None).save_pretrained(folder)
    embed_records(records, str(folder), tmp_path / "emb.parquet", EmbeddingOptions(batch_size=8), progress=False)
    found = table(tmp_path / "emb.parquet")
    assert len(found) == 6
    for _, row in found.iterrows():
        np.testing.assert_allclose(row["embedding"], direct(str(folder), row["path"])[0], atol=1e-5)


def test_a_single_lead_model(records, tmp_path):
    folder = tmp_path / "model"
    ECGResNetModel(single_lead_config()).save_pretrained(folder)
    steps = [{"name": "pick_lead"}, {"name": "resample", "method": "polyphase"}, {"name": "crop"}, {"name": "pad"}]
    extractor = ECGFeatureExtractor(sampling_rate=100, num_samples=100, leads=["I", "II", "MLII"], steps=steps)
    extractor.save_pretrained(folder)
    output = tmp_path / "emb.parquet"
    with pytest.raises(ValueError, match="say which by lead="):
        embed_records(records, str(folder), output, progress=False)
    embed_records(
        records, str(folder), output, EmbeddingOptions(lead="II", window="first"), overwrite=True, progress=False
    )
    found = table(output)
    assert found["lead_mask"].map(list).tolist() == [[True]] * 6
    wanted = direct(str(folder), found["path"][0], lead="II")
    np.testing.assert_allclose(found["embedding"][0], wanted[0], atol=1e-5)


def test_quality_is_named_by_window_and_lead(encoder, tmp_path):
    header = write_record(tmp_path, "record", seconds=6, rate=200)
    record = wfdb.rdrecord(str(header.with_suffix("")), physical=True)
    record.p_signal[200:400, 3] = 0
    folder = tmp_path / "flat"
    folder.mkdir()
    wfdb.wrsamp("record", 200, record.units, record.sig_name, record.p_signal, fmt=record.fmt, write_dir=str(folder))
    embed_records(folder, encoder, tmp_path / "emb.parquet", progress=False)
    found = table(tmp_path / "emb.parquet")
    assert [list(quality["flat"]) for quality in found["quality"]] == [[], ["aVR"], [], [], [], []]
    # windows of one second are too short for wander
    assert found["quality"][0]["wander"] is None
    assert not found["quality_passed"][1]


def test_the_command(records, encoder, tmp_path, monkeypatch, capsys):
    output = str(tmp_path / "emb.parquet")
    arguments = [str(records / "a.hea"), "--model", encoder, "--output", output, "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", ["embed", *arguments])
    runpy.run_module("hf_ecg.embed", run_name="__main__")
    assert "1 windows of 1 records" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["embed", *arguments, "--pooled", "--overwrite"])
    runpy.run_module("hf_ecg.embed", run_name="__main__")
    assert "1 windows of 1 records, a row each, and 1 rows of whole records" in capsys.readouterr().out
    with pytest.raises(SystemExit) as status:
        main(arguments)
    assert status.value.code == 1 and "is there already" in capsys.readouterr().err


def test_real_records(shared_data_dir, encoder, tmp_path):
    """Georgia, Chapman-Ningbo, CPSC (`.mat` of format 16+24), PTB-XL at both rates, half an hour of MIT-BIH."""
    names = ["cinc2021/E07500.hea", "cinc2021/JS20004.hea", "cpsc2018/A0001.hea", "mitdb/100.hea"]
    names += ["ptb-xl/records100/00000/00001_lr.hea"]
    present = [shared_data_dir / name for name in names if (shared_data_dir / name).is_file()]
    output = tmp_path / "emb.parquet"
    result = embed_records(present, encoder, output, EmbeddingOptions(window="first"), progress=False)
    assert result.records == len(present) == result.windows
    found = table(output)
    for _, row in found.iterrows():
        signals, fields = wfdb.rdsamp(row["path"].removesuffix(".hea"))
        window = signals.T[:, : round(fields["fs"])]
        alone = direct(encoder, window, sampling_rate=fields["fs"], leads=fields["sig_name"], units="mV")
        np.testing.assert_allclose(row["embedding"], alone[0], atol=1e-5)


def test_measurements_stand_beside_the_embeddings(encoder, tmp_path):
    ecg = simulate_ecg("sinus_rhythm", 250, 6, seed=2, heart_rate=75)
    write_wfdb(ecg, tmp_path / "made")
    options = EmbeddingOptions(window="recipe", measurements=True)
    result = embed_records(tmp_path / "made.hea", encoder, tmp_path / "emb.parquet", options, progress=False)
    (found,) = table(result.output)["measurements"]
    alone = hf_ecg.measure(tmp_path / "made.hea")
    assert found["heart_rate"] == pytest.approx(alone.heart_rate, abs=1e-3) and found["beats"] == len(alone.beats)
    assert set(VALUE_NAMES) <= set(found) and found["rhythm"] == "regular"
    assert any(doubt.startswith("cornell_product") for doubt in found["doubts"])


@pytest.mark.parametrize("options", [{}, {"crops": "max"}, {"projected": True}])
def test_a_row_for_the_whole_record(dual, tmp_path, options):
    """What the pipeline says of it, of windows with a gap and without, however the batches fall."""
    folder = tmp_path / "long"
    write_record(folder, "gap", seconds=7, missing=[(4, 5)])
    write_record(folder, "short", leads=["I", "II", "V2"])
    write_record(folder, "b", seconds=2.5, seed=1)
    given = EmbeddingOptions(pooled=True, batch_size=3, **options)
    result = embed_records(folder, dual, tmp_path / "emb.parquet", given, progress=False)
    found = table(result.output)
    assert (result.records, result.windows, result.pooled) == (3, 10, 3) and len(found) == 13
    whole, windows = found[found["window"].isna()], found[found["window"].notna()]
    assert set(whole["record_id"]) == {"gap", "short", "b"}
    embed = hf_ecg.pipeline("ecg-feature-extraction", dual)
    given = {"projected": True} if "projected" in options else {}
    for _, row in whole.iterrows():
        own = windows[windows["record_id"] == row["record_id"]]
        wanted = np.array(embed(row["path"], window="all", crops=options.get("crops", "mean"), **given))
        if "projected" in options:
            wanted /= np.linalg.norm(wanted)
        np.testing.assert_allclose(row["embedding"], wanted, atol=1e-5)
        assert (row["start_s"], row["stop_s"]) == (own["start_s"].min(), own["stop_s"].max())
        assert row["quality_passed"] == own["quality_passed"].all()
        assert list(row["lead_mask"]) == np.stack(own["lead_mask"]).any(0).tolist()
    if not options:
        facts = json.loads(pq.read_schema(result.output).metadata[METADATA_KEY])
        assert facts["pooled_rows"] == 3 and facts["windows"] == 10


def test_a_window_weighs_as_much_as_the_signal_that_it_holds():
    pools = PooledRows("mean", unit=False)
    row = dict.fromkeys(("record_id", "path", "model", "model_revision"), "a")
    row |= {"start_s": 0, "stop_s": 1, "lead_mask": [True], "quality_passed": True, "quality": {"flat": []}}
    for value, held in ((1.0, 30), (5.0, 10)):
        pools.add(0, row, torch.tensor([value]), held)
    assert pools.finished(0)[0] == [] and pools.finished(None)[1].tolist() == [[2.0]]
