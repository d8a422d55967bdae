//! Symbolic links, which are made last of all, so that nothing is ever written through one.

use std::collections::{BTreeMap, VecDeque};

use super::Refused;

/// As the kernel follows at most 40.
const MAX_HOPS: u32 = 40;
const MAX_TARGET_BYTES: usize = 1024;
/// Of all links together, so that no archive fills memory with them.
const MAX_ALL_BYTES: usize = 8 << 20;

/// Links by their path, none of them on the disk yet.
#[derive(Default)]
pub(super) struct Links {
    targets: BTreeMap<String, String>,
    bytes: usize,
}

impl Links {
    pub(super) fn add(&mut self, path: &str, target: &[u8]) -> Result<(), Refused> {
        let text = str::from_utf8(target).ok().filter(|text| !text.is_empty() && !text.contains(char::is_control));
        let shown = || String::from_utf8_lossy(target).chars().take(200).collect();
        let refuse = |reason| Refused::Link { name: path.to_owned(), target: shown(), reason };
        let text = text.filter(|text| text.len() <= MAX_TARGET_BYTES).ok_or_else(|| refuse("which is no path"))?;
        self.bytes += path.len() + text.len();
        if self.bytes > MAX_ALL_BYTES {
            return Err(refuse("after more links than an application has"));
        }
        self.targets.insert(path.to_owned(), text.to_owned());
        Ok(())
    }

    /// The first part of `path`, or all of it, that is a link.
    pub(super) fn on_the_way(&self, path: &str) -> Option<&str> {
        if self.targets.is_empty() {
            return None;
        }
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.map(|end| &path[..end]).find_map(|part| self.targets.get_key_value(part)).map(|(link, _)| link.as_str())
    }

    /// Every link with its target, once all of them are known to stay within the folder.
    pub(super) fn checked(&self) -> Result<impl Iterator<Item = (&str, &str)>, Refused> {
        for (path, target) in &self.targets {
            self.follow(path).map_err(|reason| Refused::Link { name: path.clone(), target: target.clone(), reason })?;
        }
        Ok(self.targets.iter().map(|(path, target)| (path.as_str(), target.as_str())))
    }

    /// Goes where `path` leads as the kernel would, from the folder as its root. What is not there is not a link.
    fn follow(&self, path: &str) -> Result<(), &'static str> {
        let mut ahead: VecDeque<&str> = path.split('/').collect();
        let mut here: Vec<&str> = Vec::new();
        let mut hops = 0;
        while let Some(part) = ahead.pop_front() {
            match part {
                "" | "." => {}
                ".." => {
                    here.pop().ok_or("which leads out of its folder")?;
                }
                part => {
                    here.push(part);
                    let Some(target) = self.targets.get(&here.join("/")) else { continue };
                    hops += 1;
                    if hops > MAX_HOPS {
                        return Err("which leads in a circle");
                    }
                    if target.starts_with('/') {
                        return Err("which leads out of its folder");
                    }
                    here.pop();
                    for part in target.split('/').rev() {
                        ahead.push_front(part);
                    }
                }
            }
        }
        Ok(())
    }
}
