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

bench: all
	@if [ -x bench/run ]; then bench/run; else echo "there is no benchmark yet" >&2; exit 1; fi

install: all
	meson install -C $(BUILD)

clean:
	rm -rf $(BUILD)

.PHONY: all test check bench install clean
