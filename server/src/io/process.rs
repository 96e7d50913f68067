use std::fmt::Write;

/// CPU time and memory of this process, in the text format of Prometheus and by the names its clients use. Empty where
/// they are not known.
pub(crate) fn metrics() -> String {
    let mut text = String::new();
    let Some((cpu_s, resident_bytes)) = os::usage() else { return text };
    let mut write = |name: &str, kind: &str, help: &str, value: String| {
        writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n").expect("text can be written");
    };
    let cpu_help = "User and system CPU time of the process.";
    write("process_cpu_seconds_total", "counter", cpu_help, format!("{cpu_s:.6}"));
    let memory_help = "Resident memory of the process.";
    write("process_resident_memory_bytes", "gauge", memory_help, resident_bytes.to_string());
    text
}

#[cfg(target_os = "linux")]
mod os {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;

    /// CPU seconds and resident bytes.
    pub(super) fn usage() -> Option<(f64, u64)> {
        let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
        let cpu_us = (usage.user_time() + usage.system_time()).num_microseconds();
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let resident_kib: u64 = resident.split_whitespace().next()?.parse().ok()?;
        Some((cpu_us as f64 / 1e6, resident_kib << 10))
    }
}

#[cfg(not(target_os = "linux"))]
mod os {
    pub(super) fn usage() -> Option<(f64, u64)> {
        None
    }
}
