"""FG-CLEP's three stages from the command line, and what happens when they are stopped between two of them."""

import numpy as np
import pytest
import yaml
from accelerate.state import AcceleratorState

from hf_ecg import ECGTextModel
from hf_ecg.data.corpus import load_corpus
from hf_ecg.enrichment.proposals.proposer_section import ProposerSection
from hf_ecg.evaluation.protocol import read_training_facts
from hf_ecg.signals.delineation import Measurements
from hf_ecg.studies.fg_clep import stages as stages_module
from hf_ecg.studies.fg_clep.stages_spec import VerificationSection, load_stages, load_stages_run
from tests.enrichment.verification import made
from tests.evaluation.tiny import load_script
from tests.studies.fg_clep import stage_files
from tests.training_fixtures import empty_datasets_cache, fresh_accelerate_state  # noqa: F401


@pytest.fixture(scope="module")
def script(repository):
    return load_script(repository, "fg_clep")


@pytest.fixture(scope="module")
def work(tmp_path_factory, empty_datasets_cache):  # noqa: F811
    return stage_files.write(tmp_path_factory.mktemp("stages"))


def command(work, *more) -> list[str]:
    folders = ["--data", str(work / "corpus"), "--config", made.CONFIG, "--output_dir", str(work / "OUT")]
    return ["--stages", str(work / "stages.yaml"), *folders, "--train_folds", "1-7", "--validation_folds", "8", *more]


def stopped(*arguments, **options):
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def begun(script, work):
    """OUT, left while the second stage verified."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages_module, "verify", stopped)
        with pytest.raises(KeyboardInterrupt):
            script.main(command(work))


def test_stopped_between_stages_the_same_command_goes_on(script, work, begun, monkeypatch, capsys):
    assert not (work / "OUT/corpus").exists() and (work / "OUT/clep/training_run.json").is_file()
    before = (work / "OUT/clep/model.safetensors").stat().st_mtime_ns
    AcceleratorState._reset_state(reset_partial_state=True)
    folder = script.main(command(work))
    assert "stage 1 of 3, CLEP: done before" in capsys.readouterr().err
    assert (work / "OUT/clep/model.safetensors").stat().st_mtime_ns == before

    rows = load_corpus(work / "OUT/corpus")
    assert {"augmented_report", "waveform_features"} <= set(rows.column_names)
    facts = read_training_facts(folder).sources[0]
    assert facts.text_column == "augmented_report" and facts.train_folds == tuple(range(1, 8))
    assert facts.withhold == "form, of 0.33 of the patients, seed 0"
    assert "withheld from the texts of some patients (form, of 0.33" in (folder / "README.md").read_text()
    # no judge saw what it judges, and none saw the folds of the evaluation
    judges = [read_training_facts(path).sources[0] for path in (work / "OUT/judges").iterdir()]
    assert len(judges) == 2 and not set(judges[0].train_folds) & set(judges[1].train_folds)
    assert not {9, 10} & {fold for entry in judges for fold in (*entry.train_folds, *entry.validation_folds)}
    first, last = (ECGTextModel.from_pretrained(path).config.to_dict() for path in (work / "OUT/clep", folder))
    assert {key for key in first if first[key] != last[key]} <= {"_name_or_path"}

    # done: nothing is trained or asked again
    monkeypatch.setattr(stages_module, "verify", stopped)
    monkeypatch.setattr("hf_ecg.training.prior_runs.pretrain", stopped)
    assert script.main(command(work)) == folder


@pytest.mark.parametrize(
    ("overrides", "error", "message"),
    [
        (["proposer.name=oracle"], ValueError, "the proposer is 'oracle'"),
        (["proposer.name=endpoint", "proposer.model=m"], ValueError, "endpoint needs a model and a base_url"),
        (["proposer.name=local", "proposer.model=/nowhere/model.gguf"], (OSError, ValueError), "gguf"),
    ],
)
def test_a_proposer_that_cannot_be_is_refused_before_the_first_stage(
    script, work, tmp_path, overrides, error, message
):
    with pytest.raises(error, match=message):
        script.main([*command(work), "--output_dir", str(tmp_path / "OUT"), *overrides])
    assert not (tmp_path / "OUT").exists()


def test_a_folder_of_an_earlier_version_is_bound_to_the_rows_that_it_goes_on_with(tmp_path, caplog):
    path, settings = tmp_path / "settings.json", {"proposer": {}, "verification": {}, "rows": "these"}
    usual = {"proposer": ProposerSection(), "verification": VerificationSection()}
    settings |= {key: stages_module._of_consequence(section) for key, section in usual.items()}
    path.write_text("{}")
    stages_module._check_settings(path, settings)
    assert "does not say on which rows it was begun" in caplog.text
    with pytest.raises(ValueError, match=r"other settings of \['rows'\]"):
        stages_module._check_settings(path, settings | {"rows": "others"})


def test_other_settings_want_another_folder(script, work, begun):
    with pytest.raises(ValueError, match=r"begun with other settings of \['verification'\]"):
        script.main(command(work, "verification.target_precision=0.5"))
    with pytest.raises(ValueError, match="cannot resume the run in .*clep"):
        script.main(command(work, "--first", "optimizer.lr=0.5"))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["proposer.nam=table"], "unknown key proposer.nam .did you mean 'name'"),
        (["verification.verifier=clep"], "verification.verifier is 'clep'"),
        (["third=5"], "third is 5"),
    ],
)
def test_a_file_of_stages_is_strict(work, overrides, message):
    with pytest.raises(ValueError, match=message):
        load_stages(work / "stages.yaml", overrides)


def test_a_third_stage_on_the_first_text_is_refused(script, work):
    with pytest.raises(ValueError, match="data.columns.text=text and on no feature"):
        script.main(command(work, "--third", "data.columns.text=text"))


TRUTH = ["data.columns.text=text", "data.columns.true_texts=true_features", "data.columns.false_texts=false_features"]
TRUTH = [word for one in [*TRUTH, "model.config.num_text_kinds=2"] for word in ("--third", one)]


def test_a_third_stage_learns_features_as_texts_of_their_own(script, work, tmp_path, monkeypatch):
    def measure(signal, rate, leads):
        return Measurements("signal", pr_ms=250.0 if np.abs(signal[0]).max() > 1.5 else 150.0)

    monkeypatch.setattr("hf_ecg.signals.delineation.measure_ecg", measure)
    out = ["--output_dir", str(tmp_path / "OUT"), "verification.verifier=[measured]"]
    folder = script.main([*command(work), *out, *TRUTH])
    facts = read_training_facts(folder)
    assert facts.sources[0].features == "columns true_features and false_features"
    assert made.LONG_PR in facts.trained_texts and "normal PR interval (120 to 200 ms)" in facts.trained_texts
    assert ECGTextModel.from_pretrained(folder).config.num_text_kinds == 2
    # what no rule can decide here, such as a QRS that was not measured, is not asked
    assert made.ABSENT_P not in set(facts.trained_texts) - set(made.SENTENCES.values())


def test_features_without_one_that_is_false_are_refused(script, work, tmp_path):
    with pytest.raises(ValueError, match="never what is not; wanted 'measured'"):
        script.main([*command(work), "--output_dir", str(tmp_path / "OUT"), *TRUTH])


def test_appended_texts_are_a_choice(work, tmp_path):
    third = yaml.safe_load((work / "third.yaml").read_text())
    third["data"]["columns"] = {"true_texts": "true_features", "false_texts": "false_features"}
    third["model"]["config"] = {"num_text_kinds": 2}
    (tmp_path / "third.yaml").write_text(yaml.safe_dump(third))
    overrides = [f"third={tmp_path / 'third.yaml'}", "compat_appended_text=true"]
    run = load_stages_run(work / "stages.yaml", str(work / "corpus"), made.CONFIG, overrides=overrides)
    recipe = stages_module.third_recipe(run, work / "OUT/clep", work / "OUT/corpus")
    assert (recipe.data.columns.text, recipe.data.columns.true_texts) == ("augmented_report", None)
    assert recipe.model.config["num_text_kinds"] == 1


def test_the_first_stage_measures_the_texts_that_the_third_learns(repository, work):
    path = repository / "train/stages/fg_clep_ptb_xl.yaml"
    for given, found in (([], "features"), (["method.options.statistics_texts=training"], "training")):
        run = load_stages_run(path, str(work / "corpus"), made.CONFIG, first=given)
        assert run.first.method.options["statistics_texts"] == found
    recipe = stages_module.third_recipe(run, work / "OUT/clep", work / "OUT/corpus")
    assert recipe.data.columns.true_texts == "true_features" and recipe.model.config["num_text_kinds"] == 2


def test_the_stages_in_train_can_be_read(repository):
    paths = sorted((repository / "train/stages").glob("*.yaml"))
    assert paths
    for path in paths:
        stages = load_stages(path)
        assert (path.parent / stages.first).is_file() and (path.parent / stages.third).is_file()
