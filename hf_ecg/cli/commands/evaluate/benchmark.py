"""The benchmark and its ablations."""

import os
from pathlib import Path

import click

from ...model_names import MODEL_NAME
from ...next_steps import after_report
from ...options import (
    ALLOW_TRAINING_FOLDS,
    BATCH_SIZE,
    CROPS,
    DEVICE,
    OVERRIDES,
    STRICT,
    as_command,
    folds_of_splits,
    intervals,
    many,
)
from ...outcomes import Ending
from ...reporting import COMPANIONS, forward_options, interval_options, split_folds, written
from ...words import BENCHMARK_PARTS, BENCHMARK_TASKS, STRENGTHS


@as_command("benchmark")
@many("--model", type=MODEL_NAME, help="Folders of dual encoders or encoders, the seeds of one model.")
@many("--data", required=True, help="Prepared corpora: folders or Hub ids.")
@many("--config", help="Configurations of the corpora, where one has several.")
@many("--tasks", metavar="TASK", help=f"Of {', '.join(BENCHMARK_TASKS)}.")
@many("--parts", type=click.Choice(BENCHMARK_PARTS), help="Default: all that the model can answer.")
@many("--prompts", help="statements (default), names, MERL's CKEPE_prompt.json, or TASK=FILE.yaml.")
@folds_of_splits("1-8", "9", "10")
@click.option(
    "--fractions", default="1,10,100", show_default=True, help="Percentages of training patients for the probe."
)
@many("--strengths", type=float, default=STRENGTHS, show_default=True, help="Values of C to try.")
@COMPANIONS
@ALLOW_TRAINING_FOLDS
@intervals("patient shares, random encoder and bootstrap")
@BATCH_SIZE
@CROPS
@DEVICE
@STRICT
@click.option("--output_dir", required=True, help="Folder of the figures.")
@click.option("--recipe", help="Recipe to train, in the place of --model: a name or a YAML file.")
@click.option("--stages", help="Or FG-CLEP's stages, of which the first of --data is enriched.")
@click.option("--seeds", default="0", show_default=True, help="Of the recipes, such as 0,1,2.")
@click.option(
    "--setting", multiple=True, metavar="KEY=A,B", help="Values to try; may be repeated, several make all pairs."
)
@OVERRIDES
def command(model, data, config, tasks, output_dir, recipe, stages, overrides, **given) -> Ending:
    """The benchmark of MERL and FG-CLEP: six tasks by prompts, by the ensemble of leads, and by linear probe.

    \b
    hf-ecg evaluate benchmark --model OUT0 OUT1 --data PTB_XL CPSC2018 CSN --random --supervised BCE0 BCE1 \\
        --output_dir BENCHMARK
    hf-ecg evaluate benchmark --recipe clep_ptb_xl --seeds 0,1,2 --setting model.config.mitigation_weight=0,0.5,1 \\
        --data PTB_XL --output_dir ABLATION data.sources.0.path=PTB_XL
    hf-ecg evaluate benchmark --stages fg_clep_ptb_xl --setting proposer.name=table,local \\
        --setting verification.target_precision=0.8,0.9 --data PTB_XL --output_dir ABLATION proposer.model=MODEL.gguf

    Several model folders are seeds of one model. A task whose corpus is not given is a row not run. BENCHMARK/ holds
    benchmark.json and benchmark.md (all tasks, published figures and which of them can be compared), a report for each
    corpus (ptb_xl.json, as a model card reads it) and parts/: what is there is not computed again. With --recipe or
    --stages, every setting is trained with every seed in a folder of its own under ABLATION/runs/, and
    ABLATION/ablation.json and ablation.md hold one table. Settings of stages change the file of stages; `first.`,
    `third.` and `both.` before a key change the recipes. What a setting does not concern, such as the first stage
    beside a threshold, is made once.
    """
    if sum(map(bool, (model, recipe, stages))) != 1:
        raise ValueError("wanted --model, --recipe or --stages, one of them")
    if model and (given["setting"] or overrides):
        changes = [*given["setting"], *overrides]
        raise ValueError(f"{changes} change a recipe, and there is no --recipe and no --stages")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # see pretrain
    from ....evaluation.benchmark.benchmark_run import run_benchmark
    from ....evaluation.benchmark.tasks import choose_tasks, open_corpora
    from ....evaluation.reports.short_summary import benchmark_summary
    from ....recipes_found import STAGES, find_recipe
    from ....studies.ablation import parse_seeds, plan_arms, recipe_plan, run_ablation
    from ....studies.fg_clep.stages import stages_plan

    asked, output = choose_tasks(list(tasks) or None), Path(output_dir)
    settings = _settings(given, asked)
    plan = None  # every mistake in a setting is told before the first step
    if recipe:
        plan = recipe_plan(find_recipe(recipe), list(overrides))
    elif stages:
        of_first = (data[0], output / "shared", list(overrides), config[0] if config else None)
        plan = stages_plan(find_recipe(stages, STAGES), *of_first)
    if plan is not None:
        arms = plan_arms(plan, list(given["setting"]), parse_seeds(given["seeds"]), output / "runs")
    corpora = open_corpora(list(data), list(config), settings.folds, asked, settings.forward.strict)
    options = {"supervised": list(given["supervised"]), "explicit_parts": bool(given["parts"])}
    if plan is None:
        summary = run_benchmark(list(model), corpora, asked, settings, output, **options)
        made = written(output / "benchmark.json")
        reports = [output / task["report"] for task in summary["tasks"] if "report" in task]
        following = after_report(model[0], reports[0]) if reports else []
        return Ending(summary, "\n".join(benchmark_summary(summary)), made, following)

    def judge(models: list[str], folder: Path) -> dict:
        return run_benchmark(models, corpora, asked, settings, folder, **options)

    summary = run_ablation(recipe or stages, arms, judge, output)
    lines = [text for arm in summary["arms"] for text in (f"== {arm['name']}", *benchmark_summary(arm))]
    made = [(output / "runs", "the models"), *written(output / "ablation.json")]
    return Ending(summary, "\n".join(lines), made)


def _settings(given: dict, tasks):
    from ....evaluation.benchmark.settings import BenchmarkSettings
    from ....evaluation.benchmark.tasks import parse_prompts
    from ....evaluation.judging.linear_probe import parse_percentages

    return BenchmarkSettings(
        folds=split_folds(given),
        parts=given["parts"] or BENCHMARK_PARTS,
        percentages=tuple(parse_percentages(given["fractions"])),
        strengths=given["strengths"],
        prompts=parse_prompts(list(given["prompts"]), tasks),
        random=given["random"],
        intervals=interval_options(given),
        forward=forward_options(given),
        allow_training_folds=given["allow_training_folds"],
    )
