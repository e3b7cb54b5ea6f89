"""Options as people write them."""

import click
import pytest

from hf_ecg.cli.options import OVERRIDES, Command, comma_separated, many


@pytest.fixture
def parsed():
    @click.command("x", cls=Command)
    @many("--model", required=True)
    @many("--strengths", type=float)
    @click.option("--output_dir")
    @click.option("--leads", callback=comma_separated)
    @click.option("--random", is_flag=True)
    @click.option("--one", is_flag=False, flag_value="random", type=click.Choice(["first", "random"]))
    @OVERRIDES
    def command(**given):
        return {name: value for name, value in given.items() if value not in (None, (), False)}

    return lambda line: command.main(line.split(), standalone_mode=False)


@pytest.mark.parametrize(
    "line, found",
    [
        ("--model a b c", {"model": ("a", "b", "c")}),
        ("--model a --random --model b c", {"model": ("a", "b", "c"), "random": True}),
        ("--model=a --random", {"model": ("a",), "random": True}),
        ("--model a run.seed=1 b=2", {"model": ("a",), "overrides": ("run.seed=1", "b=2")}),
        ("--model a task=file.yaml", {"model": ("a", "task=file.yaml")}),
        ("run.seed=1 --model a --output-dir o", {"model": ("a",), "output_dir": "o", "overrides": ("run.seed=1",)}),
        ("--model a --strengths 1e-3 1", {"model": ("a",), "strengths": (0.001, 1.0)}),
        ("--leads I,V1 --model a", {"model": ("a",), "leads": ["I", "V1"]}),
        ("--model a --one --random", {"model": ("a",), "one": "random", "random": True}),
        ("--one first --model a", {"model": ("a",), "one": "first"}),
        ("--model a -- --b", {"model": ("a",), "overrides": ("--b",)}),
        # a value is not an option, whatever it ends in
        ("--model a --output_dir o.json", {"model": ("a",), "output_dir": "o.json"}),
    ],
)
def test_options_as_people_write_them(parsed, line, found):
    assert parsed(line) == found


@pytest.mark.parametrize("line", ["", "--model", "--model --random", "--model a --strengths many", "--model a --oen"])
def test_mistakes(parsed, line):
    with pytest.raises(click.UsageError):
        parsed(line)
