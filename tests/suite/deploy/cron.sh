#!/bin/sh
# Debian's cron and a cron file in a mount namespace of their own: unshare -m … cron.sh FOLDER BINARIES CRONFILE RATE SECONDS.
# FOLDER/etc holds /etc/dvrf; FOLDER/lib, FOLDER/log and FOLDER/metrics get what the jobs write, FOLDER/mail cron's mail.
# With FOLDER/opt, that is the old tree /opt/SupraLottery, FOLDER/logs is /var/log, and there is a program named python.
# RATE seconds pass in one, for SECONDS, from before midnight on; the jobs themselves live in real time.
set -eu
folder=$1 binaries=$2 file=$3 rate=$4 seconds=$5
mkdir "$folder/overlay"
mount -t tmpfs none "$folder/overlay"
for place in etc usr/sbin var; do
    mkdir -p "$folder/overlay/$place/up" "$folder/overlay/$place/work"
    mount -t overlay none -o "lowerdir=/$place,upperdir=$folder/overlay/$place/up,workdir=$folder/overlay/$place/work" "/$place"
done
mount -t tmpfs none /run
# faketime names its semaphore by process id, and these are small and used by others too.
mount -t tmpfs none /dev/shm
mount --bind "$binaries" /usr/local/bin
rm -rf /etc/cron.d /etc/crontab /var/spool/cron/crontabs /var/lib/dvrf /etc/dvrf
mkdir -p /etc/cron.d /var/spool/cron/crontabs /var/lib/prometheus/node-exporter
for user in dvrf dvrf-fund; do
    id "$user" >/dev/null 2>&1 || useradd --system --user-group --no-create-home --home-dir "/var/lib/$user" "$user"
done
for pair in fund-lib:/var/lib/dvrf-fund fund-log:/var/log/dvrf-fund; do
    mkdir -p "$folder/${pair%%:*}" "${pair#*:}"
    mount --bind "$folder/${pair%%:*}" "${pair#*:}"
    chown -R dvrf-fund:dvrf-fund "${pair#*:}"
done
for pair in lib:/var/lib/dvrf log:/var/log/dvrf metrics:/var/lib/prometheus/node-exporter mail:/var/mailbox etc:/etc/dvrf; do
    mkdir -p "$folder/${pair%%:*}" "${pair#*:}"
    mount --bind "$folder/${pair%%:*}" "${pair#*:}"
    chown -R dvrf:dvrf "${pair#*:}"
done
if [ -d "$folder/opt" ]; then
    mount -t tmpfs none /opt
    mkdir /opt/SupraLottery
    mount --bind "$folder/opt" /opt/SupraLottery
    mount --bind "$folder/logs" /var/log
    # As Debian's python-is-python3 has it; the interpreter itself, since cron's PATH is short.
    python=$(python3 -c 'import sys; print(sys.executable)')
    ln -sf "$python" /usr/sbin/python
    ln -sf "$python" /usr/sbin/python3
fi
printf '#!/bin/sh\ncat >>/var/mailbox/mail\n' >/usr/sbin/sendmail
chmod 0755 /usr/sbin/sendmail
install -m 0644 -o root -g root "$file" /etc/cron.d/dvrf
TZ=UTC FAKETIME_DONT_FAKE_MONOTONIC=1 timeout --signal=KILL "$seconds" faketime -f "@2030-01-01 23:58:30 x$rate" cron -f || [ $? = 137 ]
