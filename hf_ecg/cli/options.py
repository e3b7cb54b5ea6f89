"""What commands are made of: options of several words, and the options that many commands share."""

import inspect
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout

import click

from .late_names import moved
from .model_names import ModelName
from .outcomes import JSON, QUIET, Ending, tell
from .words import CROPS as CROP_WORDS
from .words import METRICS, MINIMUM_COUNT, REPLICATES, WINDOWS

OVERRIDE = re.compile(r"[A-Za-z_]\w*(\.\w+)+=")


class Many(click.Option):
    """An option of one or more words, `--model A B C`, or `--model A --model B --model C`."""

    def __init__(self, *names, **settings):
        super().__init__(*names, multiple=True, **settings)

    def make_metavar(self, ctx) -> str:
        word = super().make_metavar(ctx)
        return f"{word} [{'...' if len(word) > 12 else f'{word} ...'}]"


class Command(click.Command):
    """A command. Options are spelled as in the scripts, `--output_dir`; `--output-dir` is understood too.

    Its function is called when the options are understood, and returns an `Ending`.

    Args:
        light: see `as_command`.
    """

    def __init__(self, *arguments, light: bool = False, **settings):
        super().__init__(*arguments, **settings)
        self.light = light
        self.context_settings.setdefault("max_content_width", 110)
        self.params += [
            _switch(QUIET, "Write nothing but errors: no results, no bars, no notes."),
            _switch(JSON, "Write one JSON object to stdout at the end, and nothing else there."),
            _switch("--debug", "Show the traceback of a failure."),
        ]

    def format_help_text(self, ctx, formatter) -> None:
        """What the command does; the examples stand at the end."""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text("\n\n".join(text for text in self._paragraphs() if not _is_example(text)))

    def format_epilog(self, ctx, formatter) -> None:
        """The examples."""
        with formatter.section("Examples"):
            formatter.write_text("\n\n".join(filter(_is_example, self._paragraphs())))

    def _paragraphs(self) -> list[str]:
        return inspect.cleandoc(self.help or "").split("\n\n")

    def parse_args(self, ctx, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, self._one_word_each(ctx, args))
        except click.NoSuchOption as error:
            if told := moved(self.name or "", error.option_name):
                raise click.UsageError(f"{error.format_message().rstrip('.')}{told}", ctx=ctx) from error
            raise

    def invoke(self, ctx):
        """Runs the command and tells how it ended; what it returned is the result.

        Raises:
            EndsWith: it did what it could, and that was not all.
        """
        quiet, as_json = ctx.meta.get(QUIET, False), ctx.meta.get(JSON, False)
        with ExitStack() as stack:
            if quiet:
                stack.enter_context(redirect_stdout(stack.enter_context(open(os.devnull, "w"))))
            elif as_json:
                stack.enter_context(redirect_stdout(sys.stderr))
            if ctx.obj is not None:
                ctx.obj.path = ctx.command_path
                ctx.obj.resumes = any(param.name == "resume" for param in self.params)
            stack.enter_context(_bars(quiet, not self.light))
            for param in self.params:
                if isinstance(param.type, ModelName):
                    ctx.params[param.name] = param.type.found(ctx.params[param.name])
            ending = super().invoke(ctx)
        if not isinstance(ending, Ending):
            ending = Ending(ending)
        # with a problem the JSON object is written beside the sentence, where the program ends
        tell(ending, ctx.command_path, quiet or bool(ending.problem and as_json), as_json and not ending.problem)
        if ending.problem:
            raise EndsWith(ending.problem, ending.status, ending)
        return ending.result

    def _one_word_each(self, ctx, args: list[str]) -> list[str]:
        """`--model A B` as `--model A --model B`, and the documented spelling of every option."""
        known = {name: param for param in self.params for name in param.opts if name.startswith("--")}
        takes_overrides = any(param.name == "overrides" for param in self.params)
        others: list[str] = []
        several: dict[str, list[str]] = {}
        words = list(args)
        while words and words[0] != "--":
            word = words.pop(0)
            name, equals, value = word.partition("=")
            spelled = f"--{name[2:].replace('-', '_')}"
            if name.startswith("--") and name not in known and spelled in known:
                name = spelled
            if not isinstance(known.get(name), Many):
                others.append(name + equals + value)
                continue
            found = [name, value] if equals else []
            while not equals and words and not _ends_an_option(words[0], takes_overrides):
                found += [name, words.pop(0)]
            if not found:
                raise click.BadOptionUsage(name, f"Option {name!r} requires a word or more.", ctx=ctx)
            several.setdefault(known[name].name, []).extend(found)
        return [*others, *(word for found in several.values() for word in found), *words]


class EndsWith(click.ClickException):
    """The command did what it could: a sentence for stderr, a status of its own, and what it made nevertheless."""

    def __init__(self, message: str, status: int, ending: Ending | None = None):
        super().__init__(message)
        self.exit_code, self.ending = status, ending


@contextmanager
def _bars(quiet: bool, libraries: bool) -> Iterator[None]:
    """Bars of this package alone, or silence. Imported here: tqdm takes a tenth of a second."""
    from ..progress import silence, without_bars_of_others

    with silence(libraries) if quiet else without_bars_of_others(libraries):
        yield


def _switch(name: str, help: str) -> click.Option:
    """An option of every command, which its function does not see."""

    def note(ctx, param, given: bool) -> None:
        ctx.meta[name] = given

    return click.Option([name], is_flag=True, expose_value=False, callback=note, help=help)


def _is_example(paragraph: str) -> bool:
    return paragraph.startswith("\b\nhf-ecg ")


def _ends_an_option(word: str, takes_overrides: bool) -> bool:
    return word.startswith("--") or (takes_overrides and OVERRIDE.match(word) is not None)


def as_command(name: str, light: bool = False) -> Callable:
    """Decorator: a function as the command of its module, its docstring as its help.

    Args:
        light: it begins without transformers and datasets.
    """
    return click.command(name, cls=Command, light=light)


def many(*names, **settings) -> Callable:
    """Decorator: an option of one or more words."""
    return click.option(*names, cls=Many, **settings)


def options(*decorators: Callable) -> Callable:
    """Decorator: several of them as one, in the order in which help lists them."""

    def decorate(function):
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


def comma_separated(ctx, param, value: str | None) -> list[str] | None:
    """Callback of an option: "a, b" as ["a", "b"]."""
    return None if value is None else [name.strip() for name in value.split(",") if name.strip()]


def pairs(ctx, param, values: tuple[str, ...]) -> dict[str, str]:
    """Callback of an option that may be repeated: ("age=Years",) as {"age": "Years"}."""
    found: dict[str, str] = {}
    for value in values:
        name, _, meaning = (part.strip() for part in value.partition("="))
        if not (name and meaning) or name in found:
            raise click.BadParameter(f"{value!r} is not {param.metavar}, or names it twice", ctx=ctx, param=param)
        found[name] = meaning
    return found


def one_of_several(context, option, value: str | None) -> int | str | None:
    """A place from 0, or a name."""
    if value is None:
        return None
    return int(value) if value.isdecimal() else value.removeprefix("name=")


def renaming(ctx, param, values: tuple[str, ...]) -> dict[str | int, str] | None:
    """Callback of --rename: ("ECG1=II,ECG2=V1",) as {"ECG1": "II", "ECG2": "V1"}; a number is a channel's place."""
    found: dict[str | int, str] = {}
    for value in values:
        pairs = value.split(",")
        # a channel's own name may have a comma
        for pair in pairs if all("=" in pair for pair in pairs) else [value]:
            name, equals, lead = (part.strip() for part in pair.rpartition("="))
            if not (name and equals and lead):
                raise click.BadParameter(f"{pair!r} is not CHANNEL=LEAD, such as ECG=I", ctx=ctx, param=param)
            key = int(name) if name.isdecimal() else name
            if found.setdefault(key, lead) != lead:
                raise click.BadParameter(f"{name!r} is named twice, as {found[key]} and {lead}", ctx=ctx, param=param)
    return found or None


def told_of_patient(ctx, param, value: str | None) -> dict[str, float | str | None] | None:
    """Callback of --covariates: "age=61,sex=" as {"age": 61.0, "sex": None}."""
    if value is None:
        return None
    found: dict[str, float | str | None] = {}
    for pair in value.split(","):
        name, equals, told = (part.strip() for part in pair.partition("="))
        if not (name and equals):
            raise click.BadParameter(f"{pair!r} is not NAME=VALUE, such as age=61", ctx=ctx, param=param)
        try:
            found[name] = float(told) if told else None
        except ValueError:
            found[name] = told
    return found


# values of a recipe, at any place of the command line
OVERRIDES = click.argument("overrides", nargs=-1, metavar="[section.key=value ...]")
DATA = click.option("--data", required=True, help="Prepared corpus: a folder or a Hub id.")
CONFIG = click.option("--config", help="Configuration of the corpus, such as ptb_xl_100hz.")
DEVICE = click.option("--device", help="cpu, cuda ... (default: the GPU when there is one).")
STRICT = click.option(
    "--strict", is_flag=True, help="Stop at the first row that cannot be used, instead of leaving it out."
)
CROPS = click.option(
    "--crops",
    type=click.Choice(CROP_WORDS),
    default=CROP_WORDS[0],
    show_default=True,
    help="Of a recipe with several crops: their mean, or the largest of each number.",
)
BATCH_SIZE = click.option("--batch_size", type=int, default=64, show_default=True, help="ECGs at a time.")
METRIC = click.option(
    "--metric", type=click.Choice(METRICS), help="What chooses on the validation folds, and is summed up (auroc)."
)
ALLOW_TRAINING_FOLDS = click.option(
    "--allow_training_folds", is_flag=True, help="Judge folds that the models were trained on."
)
BOOTSTRAP = click.option(
    "--bootstrap", type=int, default=REPLICATES, show_default=True, help="Bootstrap replicates, for the intervals."
)
MINIMUM = click.option(
    "--minimum",
    type=int,
    default=MINIMUM_COUNT,
    show_default=True,
    help="Positives and negatives that a class needs to count.",
)
RECORDINGS = click.option(
    "--recordings", help="Folder with bw, em and ma of the Noise Stress Test Database (default: simulated)."
)
NOISE_CORPORA = options(
    click.option("--cinc2017", help="Folder of the Challenge 2017: records and REFERENCE-v3.csv."),
    click.option("--mit_bih", help="Folder of the MIT-BIH Arrhythmia Database, to which noise is added."),
    RECORDINGS,
    click.option("--clean", help="A prepared corpus whose leads are taken as clean: the share called noisy."),
    CONFIG,
    click.option("--max_records", type=int, default=300, show_default=True, help="Of --clean, evenly spread."),
)
LEADS = click.option("--leads", callback=comma_separated, help="Leads to take of files, such as II,V1 (default: all).")
RENAME = click.option(
    "--rename",
    multiple=True,
    callback=renaming,
    metavar="CHANNEL=LEAD",
    help="Which lead a file's channel is, by its name or its place from 0, such as ECG=I; may be repeated.",
)
CHANNELS = options(LEADS, RENAME)
LEFT_OPEN = options(
    click.option("--sampling_rate", type=float, help="Hertz, of a file that does not say it."),
    click.option("--units", help="mV, uV, nV or V, of a file that does not say it."),
    click.option(
        "--record",
        callback=one_of_several,
        help="Which of several in the file: its place from 0, or its name; a number that is a name as name=22.",
    ),
)
WINDOW = click.option(
    "--window", type=click.Choice(WINDOWS), help="Of a long record: all windows, the first one, or by the recipe."
)
COVARIATES = click.option(
    "--covariates",
    callback=told_of_patient,
    metavar="NAME=VALUE,...",
    help="Of a classifier that is told more than the ECG, such as age=61,sex=female; nothing behind = is not known.",
)
RUN_FOLDER = options(
    click.option("--output_dir", required=True, help="Folder of the run, to be made."),
    click.option("--resume", type=click.Choice(["latest"]), help="Resume from the last checkpoint in the folder."),
    click.option("--overwrite", is_flag=True, help="Replace an earlier run in the folder."),
)


def folds_of_splits(train: str, validation: str, test: str) -> Callable:
    """Decorator: --train_folds, --validation_folds, --test_folds with these defaults."""
    return options(
        click.option("--train_folds", default=train, show_default=True, help="Folds to train on."),
        click.option(
            "--validation_folds",
            default=validation,
            show_default=True,
            help="Folds that choose the epoch or the strength.",
        ),
        click.option("--test_folds", default=test, show_default=True, help="Folds to judge, once."),
    )


def intervals(seed: str) -> Callable:
    """Decorator: --bootstrap, --minimum and --seed, which is of `seed`."""
    return options(
        BOOTSTRAP,
        MINIMUM,
        click.option("--seed", type=int, default=0, show_default=True, help=f"Seed of {seed}."),
    )
