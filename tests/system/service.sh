#!/bin/bash
# The package under a real systemd, from its installation to its removal. Runs as root inside a booted system that nobody
# else uses: service.sh PACKAGE NEXT_PACKAGE. Exits 0 when all is as the guarantees say.
set -euo pipefail
package=$1 next=$2
unit=storywatch.service drop=/srv/storywatch/drop log=/var/log/storywatch/alerts.log config=/etc/storywatch/storywatch.toml

step() { printf '== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*"; systemctl status --no-pager --full $unit || true; exit 1; }
within() { # SECONDS WHAT COMMAND...: until the command succeeds
    local until=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [[ $SECONDS -lt $until ]] || fail "$what"
        sleep 0.2
    done
}
shows() { systemctl show -P "$1" $unit; }
is_told() { grep -q "$1" $log; }
restarts_after() { [[ $(shows NRestarts) -gt $1 ]] && systemctl -q is-active $unit; }
put() { printf '%s\n\nThe ferry between the islands was halted on %s, its captain said.\n' "$1" "$1" >"$drop/.new" && mv "$drop/.new" "$drop/$2"; }
drop_in() { mkdir -p /etc/systemd/system/$unit.d; printf '%s\n' "$@" >/etc/systemd/system/$unit.d/test.conf; systemctl daemon-reload; }

step "install: it runs, as its own user"
dpkg -i "$package"
within 60 "it does not run after the installation" systemctl -q is-active $unit
[[ $(stat -c %U:%a /var/lib/storywatch) == storywatch:750 ]] || fail "the state directory"
[[ $(stat -c %a $drop) == 2770 ]] || fail "the drop directory"
[[ $(ps -o user= -p "$(shows MainPID)") == storywat* ]] || fail "its user"
[[ -e /usr/share/man/man1/storywatch-run.1.gz && -e /usr/share/bash-completion/completions/storywatch ]] || fail "its papers"
storywatch check >/dev/null || fail "its config"

step "reload: a topic is taken in, and a dropped file told"
printf '[[topic]]\nname = "ferry"\nquery = "ferry"\n' >>$config
systemctl reload $unit
within 20 "the topic does not count: $(shows StatusText)" eval '[[ $(systemctl show -P StatusText storywatch) == *"2 topics"* ]]'
put "Ferry halted on Monday" monday.txt
within 20 "no alert" is_told Monday
within 20 "the status does not tell of it" eval '[[ $(systemctl show -P StatusText storywatch) == *"1 alert"* ]]'
[[ $(stat -c %a $log) == 640 ]] || fail "everybody reads the log"

step "reload: a config with a fault is refused, and the old one stays"
cp $config /tmp/good.toml
echo 'nonsense = 1' >>$config
systemctl reload $unit || true
systemctl -q is-active $unit || fail "it ended over a fault in the config"
within 10 "the journal does not say which fault" eval 'journalctl -u storywatch -q | grep -q nonsense'
step "a bad config at the start is no loop"
systemctl restart $unit && fail "it started with a fault in the config"
sleep 5
[[ $(shows NRestarts) == 0 ]] || fail "it is started again and again"
cp /tmp/good.toml $config
systemctl reset-failed $unit
systemctl start $unit

step "the journal has fields"
within 10 "no field" eval 'journalctl -q -u storywatch STORYWATCH_CONFIG=/etc/storywatch/storywatch.toml | grep -q running'

step "watchdog: a process that stands still is started again"
drop_in '[Service]' WatchdogSec=4s
systemctl restart $unit
before=$(shows NRestarts)
kill -STOP "$(shows MainPID)"
within 40 "the watchdog did not notice" restarts_after "$before"

if [[ ${FAILPOINTS-} ]]; then
    step "watchdog: so is one of which a single part stands still"
    drop_in '[Service]' WatchdogSec=4s 'Environment=STORYWATCH_FAILPOINTS=pipeline=hang@5'
    systemctl restart $unit
    before=$(shows NRestarts)
    within 40 "the watchdog did not notice a part" restarts_after "$before"
    journalctl -q -u $unit | grep -q 'stuck: the watchdog is not fed' || fail "nobody was told"
    rm /etc/systemd/system/$unit.d/test.conf
    systemctl daemon-reload
    systemctl restart $unit
fi
put "Ferry halted on Tuesday" tuesday.txt
within 20 "no alert after the restarts" is_told Tuesday
[[ $(grep -c Monday $log) == 1 ]] || fail "an alert was told twice"

step "stop within ten seconds while busy"
for number in $(seq 3000); do
    printf 'Ferry %s late\n\nThe ferry number %s was late by %s minutes on day %s of the storm.\n' "$number" "$number" "$number" "$number" >"$drop/$number.txt"
done
sleep 3
began=$(date +%s%N)
systemctl stop $unit
took=$((($(date +%s%N) - began) / 1000000))
echo "stopped in $took ms"
[[ $took -lt 10000 ]] || fail "the stop took $took ms"
[[ $(shows Result) == success ]] || fail "the stop ended as $(shows Result)"

step "upgrade: it goes on where it was"
systemctl start $unit
dpkg -i "$next"
within 60 "it does not run after the upgrade" systemctl -q is-active $unit
decided() { storywatch status | awk '/^  articles/ { if ($2 + $4 + $6 >= 3002) exit 0; exit 1 }'; }
within 240 "what was dropped is not decided: $(storywatch status)" decided
[[ $(grep -c Monday $log) == 1 ]] || fail "an alert was told twice"
duplicates=$(grep -o '#[0-9]*$' $log | sort | uniq -d | wc -l)
[[ $duplicates == 0 ]] || fail "$duplicates alerts were told twice"

step "a drop outside of the sandbox: the line to add is told, and does what it says"
mkdir -p /home/ann/in
chmod 755 /home/ann /home/ann/in
printf 'Ferry halted on Friday\n\nThe ferry was halted on Friday.\n' >/home/ann/in/friday.txt
printf '[[drop]]\npath = "/home/ann/in"\n' >>$config
told=$(storywatch check 2>&1)
[[ $told == *BindReadOnlyPaths=/home/ann/in* ]] || fail "check does not say it: $told"
systemctl restart $unit
journalctl -q -u $unit | grep -q 'BindReadOnlyPaths=/home/ann/in' || fail "the daemon does not say it"
drop_in '[Service]' ProtectHome=tmpfs BindReadOnlyPaths=/home/ann/in
[[ $(storywatch check 2>&1) != *Bind* ]] || fail "check says it again"
systemctl restart $unit
within 60 "the drop is not read" is_told Friday

step "ingest: what its user may read and the service may not"
printf '{"title": "Ferry sold", "text": "The ferry was sold on Saturday, its owner said."}\n' >/root/sold.json
[[ $(storywatch ingest /root/sold.json) == *'"verdict":"new"'* ]] || fail "$(storywatch ingest /root/sold.json)"

step "remove, and purge"
dpkg -r storywatch
! systemctl -q is-active $unit || fail "it runs on"
[[ -e $config && -d /var/lib/storywatch/journal ]] || fail "what is the user's is gone"
rm $drop/*.txt
dpkg -P storywatch
for left in /etc/storywatch /var/lib/storywatch /var/log/storywatch /srv/storywatch /usr/bin/storywatch; do
    [[ ! -e $left ]] || fail "$left is left: $(ls -la $left)"
done
step "all is well"
