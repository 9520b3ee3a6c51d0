//! The schedules that `dvrf init` prints: what checks and tells every ten minutes.

use std::path::Path;

use clap::Args;

/// Which schedule to print.
#[derive(Args)]
#[command(next_help_heading = "Schedule")]
#[group(multiple = false)]
pub(crate) struct ScheduleArgs {
    /// Print a crontab line that checks and tells every 10 minutes
    #[arg(long)]
    cron: bool,
    /// Print a systemd service and its timer
    #[arg(long)]
    systemd: bool,
    /// Print a Kubernetes cron job
    #[arg(long)]
    k8s: bool,
}

impl ScheduleArgs {
    pub(crate) fn is_given(&self) -> bool {
        self.cron || self.systemd || self.k8s
    }

    pub(crate) fn text(&self, path: &Path) -> String {
        let path = path.display();
        let program =
            std::env::current_exe().map_or_else(|_| "dvrf".to_owned(), |path| path.display().to_string());
        if self.cron {
            return format!("*/10 * * * * {program} notify --live --config {path} >/dev/null\n");
        }
        if self.systemd {
            return SYSTEMD.replace("PROGRAM", &program).replace("CONFIG", &path.to_string());
        }
        KUBERNETES.replace("CONFIG", &path.to_string())
    }
}

const SYSTEMD: &str = "\
# /etc/systemd/system/dvrf-notify.service
[Unit]
Description=Check dVRF subscriptions and tell about problems
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart=PROGRAM notify --live --config CONFIG
# 1 is a problem that was told.
SuccessExitStatus=1
StandardInput=null
StandardOutput=null
TimeoutStartSec=5min
NoNewPrivileges=yes

# /etc/systemd/system/dvrf-notify.timer
[Unit]
Description=Check dVRF subscriptions every 10 minutes

[Timer]
OnCalendar=*:0/10
RandomizedDelaySec=30
Persistent=yes

[Install]
WantedBy=timers.target
";

const KUBERNETES: &str = "\
# kubectl create secret generic dvrf --from-file=dvrf.toml=CONFIG
apiVersion: batch/v1
kind: CronJob
metadata:
  name: dvrf-notify
spec:
  schedule: '*/10 * * * *'
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      backoffLimit: 0
      activeDeadlineSeconds: 300
      template:
        spec:
          restartPolicy: Never
          securityContext:
            fsGroup: 65532
          containers:
            - name: dvrf
              image: dvrf:0.1.0  # the image that you built from scripts/deploy/container
              command: [/usr/bin/dvrf, notify, --live, --config, /etc/dvrf/dvrf.toml, --state-dir, /var/lib/dvrf]
              volumeMounts:
                - {name: settings, mountPath: /etc/dvrf, readOnly: true}
                - {name: state, mountPath: /var/lib/dvrf}
          volumes:
            - name: settings
              secret: {secretName: dvrf, defaultMode: 288}
            - name: state
              persistentVolumeClaim: {claimName: dvrf}
";
