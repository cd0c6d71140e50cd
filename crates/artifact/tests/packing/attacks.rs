//! Archives that mean harm: nothing outside the target changes, and every one ends early.

use artifact::{ArtifactError, Limits};
use model::argo::Archive;
use tar::EntryType;

use crate::fixture::{TAR, World, entry, file, gz, hardlink, symlink, tgz, zip};

fn small() -> Limits {
    Limits { bytes: 1_000_000, entries: 100, depth: 5 }
}

#[test]
fn names_that_lead_out_are_refused() {
    for name in ["../canary", "a/../../canary", "..", "/../canary", "a/../../../canary", "../private/b"] {
        let world = World::new();
        let error = world.tarball(&tgz(&[file("ok", "ok"), file(name, "dead")])).unwrap_err();
        assert!(matches!(error, ArtifactError::IllegalPath(_)), "{name}: {error}");
        assert!(error.to_string().contains(&format!("illegal file path: {name}")), "{error}");
        let error = world.unpack(&zip(&[(name, "dead")]), Some(Archive::Zip), &small()).unwrap_err();
        assert!(matches!(error, ArtifactError::IllegalPath(_)), "{name}: {error}");
    }
}

#[test]
fn absolute_names_are_taken_as_inside() {
    let world = World::new();
    let unpacked = world.tarball(&tgz(&[file("/etc/passwd", "x"), file("//b", "y")])).unwrap();
    assert_eq!(unpacked, ["/", "/b = y", "/etc/", "/etc/passwd = x"]);
}

#[test]
fn links_that_lead_out_are_refused() {
    for (name, target) in [
        ("l", "../canary"),
        ("l", "/etc/passwd"),
        ("l", ".."),
        ("d/l", "../../canary"),
        ("l", "a/../../canary"),
        ("l", "x/.."),
        ("l", ""),
    ] {
        let error = World::new().tarball(&tgz(&[file("a", "a"), symlink(name, target)])).unwrap_err();
        assert!(matches!(error, ArtifactError::IllegalLink { .. }), "{target}: {error}");
        assert!(
            error.to_string().contains(&format!("illegal symlink target: {name} -> {target}")),
            "{error}"
        );
    }
}

#[test]
fn nothing_is_written_through_a_link() {
    let cases: &[&[Vec<u8>]] = &[
        // a folder that becomes a link, then a file in it
        &[symlink("d", "e"), file("d/x", "through"), file("e/y", "y")],
        &[file("e/y", "y"), symlink("d", "e"), entry(EntryType::Directory, "d/", "", b""), file("d/x", "x")],
    ];
    for entries in cases {
        let error = World::new().tarball(&tgz(entries)).unwrap_err();
        assert!(matches!(error, ArtifactError::Io { .. }), "{error}");
    }
    // a file replaces the link of its name, and the other way round: the last one counts
    let replaced =
        World::new().tarball(&tgz(&[file("t", "t"), symlink("l", "t"), file("l", "mine")])).unwrap();
    assert_eq!(replaced, ["/", "/l = mine", "/t = t"]);
    let replaced =
        World::new().tarball(&tgz(&[file("t", "t"), file("l", "mine"), symlink("l", "t")])).unwrap();
    assert_eq!(replaced, ["/", "/l -> t", "/t = t"]);
}

#[test]
fn links_of_links_do_not_climb() {
    // p/q/l is the artifact itself, so `p/q/l/..` would be outside although it looks like `p/q`
    let entries = [file("p/q/f", "f"), symlink("p/q/l", "../.."), symlink("m", "p/q/l/..")];
    let error = World::new().tarball(&tgz(&entries)).unwrap_err();
    assert!(matches!(error, ArtifactError::IllegalLink { .. }), "{error}");
    let entries = [file("p/q/f", "f"), symlink("p/q/l", "../.."), symlink("m", "p/q/l/p")];
    let unpacked = World::new().tarball(&tgz(&entries)).unwrap();
    assert_eq!(unpacked, ["/", "/m -> p/q/l/p", "/p/", "/p/q/", "/p/q/f = f", "/p/q/l -> ../.."]);
}

#[test]
fn links_do_not_leave_the_folder_that_becomes_the_artifact() {
    // the only folder of the archive takes the artifact's place, so what was beside it is not the artifact's any more
    for target in ["..", "../x", "../d/f"] {
        let error = World::new().tarball(&tgz(&[file("d/f", "f"), symlink("d/l", target)])).unwrap_err();
        assert!(matches!(error, ArtifactError::IllegalLink { .. }), "{target}: {error}");
    }
    let unpacked = World::new().tarball(&tgz(&[file("d/f", "f"), symlink("d/l", "../x"), file("x", "x")]));
    assert_eq!(unpacked.unwrap(), ["/", "/d/", "/d/f = f", "/d/l -> ../x", "/x = x"]);
}

#[test]
fn hard_links_are_copies_of_files_of_the_same_archive() {
    let unpacked = World::new().tarball(&tgz(&[file("a/x", "x"), hardlink("b", "a/x"), file("b2", "")]));
    assert_eq!(unpacked.unwrap(), ["/", "/a/", "/a/x = x", "/b = x", "/b2 = "]);
    for target in ["../canary", "/etc/passwd", "missing", "a", "l", ""] {
        let entries = [file("a/x", "x"), symlink("l", "a/x"), hardlink("b", target)];
        let error = World::new().tarball(&tgz(&entries)).unwrap_err();
        let refused = matches!(error, ArtifactError::IllegalLink { .. } | ArtifactError::IllegalPath(_));
        assert!(refused, "{target}: {error}");
    }
}

#[test]
fn devices_and_pipes_are_left_out() {
    let kinds = [EntryType::Block, EntryType::Char, EntryType::Fifo, EntryType::new(b'Z')];
    for kind in kinds {
        let unpacked =
            World::new().tarball(&tgz(&[entry(kind, "dev", "", b""), file("a", "a"), file("b", "b")]));
        assert_eq!(unpacked.unwrap(), ["/", "/a = a", "/b = b"], "{kind:?}");
    }
}

#[test]
fn special_bits_are_not_taken_over() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    let mut header = tar::Header::new_gnu();
    header.set_path("suid").unwrap();
    header.set_mode(0o7777);
    header.set_size(0);
    header.set_cksum();
    world.tarball(&tgz(&[header.as_bytes().to_vec()])).unwrap();
    assert_eq!(world.target().metadata().unwrap().permissions().mode() & 0o7777, 0o755);
}

#[test]
fn bombs_end_at_the_limits() {
    let zeros = vec![0; 2_000_000];
    let large = entry(EntryType::Regular, "zeros", "", &zeros);
    let skipped = entry(EntryType::Char, "dev", "", &zeros);
    let long_name = entry(EntryType::GNULongName, "././@LongLink", "", &zeros);
    let long_pax = entry(EntryType::XHeader, "pax", "", &zeros);
    let global = entry(EntryType::XGlobalHeader, "pax", "", &zeros);
    let many: Vec<_> = (0..101).map(|n| file(&format!("f{n}"), "")).collect();
    let same: Vec<_> = (0..101).map(|_| entry(EntryType::Directory, "./", "", b"")).collect();
    let parents: Vec<_> = (0..40).map(|n| file(&format!("{n}/a/b/f"), "")).collect();
    let copies: Vec<_> = std::iter::once(entry(EntryType::Regular, "f", "", &zeros[..400_000]))
        .chain((0..5).map(|n| hardlink(&format!("l{n}"), "f")))
        .collect();
    let deep = vec![file("a/b/c/d/e/f", "")];
    let headers: Vec<_> = (0..101).map(|_| entry(EntryType::XGlobalHeader, "pax", "", b"")).collect();
    let cases: &[(&str, Vec<Vec<u8>>, &str)] = &[
        ("large", vec![large], "bytes"),
        ("skipped", vec![skipped], "bytes"),
        ("long name", vec![long_name, file("f", "")], "bytes in an extended header"),
        ("long pax", vec![long_pax, file("f", "")], "bytes in an extended header"),
        ("global", vec![global, file("f", "")], "bytes in an extended header"),
        ("many", many, "entries"),
        ("same", same, "entries"),
        ("parents", parents, "entries"),
        ("copies", copies, "bytes"),
        ("deep", deep, "folders inside one another"),
        ("headers", headers, "entries"),
    ];
    for (name, entries, wanted) in cases {
        let error = World::new().unpack(&tgz(entries), Some(TAR), &small()).unwrap_err();
        assert!(matches!(&error, ArtifactError::TooLarge { what, .. } if what == wanted), "{name}: {error}");
    }
    let text = "0".repeat(2_000_000);
    let names: Vec<String> = (0..101).map(|n| format!("f{n}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    for (files, wanted) in [(vec![("f", text.as_str())], "bytes"), (many, "entries")] {
        let error = World::new().unpack(&zip(&files), Some(Archive::Zip), &small()).unwrap_err();
        assert!(matches!(&error, ArtifactError::TooLarge { what, .. } if *what == wanted), "{error}");
    }
}

#[test]
fn damaged_archives_leave_nothing_behind() {
    let good = tgz(&[file("a", "some content that is long enough"), file("b", "b")]);
    let long =
        tgz(&[entry(EntryType::Regular, "a", "", &(0..=255).cycle().take(100_000).collect::<Vec<u8>>())]);
    let mut claims = entry(EntryType::Regular, "a", "", b"");
    claims[124..136].copy_from_slice(b"77777777777\0");
    let mut two_sizes = entry(EntryType::XHeader, "pax", "", b"12 size=999\n");
    two_sizes.extend(file("a", "a"));
    for bytes in [&good[..20], &long[..long.len() / 2], &gz(b"no tar"), &gz(&claims), &tgz(&[two_sizes]), b""]
    {
        let error = World::new().tarball(bytes).unwrap_err();
        assert!(matches!(error, ArtifactError::BadArchive(_)), "{error}");
    }
    let good = zip(&[("a", "a")]);
    for bytes in [&good[..good.len() - 1], b"no zip", b""] {
        let error = World::new().unpack(bytes, Some(Archive::Zip), &small()).unwrap_err();
        assert!(matches!(error, ArtifactError::BadArchive(_)), "{error}");
    }
}
