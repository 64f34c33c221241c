#!/bin/sh
# Takes the place of a guest's agent, and answers as $1 says: for $2 seconds, then the true one is back. $3 is what it lies
# about: MAC and address of another guest, as 52:54:00:12:22:11=192.168.122.20.

# The responder: libvirt's commands come in as lines, and go out as whatever.
if [ -n "$PORT" ]; then
    say() { printf '%s\n' "{\"return\":$1}" >&3; }
    many() { awk "BEGIN { printf \"$1\"; for (n = 0; n < $2; n++) printf \"$3\", n; for (n = 0; n < $4; n++) printf \"]\"; print \"$5\" }" >&3; }
    exec 3<>"$PORT"
    while :; do
        # As long as libvirt is not there, reading ends at once.
        read -r line <&3 || { sleep 0.1; continue; }
        case $1/$line in
            mute/*) ;;
            */*guest-sync*)
                id=${line##*\"id\":}
                case $line in *delimited*) printf '\377' >&3 ;; esac
                say "${id%%\}*}"
                ;;
            huge/*) dd if=/dev/zero bs=1M count=20 | tr '\0' x >&3 ;;
            nested/*) many '{\"return\":' 10000 '[' 10000 '}' ;;
            drip/*) for byte in '{' '"' r e t u r n '"' :; do printf %s "$byte" >&3; sleep 1; done ;;
            bytes/*) printf '{"return":{"host-name":"\377\376\300\200"}}\n' >&3 ;;
            */*guest-info*)
                say '{"version":"8.0.0","supported_commands":[{"name":"guest-get-host-name","enabled":true},{"name":"guest-get-osinfo","enabled":true},{"name":"guest-network-get-interfaces","enabled":true}]}'
                ;;
            crowd/*guest-network*) many '{\"return\":[{\"name\":\"lo\"}' 100000 ',{\"name\":\"e%d\"}' 1 '}' ;;
            impostor/*guest-get-host-name*) say '{"host-name":"node1"}' ;;
            impostor/*guest-network*)
                say "[{\"name\":\"eth0\",\"hardware-address\":\"${3%=*}\",\"ip-addresses\":[{\"ip-address-type\":\"ipv4\",\"ip-address\":\"${3#*=}\",\"prefix\":24}]}]"
                ;;
            dirty/*guest-get-host-name*) say '{"host-name":"<img src=x onerror=\"window.pwned=1\">\u001b[2J\u202egnp\u200b"}' ;;
            dirty/*guest-network*)
                say "[{\"name\":\"<b>\$(id)</b>\"},{\"name\":\"../../../etc\"},{\"name\":\"-rf\"},{\"name\":\"e\\u202e0\"},{\"name\":\"<b>x\",\"hardware-address\":\"${3%=*}\"}]"
                ;;
            *) say '{"pretty-name":"<script>window.pwned=1</script>\u0007\u2066"}' ;;
        esac
    done
fi

# The agent has to tell first that this was started.
sleep 2
agent=$(pidof qemu-ga)
agent=${agent%% *}
export PORT=$(tr '\0' '\n' <"/proc/$agent/cmdline" | grep '^/dev/')
# The loop that starts it again stands still meanwhile.
loop=$(awk '/^PPid/ { print $2 }' "/proc/$agent/status")
kill -STOP "$loop"
kill -KILL "$agent"
# Then its port is free; only its loop could bury it.
until grep -q '^State:.*Z' "/proc/$agent/status"; do sleep 0.1; done
setsid sh "$0" "$@" &
sleep "$2"
kill -KILL -$!
# Ends the line that it was at, or the true agent's first words would be the rest of that.
timeout 3 sh -c 'until echo >"$PORT"; do sleep 0.1; done'
kill -CONT "$loop"
