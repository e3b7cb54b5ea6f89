"""A small folder in PTB-XL's own layout, to be damaged at will."""

import csv
import shutil

import pytest


class SmallPTBXL:
    """Records of folds 3, 9 and 10; `rows` is the table, written by `save`."""

    def __init__(self, source, folder, records_a_fold: int = 4):
        self.folder, self.table = folder, folder / "ptbxl_database.csv"
        with open(source / self.table.name, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        picked = {fold: [row for row in rows if row["strat_fold"] == fold] for fold in ("3", "9", "10")}
        self.rows = [row for group in picked.values() for row in group[:records_a_fold]]
        for row in self.rows:
            for ending in (".hea", ".dat"):
                path = folder / (row["filename_lr"] + ending)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes((source / (row["filename_lr"] + ending)).read_bytes())
        shutil.copyfile(source / "scp_statements.csv", folder / "scp_statements.csv")
        self.save()

    def save(self):
        with open(self.table, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(self.rows[0]))
            writer.writeheader()
            writer.writerows(self.rows)

    def change(self, row: int = 0, **values):
        self.rows[row].update(values)
        self.save()

    def samples(self, row: int = 0):
        return self.folder / (self.rows[row]["filename_lr"] + ".dat")


@pytest.fixture
def small(ptb_xl_dir, tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    return SmallPTBXL(ptb_xl_dir, folder)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Prepared test corpora stay out of the user's cache."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
