"""From the training texts of a corpus to a file of proposed waveform features."""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from ...clinical.reports import ReportRules, duplicate_groups, refusal
from ...locks import output_lock
from ...progress import progress_bar
from .answer import parse_answer
from .asking import ANSWERED, CACHED, GIVEN_UP, MALFORMED, RETRIED, Patience, Proposer, ask
from .asking_process import ask_in_own_process
from .store import AnswerCache, answer_key, write_json, write_proposals

PROPOSALS, SUMMARY, ANSWERS = "proposals.jsonl", "proposals_summary.json", "answers.jsonl"


def propose(
    reports: Iterable[str | None],
    proposer: Proposer,
    output_dir,
    answers=None,
    patience: Patience | None = None,
    rules: ReportRules | None = None,
    limit: int | None = None,
    progress: bool = True,
) -> dict:
    """Asks a proposer about each distinct report once, and writes the features down.

    Writes `proposals.jsonl`, one object a distinct report that was answered (`report`, `features`, `malformed`,
    `problem`, `answer`), and `proposals_summary.json`. Stopped at any moment, even killed, it resumes.

    Args:
        reports: training texts, a record each; None and empty ones have nothing to ask about.
        proposer: see `asking.Proposer`.
        answers: file of kept answers, which several corpora and models may share; default: `answers.jsonl` in the
            output folder.
        patience: how many at a time, and how often again; default: `Patience()`.
        rules: which reports say too little to be worth a call, such as `REPORT_RULES["fg_clep"]`; default: none does.
        limit: ask about the first distinct reports only, to see what a prompt brings.
        progress: show a bar.

    Returns:
        The summary: counts of records, refused and distinct reports, answers that were kept, new answers, retries,
        malformed ones, and reports given up, which the next run asks about again. Refused reports and those given up
        are not in `proposals.jsonl`.

    Raises:
        ValueError: no report to ask about.
        OSError: the proposer does not answer any more, or a file cannot be written; answers that came are kept.

    Example:
        >>> import tempfile
        >>> from hf_ecg.enrichment.proposals.proposal_run import propose
        >>> from hf_ecg.enrichment.proposals.store import read_proposals
        >>> from hf_ecg.enrichment.proposals.table import TableProposer
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     summary = propose(["first degree AV block"] * 3, TableProposer(), folder, progress=False)
        ...     read_proposals(folder)["first degree AV block"]
        ['prolonged PR interval (over 200 ms)', 'P wave before every QRS complex']
    """
    with output_lock(output_dir):
        return _propose(reports, proposer, Path(output_dir), answers, patience or Patience(), rules, limit, progress)


def _propose(reports, proposer, output_dir: Path, answers, patience: Patience, rules, limit, progress) -> dict:
    answers = Path(answers) if answers is not None else output_dir / ANSWERS
    groups = duplicate_groups(reports)
    reasons = {report: refusal(report, rules) for report in groups} if rules else {}
    refused = Counter(reason for reason in reasons.values() if reason)
    distinct = [report for report in groups if not reasons.get(report)][:limit]
    if not distinct:
        raise ValueError(f"no reports to ask about: {len(groups)} distinct texts, refused: {dict(refused)}")
    records = sum(len(groups[report]) for report in distinct)
    started = time.monotonic()
    output_dir.mkdir(parents=True, exist_ok=True)
    told: Counter[str] = Counter()
    if getattr(proposer, "cost", "call") == "nothing":
        answered = ((report, proposer.answer(report)) for report in distinct)
    else:
        with _Bar(len(distinct), records, told, progress) as bar:
            if getattr(proposer, "cost", "call") == "compute":
                with AnswerCache(answers).writing() as cache:
                    ask(proposer, distinct, cache, patience, bar.tell)
            else:
                # a former run may be finishing its calls, none of which is longer than this
                wait_seconds = getattr(proposer, "timeout", 120.0) + 10
                ask_in_own_process(proposer, distinct, answers, patience, bar.tell, wait_seconds)
        answered = _kept_answers(proposer, distinct, answers)
    written = _Counted(answered)
    new = told[ANSWERED] + told[MALFORMED]
    write_proposals(output_dir / PROPOSALS, written)
    summary = {
        "proposer": proposer.name,
        "prompt": proposer.prompt,
        "records": records,
        "distinct": len(distinct),
        "distinct_refused": dict(refused),
        "kept_before": told[CACHED],
        "new_answers": new,
        "calls": new + told[GIVEN_UP] + told[RETRIED],
        "calls_saved": records - new - told[GIVEN_UP],
        "retries": told[RETRIED],
        "given_up": told[GIVEN_UP],
        **written.summary,
        "seconds": round(time.monotonic() - started, 1),
    }
    write_json(output_dir / SUMMARY, summary)
    return summary


def _kept_answers(proposer: Proposer, reports: list[str], answers: Path) -> Iterator[tuple[str, str]]:
    cache = AnswerCache(answers)
    keys = (answer_key(proposer.prompt, proposer.name, report) for report in reports)
    for report, answer in zip(reports, cache.answers(keys), strict=True):
        if answer is not None:
            yield report, answer


class _Counted:
    """Proposals from answers, counted while they pass."""

    def __init__(self, answered: Iterable[tuple[str, str]]):
        self.answered = answered
        self.counts: Counter[str] = Counter()
        self.features: Counter[str] = Counter()

    def __iter__(self) -> Iterator[dict]:
        for report, text in self.answered:
            answer = parse_answer(text)
            self.counts.update(answered=1, malformed=answer.malformed, without=not answer.features)
            self.features.update(answer.features)
            yield {
                "report": report,
                "features": list(answer.features),
                "malformed": answer.malformed,
                "problem": answer.problem,
                "answer": text,
            }

    @property
    def summary(self) -> dict:
        return {
            "answered": self.counts["answered"],
            "malformed": self.counts["malformed"],
            "without_features": self.counts["without"],
            "features": self.features.total(),
            "distinct_features": len(self.features),
        }


class _Bar:
    """A progress bar over distinct reports, which says what was saved and what went wrong."""

    def __init__(self, distinct: int, records: int, told: Counter, progress: bool):
        self.told, self.duplicates, self.lock = told, records - distinct, threading.Lock()
        self.bar = progress_bar(total=distinct, unit="report", desc="asking", disable=not progress)

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_) -> None:
        self.bar.close()

    def tell(self, kind: str) -> None:
        with self.lock:
            self.told[kind] += 1
            shown = {"saved": self.duplicates + self.told[CACHED]}
            shown |= {word: self.told[word] for word in (MALFORMED, RETRIED, GIVEN_UP) if self.told[word]}
            self.bar.set_postfix_str(", ".join(f"{word} {count}" for word, count in shown.items()), refresh=False)
            self.bar.update(kind != RETRIED)
