#!/bin/sh
# tests/integration/installs.sh - cages as commands and entries of the menu; one program, two lives.

data=.local/share/cuddy/cages
apps=.local/share/applications

entry() { cat >"$HOME/$apps/sed.desktop"; }
field() { sed -n "s/^$1=//p" "$HOME/$apps/cuddy-$2.desktop" | head -n 1; }
valid() { ! have desktop-file-validate || desktop-file-validate --no-hints "$HOME/$apps/cuddy-$1.desktop" >"$work/out" 2>&1; }

# A small picture: one pixel.
picture() {
	printf '\211PNG\r\n\032\n\0\0\0\rIHDR\0\0\0\001\0\0\0\001\010\002\0\0\0\220wS\336\0\0\0\fIDATx\234c\370\317\300\0\0\003\001\001\0\311\376\222\357\0\0\0\0IEND\256B`\202'
}

installing() {
	mkdir -p "$HOME/$apps" "$HOME/.local/share/icons/hicolor/48x48/apps"
	picture >"$HOME/.local/share/icons/hicolor/48x48/apps/shell.png"
	entry <<-'END'
		[Desktop Entry]
		Type=Application
		Version=1.0
		Name=Shell
		Name[de]=Muschel
		Comment=A shell
		Exec=env A=b sed --rcfile "a \\$b \\"c" %U --x=50%% %d
		TryExec=sed
		Icon=shell
		Path=/etc
		MimeType=text/plain;text/html;
		Categories=Utility;TerminalEmulator;
		Actions=new;
		DBusActivatable=true
		X-KDE-SubstituteUID=true
		X-Evil=yes

		[Desktop Action new]
		Name=New
		Exec=sed --new %u

		[Desktop Action other]
		Name=Other
		Exec=sed --other
	END
	cuddy install sed --name shell-work --label 'Shell (work)' --profile command-line
	ok "install" is_status 0
	same "a link to this cuddy" "$tree/build/cuddy" "$(readlink "$HOME/.local/bin/shell-work")"
	ok "not in PATH: said" complains C655
	same "the label" 'Shell (work)' "$(field Name shell-work)"
	ok "no name in another language" not grep -q Muschel "$HOME/$apps/cuddy-shell-work.desktop"
	same "Exec goes through the link, arguments and field codes stay" \
		"$HOME/.local/bin/shell-work --rcfile \"a \\\\\$b \\\\\"c\" %U --x=50%%" "$(field Exec shell-work)"
	same "so does TryExec" "$HOME/.local/bin/shell-work" "$(field TryExec shell-work)"
	same "kinds of files" 'text/plain;text/html;' "$(field MimeType shell-work)"
	same "not over the bus" false "$(field DBusActivatable shell-work)"
	same "the class of its windows" sed "$(field StartupWMClass shell-work)"
	ok "an action" grep -q "^Exec=$HOME/.local/bin/shell-work --new %u" "$HOME/$apps/cuddy-shell-work.desktop"
	ok "no other" not grep -q other "$HOME/$apps/cuddy-shell-work.desktop"
	ok "nothing unknown" not grep -qE 'KDE|Evil|^Path' "$HOME/$apps/cuddy-shell-work.desktop"
	ok "desktop-file-validate" valid shell-work
	same "an icon" cuddy-shell-work "$(field Icon shell-work)"
	svg=$HOME/.local/share/icons/hicolor/scalable/apps/cuddy-shell-work.svg
	ok "with the old one in it" python3 -c 'import base64, re, sys, xml.dom.minidom as x; t = open(sys.argv[1]).read(); x.parseString(t); assert base64.b64decode(re.search("base64,([^\"]*)", t).group(1)) == open(sys.argv[2], "rb").read()' \
		"$svg" "$HOME/.local/share/icons/hicolor/48x48/apps/shell.png"
	cuddy install --list --json
	ok "install --list --json" python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); assert d[0]["name"] == "shell-work" and d[0]["program"].endswith("/sed") and len(d[0]["files"]) == 3' "$work/out"
	cuddy install sed --name shell-work
	ok "not twice" complains C650
	: >"$HOME/.local/bin/mine"
	cuddy install sed --name mine
	ok "what is there is not written over" complains C652
	ok "and stays" test ! -s "$HOME/.local/bin/mine" -a ! -L "$HOME/.local/bin/mine"
	ok "nothing else was made" not test -e "$HOME/$apps/cuddy-mine.desktop"
	cuddy install no-such-program
	ok "an unknown program" complains C651
	cuddy install sed --name cuddy
	ok "not by the name of cuddy" complains C603
	cuddy install sed --name x --label "$(printf 'a\nExec=evil')"
	ok "a label of two lines" complains C650
	echo '# mine' >>"$HOME/$apps/cuddy-shell-work.desktop"
	cuddy uninstall shell-work
	ok "uninstall leaves what was changed, and says so" complains C653
	ok "only that" test ! -e "$svg" -a ! -L "$HOME/.local/bin/shell-work" -a -e "$HOME/$apps/cuddy-shell-work.desktop"
	rm "$HOME/$apps/cuddy-shell-work.desktop"
	cuddy uninstall shell-work
	ok "once" complains C651
}

hostile_entries() {
	entry <<-'END'
		[Desktop Entry]
		Type=Application
		Name=Bad\nExec=evil
		Exec=sed "$(touch /tmp/evil)" '`evil`' ;touch$IFS/tmp/evil %F
		Icon=../../../etc/passwd
		Actions=a;b;
		StartupWMClass=x\nExec=evil

		[Desktop Action a]
		Name=x
		Exec=evil "not closed
	END
	cuddy install sed --name bad
	ok "a hostile entry: an action with bad quotes is refused" complains C650
	ok "with all of it" not test -e "$HOME/$apps/cuddy-bad.desktop"
	sed -i 's/^Exec=evil.*/Exec=evil --do %u/' "$HOME/$apps/sed.desktop"
	cuddy install sed --name bad
	same "shell signs are text" \
		"$HOME/.local/bin/bad \"\\\\\$(touch /tmp/evil)\" \"'\\\\\`evil\\\\\`'\" \";touch\\\\\$IFS/tmp/evil\" %F" "$(field Exec bad)"
	same "each Exec is ours" "0" "$(grep '^Exec=' "$HOME/$apps/cuddy-bad.desktop" | grep -cv "^Exec=$HOME/.local/bin/bad")"
	same "an icon that leaves its folder is none" '../../../etc/passwd' "$(field Icon bad)"
	cuddy uninstall bad
	printf '[Desktop Entry]\nType=Application\nName=x\nComment=x\001y\nName[\033]=x\nExec=sed\rExec=evil\n[Desktop Entry]\nExec=evil\n' | entry
	cuddy install sed --name bad
	ok "control characters go" test -z "$(LC_ALL=C grep '[[:cntrl:]]' "$HOME/$apps/cuddy-bad.desktop")"
	same "one entry" 1 "$(grep -c '^Exec=' "$HOME/$apps/cuddy-bad.desktop")"
	cuddy uninstall bad
	ok "and all can be removed" is_status 0
	rm "$HOME/$apps/sed.desktop"
}

by_link() { "$HOME/.local/bin/$@" >"$work/out" 2>"$work/err" </dev/null; status=$?; }

# One program, two lives, from one profile, by their links.
two_lives() {
	cat >lives.toml <<-'END'
		include = ["command-line"]
	END
	cuddy install bash --name life-home --profile ./lives.toml
	cuddy install bash --name life-work --profile ./lives.toml
	by_link life-home -c 'echo home >~/who; echo "$CUDDY_CAGE $*"; exit 3' x 'a b' -- --help
	same "a link takes all arguments to the program" 'life-home a b -- --help' "$(cat "$work/out")"
	ok "and its status" is_status 3
	by_link life-work -c 'echo work >~/who'
	by_link life-home -c 'cat ~/who'
	same "each remembers its own after a restart" home "$(cat "$work/out")"
	by_link life-work -c 'cat ~/who'
	same "the other too" work "$(cat "$work/out")"
	cat >"$work/life.py" <<-'END'
		import os, socket, time
		me = os.environ["CUDDY_CAGE"]
		def listen(path):
		    s = socket.socket(socket.AF_UNIX); s.bind(path); s.listen(); return s
		keep = [listen("\0life-" + me), listen("/tmp/life-" + me), listen(os.path.expanduser("~/life-" + me))]
		open(os.path.expanduser("~/ready"), "w").close()
		time.sleep(1000)
	END
	for life in home work; do
		"$HOME/.local/bin/life-$life" -c "exec -a in-$life python3 -c \"\$0\"" "$(cat "$work/life.py")" </dev/null >"$work/$life.out" 2>&1 &
		until_true 20 test -e "$HOME/$data/life-$life/home/ready" || sed 's/^/# /' "$work/$life.out"
	done
	cuddy exec life-home -- python3 -c '
import os, socket, sys
def answers(path):
    s = socket.socket(socket.AF_UNIX)
    try: s.connect(path); return True
    except OSError: return False
home = os.path.expanduser("~/")
for who in ("home", "work"):
    print(who, [answers("\0life-life-" + who), answers("/tmp/life-life-" + who), answers(home + "life-life-" + who)])
seen = b" ".join(open("/proc/%s/cmdline" % p, "rb").read() for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid())
print("in-home" in str(seen), "in-work" in str(seen))
print(open(home + "who").read().strip(), os.path.exists("'"$HOME/$data"'"))'
	same "neither sees the sockets, processes, files of the other" \
		"home [True, True, True]
work [False, False, False]
True False
home False" "$(cat "$work/out")"
	cuddy stop --timeout 1 life-home life-work
	cuddy uninstall life-home life-work
	ok "both can be uninstalled" is_status 0
	ok "their data stays" test -f "$HOME/$data/life-home/home/who"
	ln -s "$tree/build/cuddy" "$HOME/.local/bin/life-none"
	by_link life-none
	ok "a link of an unknown name is refused" is_status 125
	mkdir -p "$HOME/.config/cuddy/profiles"
	printf 'include = ["command-line"]\ncommand = ["bash", "-c", "echo profile $0 $*"]\n' >"$HOME/.config/cuddy/profiles/life-none.toml"
	by_link life-none one 'two three'
	same "a link of a profile's name runs its command" 'profile one two three' "$(cat "$work/out")"
}

suite() {
	installing
	hostile_entries
	two_lives
}

. "$(dirname "$0")/both.lib"
