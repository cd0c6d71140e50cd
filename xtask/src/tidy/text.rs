//! All text files: no path or host of anybody's machine, links that lead somewhere, nothing left undone.

use super::File;
use crate::run::root;

/// Returns a complaint for each line that should not be there and each link that leads nowhere.
pub(super) fn check(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    let (workplace, builds) = (["/wo", "rk/"].concat(), ["/tmp/t", "gt"].concat());
    let undone = ["to", "do!("].concat();
    let ignored = ["#[ig", "nore"].concat();
    let registry = ["\"resol", "ved\": \"http"].concat();
    for file in files {
        for (number, line) in file.text.lines().enumerate() {
            let place = format!("{}:{}", file.path, number + 1);
            for (wrong, why) in [
                (&workplace, "names a path of somebody's machine"),
                (&builds, "names a path of somebody's machine"),
                (&undone, "is not done"),
                (&ignored, "skips a test silently"),
                (&registry, "names a registry's host"),
            ] {
                if line.contains(wrong.as_str()) {
                    complaints.push(format!("{place}: {why}"));
                }
            }
        }
        if file.path.ends_with(".md") {
            complaints.extend(dead_links(file));
        }
    }
    complaints
}

fn dead_links(file: &File) -> Vec<String> {
    let folder = root().join(&file.path);
    let Some(folder) = folder.parent() else { return Vec::new() };
    let links = file.text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let local = links.filter(|link| !link.contains("://") && !link.starts_with('#') && !link.contains(' '));
    let dead = local.filter(|link| {
        let path = link.split('#').next().unwrap_or(link);
        !path.is_empty() && !folder.join(path).exists()
    });
    dead.map(|link| format!("{}: the link `{link}` leads nowhere", file.path)).collect()
}
