"""What a check found, for a person."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .agreement import Agreement


@dataclass(frozen=True)
class CaseReport:
    """What one case gave at one seed.

    Args:
        folder: of the case.
        name: what it was checked as.
        seed: of weights and inputs.
        agreements: one for each array that was compared.
        after_reload: the same after `save_pretrained` and `from_pretrained`; empty where nothing was converted.
        inputs: stored arrays that were read as inputs.
        not_compared: stored array -> why nothing is compared with it.
        missed: stored arrays that nothing compares, reads or lists.
        problem: why the case could not be run.
    """

    folder: Path
    name: str
    seed: int
    agreements: tuple[Agreement, ...] = ()
    after_reload: tuple[Agreement, ...] = ()
    inputs: tuple[str, ...] = ()
    not_compared: Mapping[str, str] = field(default_factory=dict)
    missed: tuple[str, ...] = ()
    problem: str = ""

    @property
    def passes(self) -> bool:
        """Whether every stored array agrees, was an input, or is left out for a reason."""
        compared = (*self.agreements, *self.after_reload)
        return bool(self.agreements) and not self.missed and not self.problem and all(one.agrees for one in compared)


def as_lines(report: CaseReport) -> Iterator[str]:
    """A heading, a line for each stored array, and what came of all of them."""
    verdict = "passes" if report.passes else "FAILS"
    yield f"{report.folder}: {report.name}, seed {report.seed}: {verdict}"
    if report.problem:
        yield f"  {report.problem}"
        return
    yield f"  {'stored array':<40} {'absolute':>9} {'relative':>9}"
    yield from map(_line, report.agreements)
    yield from (f"  {name:<40} read as an input" for name in report.inputs)
    yield from (f"  {name:<40} FAILS: nothing compares it" for name in report.missed)
    yield from (f"  {name:<40} not compared: {reason}" for name, reason in sorted(report.not_compared.items()))
    if not report.after_reload:
        yield "  nothing was converted, so nothing was saved and loaded"
        return
    failed = [one for one in report.after_reload if not one.agrees]
    largest = max(one.relative for one in report.after_reload)
    number = f"{len(report.after_reload) - len(failed)} of {len(report.after_reload)} arrays agree"
    yield f"  after save_pretrained and from_pretrained: {number}, the largest relative difference is {largest:.1e}"
    yield from map(_line, failed)


def _line(one: Agreement) -> str:
    note = f" ({one.note})" if one.note else ""
    return f"  {one.name:<40} {one.absolute:9.1e} {one.relative:9.1e} {'passes' if one.agrees else 'FAILS'}{note}"
