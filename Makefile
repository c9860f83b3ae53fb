# Makefile - a thin front for Meson: make, make test, make bench, make install, make check.
BUILD = build

all: $(BUILD)/build.ninja
	meson compile -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup $(BUILD)

test: all
	meson test -C $(BUILD) --print-errorlogs

check:
	./check

# BENCH_ARGS, BENCH_ROUNDS, BENCH_GATE: see bench/run.sh; PARTS="latency calls" runs only these.
bench: all
	bench/run.sh $(PARTS)

install: all
	meson install -C $(BUILD)

clean:
	rm -rf $(BUILD)

.PHONY: all test check bench install clean
