# Firejail profile for browser
# Description: A browser of our own making
include browser.local
include common.inc

noblacklist ${HOME}/.browser
whitelist ${HOME}/.browser
whitelist ${DOWNLOADS}
include hidden.inc
caps.drop all
nonewprivs
noroot
protocol unix,inet,inet6
seccomp !chroot
seccomp.drop ptrace
private-bin browser,sh
private-tmp
?ALLOW_TRAY: dbus-user.talk org.kde.StatusNotifierWatcher
dbus-user filter
dbus-user.own org.example.Browser
dbus-system none
memory-deny-write-execute
no-such-thing here
