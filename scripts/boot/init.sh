#!/bin/busybox sh
# The only program of the guest: takes each step of /steps ("load PATH", "unload NAME") and tells on the second serial
# line what came of it, one fact a line; scripts/boot/guest.mjs reads that. The first serial line is the console.
export PATH=/bin
/bin/busybox mkdir -p /proc /sys /dev
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t debugfs debugfs /sys/kernel/debug
stty raw -F /dev/ttyS1
exec >/dev/ttyS1 2>/dev/console

echo "kernel $(uname -r)"
dmesg -c >/dev/null
while read -r verb what; do
	echo "step $verb $what"
	# A kernel that tolerates wrong BTF says so once, for whichever module was first: let it speak of each.
	[ -e /sys/kernel/debug/clear_warn_once ] && echo 1 >/sys/kernel/debug/clear_warn_once
	case $verb in
	load)
		said=$(insmod "$what" 2>&1)
		echo "status $? $said"
		rm "$what"
		;;
	unload)
		said=$(rmmod "$what" 2>&1)
		echo "status $? $said"
		;;
	esac
	dmesg -c | sed 's/^/log /'
	if [ "$verb" = load ]; then
		name=${what##*/}
		name=${name%.ko}
		[ -e "/sys/kernel/btf/${name//-/_}" ] && echo btf
	fi
done </steps

cd /sys/kernel/btf && for name in *; do
	echo "has $(stat -c %s "$name") $(sha256sum "$name")"
done
echo "uptime $(cat /proc/uptime)"
echo end
poweroff -f
