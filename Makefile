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

.PHONY: help build wheel guest bench
help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | column -ts '	'

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
