# Makefile - a thin front for Meson: make, make test, make bench, make man, make install,
# make check.
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

# The options in the manual page come from the program's own tables.
man: all
	tools/options-man $(BUILD)/cuddy <man/cuddy.1.scd >$(BUILD)/cuddy.1.scd
	mv $(BUILD)/cuddy.1.scd man/cuddy.1.scd

install: all
	meson install -C $(BUILD)

clean:
	rm -rf $(BUILD)

.PHONY: all test check bench man install clean
