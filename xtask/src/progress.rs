//! What a person sees while they wait: numbered steps, each with the time it took.

use std::time::{Duration, Instant};

/// Numbered steps of one command: `[2/6] browser half (WASM) …`, then `[2/6] browser half (WASM): built, 2 min 31 s`.
pub struct Steps {
    total: usize,
    current: usize,
    name: String,
    started: Instant,
}

impl Steps {
    /// A command of `total` steps.
    pub fn new(total: usize) -> Self {
        Self { total, current: 0, name: String::new(), started: Instant::now() }
    }

    /// Announces the next step before its work begins.
    pub fn start(&mut self, name: &str) {
        self.current += 1;
        name.clone_into(&mut self.name);
        self.started = Instant::now();
        println!("[{}/{}] {name} …", self.current, self.total);
    }

    /// Tells how the step ended, and how long it took.
    pub fn done(&self, outcome: &str) {
        println!("[{}/{}] {}: {outcome}, {}", self.current, self.total, self.name, took(self.started.elapsed()));
    }
}

/// A duration as a person says it: `840 ms`, `12.3 s`, `2 min 31 s`.
pub fn took(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{:.1} s", duration.as_secs_f64()),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// A size as a person reads it: `812 B`, `349.2 KB` (1 KB = 1,000 bytes, as browsers count a transfer).
pub fn size(bytes: usize) -> String {
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    format!("{}.{} KB", bytes / 1000, bytes % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_read_well() {
        assert_eq!(took(Duration::from_millis(840)), "840 ms");
        assert_eq!(took(Duration::from_millis(12_345)), "12.3 s");
        assert_eq!(took(Duration::from_secs(151)), "2 min 31 s");
        assert_eq!(size(812), "812 B");
        assert_eq!(size(349_250), "349.2 KB");
    }
}
