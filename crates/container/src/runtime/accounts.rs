//! Who `user` or `user:group` is in an image: numbers, or names in its `/etc/passwd` and `/etc/group`.
//! Not here: users of this machine.

use std::{fs::File, io::Read, path::Path};

use rustix::fs::OFlags;

use crate::{limits::ACCOUNTS_BYTES, tree::Tree};

/// Who a container's process is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Account {
    /// The user's number.
    pub(super) user: u32,
    /// The group's number.
    pub(super) group: u32,
    /// The home folder, if the image names one.
    pub(super) home: Option<String>,
}

/// Returns who `text` is in the image whose files are in `rootfs`; root when it is empty.
///
/// # Errors
/// The name is not known.
pub(super) fn find(text: &str, rootfs: &Path) -> Result<Account, String> {
    let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
    let user = if user.is_empty() { "0" } else { user };
    let passwd = read(rootfs, "/etc/passwd");
    let lines = || passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let found = lines().find(|fields| match user.parse::<u32>() {
        Ok(number) => fields.get(2).and_then(|id| id.parse().ok()) == Some(number),
        Err(_) => fields.first() == Some(&user),
    });
    let number = |at: usize| found.as_ref().and_then(|fields| fields.get(at)?.parse::<u32>().ok());
    let id = user.parse().ok().or_else(|| number(2));
    let id = id.ok_or_else(|| format!("unable to find user {user}: no matching entries in passwd file"))?;
    let home = found.as_ref().and_then(|fields| fields.get(5)).map(|home| (*home).to_owned());
    let group = match group.filter(|group| !group.is_empty()) {
        None => number(3).unwrap_or_default(),
        Some(group) => match group.parse() {
            Ok(number) => number,
            Err(_) => group_named(group, rootfs)?,
        },
    };
    Ok(Account { user: id, group, home: home.filter(|home| home.starts_with('/')) })
}

fn group_named(name: &str, rootfs: &Path) -> Result<u32, String> {
    let text = read(rootfs, "/etc/group");
    let of_line = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        if fields.first() == Some(&name) { fields.get(2)?.parse().ok() } else { None }
    };
    let found = text.lines().find_map(of_line);
    found.ok_or_else(|| format!("unable to find group {name}: no matching entries in group file"))
}

fn read(rootfs: &Path, path: &str) -> String {
    let opened =
        Tree::open(rootfs, false).and_then(|tree| tree.find(path, OFlags::RDONLY | OFlags::NONBLOCK));
    let mut text = String::new();
    // an image need not have such a file
    if let Ok(file) = opened
        && File::from(file).take(ACCOUNTS_BYTES).read_to_string(&mut text).is_err()
    {
        text.clear();
    }
    text
}
