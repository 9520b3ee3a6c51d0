//! The schedules that `dvrf init` prints: a check with alerts every ten minutes.

use std::path::Path;

use clap::Args;

/// Which schedule to print.
#[derive(Args)]
#[command(next_help_heading = "Schedule")]
#[group(multiple = false)]
pub(crate) struct ScheduleArgs {
    /// Print a crontab line that checks and sends alerts every 10 minutes
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
        let path = path.display().to_string();
        let program =
            std::env::current_exe().map_or_else(|_| "dvrf".to_owned(), |path| path.display().to_string());
        if self.cron {
            // A % ends a command of a crontab.
            let word = |text: &str| shell_word(text).replace('%', "\\%");
            let (program, path) = (word(&program), word(&path));
            return format!("*/10 * * * * {program} notify --live --config {path} >/dev/null\n");
        }
        if self.systemd {
            return SYSTEMD.replace("PROGRAM", &unit_word(&program)).replace("CONFIG", &unit_word(&path));
        }
        KUBERNETES.replace("CONFIG", &shell_word(&path))
    }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "/._-+:@,=%".contains(c))
}

/// A word of a shell's command line.
fn shell_word(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// A word of a unit's command line, in which % and $ begin a replacement.
fn unit_word(text: &str) -> String {
    let text = text.replace('%', "%%");
    if is_plain(&text) {
        return text;
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "$$"))
}

const SYSTEMD: &str = "\
# /etc/systemd/system/dvrf-notify.service
[Unit]
Description=Check dVRF subscriptions and send alerts
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart=PROGRAM notify --live --config CONFIG
# 1: a problem was found, and its alerts were sent.
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("/etc/dvrf/dvrf.toml", "/etc/dvrf/dvrf.toml", "/etc/dvrf/dvrf.toml")]
    #[case::blank("/srv/a b/f", "'/srv/a b/f'", "\"/srv/a b/f\"")]
    #[case::quotes("/a'\"/f", r#"'/a'\''"/f'"#, r#""/a'\"/f""#)]
    #[case::percent("/50%/f", "/50%/f", "/50%%/f")]
    #[case::dollar("/$a/f", "'/$a/f'", "\"/$$a/f\"")]
    fn words(#[case] text: &str, #[case] shell: &str, #[case] unit: &str) {
        assert_eq!((shell_word(text).as_str(), unit_word(text).as_str()), (shell, unit));
    }

    #[test]
    fn a_crontab_escapes_percent_signs() {
        let args = ScheduleArgs { cron: true, systemd: false, k8s: false };
        let line = args.text(Path::new("/50%/f"));
        assert!(line.ends_with(" notify --live --config /50\\%/f >/dev/null\n"), "{line}");
    }
}
