"""Asks a proposer about reports, several at a time, with patience for an endpoint that fails now and then."""

import random
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from transformers.utils import logging

from .answer import MAX_CHARACTERS, parse_answer
from .store import AnswerCache, answer_key

logger = logging.get_logger(__name__)

LONGEST_RETRY_AFTER = 600.0  # an endpoint that asks for a day would stop the run for a day

# What is told to the caller while reports are asked about.
CACHED, ANSWERED, MALFORMED, RETRIED, GIVEN_UP = "cached", "answered", "malformed", "retried", "given_up"


class UnusableAnswer(ValueError):
    """The proposer answered, and it holds no text: kept as a malformed answer, it is not asked for again.

    Args:
        what: the thing that was sent, in words of our own: what a server wrote is not repeated here.
        again: it may have been an accident on the way, so it is asked for again as often as an error is.
        text: what can be made of it all the same; then this is kept as the answer, as if it had been one text.
    """

    def __init__(self, what: str, again: bool = False, text: str | None = None):
        super().__init__(what)
        self.again, self.text = again, text

    @property
    def kept(self) -> str:
        """What is kept in the place of an answer."""
        return f"(no answer but {self})"


class Proposer(Protocol):
    """Answers what waveform features a report implies.

    `name` and `prompt` are part of the key by which an answer is kept: what changes answers belongs in one of them.
    An attribute `cost` may say what an answer costs: "call" (a request to somebody else; the default), "compute" (work
    of this machine) or "nothing" (then it is not kept).
    """

    name: str
    prompt: str

    def answer(self, report: str) -> str:
        """The raw answer.

        Raises:
            OSError: no answer this time; asked again, after `retry_after` seconds if the error has that attribute.
            PermissionError, FileNotFoundError: no report will ever be answered (a wrong key, an unknown model).
            UnusableAnswer: there was an answer, without a text.
            ValueError: this report will never be answered.
        """


@dataclass(frozen=True)
class Patience:
    """How long a proposer is waited for.

    Args:
        concurrency: reports asked about at the same time.
        retries: times a report is asked about again before this run gives it up.
        first_wait: seconds before the first retry; they double each time, and a random part of them is waited.
        longest_wait: seconds at most before a retry. An endpoint that names a time (Retry-After) is left alone for as
            long as it wishes, ten minutes at most.
        stop_after: reports given up, or answered by what is not text, one after the other without an answer between
            them, after which the run stops.
    """

    concurrency: int = 8
    retries: int = 5
    first_wait: float = 1.0
    longest_wait: float = 60.0
    stop_after: int = 20

    def __post_init__(self):
        if self.concurrency < 1 or self.retries < 0 or self.stop_after < 1:
            raise ValueError(f"{self}, wanted concurrency and stop_after of at least 1, and no negative retries")
        if not 0 <= self.first_wait <= self.longest_wait:
            raise ValueError(f"{self}, wanted first_wait between 0 and longest_wait")

    def wait(self, attempt: int, retry_after: float | None, random_part: float) -> float:
        """Seconds to wait after the failed try `attempt` (0, 1, ...); `random_part` is between 0 and 1."""
        if retry_after is not None:
            return min(retry_after, LONGEST_RETRY_AFTER) + random_part * self.first_wait
        return random_part * min(self.first_wait * 2**attempt, self.longest_wait)


def ask(
    proposer: Proposer,
    reports: Iterable[str],
    cache: AnswerCache,
    patience: Patience,
    tell: Callable[[str], None],
    stop: threading.Event | None = None,
) -> None:
    """Asks about every report that the cache has no answer to, and writes each answer down before it counts.

    Args:
        reports: each of them once.
        cache: open for writing.
        tell: called with one of the words above for each report and retry, from any thread.
        stop: once set, what is under way is finished, and nothing else begun.

    Raises:
        OSError: none of `stop_after` reports in a row was answered, no report ever will be, or the answers cannot be
            written. Answers that came before are kept.
    """
    asker = _Asker(proposer, cache, patience, tell, stop or threading.Event())
    pending = asker.not_cached(reports)
    if getattr(proposer, "cost", "call") == "compute":
        asker.ask_in_batches(pending, getattr(proposer, "batch_size", 1))
    else:
        asker.ask_at_once(pending)


class _Asker:
    def __init__(self, proposer, cache, patience, tell, stop):
        self.proposer, self.cache, self.patience, self.tell, self.stop = proposer, cache, patience, tell, stop
        self.lock = threading.Lock()
        self.failed_in_a_row = 0

    def not_cached(self, reports: Iterable[str]) -> Iterator[str]:
        for report in reports:
            if self._key(report) in self.cache:
                self.tell(CACHED)
            else:
                yield report

    def ask_at_once(self, pending: Iterator[str]) -> None:
        with ThreadPoolExecutor(self.patience.concurrency) as pool:
            workers = [pool.submit(self._work, pending) for _ in range(self.patience.concurrency)]
        for worker in workers:
            worker.result()

    def ask_in_batches(self, pending: Iterator[str], size: int) -> None:
        batch: list[str] = []
        for report in pending:
            if self.stop.is_set():
                return
            batch.append(report)
            if len(batch) == size:
                self._ask_batch(batch)
                batch = []
        if batch:
            self._ask_batch(batch)

    def _ask_batch(self, batch: Sequence[str]) -> None:
        try:
            answers = self.proposer.answers(batch) if len(batch) > 1 else [self.proposer.answer(batch[0])]
        except ValueError as error:
            if len(batch) > 1:
                for report in batch:
                    self._ask_batch([report])
            else:
                self._give_up(batch[0], error)
            return
        for report, answer in zip(batch, answers, strict=True):
            self._keep(report, answer)

    def _work(self, pending: Iterator[str]) -> None:
        try:
            while not self.stop.is_set():
                with self.lock:
                    report = next(pending, None)
                if report is None:
                    return
                self._ask_patiently(report)
        except BaseException:
            self.stop.set()
            raise

    def _ask_patiently(self, report: str) -> None:
        for attempt in range(self.patience.retries + 1):
            try:
                answer = self.proposer.answer(report)
            except (PermissionError, FileNotFoundError):
                raise
            except (OSError, ValueError) as error:
                if isinstance(error, UnusableAnswer) and error.text is not None:
                    return self._keep(report, error.text)
                passing = error.again if isinstance(error, UnusableAnswer) else isinstance(error, OSError)
                if not passing or attempt == self.patience.retries:
                    return self._give_up(report, error)
                self.tell(RETRIED)
                if self.stop.wait(self.patience.wait(attempt, getattr(error, "retry_after", None), random.random())):
                    return None
            else:
                return self._keep(report, answer)
        return None

    def _keep(self, report: str, answer: str) -> None:
        answer = answer[: MAX_CHARACTERS + 1]  # enough to see that it was too long
        self.cache.append(self._key(report), self.proposer.name, report, answer)
        with self.lock:
            self.failed_in_a_row = 0
        self.tell(MALFORMED if parse_answer(answer).malformed else ANSWERED)

    def _give_up(self, report: str, error: Exception) -> None:
        logger.warning("no answer about the report %r: %s: %s", report[:60], type(error).__name__, error)
        if isinstance(error, UnusableAnswer):
            self.cache.append(self._key(report), self.proposer.name, report, error.kept)
            self.tell(MALFORMED)
        else:
            self.tell(GIVEN_UP)
        with self.lock:
            self.failed_in_a_row += 1
            enough = self.failed_in_a_row >= self.patience.stop_after
        if enough:
            raise OSError(
                f"none of the last {self.patience.stop_after} reports was answered by {self.proposer.name}; the last"
                f" error: {type(error).__name__}: {error}. Answers that came are kept: run the same command again"
            )

    def _key(self, report: str) -> str:
        return answer_key(self.proposer.prompt, self.proposer.name, report)
