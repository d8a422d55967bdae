//! Which names an entry may have.

use super::Refused;

const MAX_NAME_BYTES: usize = 255;
const MAX_PATH_BYTES: usize = 3000;
const MAX_DEPTH: usize = 200;

/// An entry's path below the folder, as its parts joined with `/`; empty for the folder itself.
///
/// # Errors
/// [`Refused::Name`] when it would leave the folder, however the reader of it understands separators, or has bytes that
/// are no text.
pub(super) fn clean(raw: &[u8]) -> Result<String, Refused> {
    let refuse = |reason| Refused::Name { name: String::from_utf8_lossy(raw).chars().take(200).collect(), reason };
    let text = str::from_utf8(raw).map_err(|_| refuse("is not in UTF-8"))?;
    if text.chars().any(char::is_control) {
        return Err(refuse("has a control character in its name"));
    }
    let windows_drive = text.as_bytes().get(1) == Some(&b':') && text.as_bytes()[0].is_ascii_alphabetic();
    if text.starts_with(['/', '\\']) || windows_drive {
        return Err(refuse("begins at the root of a file system"));
    }
    if text.split(['/', '\\']).any(|part| part == "..") {
        return Err(refuse("leads out of its folder"));
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.iter().any(|part| part.len() > MAX_NAME_BYTES) || text.len() > MAX_PATH_BYTES || parts.len() > MAX_DEPTH {
        return Err(refuse("is longer or deeper than a path can be"));
    }
    Ok(parts.join("/"))
}
