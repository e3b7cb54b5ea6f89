import copy

import pytest
import yaml

from hf_ecg.training.recipe import load_recipe, parse_recipe

CONTENT = {
    "model": {"class": "ECGTextModel", "config": {"projection_dim": 8}},
    "processor": {"feature_extractor": {"sampling_rate": 100}},
    "data": {"sources": [{"path": "corpus", "folds": {"train": [1, 2], "validation": [3]}}]},
    "method": {"name": "text_pairs"},
    "optimizer": {"lr": 0.001},
    "run": {"epochs": 1, "batch_size": 4},
}


@pytest.fixture
def content():
    return copy.deepcopy(CONTENT)


@pytest.fixture
def recipe_file(tmp_path, content):
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_defaults_are_filled_in_and_the_resolved_recipe_reads_back_equal(recipe_file, tmp_path):
    recipe = load_recipe(recipe_file)
    assert recipe.schedule.name == "cosine" and recipe.run.seed == 0 and recipe.model.class_ == "ECGTextModel"
    recipe.save(tmp_path / "resolved.yaml")
    assert load_recipe(tmp_path / "resolved.yaml") == recipe
    assert yaml.safe_load((tmp_path / "resolved.yaml").read_text())["model"]["class"] == "ECGTextModel"


def test_overrides_reach_nested_and_absent_sections(recipe_file):
    recipe = load_recipe(
        recipe_file,
        [
            "data.sources.0.folds.train=[4, 5]",
            "optimizer.lr=3e-4",
            "schedule.name=linear",
            "model.config.ecg_config.depth=18",
        ],
    )
    assert recipe.data.sources[0].folds.train == [4, 5]
    assert recipe.optimizer.lr == 3e-4
    assert recipe.schedule.name == "linear"
    assert recipe.model.config == {"projection_dim": 8, "ecg_config": {"depth": 18}}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("run.epoch=3", "unknown key run.epoch .did you mean 'epochs'"),
        ("optimiser.lr=1", "unknown key optimiser .did you mean 'optimizer'"),
        (
            "data.sources.0.folds.validtion=[9]",
            "unknown key data.sources.0.folds.validtion .did you mean 'validation'",
        ),
        ("run.epochs=two", "run.epochs is 'two' .str., wanted int"),
        ("run.epochs=1.5", "run.epochs is 1.5 .float., wanted int"),
        ("run.epochs=true", "run.epochs is True"),
        ("run.mixed_precision=no", "quote it"),
        ("run.mixed_precision=fp8", "run.mixed_precision is 'fp8'"),
        ("optimizer.lr=fast", "optimizer.lr is 'fast' .str., wanted float"),
        ("data.sources.0.folds.train=[1, a]", "data.sources.0.folds.train.1 is 'a' .str., wanted int"),
        ("data.sources.0.folds.train=[3]", r"folds \[3\] are in both"),
        ("method.name=text_pair", "method.name is 'text_pair' .did you mean 'text_pairs'"),
        ("method.options.veiws=[]", "unknown key method.options.veiws .did you mean 'views'"),
        ("method.options.extra_texts=many", "method.options.extra_texts is 'many' .str., wanted int"),
        ("data.sources.0.weight=0", "weight is 0.0, wanted above 0"),
        ("data.sources.2.path=x", "data.sources is a list of 1, wanted a place from 0"),
        ("data.path=corpus", "data.path is from an earlier version: corpora are listed as `data.sources"),
        ("collator.name=ecg_text", "collator is from an earlier version: the section is now `method"),
        ("collator.normalise_after_views=true", "the step `.name: views.` .* replaces normalise_after_views"),
        ("optimizer.lr_factors={a: 1}", "optimizer.lr_factors is from an earlier version: .* `optimizer.groups"),
        ("run.tensorboard=true", "run.tensorboard is from an earlier version: it is now `run.log_with"),
        ("data.label_sets=[form, form]", r"data.label_sets is \['form', 'form'\]: one is named twice"),
        ("data.targets=[age, age]", r"data.targets is \['age', 'age'\]: one is named twice"),
        ("model.init_from=null", "model.init_from is None .NoneType., wanted dict$"),
        ("run.max_steps=x", "run.max_steps is 'x' .str., wanted int or null"),
        ("schedule.name=cosinus", "schedule.name is 'cosinus'"),
        ("run.epochs", "not of the form"),
        ("run.epochs.more=1", "run.epochs is a value, not a section"),
        ("run=3", "run is 3, wanted a mapping"),
        ("run.seed=!!python/object/apply:os.getpid []", "not plain YAML"),
    ],
)
def test_a_bad_override_names_the_key_and_what_was_wanted(recipe_file, override, message):
    with pytest.raises(ValueError, match=message):
        load_recipe(recipe_file, [override])


def test_a_missing_key_is_named(content):
    del content["optimizer"]["lr"]
    with pytest.raises(ValueError, match="optimizer.lr is missing"):
        parse_recipe(content)


@pytest.mark.parametrize("key", ["batch_size", "minimum"])
def test_a_validation_counts_from_one(content, key):
    content["validation"] = {"name": "loss", "metric": "loss", "greater_is_better": False, key: 0}
    with pytest.raises(ValueError, match=f"validation.{key} is 0, wanted at least 1"):
        parse_recipe(content)


def test_yaml_tags_are_refused(tmp_path):
    (tmp_path / "evil.yaml").write_text("model: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(ValueError, match="not plain YAML"):
        load_recipe(tmp_path / "evil.yaml")


def test_a_key_given_twice_is_refused(recipe_file):
    recipe_file.write_text(recipe_file.read_text() + "run: {epochs: 2, batch_size: 2}\n")
    with pytest.raises(ValueError, match="'run' is given twice"):
        load_recipe(recipe_file)


def test_a_file_that_is_no_mapping_is_refused(tmp_path):
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(ValueError, match="holds list"):
        load_recipe(tmp_path / "list.yaml")


def test_exponents_without_a_dot_are_numbers(recipe_file):
    recipe_file.write_text(recipe_file.read_text().replace("lr: 0.001", "lr: 1e-3"))
    assert load_recipe(recipe_file).optimizer.lr == 0.001
