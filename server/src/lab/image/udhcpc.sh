#!/bin/sh
# What udhcpc calls with a lease. A renewal touches only the address: routes may be somebody else's by then.

prefix=${mask:-24}
case $1 in
    deconfig)
        ip -4 addr flush dev "$interface"
        ;;
    bound)
        ip addr replace "$ip/$prefix" ${broadcast:+broadcast "$broadcast"} dev "$interface"
        for gateway in $router; do
            # Of several, the first NIC leads outside.
            metric=; [ "$interface" = eth0 ] || metric='metric 100'
            ip route replace default via "$gateway" dev "$interface" $metric
            break
        done
        for server in $dns; do echo "nameserver $server"; done > /etc/resolv.conf
        ;;
    renew)
        ip addr replace "$ip/$prefix" ${broadcast:+broadcast "$broadcast"} dev "$interface"
        ;;
esac
