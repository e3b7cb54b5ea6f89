"""Calls, time and memory of asking an endpoint about 10,000 reports, 70 % of which are duplicates.

    python tests/benchmarks/proposals.py [--reports 10000] [--duplicates 0.7] [--concurrency 32] [--seconds 0.05]

The endpoint is a server on loopback in a process of its own that waits `--seconds` before each answer. Beside it, in
the same run: the same command again, which finds every answer kept; and the time that the waits alone take.
"""

import argparse
import json
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from timing import machine

from hf_ecg.enrichment.proposals.asking import Patience
from hf_ecg.enrichment.proposals.endpoint import EndpointProposer
from hf_ecg.enrichment.proposals.proposal_run import propose
from tests.enrichment.llm_server import PROMPT, LanguageModelServer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=10_000)
    parser.add_argument("--duplicates", type=float, default=0.7)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=0.05, help="that the server takes for an answer")
    args = parser.parse_args()
    distinct = round(args.reports * (1 - args.duplicates))
    draw = random.Random(0)
    ending = "left axis deviation. " * 3
    texts = [f"sinus rhythm. report {number} of a made-up corpus. {ending}" for number in range(distinct)]
    reports = texts + draw.choices(texts, k=args.reports - distinct)
    draw.shuffle(reports)
    result = {"arguments": vars(args), "waits_alone_seconds": round(distinct * args.seconds / args.concurrency, 2)}
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(theirs, args.seconds), daemon=True)
    server.start()
    proposer = EndpointProposer(ours.recv(), "tiny", PROMPT)
    before = peak_megabytes()
    with tempfile.TemporaryDirectory() as folder:
        for turn in ("first", "again"):
            started, processor = time.perf_counter(), processor_seconds()
            summary = propose(reports, proposer, folder, patience=Patience(args.concurrency))
            seconds = round(time.perf_counter() - started, 2)
            counts = {name: summary[name] for name in ("records", "distinct", "calls", "calls_saved", "retries")}
            result[turn] = counts | {"seconds": seconds}
            result[turn]["processor_seconds"] = round(processor_seconds() - processor, 2)
        result["answers_megabytes"] = round((Path(folder) / "answers.jsonl").stat().st_size / 1e6, 2)
    ours.send("stop")
    result["calls_counted_by_the_server"], result["most_for_one_report"], result["most_at_once"] = ours.recv()
    result["peak_megabytes"] = {
        "before": before,
        "this process": peak_megabytes(),
        "asking process": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, 1),
    }
    print(json.dumps(result | {"machine": machine()}, indent=2))


def processor_seconds() -> float:
    """Of this process and of those that asked; the server is still running, so it is not among them."""
    usages = (resource.getrusage(kind) for kind in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def peak_megabytes() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def serve(pipe, seconds: float) -> None:
    with LanguageModelServer(seconds=seconds) as server:
        pipe.send(server.base_url)
        pipe.recv()
        pipe.send((sum(server.calls.values()), max(server.calls.values()), server.most_at_once))


if __name__ == "__main__":
    main()
