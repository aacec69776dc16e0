# The whole interface of the repository; each target gets what it needs by itself.

VENV := .venv
BIN := $(VENV)/bin
HOST_PACKAGES := frr gobgpd iproute2 iputils-ping nftables procps util-linux tcpdump tshark
TEST_PACKAGES := $(HOST_PACKAGES) charon-systemd libstrongswan-standard-plugins openssl strongswan-swanctl systemd
TESTS ?= tests
TEST_PROCESSES := 2
FUZZ_SECONDS := 60
CHAOS_MINUTES := 5
CHAOS_SEED :=

.DEFAULT_GOAL := help
.PHONY: help venv demo test fuzz chaos vm lint bench clean

help: ## what there is
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 8

venv: $(VENV)/.installed ## .venv with the evpn command and the test tools

demo: venv ## a lab of two VTEPs and an FRR route reflector: made, shown, removed
	@.ci/preflight demo $(HOST_PACKAGES)
	@$(BIN)/evpn lab demo quickstart

test: venv ## every test, or TESTS, in TEST_PROCESSES at a time; needs root
	@.ci/preflight test $(TEST_PACKAGES)
	@$(BIN)/python -m pytest -q --durations=10 --numprocesses=$(TEST_PROCESSES) --dist=loadfile --no-loadscope-reorder $(TESTS)

fuzz: venv ## whatever reads what others say, fed with mutations: FUZZ_SECONDS for each target of FUZZ_TARGETS (all)
	@$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS) $(FUZZ_TARGETS)

chaos: venv ## random faults on four VTEPs and two FRR reflectors for CHAOS_MINUTES; CHAOS_SEED=N has them again
	@.ci/preflight chaos $(HOST_PACKAGES)
	@$(BIN)/python -m tests.chaos --minutes $(CHAOS_MINUTES) $(if $(CHAOS_SEED),--seed $(CHAOS_SEED))

vm: venv ## ESP between two VTEPs, in a virtual machine with Debian's kernel; minutes; needs root
	@.ci/preflight vm $(TEST_PACKAGES) qemu-system-x86 kmod bsdutils
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check virtme-ng==1.42
	@PATH=$$PWD/$(BIN):$$PATH .ci/vm $(BIN)/python -m tests.vm.ipsec

lint: venv ## style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict evpn

bench: $(VENV)/.bench ## speed, beside FRR on the same machine, with plots in docs/bench; BENCH_ARGS=--full for all of it; needs root
	@.ci/preflight bench $(HOST_PACKAGES)
	@$(BIN)/python -m tests.bench --write docs/bench $(BENCH_ARGS)

clean: ## remove what the other targets have made here
	@rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .fuzz
	@find evpn tests -name __pycache__ -prune -exec rm -rf {} +

# exact versions first, then this package alone, in place
$(VENV)/.installed: $(VENV)/.locked pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.bench: .ci/bench-requirements.txt $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement .ci/bench-requirements.txt
	@touch $@

$(VENV)/.locked: .ci/requirements.txt
	@python=$$(.ci/find-python) && $$python -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement .ci/requirements.txt
	@touch $@
