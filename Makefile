# Each target creates the environment it needs (.venv, from constraints.txt) when it is absent or out of date.
PYTHON ?= python3
VENV ?= .venv
OUT ?= out/demo
CHECKED = hf_ecg dataset_scripts train tests
INSTALLED = $(VENV)/.installed

.PHONY: environment demo test style quality

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

environment: $(INSTALLED)

demo:
ifndef DATA
	@echo "make demo needs DATA, a folder with PTB-XL in PhysioNet's own layout (ptbxl_database.csv, records100/):" >&2
	@echo "    make demo DATA=path/to/ptb-xl [OUT=$(OUT)]" >&2
	@echo "PTB-XL is at https://physionet.org/content/ptb-xl/1.0.3/ (CC BY 4.0)." >&2
	@exit 2
else
	$(MAKE) --no-print-directory environment
	PYTHON=$(VENV)/bin/python train/demo.sh '$(DATA)' '$(OUT)'
endif

test: $(INSTALLED)
	$(VENV)/bin/python -m pytest -n 2

style: $(INSTALLED)
	$(VENV)/bin/ruff check --fix $(CHECKED)
	$(VENV)/bin/ruff format $(CHECKED)

quality: $(INSTALLED)
	$(VENV)/bin/ruff check $(CHECKED)
	$(VENV)/bin/ruff format --check $(CHECKED)
