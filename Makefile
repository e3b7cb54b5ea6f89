# Each target makes the environment first (.venv, from constraints.txt) when it is absent or out of date.
# PYTHON=python3.12 chooses the Python, TORCH=cpu or TORCH=cuda the build of torch (default: as the machine has a GPU).
PYTHON ?=
TORCH ?=
VENV ?= .venv
OUT ?= out/demo
CHECKED = hf_ecg dataset_scripts train tests

.PHONY: environment install demo pretrained test style quality docs

environment: install
	@echo 'ready: source $(VENV)/bin/activate'

install:
	@PYTHON='$(PYTHON)' TORCH='$(TORCH)' sh install.sh '$(VENV)'

# Without DATA it trains on simulated records: everything runs, nothing is learnt about ECGs. PTB-XL (CC BY 4.0) is at
# https://physionet.org/content/ptb-xl/1.0.3/: make demo DATA=path/to/ptb-xl [OUT=out/demo]
demo: install
	@$(VENV)/bin/hf-ecg tour $(if $(DATA),--data '$(DATA)') --output_dir '$(OUT)'
	@echo 'First: source $(VENV)/bin/activate'

# The models inside the package, from DATA, a prepared corpus of PTB-XL; the same ones bit for bit on the same machine.
pretrained: install
	OMP_NUM_THREADS=1 $(VENV)/bin/python train/pretrained.py --data '$(DATA)' --output_dir '$(OUT)'

# Whatever the shell says, bytecode is kept: two workers and all the Pythons that tests start would compile it again.
test: install
	PYTHONDONTWRITEBYTECODE= $(VENV)/bin/python -m pytest -n 2 --dist worksteal

style: install
	$(VENV)/bin/ruff check --fix $(CHECKED)
	$(VENV)/bin/ruff format $(CHECKED)

quality: install
	$(VENV)/bin/ruff check $(CHECKED)
	$(VENV)/bin/ruff format --check $(CHECKED)
	$(VENV)/bin/mypy

# The pages in docs/, to site/index.html; a warning (a dead link, a page that nothing leads to) is an error.
docs: install
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict --quiet
	@echo 'the pages: site/index.html'
