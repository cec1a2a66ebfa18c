//! This machine: its processor and its memory.

use std::path::Path;

/// A description of this machine: processor, cores, operating system.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cpu_info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu_info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':')).map(|(_, name)| name.trim());
    let model = model.map_or(String::new(), |name| format!("{name}, "));
    format!("{model}{cores} cores, {} {}", std::env::consts::OS, std::env::consts::ARCH)
}

/// The memory that this process may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineMemory {
    /// All of it: that of the machine, or of the container if it gets less.
    pub total_bytes: u64,
    /// The part that is free now, or that the system would free.
    pub available_bytes: u64,
}

impl MachineMemory {
    /// The memory as Linux reports it; `None` on other systems.
    pub fn of_this_machine() -> Option<Self> {
        let root = Path::new("/");
        let group = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self::read(root, &group)
    }

    /// Reads what Linux reports below `root` to a process whose `/proc/self/cgroup` is `group`.
    fn read(root: &Path, group: &str) -> Option<Self> {
        let text = std::fs::read_to_string(root.join("proc/meminfo")).ok()?;
        let kibibytes = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
        };
        let mut memory = MachineMemory {
            total_bytes: kibibytes("MemTotal")? << 10,
            available_bytes: kibibytes("MemAvailable")? << 10,
        };
        for (folder, limit, used) in control_groups(group) {
            let number = |name: &str| {
                let text = std::fs::read_to_string(root.join(&folder).join(name)).ok()?;
                text.trim().parse::<u64>().ok() // no limit is written as `max`
            };
            if let Some(limit) = number(limit) {
                memory.total_bytes = memory.total_bytes.min(limit);
                let free_bytes = limit.saturating_sub(number(used).unwrap_or(0));
                memory.available_bytes = memory.available_bytes.min(free_bytes);
            }
        }
        Some(memory)
    }
}

/// The folders of the control groups that a process is in, from its own to the outermost, each with
/// the names of the files for its limit and its use of memory.
fn control_groups(group: &str) -> Vec<(String, &'static str, &'static str)> {
    let mut folders = Vec::new();
    for line in group.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (mount, limit, used) = match controllers {
            "" => ("sys/fs/cgroup", "memory.max", "memory.current"),
            _ if controllers.split(',').any(|it| it == "memory") => {
                ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes")
            }
            _ => continue,
        };
        let mut path = path.trim_matches('/');
        loop {
            folders.push((format!("{mount}/{path}"), limit, used));
            if path.is_empty() {
                break;
            }
            path = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        }
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_limit_of_the_control_groups_counts() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let read = |group: &str| MachineMemory::read(root.path(), group);
        let mib = |total: u64, available: u64| {
            Some(MachineMemory { total_bytes: total << 20, available_bytes: available << 20 })
        };
        assert_eq!(read(""), None);
        write("proc/meminfo", "MemTotal:       4194304 kB\nMemFree:  1 kB\nMemAvailable:   2097152 kB\n");
        assert_eq!(read("0::/\n"), mib(4096, 2048));
        write("sys/fs/cgroup/pod/memory.max", "1073741824\n");
        write("sys/fs/cgroup/pod/memory.current", "268435456\n");
        write("sys/fs/cgroup/pod/app/memory.max", "max\n");
        assert_eq!(read("0::/pod/app\n"), mib(1024, 768));
        assert_eq!(read("0::/other\n"), mib(4096, 2048));
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
        assert_eq!(read("5:cpu:/a\n4:hugetlb,memory:/docker/1\n"), mib(512, 512));
    }
}
