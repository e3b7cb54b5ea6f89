"""YAML files of `train/` by name."""

import pytest

from hf_ecg.recipes_found import COMPARISONS, RECIPES, STAGES, find_recipe, recipe_names


@pytest.mark.parametrize("kind", [RECIPES, COMPARISONS, STAGES])
def test_every_file_is_found_by_its_name(repository, kind):
    folder = repository / "train" / kind
    names = sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml"))
    assert recipe_names(kind) == names
    assert [find_recipe(name, kind).resolve() for name in names] == [folder / f"{name}.yaml" for name in names]


def test_every_comparison_is_on_its_page(repository):
    page = (repository / "docs" / "how_to" / "compare.md").read_text(encoding="utf-8")
    assert not [name for name in recipe_names(COMPARISONS) if f"`{name}`" not in page]


def test_a_path_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo.yaml").write_text("mine: true")
    assert find_recipe("demo.yaml").read_text() == "mine: true"
    assert find_recipe(tmp_path / "demo.yaml") == tmp_path / "demo.yaml"
    for absent in ("absent.yaml", "folder/demo", tmp_path / "x.yml"):
        with pytest.raises(FileNotFoundError, match="is not there"):
            find_recipe(absent)


def test_an_unknown_name_tells_the_nearest_and_all():
    with pytest.raises(ValueError, match=r"among the recipes \(did you mean 'clep_ptb_xl'\?\), only .*, bce_ptb_xl, "):
        find_recipe("clep_ptbxl")
    with pytest.raises(ValueError, match="among the stages, only fg_clep, fg_clep_ptb_xl$"):
        find_recipe("zzz", STAGES)
