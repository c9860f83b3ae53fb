#!/bin/sh
# tests/integration/cages.sh - cages with a name, a memory and a clean death: data, joining, ends of all kinds.

data=.local/share/cuddy/cages

# start NAME COMMAND…: in the background; returns when the cage answers.
start() {
	cage=$1; shift
	"$tree/build/cuddy" run -n "$cage" "$@" >"$work/$cage.out" 2>"$work/$cage.err" </dev/null &
	last=$!
	until_true 20 runs "$cage"
}
runs()      { "$tree/build/cuddy" ps 2>/dev/null | grep -q "^$1 "; }
is_gone()   { ! runs "$1"; }
stop_all()  { for each in "$@"; do "$tree/build/cuddy" stop --timeout 1 "$each" >/dev/null 2>&1; done; }
# One further call cleans up.
no_leftover() { "$tree/build/cuddy" ps >/dev/null; [ -z "$(ls -A "$runtime" 2>/dev/null)" ]; }
pid_space() { "$tree/build/cuddy" exec "$1" -- readlink /proc/self/ns/pid; }

names_and_data() {
	cuddy run -n one bash -c 'echo first >~/note; cat ~/note'
	ok "a cage has a home" says '^first$'
	cuddy run -n one bash -c 'cat ~/note'
	ok "and remembers it" says '^first$'
	ok "below the user's data" test -f "$HOME/$data/one/home/note"
	cat >"$work/sealed.toml" <<'END'
include = ["command-line"]
[filesystem]
temporary = ["/srv/empty"]
deny-write = ["/srv/empty/kept{,/,/**}", "~/kept{,/,/**}"]
END
	cuddy run -n sealed -p "$work/sealed.toml" -- sh -c 'touch /srv/empty/new && echo free
		touch /srv/empty/kept/new ~/kept/new; ls -A /srv/empty/kept ~/kept'
	ok "an empty place can be written" says '^free$'
	ok "but not where that is denied" not says '^new$'
	cuddy run -n other bash -c 'cat ~/note'
	ok "another name has another home" not says first
	ok "the user's own home is not there" not test -e "$HOME/note"
	for bad in '' . .. .x -x a/b 'a b' "$(printf '%065d' 0)"; do
		cuddy run --name="$bad" true
		ok "a bad name is refused: '$bad'" is_status 125
	done
	cuddy run bash -c 'echo $CUDDY_CAGE'
	ok "the program names the cage" says '^bash$'
	cuddy run -n one
	ok "a cage can be started by name alone" is_status 0
	ln -sf "$tree/build/cuddy" "$work/one"
	"$work/one" -c 'echo $CUDDY_CAGE; cat ~/note' >"$work/out" 2>"$work/err" </dev/null
	ok "and by a link of that name" says '^one$'
	ok "with its memory" says '^first$'
	ln -sf "$tree/build/cuddy" "$work/none-such"
	"$work/none-such" >"$work/out" 2>"$work/err" </dev/null; status=$?
	ok "a link of no name is refused" is_status 125
	printf 'include = ["command-line"]\ncommand = ["bash", "-c", "echo the command"]\n' >own.toml
	cuddy run -p ./own.toml
	ok "a profile's command runs when none is given" says '^the command$'
	printf 'include = ["command-line"]\n[filesystem]\npersist = ["~/kept"]\n' >part.toml
	cuddy run -p ./part.toml bash -c 'mkdir -p ~/kept; echo a >~/kept/a; echo b >~/b'
	cuddy run -p ./part.toml bash -c 'cat ~/kept/a; ls ~/b'
	ok "only the named paths persist when a profile names them" says '^a$'
	ok "the rest of the home does not" complains 'ls: cannot'
}

two_lives() {
	start home bash -c 'echo home >~/who; exec -a in-home sleep 1000' || echo "# not started"
	start work bash -c 'echo work >~/who; exec -a in-work sleep 1000' || echo "# not started"
	cuddy exec home -- bash -c 'cat ~/who; cat /proc/[0-9]*/cmdline | tr "\0" " "'
	ok "two lives of one program: each has its own files" says '^home$'
	ok "and does not see the other's processes" not says in-work
	same "their process spaces differ" different "$([ "$(pid_space home)" = "$(pid_space work)" ] || echo different)"
	stop_all home work
	ok "both end" is_gone home
	ok "both end, the other too" is_gone work
	cuddy run -n work cat .local/../who
	cuddy run -n work bash -c 'cat ~/who'
	ok "and remember after the restart" says '^work$'
}

joining() {
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		"$tree/build/cuddy" run -n many bash -c 'readlink /proc/self/ns/pid; sleep 2' >"$work/many.$i" 2>&1 </dev/null &
	done
	wait
	same "20 starts of one name at once: one cage, 20 processes" "20 1" \
		"$(cat "$work"/many.* | grep -c '^pid:') $(cat "$work"/many.* | sort -u | wc -l | tr -d ' ')"
	ok "nothing is left of it" no_leftover
	start long sleep 1000
	cuddy run -n long bash -c 'exit 7'
	ok "a joined program has its own exit status" is_status 7
	ok "the cage lives on" runs long
	cuddy run -n long --timeout 1 sleep 100
	ok "and its own time limit" is_status 124
	ok "which does not end the others" runs long
	cuddy run -n long sleep 0.1
	kill -KILL "$last"
	wait "$last" 2>/dev/null
	ok "the death of the only launcher ends the cage" until_true 20 is_gone long
	start long sleep 1000
	first=$last
	"$tree/build/cuddy" run -n long sleep 1001 </dev/null >/dev/null 2>&1 &
	second=$!
	until_true 20 sh -c "[ \$('$tree/build/cuddy' exec long -- cat /proc/[0-9]*/cmdline | tr '\0' '\n' | grep -c '^100[01]') = 2 ]"
	kill -KILL "$first"
	wait "$first" 2>/dev/null
	ok "the death of the first launcher ends its program" until_true 20 sh -c \
		"! '$tree/build/cuddy' exec long -- cat /proc/[0-9]*/cmdline | tr '\0' '\n' | grep -q '^1000$'"
	ok "but not the cage that another keeps" runs long
	kill -KILL "$second"
	wait "$second" 2>/dev/null
	ok "until that dies as well" until_true 20 is_gone long
}

changed_rights() {
	printf 'include = ["command-line"]\n' >change.toml
	"$tree/build/cuddy" run -p ./change.toml -n change sleep 1000 </dev/null >/dev/null 2>&1 &
	last=$!
	until_true 20 runs change
	printf 'include = ["command-line"]\n[filesystem]\ndeny = ["/usr/share/doc/**"]\nread-only = ["%s/extra/**"]\n' "$HOME" >change.toml
	cuddy run -p ./change.toml -n change true
	ok "other rights are not joined" is_status 125
	ok "what would widen is said" complains 'would widen: + allow file'
	ok "what would narrow is said" complains 'would narrow: + deny file'
	cuddy run -p ./change.toml -n change --new bash -c 'echo $CUDDY_CAGE'
	ok "--new starts another beside it" says '^change.2$'
	"$tree/build/cuddy" exec change -- bash -c 'echo first >~/whose; mkfifo ~/pipe' </dev/null
	cuddy run -p ./change.toml -n change --new bash -c 'cat ~/whose; ls ~/pipe; echo second >~/whose'
	ok "which has a home of its own" not says first
	ok "and says so" complains "this is 'change.2', with a home of its own"
	same "neither reaches the other's" "first second" "$(cat "$HOME/$data/change/home/whose" "$HOME/$data/change.2/home/whose" | xargs)"
	cuddy run -p ./change.toml -n change --new cat "$HOME/whose"
	ok "it remembers" says '^second$'
	cuddy run -p ./change.toml -n change --restart bash -c 'echo $CUDDY_CAGE'
	ok "--restart ends it and starts anew" says '^change$'
	wait "$last"
	same "the one that was ended knows by its status" 143 $?
	mkdir -p here there
	(cd here && exec "$tree/build/cuddy" run tail -f /dev/null) >/dev/null 2>&1 &
	last=$!
	until_true 20 runs tail
	(cd there && "$tree/build/cuddy" run tail -c 0 /dev/null) >"$work/out" 2>"$work/err"; status=$?
	ok "one program in two folders is no conflict" is_status 0
	stop_all tail
}

entering() {
	start enter sleep 1000
	cuddy exec enter -- bash -c 'exit 3'
	ok "exec passes the exit status on" is_status 3
	cuddy exec enter -- nothing-of-this-name
	ok "exec of what is not there: 127" is_status 127
	cuddy exec enter bash -c 'grep -E "^(Seccomp|NoNewPrivs|CapEff|CapBnd|CapPrm)" /proc/self/status; ulimit -u; ulimit -n; ulimit -c; umask; hostname'
	cp "$work/out" "$work/entered"
	cuddy run -n fresh bash -c 'grep -E "^(Seccomp|NoNewPrivs|CapEff|CapBnd|CapPrm)" /proc/self/status; ulimit -u; ulimit -n; ulimit -c; umask; hostname'
	same "exec gives the same filter, privileges and limits" "$(cat "$work/out")" "$(cat "$work/entered")"
	cuddy exec enter -- env
	sort "$work/out" | grep -v '^_=' >"$work/entered"
	LEAK=planted cuddy run -n enter env
	same "and the environment of the cage" "$(sort "$work/out" | grep -v '^_=')" "$(cat "$work/entered")"
	cuddy exec enter -- bash -c 'ls /proc/self/fd | wc -l'
	ok "no descriptor is left open" says '^4$'
	cuddy exec enter -- bash -c 'unshare -U true'
	ok "no user namespace can be made" not is_status 0
	echo 'echo from the shell; exit 5' | "$tree/build/cuddy" shell enter >"$work/out" 2>"$work/err"; status=$?
	ok "shell" says 'from the shell'
	same "and its status" 5 "$status"
	cuddy ps --json
	ok "ps --json is JSON" python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); assert [c for c in d if c["name"] == "enter" and c["state"] == "running" and c["pid"] > 1 and c["processes"] == 1 and c["profile"] == "command-line" and c["program"] == "sleep"]' "$work/out"
	cuddy list
	ok "list is ps" says '^enter '
	cuddy rm --force enter
	ok "a running cage is not removed" is_status 125
	cuddy stop enter
	ok "stop" is_status 0
	cuddy stop enter
	ok "what does not run cannot be stopped" is_status 125
	cuddy exec enter -- true
	ok "nor entered" complains 'C606'
	start deaf bash -c 'trap "" TERM; while :; do sleep 1; done'
	cuddy stop --timeout 1 deaf
	ok "what does not listen is killed" is_status 0
	ok "and gone" is_gone deaf
	cuddy ps --all
	ok "ps --all shows those at rest" says '^deaf .*resting'
	cuddy rm deaf
	ok "rm asks" is_status 125
	ok "and removes nothing without an answer" test -d "$HOME/$data/deaf"
	cuddy rm --force deaf
	ok "rm --force does not ask" is_status 0
	ok "and removes" not test -e "$HOME/$data/deaf"
	cuddy rm --force deaf
	ok "only once" is_status 125
}

ephemeral() {
	cuddy run -n gone --ephemeral bash -c 'echo x >~/x; cat ~/x; (sleep 1000 & ) ; exit 4'
	ok "an ephemeral cage has a home" says '^x$'
	same "and its own status" 4 "$status"
	ok "nothing of it is left" not test -e "$HOME/$data/gone"
	ok "nor of what outlived its program" is_gone gone
	ok "nor in the directory of running cages" no_leftover
	printf 'include = ["command-line"]\n[filesystem]\npersist = ["~/.x"]\n' >keep.toml
	cuddy run -p ./keep.toml --ephemeral bash -c 'touch ~/.x/a && echo made'
	ok "--ephemeral wins over persist" says made
	ok "and keeps nothing" not test -e "$HOME/$data/keep"
}

# Ten at once from what one keeps; nothing of them comes back to it.
templates() {
	cuddy run -n model bash -c 'echo model >~/f; mkdir -p ~/.config/app; echo c >~/.config/app/c; mkdir -m 0 ~/closed'
	before=$(cd "$HOME/$data/model" && find . -printf '%p %s %m %T@\n' | sort)
	for i in 1 2 3 4 5 6 7 8 9 10; do
		"$tree/build/cuddy" run --template model bash -c 'cat ~/f && echo '"$i"' >~/f && rm -r ~/.config/app &&
			touch ~/started && sleep 1 && cat ~/f && echo $CUDDY_CAGE' >"$work/copy.$i" 2>&1 </dev/null &
	done
	wait
	same "ten cages from one template at once: each has its files, and its own" "10 10 10" \
		"$(cat "$work"/copy.* | grep -c '^model$') $(cat "$work"/copy.* | grep -cE '^([1-9]|10)$') $(cat "$work"/copy.* | grep '^model\.' | sort -u | wc -l | tr -d ' ')"
	same "the template is what it was" "$before" "$(cd "$HOME/$data/model" && find . -printf '%p %s %m %T@\n' | sort)"
	ok "nothing is left of the copies" no_leftover
	same "nor kept" model "$(ls "$HOME/$data" | grep model)"
	cuddy run --template none-such true
	ok "an unknown template is refused" complains C608
	cuddy run --template ../model true
	ok "and what is no name" is_status 125
	start model sleep 1000
	cuddy run --template model true
	ok "and one that runs" complains C607
	stop_all model
	mkdir -p "$HOME/victim"
	cuddy run -n model bash -c 'rm -rf ~/.config ~/.cache; ln -s '"$HOME"'/victim ~/.config; ln -s / ~/.cache'
	cuddy run --template model true
	ok "a template with links in the way: refused or harmless" harmless
}

# What a caged program can leave in its data for the next start.
hostile_data() {
	mkdir -p "$HOME/victim"
	for what in 'rm -rf ~/.config; ln -s '"$HOME"'/victim ~/.config' 'rm -rf ~/.local; mkfifo ~/.local' \
		'rm -rf ~/.cache; ln -s /proc/self/root ~/.cache' 'rm -rf ~/.local; ln -s ../../.. ~/.local'; do
		cuddy run -n hostile bash -c "$what"
		cuddy run -n hostile true
		ok "left behind: $what: refused or harmless" harmless
		cuddy rm --force hostile
		ok "and can be removed" is_status 0
	done
	printf 'include = ["command-line"]\n[filesystem]\npersist = ["~/a/b"]\nread-write = ["%s/victim/**"]\n' "$HOME" >hostile.toml
	mkdir -p "$HOME/$data/hostile/home"
	ln -s "$HOME/victim" "$HOME/$data/hostile/home/a"
	cuddy run -p ./hostile.toml true
	ok "a link on the way to a kept directory is refused" complains 'C604'
	ok "nothing is made behind it" not test -e "$HOME/victim/b"
	cuddy run -n deep python3 -c 'import os
os.chdir(os.environ["HOME"])
for i in range(2000):
    os.mkdir("d"); os.chdir("d")
open("a\nb\033[31m", "w"); os.mkfifo("pipe"); os.mkdir("closed", 0)'
	ok "a program makes 2000 directories in one another" is_status 0
	cuddy ps --all
	ok "a deep tree can be measured" says '^deep '
	cuddy rm --force deep
	ok "and removed" is_status 0
	ok "whole" not test -e "$HOME/$data/deep"
}
harmless() { [ "$status" = 0 ] || [ "$status" = 125 ] && [ -z "$(ls -A "$HOME/victim")" ]; }

# What may be left of our cages, and of nobody else's: processes, those in a namespace where our files are
# mounted, mounts in this one, locks on our files.
processes()  { pgrep -f "^$tree/build/cuddy run"; }
inhabitants() { grep -ls "$work" /proc/[0-9]*/mountinfo; }
mounts()     { grep "$work" /proc/self/mountinfo; }
locks()      { find "$work" -printf ':%i \n' 2>/dev/null | grep -F -f - /proc/locks; }
none()       { [ -z "$("$1")" ]; }
some_of_each() { not none processes && not none inhabitants; }

many_cages() {
	for i in $(seq 100); do
		"$tree/build/cuddy" run -n "c$i" sleep 1000 </dev/null >/dev/null 2>&1 &
	done
	ok "they hold what we will look for" until_true 20 some_of_each
	ok "100 cages run" until_true 60 sh -c "[ \$('$tree/build/cuddy' ps | grep -c '^c[0-9]') = 100 ]"
	"$tree/build/cuddy" ps --json | python3 -c 'import json, sys
def fields(path):
    try: return {l.split(":")[0]: int(l.split()[1]) for l in open(path) if l.split()[2:] == ["kB"]}
    except OSError: return {}
def parent(pid): return int(open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[1])
def mean(file, what):
    sizes = [sum(fields("/proc/%d/%s" % (p, file)).get(what, 0) for p in (c["pid"], parent(c["pid"]))) for c in cages]
    return sum(sizes) / max(len(sizes), 1)
cages = json.load(sys.stdin)
print("# memory of a resting cage, its init and its launcher: %d kB anonymous, %s PSS (mean of %d)" % (mean("status", "RssAnon"),
      "%d kB" % mean("smaps_rollup", "Pss") if fields("/proc/%d/smaps_rollup" % cages[0]["pid"]) else "unknown", len(cages)))'
	bad=0
	for i in $(seq 100); do
		[ "$("$tree/build/cuddy" exec "c$i" -- printenv CUDDY_CAGE)" = "c$i" ] || bad=$((bad + 1))
	done
	same "each can be entered" 0 "$bad"
	stop_all $(seq -f 'c%g' 100)
	wait
	ok "all are gone" until_true 20 sh -c "! '$tree/build/cuddy' ps | grep -q '^c[0-9]'"
	ok "and leave no process" until_true 20 none processes
	ok "no namespace" until_true 20 none inhabitants
	ok "no mount" none mounts
	ok "no lock that is held" none locks
	ok "nor a directory of one" no_leftover
	"$tree/build/cuddy" rm --force $(seq -f 'c%g' 100) >"$work/out" 2>"$work/err"
	ok "100 are removed at once" test -z "$(ls "$HOME/$data" | grep '^c[0-9]')"
}

# kill -9 of whatever is there, at a moment that nobody chose.
random_kills() {
	bad=0
	for i in $(seq 60); do
		"$tree/build/cuddy" run -n crash bash -c 'echo $$ >>~/log; sleep 0.2' </dev/null >/dev/null 2>&1 &
		victim=$!
		sleep "0.0$((i % 10))$((i * 7 % 10))"
		kill -KILL "$victim" 2>/dev/null
		wait "$victim" 2>/dev/null
		[ $((i % 6)) = 0 ] || continue
		cuddy run -n crash bash -c 'echo fine'
		says '^fine$' || bad=$((bad + 1))
	done
	same "after kill -9 at any moment the next start works" 0 "$bad"
	ok "nothing runs any more" until_true 20 is_gone crash
	ok "nothing is left behind" no_leftover
}

# A user namespace with a limit of its own stands for a machine that allows none.
forbidden() {
	if ! unshare -Ur true 2>/dev/null; then
		skip "unshare"
		return
	fi
	unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' - \
		"$tree/build/cuddy" run -n forbidden bash -c 'echo it ran' >"$work/out" 2>"$work/err" </dev/null
	status=$?
	ok "no user namespaces: refused" is_status 125
	ok "no user namespaces: nothing ran" not says 'it ran'
	ok "no user namespaces: the setting is named" complains 'user.max_user_namespaces is 0'
	ok "nothing is left behind" no_leftover
}

suite() {
	runtime=$XDG_RUNTIME_DIR/cuddy
	names_and_data
	two_lives
	joining
	changed_rights
	entering
	ephemeral
	templates
	hostile_data
	many_cages
	random_kills
	forbidden
}

. "$(dirname "$0")/both.lib"
