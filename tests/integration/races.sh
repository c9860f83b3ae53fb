#!/bin/sh
# races.sh - somebody exchanges directories for links while cuddy works in them.  Nothing behind a link may be read,
# made, changed or removed; what is refused is refused.  ROUNDS of each command, 12 if not set.  TAP; as both.lib does.
suite_files='tests/integration/swapper.py'

data=.local/share/cuddy/cages
rounds=${ROUNDS:-12}

# The victim has a directory of each name that a link stands for, so that a path that is followed arrives.
make_victim() {
	rm -rf "$HOME/victim"
	mkdir -p "$HOME/victim/sub/deeper" "$HOME/victim/d/e" "$HOME/victim/upper/d/e"
	for name in secret sub/secret sub/deeper/secret d/secret d/e/f upper/d/e/f; do
		echo 'secret of the victim' >"$HOME/victim/$name"
	done
}
state() { (cd "$HOME/victim" && find . -printf '%p %y %m %s %T@ %C@\n' | sort); }
kept_victim() { [ "$before" = "$(state)" ]; }
told_nothing() { ! grep -rqs 'secret of the victim' "$@"; }

# race PLACE…: begins to exchange them.
race() {
	rm -f "$work/stop"
	before=$(state)
	: >"$work/swapped"
	python3 "$tree/tests/integration/swapper.py" "$work/stop" "$HOME/victim" "$@" >"$work/swapped" &
	swapper=$!
	until_true 20 test -s "$work/swapped"
}
end_race() {
	: >"$work/stop"
	wait "$swapper"
}

# count_of COMMAND…: runs it $rounds times; how often it went through, was refused, or did something else.
count_of() {
	well=0 refused=0 odd=0
	for i in $(seq "$rounds"); do
		"$tree/build/cuddy" "$@" >>"$work/said" 2>>"$work/errors" </dev/null
		case $? in
		0) well=$((well + 1)) ;;
		1 | 125) refused=$((refused + 1)) ;;
		*) odd=$((odd + 1)) ;;
		esac
	done
	echo "# $1: $well of $rounds went through, $refused were refused"
}
verdict() {
	same "$1: nothing but success and refusal" 0 "$odd"
	ok "$1: the victim is as it was" kept_victim
}

starts() {
	printf 'include = ["command-line"]\n[filesystem]\npersist = ["~/sub/deeper", "~/d"]\n' >"$work/kept.toml"
	cuddy run -p "$work/kept.toml" -n starts sh -c 'touch ~/sub/deeper/own ~/d/own'
	race "$HOME/$data/starts/home/sub" "$HOME/$data/starts/home/sub/deeper" "$HOME/$data/starts/home/d"
	count_of run -p "$work/kept.toml" -n starts sh -c 'cat ~/sub/deeper/secret ~/d/secret; echo x >~/sub/deeper/new; echo x >~/d/new; :'
	verdict start
	count_of run -p "$work/kept.toml" --template starts sh -c 'cat ~/sub/deeper/secret ~/d/secret; echo x >~/sub/deeper/new; :'
	verdict template
	end_race
	"$tree/build/cuddy" run -p "$work/kept.toml" -n starts sleep 1000 >/dev/null 2>&1 </dev/null &
	until_true 20 sh -c "'$tree/build/cuddy' ps | grep -q '^starts '"
	race "$HOME/$data/starts/home/sub" "$HOME/$data/starts/home/d"
	count_of exec starts -- sh -c 'cat ~/sub/deeper/secret ~/d/secret; :'
	verdict exec
	count_of run -p "$work/kept.toml" -n starts sh -c 'cat ~/sub/deeper/secret ~/d/secret; :'
	verdict join
	end_race
	"$tree/build/cuddy" stop --timeout 1 starts
	wait
	ok "no cage read a secret" told_nothing "$work/said"
}

# Nothing of the race before: what was a link when it was committed is one.
new_project() {
	cuddy rm --force commits
	rm -rf "$HOME/project"
	mkdir -p "$HOME/project/d/e" "$HOME/project/sub/deeper" "$HOME/project/n" "$HOME/project/gone"
	cuddy run -p "$work/cow.toml" -n commits sh -c "$change"
}

# The upper directory is the program's, the host's one somebody else's: both are exchanged.
commits() {
	printf 'include = ["command-line"]\n[filesystem]\ncopy-on-write = ["~/project"]\n' >"$work/cow.toml"
	change='cd ~/project; mkdir -p d/e sub/deeper n/e; for i in 1 2 3 4 5 6 7 8; do echo $$ >d/e/$i; echo $$ >sub/deeper/$i
		echo $$ >n/e/$i; done; rm -rf gone; :'
	for side in cage host; do
		new_project
		set -- "$HOME/$data"/commits/overlay/*/upper
		[ $side = cage ] || set -- "$HOME/project"
		race "$1/d" "$1/sub/deeper" "$1/sub" "$1/d/e" "$1/n"
		count_of changes --diff commits
		verdict "changes, $side"
		count_of commit --force commits
		verdict "commit, $side"
		end_race
		new_project
		race "$1/d" "$1/sub/deeper" "$1/sub" "$1/d/e" "$1/n"
		count_of discard commits
		verdict "discard, $side"
		end_race
		cuddy commit --force commits
		ok "then a commit goes through, $side" is_status 0
		ok "nothing temporary is left, $side" test -z "$(find "$HOME/project" -name '.cuddy-*')"
		ok "no secret came into the project, $side" told_nothing "$HOME/project" "$work/said"
	done
}

removals() {
	for i in $(seq "$rounds"); do
		mkdir -p "$HOME/$data/r$i/home/d/e/f" "$HOME/$data/r$i/home/sub/deeper/x"
		chmod 700 "$HOME/$data/r$i"
	done
	race "$HOME/$data"/r*/home/d "$HOME/$data"/r*/home/sub/deeper "$HOME/$data"/r*/home/d/e
	odd=0
	for i in $(seq "$rounds"); do
		cuddy rm --force "r$i"
		[ "$status" = 0 ] || [ "$status" = 125 ] || odd=$((odd + 1))
	done
	verdict rm
	count_of ps --all
	verdict 'ps --all'
	end_race
	"$tree/build/cuddy" rm --force $(cd "$HOME/$data" && ls -d r* 2>/dev/null) >/dev/null 2>&1
	ok "rm: then nothing is left" test -z "$(cd "$HOME/$data" && ls -d r* 2>/dev/null)"
}

# 10,000 directories in one another, and what a program can put into them.
deep_trees() {
	cat >"$work/cow.py" <<-'EOF'
		import os, sys
		os.makedirs(sys.argv[1])
		os.chdir(sys.argv[1])
		for _ in range(10000):
		    os.mkdir("d")
		    os.chdir("d")
		os.symlink("/", "link")
		os.mkfifo("pipe")
		open("a\nb\033[31m", "w").write("bottom")
		os.link("a\nb\033[31m", "hard")
	EOF
	python3 "$work/cow.py" "$HOME/$data/deep/home"
	chmod 700 "$HOME/$data/deep"
	cuddy ps --all
	ok "a tree of 10,000 levels is measured" says '^deep '
	cuddy run -n deep true
	ok "a cage starts with it" is_status 0
	cuddy run --template deep ls
	ok "and from it" is_status 0
	cuddy rm --force deep
	ok "and it is removed" test "$status" = 0 -a ! -e "$HOME/$data/deep"
	cuddy run -p "$work/cow.toml" -n dig --ro "$work/cow.py" python3 "$work/cow.py" "$HOME/project/deep"
	ok "a program makes one in its project" is_status 0
	cuddy changes dig
	ok "changes: what is too deep to be named is counted" complains 'C564'
	cuddy commit dig
	ok "10,000 levels are committed" is_status 0
	cuddy changes dig
	ok "whole" test ! -s "$work/out"
	cuddy rm --force dig
	mkdir -m 700 -p "$HOME/$data/away/home"
	chmod 700 "$HOME/$data/away"
	mv "$HOME/project/deep" "$HOME/$data/away/home/"
	cuddy rm --force away
	ok "and removed from where they came to" is_status 0
}

suite() {
	have python3 || { skip "races: no python3"; return; }
	mkdir -p "$HOME/$data"
	chmod 700 "$HOME/.local/share/cuddy" "$HOME/$data"
	make_victim
	mkdir "$HOME/here" && cd "$HOME/here" || return
	starts
	commits
	removals
	deep_trees
}

. "$(dirname "$0")/both.lib"
