#!/bin/sh
# The guest's PID 1: mounts, drivers, one address by DHCP on eth0, the agent. Nothing is kept over a reboot.
# Or, if its system is on a disk, only what it takes to get there.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root

mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys

load_all() { while read -r module; do modprobe "$module"; done < /etc/modules; }

# All modules, since the disk has none; then that system's own PID 1 takes over.
leave_for() {
    load_all
    mkdir /newroot
    until mount -t ext4 "$1" /newroot; do
        [ $((tries = tries + 1)) -lt 20 ] || exec sh
        sleep 0.5
    done
    for folder in dev proc sys; do mount -o move /$folder /newroot/$folder; done
    exec switch_root /newroot /sbin/init
}

for word in $(cat /proc/cmdline); do
    case $word in
        bridgehead.hostname=*) hostname "${word#*=}" ;;
        bridgehead.probe) echo "bridgehead: alive" && poweroff -f ;;
        bridgehead.root=*) leave_for "${word#*=}" ;;
    esac
done

mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
mkdir -p /run/lock
hostname > /etc/hostname
echo "127.0.0.1 localhost $(hostname)" > /etc/hosts
ip link set lo up

# What the network and the agent need first; the rest while they start.
for module in virtio_pci virtio_net virtio_console; do modprobe $module; done

# The agent: always there, started again when it ends. Its port is a file only once virtio_console found it.
agent() {
    for port in /sys/class/virtio-ports/*; do
        [ "$(cat "$port/name" 2>/dev/null)" = org.qemu.guest_agent.0 ] && device=/dev/${port##*/}
    done
    while :; do
        qemu-ga -m virtio-serial -p "${device:-/dev/vport1p1}" -t /run
        sleep 1
    done
}
agent &

# A client for eth0 for as long as there is an eth0: the kernel tells when it goes and comes.
dhcp() {
    client=
    { echo start; exec ip -o monitor link; } | while read -r line; do
        case $line in
            Deleted*" eth0:"*)
                [ -n "$client" ] && kill "$client"
                client=
                ;;
            start | *" eth0:"*)
                if [ -z "$client" ] && [ -e /sys/class/net/eth0 ]; then
                    ip link set eth0 up
                    udhcpc -f -i eth0 -t 4 -T 1 -A 1 -p /run/udhcpc.eth0.pid -x "hostname:$(hostname)" &
                    client=$!
                fi
                ;;
        esac
    done
}
dhcp &

load_all

echo "bridgehead: $(hostname) is up"
while :; do
    setsid cttyhack sh
    sleep 1
done
