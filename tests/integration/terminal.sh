#!/bin/sh
# tests/integration/terminal.sh - the program on a real terminal (tmux), with a shell that knows jobs: keys,
# stops, sizes, modes, pipelines, ends; as TAP, as both.lib does.
#
# PARTS names the functions below that shall run (default: all), PATIENCE how many seconds it looks before it gives
# up (60).  What happens is awaited by looking at the screen, never by the clock: a test fails when what it waits
# for does not come at all.
unset TMUX

row() { # STATUS TITLE
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		screen | grep . | tail -n 15 | sed 's/^/# /'
	fi
}
t() { tmux -L cuddy-terminal -f /dev/null "$@"; }
screen() { t capture-pane -p -J -S -; }

# A new shell in the only pane, and nothing on the screen from before.
begin() {
	t respawn-pane -k "env PS1='out> ' PATH='$work/bin:$PATH' bash --norc --noprofile -i"
	t clear-history
	t resize-window -x 80 -y 24
	run 'stty sane; cd project'
	modes=$(sed -n 's/^modes //p' "$work/modes")
}
type() { t send-keys -l "$1"; t send-keys Enter; }
keys() { t send-keys "$@"; }

on_screen() { screen | grep -q -e "$1"; }
# must COMMAND…: waits until it succeeds; if it never does, that is a failure of its own.
must() {
	until_true "$patience" "$@" && return
	row 1 "waited for: $*"
	return 1
}
await() { must on_screen "$1"; }
# echoed WORD: by cat -n, that is; the terminals echo it too, perhaps into the same line.
echoed() { until_true "$patience" on_screen "[0-9]  *$1"; }
shows() { # TITLE PATTERN
	until_true "$patience" on_screen "$2"
	row $? "$1"
}
absent() { # TITLE PATTERN
	! screen | grep -q -e "$2"
	row $? "$1"
}

# The outer shell reads again.  (What is typed before is the program's, also if that is about to end.)  A job
# that goes on in the background may show the key behind the prompt that stopped it.
is_prompt() { screen | grep . | tail -n 1 | grep -q 'out>[ ^Z]*$'; }

# run COMMAND: types it into the outer shell, waits for its end; leaves $status and the modes of then.
run() {
	must is_prompt
	marks=$((marks + 1))
	type "$1; echo \"[\$?]\"$marks; echo modes \$(stty -g) >'$work/modes'; echo \"end\"$marks"
	await "^end$marks" || return 1
	status=$(screen | sed -n "s/^.*\\[\\([0-9]*\\)]$marks\$/\\1/p")
}
# ends TITLE STATUS COMMAND
ends() {
	run "$3"
	[ "$status" = "$2" ]
	row $? "status $2: $1"
}
# back TITLE: the shell has its terminal again, with the modes of the beginning.
back() {
	run true && [ -n "$modes" ] && [ "$(sed -n 's/^modes //p' "$work/modes")" = "$modes" ]
	row $? "$1"
}
# file TITLE NAME PATTERN: a file will have it.
file() {
	until_true "$patience" grep -q -s -e "$3" "$2"
	row $? "$1"
}

inside() {
	begin
	run "cuddy run sh -c 'tty; tty <&1; tty <&2; echo [\$(stty size)]; echo to-\$((1+1)) >/dev/tty'"
	screen | grep -c '^/dev/pts/0$' | grep -q '^3$'
	row $? "the three streams are /dev/pts/0 of the cage"
	shows "its size is that of the outer one" '^\[24 80\]'
	shows "/dev/tty is the terminal" '^to-2'
	run "cuddy run stty -g | sed s/^/inner-/"
	shows "what is asked through a pipe is answered too" "^inner-"
	run "cuddy run sh -c 'echo inner \$(stty -g)'"
	shows "its modes are those of the outer one" "^inner $modes"
	run "stat -Lc 'outer-%d' \$(tty)"
	outer=$(screen | sed -n 's/^outer-//p')
	run "cuddy run sh -c 'for f in /proc/self/fd/* /dev/tty; do stat -Lc device-%d \$f; done; stat -Lc device-%d /dev/pts/*'"
	absent "no descriptor leads to the outer terminal" "^device-$outer\$"
	shows "the look at them has worked" '^device-[0-9]'
	run "cuddy run python3 -c 'import fcntl, termios; fcntl.ioctl(0, termios.TIOCSTI, b\"x\")'"
	shows "TIOCSTI is refused" 'PermissionError'
	ends "standard input is /dev/null, output the terminal" 0 \
		"cuddy run sh -c 'test ! -t 0 && test -t 1 && test -t 2' </dev/null"
	ends "only standard error is the terminal" 0 \
		"true | cuddy run sh -c 'test ! -t 0 && test ! -t 1 && test -t 2 && echo good' | grep -q good"
	run "cuddy run sh -c 'ps -o pgid=,tpgid=,sid= -p \$\$'"
	shows "the program is the foreground group of init's session" '^ *\([2-9]\) *\1 *1$'
	run "cuddy run -p ./nopts.toml sh -c 'test -t 0 || test -t 1 || echo none-\$((1+1))'"
	shows "without the flag there is no terminal" '^none-2'
}

ctrl_keys() {
	begin
	type 'cuddy run bash --norc'
	await '^bash-'
	type 'sleep 1000'; must sleeps
	keys C-c
	type 'echo interrupted-$?'
	shows "Ctrl-C ends a job of a caged shell, not the shell" '^interrupted-130'
	type 'sleep 2000'; must sleeps
	keys C-z
	shows "Ctrl-Z stops a job of a caged shell" 'Stopped *sleep 2000'
	type 'jobs; fg'
	shows "fg continues it" '^sleep 2000'
	must sleeps
	keys C-c
	type 'echo over-$?'
	shows "and Ctrl-C ends it" '^over-130'
	t resize-window -x 101 -y 33
	type 'while test "$(stty size)" != "33 101"; do sleep 0.1; done; echo resized-$((1+1))'
	shows "a new size of the window arrives" '^resized-2'
	type 'suspend'
	shows "a caged shell that suspends itself gives the terminal back" 'Stopped *cuddy run bash'
	back "with its modes"
	type 'fg; echo "status"-$?'
	await 'fg; echo'
	type 'echo again-$((1+1))'
	shows "fg brings it back" '^again-2'
	keys C-d
	shows "Ctrl-D ends it" '^status-0'
	back "the modes are as before"
	run "cuddy run sh -c 'trap \"echo caught-\$((1+1)); exit 3\" INT; kill -INT \$\$; :'"
	shows "a program may catch the signal" '^caught-2'
}
# Until a sleep has the inner terminal: the caged shell makes it and gives it away.
sleeps() { ps -o tpgid=,pgid=,args= -e | awk '$3 == "sleep" && $1 == $2 { n++ } END { exit !n }'; }

direct() {
	begin
	type 'cuddy run cat -n'
	type 'first'
	echoed 'first'
	row $? "a program reads what is typed"
	keys C-z
	shows "Ctrl-Z stops it as a job of the outer shell" 'Stopped *cuddy run cat'
	back "which has its modes again"
	type 'fg'
	type 'second'
	echoed 'second'
	row $? "fg continues it, and it reads on"
	keys C-d
	back "Ctrl-D ends it"

	begin
	type "cuddy run sh -c 'read x; echo got-\$x; read x; echo got-\$x'"
	type 'one'
	await '^got-one'
	keys C-z
	await 'Stopped'
	type 'bg'
	run 'while ! jobs | grep -q Stopped; do sleep 0.1; done; echo stopped-$((1+1))'
	shows "in the background it stops when it reads" '^stopped-2'
	type 'fg'
	type 'two'
	shows "and goes on in the foreground" '^got-two'
	back "modes after that"

	begin
	type "sh -c 'cuddy run cat -n; echo the-end'"
	type 'first'
	echoed 'first'
	keys C-z
	shows "Ctrl-Z also stops the script around it" 'Stopped *sh -c'
	type 'fg'
	keys C-d
	shows "fg continues both" '^[ ^Z]*the-end'
	back "modes after the script"
}

background() {
	begin
	type 'cuddy run cat -n &'
	type ''
	await 'cuddy run cat -n'
	run 'while ! jobs | grep -q Stopped; do sleep 0.1; done; jobs'
	shows "started in the background it stops when it reads" '^\[1\].*Stopped *cuddy run cat'
	type 'fg'
	type 'typed'
	echoed 'typed'
	row $? "fg gives it the keyboard"
	keys C-d
	back "and back"
	run "cuddy run sh -c 'echo from-\$((1+1))' & wait"
	shows "output in the background is shown" '^from-2'
	run 'stty tostop'
	type "cuddy run sh -c 'echo later-\$((1+1))' &"
	run 'while ! jobs | grep -q Stopped; do sleep 0.1; done; jobs'
	shows "unless tostop forbids it" '^\[1\].*Stopped *cuddy run sh'
	absent "then it is not shown" '^later-2'
	type 'fg'
	shows "but in the foreground it is" '^later-2'
	run 'stty -tostop'
	run '(cuddy run --status-fd 3 cat <"$(tty)" 3>orphan &)'
	file "a reader that nobody can bring back is hung up" project/orphan '"signalled", "signal": 1,'
}

pipelines() {
	begin
	ends "2 MB through a pipeline, to the byte" 0 \
		'test $(seq 1 300000 | cuddy run cat | cksum | tr " " -) = $(seq 1 300000 | cksum | tr " " -)'
	ends "sorted, and cut off early" 0 'test "$(seq 1 300000 | cuddy run sort -n | head -n 1)" = 1'
	ends "who writes without end gets SIGPIPE" 0 'cuddy run yes | head -n 1 >/dev/null'
	ends "1 MB from a program with the terminal as input" 0 \
		'test $(cuddy run seq 1 200000 | wc -c) = 1288895'
	run 'cuddy run seq 1 1500'
	[ "$(screen | grep -c '^[0-9]*$')" -ge 1500 ] && screen | grep -q '^1500$'
	row $? "the last output arrives before the end"
	back "pipelines leave the modes"
	if ! command -v less >/dev/null; then
		row 0 "less # SKIP not here"
		return
	fi
	seq 1 1000 >project/numbers
	for line in 'cuddy run cat numbers | less' 'cat numbers | cuddy run less' 'cuddy run less numbers'; do
		begin
		type "$line"
		await '^\(:\|numbers\)$'
		keys G
		shows "$line: less gets the keys" '^1000'
		keys q
		back "$line: and ends"
	done
	begin
	type "cuddy run sh -c 'echo good-\$((1+1)); cat -n' | cat"
	await '^good-2'
	type 'asked'
	echoed 'asked'
	row $? "a program before a pipe gets the keyboard when it reads"
	keys C-c
	back "Ctrl-C ends that"
	type "cuddy run sh -c 'echo sleeps-\$((1+1)) >&2; sleep 1000' | cat"
	await 'sleeps-2'
	keys C-c
	back "and one that has not read"
	type "cuddy run sh -c 'echo sleeps-\$((2+1)) >&2; sleep 1000; echo woke >&2' | cat"
	await 'sleeps-3'
	keys C-z
	shows "Ctrl-Z stops it" 'Stopped'
	type 'fg'
	keys C-c
	back "fg and Ctrl-C end it"
}

statuses() {
	begin
	ends true 0 'cuddy run true'
	ends false 1 'cuddy run false'
	ends "time limit" 124 'cuddy run --timeout 1 sleep 1000'
	ends "refused" 125 'cuddy run -p no-such-profile true'
	ends "not executable" 126 'cuddy run ./nopts.toml'
	ends "not found" 127 'cuddy run no-such-program'
	ends "killed" 137 "cuddy run sh -c 'kill -KILL \$\$'"
	back "modes after all of them"
	for line in true false 'sh -c "exit 125"' 'sh -c "kill -9 \$\$"' no-such-program '-p no-such true'; do
		run "cuddy run --status-fd 3 $line 3>>events"
	done
	run 'cuddy run --status-fd 3 --timeout 1 sleep 1000 3>>events'
	sed 's/"pid": [0-9]*/"pid": N/' project/events >events
	cmp -s events - <<-'END'
	{"event": "started", "pid": N, "cage": "true"}
	{"event": "exited", "status": 0}
	{"event": "started", "pid": N, "cage": "false"}
	{"event": "exited", "status": 1}
	{"event": "started", "pid": N, "cage": "sh"}
	{"event": "exited", "status": 125}
	{"event": "started", "pid": N, "cage": "sh"}
	{"event": "signalled", "signal": 9, "status": 137}
	{"event": "failed", "code": "C403", "status": 127}
	{"event": "failed", "code": "C112", "status": 125}
	{"event": "started", "pid": N, "cage": "sleep"}
	{"event": "timeout", "code": "C405", "status": 124}
	END
	row $? "--status-fd tells them apart"
	for fd in 0 1 2 9 x 99999999999; do
		ends "--status-fd $fd" 125 "cuddy run --status-fd $fd true"
	done
	ends "--status-fd of a descriptor for reading" 125 "cuddy run --status-fd 3 true 3</dev/null"
	ends "nobody reads the events" 0 'cuddy run --status-fd 3 true 3> >(true)'
	run "cuddy run --status-fd 3 sh -c 'ls /proc/self/fd' 3>/dev/null | tr '\\n' -"
	shows "the cage does not have the descriptor" '^0-1-2-3-' # 3: ls's own
	absent "nor another" '^0-1-2-3-4'
}

# The pid of the cage's init, once it runs.
init_of() {
	file "$1" project/events '"started"'
	init=$(sed -n 's/.*"started", "pid": \([0-9]*\).*/\1/p' project/events)
}
ends_of_all_kinds() {
	for how in "TERM to cuddy" "HUP to cuddy" "KILL to init"; do
		begin
		: >project/events
		type 'cuddy run --status-fd 3 sleep 1000 3>events'
		init_of "$how: it has started"
		case $how in
		*init) kill -KILL "$init" ;;
		*) kill "-${how%% *}" "$(ps -o ppid= -p "$init" | tr -d ' ')" ;;
		esac
		back "$how: the modes are as before"
	done
	begin
	: >project/events
	type 'cuddy run --status-fd 3 sleep 1000 3>events'
	init_of "it has started"
	grep -q '^Seccomp:.*2$' "/proc/$init/status" && grep -q '^NoNewPrivs:.*1$' "/proc/$init/status"
	row $? "init has a filter and no new privileges"
	[ "$(stat -c %u "/proc/$init/fd")" = 0 ] # not dumpable: proc(5)
	row $? "init is not dumpable"
	keys C-c
	back "Ctrl-C ends it"

	begin
	rm -f project/hung
	type "cuddy run sh -c 'trap \"echo hung-up >hung; exit\" HUP; echo ready-\$((1+1)); while :; do sleep 0.1; done'"
	await '^ready-2'
	t respawn-pane -k 'sleep 1000'
	file "a terminal that goes away hangs the program up" project/hung hung-up
}

suite() {
	marks=0 patience=${PATIENCE:-60} TMUX_TMPDIR=$work
	export TMUX_TMPDIR
	mkdir -p "$work/bin" "$work/project"
	ln -s "$tree/build/cuddy" "$work/bin/cuddy"
	printf 'include = ["command-line"]\n[runtime]\ndeny-flags = ["terminal"]\n' >"$work/project/nopts.toml"
	cd "$work" || exit 1
	trap 't kill-server' EXIT
	trap 'exit 1' INT TERM HUP
	t new-session -d -x 80 -y 24 'sleep 1000'
	t set-option -g history-limit 50000
	t set-option -g remain-on-exit on
	for part in ${PARTS:-inside ctrl_keys direct background pipelines statuses ends_of_all_kinds}; do
		$part
	done
	t kill-server
	trap - EXIT
}

for tool in tmux bash ps python3; do
	command -v $tool >/dev/null || { echo "1..0 # SKIP there is no $tool"; exit 0; }
done
. "$(dirname "$0")/both.lib"
