#!/bin/sh
# The guest's PID 1: mounts, drivers, one address by DHCP on eth0, the agent. Nothing is kept over a reboot.

export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root

mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
mkdir -p /run/lock

for word in $(cat /proc/cmdline); do
    case $word in
        bridgehead.hostname=*) hostname "${word#*=}" ;;
        bridgehead.probe) echo "bridgehead: alive" && poweroff -f ;;
    esac
done
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
                    udhcpc -f -i eth0 -t 4 -T 1 -A 1 -s /etc/udhcpc.sh -x "hostname:$(hostname)" &
                    client=$!
                fi
                ;;
        esac
    done
}
dhcp &

while read -r module; do modprobe "$module"; done < /etc/modules

echo "bridgehead: $(hostname) is up"
while :; do
    setsid cttyhack sh
    sleep 1
done
