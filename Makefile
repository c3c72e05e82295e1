# The one place of commands. `make help` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OBJECT := src/krsi/krsi.bpf.o
NATIVE := src/krsi/_native.abi3.so

# In this order, for bpftool 7.1: a map that is named before it is defined gets a wrong offset, and of a symbol of the
# kernel the object must come first that says so (compat.bpf.h).
PROGRAMS := $(filter-out bpf/lsm/maps.bpf.c bpf/lsm/oracle.bpf.c,$(sort $(wildcard bpf/lsm/*.bpf.c)))
PARTS := $(patsubst %,build/bpf/%.o,maps oracle) $(patsubst bpf/lsm/%.bpf.c,build/bpf/%.o,$(PROGRAMS))
CLANG ?= clang
CFLAGS_BPF := -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Wno-unused-parameter -Werror \
	-I/usr/include/$(shell uname -m)-linux-gnu -ffile-prefix-map=$(CURDIR)=.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -ec

KERNELS := 6.1 6.12 sid

.PHONY: help packages build wheel guest test lint native installed lab vm $(KERNELS:%=vm-%) demo bench clean
help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | column -ts '	'

# What Debian 12 must have: for the build, for tests of the build, for the lab.
PACKAGES := bpftool clang gcc libbpf-dev libc6-dev libelf-dev make python3-dev python3-venv \
	apparmor util-linux \
	e2fsprogs fakeroot git kmod lz4 mmdebstrap qemu-system-x86 uidmap vagrant vagrant-libvirt zstd

packages: ## Debian's packages that the rest needs; as root
	@lacking=$$({ dpkg-query -Wf '$${Package} $${db:Status-Abbrev}\n' $(PACKAGES) 2>/dev/null || true; } | \
		awk '$$2 == "ii" {print $$1}' | sort | comm -13 - <(printf '%s\n' $(PACKAGES) | sort)); \
	if [ -n "$$lacking" ]; then echo "installing" $$lacking; apt-get -qq update; \
		DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends $$lacking >/dev/null; fi

build: $(OBJECT) $(NATIVE) ## the BPF object and the native part, in place

build/bpf/%.o: bpf/lsm/%.bpf.c $(wildcard bpf/lsm/*.h)
	@mkdir -p $(@D)
	$(CLANG) $(CFLAGS_BPF) -c $< -o $@

$(OBJECT): $(PARTS)
	bpftool gen object $@ $^

$(NATIVE): $(wildcard src/krsi/native/*) setup.py | $(BIN)/python
	$(BIN)/python setup.py --quiet build_ext --inplace

SOURCES := $(shell find src/krsi -name '*.py' -o -name '*.[ch]' -path '*native*')

wheel: build/wheel/done ## the wheel, which carries libbpf and needs no compiler where it is installed

build/wheel/done: $(OBJECT) $(NATIVE) $(SOURCES) README.md
	rm -rf build/wheel build/lib build/bdist* build/linked
	$(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir build/linked .
	PATH="$(CURDIR)/$(BIN):$$PATH" auditwheel repair --wheel-dir build/wheel build/linked/*.whl >build/auditwheel.log 2>&1
	touch $@

# What the guest needs besides Debian's packages: krsi as it is installed, and pytest.
GUEST := build/guest/site

guest: $(GUEST)/done ## what the lab's guests need

$(GUEST)/done: build/wheel/done
	rm -rf $(GUEST)
	$(BIN)/pip install --quiet --target $(GUEST) --python-version 3.11 --implementation cp --only-binary=:all: \
		--platform manylinux_2_34_x86_64 --platform manylinux2014_x86_64 build/wheel/*.whl pytest==9.2.0
	sed -i '1s|^#!.*|#!/usr/bin/env python3|' $(GUEST)/bin/*  # the guest's own
	touch $@

# Two at a time: the machine's own tests beside a guest, and then guests.
test: packages ## all tests, on all kernels: half an hour on two cores; as root
	$(MAKE) --no-print-directory guest
	$(MAKE) --no-print-directory --jobs 2 lint native $(KERNELS:%=vm-%) installed lab
	@echo "all tests passed"

lint: build ## what ruff and mypy say
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --quiet --check
	$(BIN)/mypy --no-error-summary

native: build ## tests that need no guest; as root
	$(BIN)/python -m pytest --quiet tests/unit tests/property tests/golden tests/kernel 2>&1 | sed -u 's/^/native: /'

installed: wheel ## the wheel, installed where there is no compiler
	rm -rf build/installed
	$(PYTHON) -m venv build/installed
	build/installed/bin/pip install --quiet build/wheel/*.whl
	cd build && env -i PATH=/nowhere installed/bin/krsi check ../policies
	cd build && env -i PATH=/nowhere installed/bin/krsi test ../policies

lab: ## whether Vagrant understands the Vagrantfile
	cd vagrant && vagrant validate

vm: $(KERNELS:%=vm-%) ## the guest tests, on all kernels; `make vm-6.12` for one

$(KERNELS:%=vm-%): vm-%: guest
	vagrant/run -k $* --timeout 1800 --memory 3000 -- python3 -m pytest --quiet --durations=10 tests/vm 2>&1 | sed -u 's/^/$*: /'

# Kernels that the benchmark runs on, the one of the goals first.
BENCH_KERNELS ?= 6.12 sid

bench: guest ## what krsi costs beside AppArmor and Landlock, into bench/RESULTS.md: some minutes for each kernel
	@mkdir -p build/guest/bin
	$(CC) -static -O2 -Wall -Wextra -Werror -o build/guest/bin/measure bench/measure.c
	$(CC) -static -nostdlib -O2 -Wall -Wextra -Werror -o build/guest/bin/nothing bench/nothing.c
	for kernel in $(BENCH_KERNELS); do vagrant/run -k $$kernel --icount --timeout 3600 --out build/bench/$$kernel -- \
		python3 -m bench.cost /out/cost.json || exit; done
	$(BIN)/python -m bench.publish $(BENCH_KERNELS:%=build/bench/%/cost.json)

$(BIN)/python: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet setuptools==84.2.1 cffi==2.1.1
	$(BIN)/pip install --quiet --group dev 'PyYAML>=6.0.1,<7' 'msgspec>=0.19,<1' 'structlog>=25.1,<27'
	echo "$(CURDIR)/src" >"$$($@ -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/krsi.pth"
	touch $@

# nginx comes from Debian; the host's own krsi is the wheel, as it would be installed.
demo: packages ## nginx confined, step by step: on this kernel if it can do it, else in the lab; as root
	@echo "building krsi"
	@$(MAKE) --no-print-directory guest >/dev/null
	@if $(BIN)/python -m krsi doctor >/dev/null 2>&1; then \
		echo "this kernel enforces BPF LSM programs: the demonstration runs here"; \
		apt-get -qq install --yes --no-install-recommends nginx-light >/dev/null; \
		$(MAKE) --no-print-directory installed >/dev/null; \
		PATH="$(CURDIR)/build/installed/bin:$$PATH" python3 demo/nginx.py; \
	else \
		echo "this kernel does not enforce BPF LSM programs (krsi doctor says why): the demonstration runs in the lab"; \
		vagrant/run -k 6.12 -- python3 demo/nginx.py; \
	fi

clean: ## away with all that was made
	rm -rf build $(VENV) $(OBJECT) $(NATIVE) .mypy_cache .ruff_cache .pytest_cache .hypothesis
