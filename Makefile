# Each target creates the environment it needs (.venv, from constraints.txt) when it is absent or out of date.
PYTHON ?= python3
VENV ?= .venv
OUT ?= out/demo
CHECKED = hf_ecg dataset_scripts train tests
INSTALLED = $(VENV)/.installed

.PHONY: environment demo pretrained test style quality

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

environment: $(INSTALLED)

# Without DATA on simulated records: everything runs, nothing is learnt about ECGs. PTB-XL (CC BY 4.0) is at
# https://physionet.org/content/ptb-xl/1.0.3/: make demo DATA=path/to/ptb-xl [OUT=out/demo]
demo: $(INSTALLED)
	PYTHON=$(VENV)/bin/python train/demo.sh '$(or $(DATA),simulated)' '$(OUT)'

# The models inside the package, from DATA, a prepared corpus of PTB-XL; the same ones bit for bit on the same machine.
pretrained: $(INSTALLED)
	OMP_NUM_THREADS=1 $(VENV)/bin/python train/pretrained.py --data '$(DATA)' --output_dir '$(OUT)'

test: $(INSTALLED)
	$(VENV)/bin/python -m pytest -n 2 --dist worksteal

style: $(INSTALLED)
	$(VENV)/bin/ruff check --fix $(CHECKED)
	$(VENV)/bin/ruff format $(CHECKED)

quality: $(INSTALLED)
	$(VENV)/bin/ruff check $(CHECKED)
	$(VENV)/bin/ruff format --check $(CHECKED)
	$(VENV)/bin/mypy
