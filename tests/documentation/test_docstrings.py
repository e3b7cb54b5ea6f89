"""The examples in docstrings run and print what they say, in the folder of `workspace.py`."""

import doctest
import importlib
import io
import shutil

import pytest

import hf_ecg
from hf_ecg import convert, embed, evaluation, losses, plotting, signals
from hf_ecg.data import corpus
from tests.conftest import REPOSITORY
from tests.documentation import shell
from tests.evaluation.tiny import write_corpus

# evaluate imports these by itself, from a copy; their examples are run below
_SCRIPTS = REPOSITORY / "hf_ecg" / "evaluation" / "metric_modules"
MODULES = sorted(
    ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")
    for path in (REPOSITORY / "hf_ecg").rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8") and path.parent.parent != _SCRIPTS
)
# What a first user meets: each has an example.
PUBLIC = [
    hf_ecg.ECGFeatureExtractor,
    hf_ecg.ECGTextProcessor,
    hf_ecg.ECGTextModel,
    hf_ecg.ECGResNetModel,
    signals.check_quality,
    signals.resample,
    signals.derive_limb_leads,
    losses.sigmoid_contrastive_loss,
    losses.softmax_contrastive_loss,
    losses.false_negative_mitigation_loss,
    convert.convert_checkpoint,
    plotting.plot_ecg,
    evaluation.per_class_metrics,
    evaluation.bootstrap_evaluation,
    evaluation.metric_path,
    embed.embed_records,
    corpus.load_corpus,
]
_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def failures(examples, folder) -> str:
    """What went wrong, as doctest says it."""
    written = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=_OPTIONS, verbose=False)
    with shell.work_in(folder):
        for example in examples:
            runner.run(example, out=written.write, clear_globs=False)
    return written.getvalue()


def expect_none(found: str) -> None:
    if found:
        pytest.fail(
            f"{found}\nFiles that an example names are made by tests/documentation/workspace.py.", pytrace=False
        )


@pytest.fixture(scope="module")
def made_corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("made") / "corpus", 40)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module(name, workspace, made_corpus):
    shutil.copytree(made_corpus, workspace / "corpus")
    examples = [test for test in doctest.DocTestFinder().find(importlib.import_module(name)) if test.examples]
    assert examples, f"{name} has >>> outside of docstrings of its own functions and classes"
    expect_none(failures(examples, workspace))


@pytest.mark.parametrize("thing", PUBLIC, ids=lambda thing: thing.__name__)
def test_what_a_first_user_meets_has_an_example(thing):
    examples = doctest.DocTestParser().get_examples(thing.__doc__)
    assert any(example.want for example in examples) or thing is plotting.plot_ecg


@pytest.mark.parametrize("name", ["macro_auroc", "macro_auprc", "patient_bootstrap"])
def test_the_example_of_a_metric_module(name, workspace, evaluate_offline):
    evaluate = pytest.importorskip("evaluate")
    text = evaluate.load(evaluation.metric_path(name)).inputs_description
    names = {"evaluate": evaluate, "hf_ecg": hf_ecg}
    expect_none(failures([doctest.DocTestParser().get_doctest(text, names, name, None, None)], workspace))
