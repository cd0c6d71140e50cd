//! Laws: what is packed comes back, and no bytes whatever write outside.

use std::{collections::BTreeMap, fs, path::Path};

use artifact::{Limits, pack};
use model::argo::Archive;
use proptest::prelude::*;
use tar::EntryType;

use crate::fixture::{TAR, World, entry, listing, tgz};

fn part() -> impl Strategy<Value = String> {
    prop_oneof![Just("a".to_owned()), Just("b".to_owned()), "[a-zA-Zäß _.-]{1,12}", "n{120}"]
        .prop_filter("a name", |name| !matches!(name.as_str(), "." | ".."))
}

/// Files by path; none lies in another.
fn files() -> impl Strategy<Value = BTreeMap<String, (Vec<u8>, bool)>> {
    let path = prop::collection::vec(part(), 1..4).prop_map(|parts| parts.join("/"));
    let content = (prop::collection::vec(any::<u8>(), 0..2000), any::<bool>());
    prop::collection::btree_map(path, content, 0..12).prop_map(|files| {
        let paths: Vec<String> = files.keys().cloned().collect();
        let inside = |path: &str| {
            let inner = format!("{path}/");
            paths.iter().any(|other| other.starts_with(&inner))
        };
        files.into_iter().filter(|(path, _)| !inside(path)).collect()
    })
}

fn write(root: &Path, files: &BTreeMap<String, (Vec<u8>, bool)>) {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir(root).unwrap();
    for (path, (content, executable)) in files {
        let at = root.join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(&at, content).unwrap();
        fs::set_permissions(&at, fs::Permissions::from_mode(if *executable { 0o755 } else { 0o644 }))
            .unwrap();
    }
}

/// One entry of an archive somebody wrote by hand.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let kind = prop_oneof![
        Just(EntryType::Regular),
        Just(EntryType::Directory),
        Just(EntryType::Symlink),
        Just(EntryType::Link),
        Just(EntryType::Char),
        Just(EntryType::GNULongName),
        Just(EntryType::GNULongLink),
        Just(EntryType::XHeader),
    ];
    let part = prop_oneof![Just("a"), Just("b"), Just("l"), Just(".."), Just("."), Just(""), Just("canary")];
    let path = prop::collection::vec(part, 1..6).prop_map(|parts| parts.join("/"));
    (kind, path.clone(), path).prop_map(|(kind, name, link)| {
        let content = match kind {
            EntryType::GNULongName | EntryType::GNULongLink => link.clone().into_bytes(),
            EntryType::XHeader => {
                let record = format!(" path={link}\n");
                format!("{}{record}", record.len() + 2).into_bytes()
            }
            EntryType::Regular => b"dead".to_vec(),
            _ => Vec::new(),
        };
        entry(kind, &name, &link, &content)
    })
}

/// Whether every link below `path` leads, step by step, to something below `root` or to nothing.
fn stays_inside(root: &Path, path: &Path) -> bool {
    let data = path.symlink_metadata().unwrap();
    if data.is_symlink() {
        return fs::canonicalize(path).map_or(true, |to| to.starts_with(root));
    }
    !data.is_dir() || fs::read_dir(path).unwrap().all(|entry| stays_inside(root, &entry.unwrap().path()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn what_is_packed_comes_back(files in files(), zip in any::<bool>(), level in prop::option::of(0..=9)) {
        let archive = if zip { Archive::Zip } else { Archive::Tar { level } };
        let folder = tempfile::tempdir().unwrap();
        let (root, packed) = (folder.path().join("out"), folder.path().join("packed"));
        write(&root, &files);
        pack(&root, "out", archive, &packed).unwrap();
        let world = World::new();
        let bytes = fs::read(packed).unwrap();
        prop_assert_eq!(world.unpack(&bytes, Some(archive), &Limits::default()).unwrap(), listing(&root));
    }

    #[test]
    fn hostile_entries_stay_inside(entries in prop::collection::vec(hostile(), 0..12)) {
        let world = World::new();
        if world.unpack(&tgz(&entries), Some(TAR), &Limits::default()).is_ok() {
            let root = fs::canonicalize(world.target()).unwrap();
            prop_assert!(stays_inside(&root, &root));
        }
    }

    #[test]
    fn any_bytes_end_well(bytes in prop::collection::vec(any::<u8>(), 0..3000), how in 0..3) {
        let archive = [None, Some(TAR), Some(Archive::Zip)][how as usize];
        let _ = World::new().unpack(&bytes, archive, &Limits::default());
    }

    #[test]
    fn damaged_archives_end_well(entries in prop::collection::vec(hostile(), 0..6), at in 0usize..4000, to in any::<u8>()) {
        let mut plain = [entries.concat(), vec![0; 1024]].concat();
        let at = at % plain.len();
        plain[at] = to;
        let _ = World::new().unpack(&crate::fixture::gz(&plain), Some(TAR), &Limits::default());
    }
}
