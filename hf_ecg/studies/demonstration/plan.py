"""What a demonstration makes, and whether it has been made: known without torch."""

import os
from dataclasses import dataclass
from pathlib import Path

from ...files import values_digest
from ...owned_folders import mark, read_marker

KIND = "demonstration"
RECORDS = 1500
TABLE = "ptbxl_database.csv"
# what the demonstration and PTB-XL both have statements of
_TASKS = ("superdiagnostic", "subdiagnostic", "form", "rhythm")


@dataclass(frozen=True)
class Plan:
    """One demonstration.

    Args:
        output: its folder.
        data: PTB-XL as PhysioNet ships it; None: simulated records.
    """

    output: Path
    data: Path | None = None

    @property
    def simulated(self) -> bool:
        return self.data is None

    @property
    def config(self) -> str:
        return "simulated_100hz" if self.simulated else "ptb_xl_100hz"

    @property
    def recipe(self) -> str:
        return "demo_simulated" if self.simulated else "demo"

    @property
    def prompts(self) -> list[str]:
        if self.simulated:
            return ["simulated_diagnostic", "simulated_form", "simulated_rhythm"]
        return [f"ptb_xl_{task}" for task in _TASKS]

    @property
    def label_sets(self) -> list[str]:
        return ["diagnostic", "form", "rhythm"] if self.simulated else list(_TASKS)

    @property
    def companion_epochs(self) -> int:
        return 5 if self.simulated else 8

    @property
    def page(self) -> Path:
        return self.output / "index.html"

    @property
    def corpus(self) -> Path:
        return self.output / "corpus"

    @property
    def model(self) -> Path:
        return self.output / "clep"

    @property
    def companion(self) -> Path:
        return self.output / "bce"

    def is_done(self) -> bool:
        """Whether the page is there, and is of this demonstration."""
        marker = read_marker(self.output)
        return self.page.is_file() and marker is not None and marker["id"] == self._identity()

    def begin(self) -> None:
        """Make the folder, or take the one that an interrupted demonstration left.

        Raises:
            OSError: the folder holds something else, or a demonstration on other records; no PTB-XL is in `data`.
        """
        if self.data is not None and not (self.data / TABLE).is_file():
            raise FileNotFoundError(f"{self.data} holds no {TABLE}, wanted the folder of PTB-XL as PhysioNet ships it")
        marker = read_marker(self.output)
        if marker is not None and marker["kind"] == KIND:
            if marker["id"] != self._identity():
                raise FileExistsError(f"{self.output} holds a demonstration on other records: choose another folder")
            return
        if self.corpus.exists() and not (self.corpus / self.config).exists():
            raise FileExistsError(f"{self.corpus} holds another corpus than {self.config}: choose another folder")
        self.output.mkdir(parents=True, exist_ok=True)
        mark(self.output, KIND, self._identity())

    def lines(self) -> list[str]:
        """What will happen: a heading, and a line for each step."""
        if self.simulated:
            records, time = f"{RECORDS:,} simulated records", "about 2 minutes on two free cores"
        else:
            records, time = f"the records of {self.data}", "a minute or two for 1,000 records on two free cores"
        return [
            f"A demonstration in six steps: {time}, 0.1 GB in {self.output}. Ctrl-C stops it, and the same command"
            " goes on.",
            "  1  an answer at once: a model inside the package reads the file of an ECG",
            f"  2  a corpus: {records}",
            "  3  a model is trained on ECGs and texts",
            "  4  another one is trained on labels, to compare",
            "  5  both are judged on records that they have not seen, beside an untrained one",
            f"  6  a page with all of it: {self.page}",
        ]

    def next_commands(self) -> list[str]:
        """What to try next, with a file of one's own."""
        return [
            "hf-ecg plot FILE --output ecg.png",
            'hf-ecg evaluate classify FILE --model ecg-text-small --prompts "sinus rhythm" "atrial fibrillation"',
            "hf-ecg embed FILE --model ecg-text-small --output embeddings.parquet",
        ]

    def _identity(self) -> str:
        place = None if self.data is None else os.path.realpath(self.data)
        return values_digest([place, self.config, self.recipe, RECORDS])
