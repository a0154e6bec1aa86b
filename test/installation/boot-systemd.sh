#!/bin/sh
# Runs systemd as pid 1 of namespaces of its own, on this machine's files and network, but with an
# /etc and a /run of its own: DIRECTORY holds what these get. Nothing of this machine's units starts.
#   boot-systemd.sh DIRECTORY
set -eu
umask 022 # of the directories of a machine
directory=$1

if [ "${2-}" != inside ]; then
  exec unshare --mount --pid --ipc --uts --cgroup --fork --kill-child --propagation private "$0" "$directory" inside
fi

mount -t proc proc /proc
mkdir -p "$directory/top"
mount -t tmpfs tmpfs "$directory/top"
mkdir "$directory/top/etc" "$directory/top/work" "$directory/top/run"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$directory/top/etc,workdir=$directory/top/work" /etc
touch "$directory/top/run/docker.sock"
mount --bind "$(readlink -f /var/run/docker.sock)" "$directory/top/run/docker.sock"
mount --rbind "$directory/top/run" /run
mkdir -p /run/systemd /run/lock

if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
  umount --lazy /sys/fs/cgroup
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  mkdir /sys/fs/cgroup/systemd
  mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
fi

# What a unit pulls in by itself (sysinit.target) is about the machine, which is not ours.
rm -rf /etc/systemd/system /etc/paas
mkdir /etc/systemd/system
: >/etc/fstab
for wanted in /lib/systemd/system/sysinit.target.wants /lib/systemd/system/basic.target.wants /lib/systemd/system/sockets.target.wants \
  /lib/systemd/system/timers.target.wants /lib/systemd/system/local-fs.target.wants; do
  for unit in "$wanted"/*; do
    case ${unit##*/} in
    systemd-journald* | '*') ;;
    *) ln -sf /dev/null "/etc/systemd/system/${unit##*/}" ;;
    esac
  done
done
for unit in docker.service docker.socket containerd.service networking.service; do ln -sf /dev/null "/etc/systemd/system/$unit"; done
printf '[Unit]\nDescription=Nothing but a journal\nWants=systemd-journald.service\n' >/etc/systemd/system/alone.target

hostname alone
exec env -i PATH="$PATH" container=test /lib/systemd/systemd --system --unit=alone.target --show-status=false
