# The few commands of tailrace. Each installs what is missing first (tools/setup), so each works on a fresh machine.
#
#   make build                the programs build/tailrace and build/sqlserver-sim
#   make demo                 the whole way on real data        KEEP=1 leaves it running, PLANT=1 shows that its
#                                                               check finds one changed row, DEMO_SMALL=1 is short
#   make test                 every test, also under sanitizers LONG=1 kills more often
#   make bench                measures against limits and peers QUICK=1 takes under 10 minutes; bench/run.py has more
#   make check                format, lint, layers, generated documents
#   make format               formats the sources
#   make clean                removes the build folders
#
# Ninja and CTest bring their own parallelism: JOBS=n limits it; make's own -j has nothing to do here.
SHELL := /bin/bash
.NOTPARALLEL:
.PHONY: build demo test bench check format clean setup
MAKEFLAGS += --no-print-directory

JOBS ?= $(shell nproc)
export JOBS KEEP PLANT DEMO_SMALL LONG QUICK WORKS WHO PART RUNS PROFILE
python := $$(tools/setup --venv)/bin/python

build: setup
	@cmake --preset release >build.log 2>&1 || { cat build.log; exit 1; }
	@rm -f build.log
	@env -u MAKEFLAGS -u MFLAGS ninja -C build -j$(JOBS) tailrace sqlserver-sim

demo: build
	@$(python) -m demo

test: setup
	@env -u MAKEFLAGS -u MFLAGS tools/run_tests.py

bench: build
	@env -u MAKEFLAGS -u MFLAGS ninja -C build -j$(JOBS) avro-bench event-bench producer-limit
	@tools/setup --bench
	@$$(tools/setup --bench-venv)/bin/python -m bench

check: setup
	@env -u MAKEFLAGS -u MFLAGS tools/check

format: setup
	@git ls-files '*.cpp' '*.h' | xargs -r clang-format-14 -i

clean:
	rm -rf build build-debug build-asan build-tsan

setup:
	@tools/setup
