//! What archives look like and what becomes of them: Argo's names, Argo's detection, Argo's places.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use artifact::{ArtifactError, Limits, is_tarball, pack, stored_name};
use model::argo::Archive;
use tar::EntryType;

use crate::fixture::{TAR, World, entry, file, gz, listing, symlink, tgz, zip};

#[test]
fn the_stored_name_is_argos() {
    assert_eq!(stored_name("art", "/tmp/out/hello.txt", TAR), "art.tgz");
    assert_eq!(stored_name("art", "/tmp/out/hello.txt", Archive::Zip), "art.zip");
    assert_eq!(stored_name("art", "/tmp/out/hello.txt", Archive::None), "hello.txt");
    assert_eq!(stored_name("art", "/tmp/out/", Archive::None), "out");
    assert_eq!(stored_name("art", "/", Archive::None), "art");
}

#[test]
fn an_archive_is_recognized_as_argo_does() {
    let tarball = tgz(&[file("x", "inside")]);
    let zipped = zip(&[("x", "inside")]);
    let cases: &[(&[u8], Option<Archive>, &str)] = &[
        (&tarball, None, " = inside"),
        (&tarball, Some(TAR), " = inside"),
        (&zipped, Some(Archive::Zip), " = inside"),
        (b"text", None, " = text"),
        (b"", None, " = "),
        (b"text", Some(Archive::None), " = text"),
    ];
    for (bytes, archive, wanted) in cases {
        assert_eq!(World::new().unpack(bytes, *archive, &Limits::default()).unwrap(), [*wanted]);
    }
    // these stay as they are: a tarball that is said to be none, a ZIP archive that is not said to be one, other gzip
    for (bytes, archive) in
        [(tarball, Some(Archive::None)), (zipped, None), (gz(b"not a tarball"), None), (gz(&[0; 1024]), None)]
    {
        let world = World::new();
        world.unpack(&bytes, archive, &Limits::default()).unwrap();
        assert_eq!(fs::read(world.target()).unwrap(), bytes);
    }
}

#[test]
fn a_single_entry_becomes_the_artifact() {
    let cases: &[(Vec<Vec<u8>>, &[&str])] = &[
        (vec![file("x", "1")], &[" = 1"]),
        (vec![entry(EntryType::Directory, "d/", "", b""), file("d/x", "1")], &["/", "/x = 1"]),
        (vec![file("x", "1"), file("y", "2")], &["/", "/x = 1", "/y = 2"]),
        (
            vec![entry(EntryType::Directory, "./", "", b""), file("./x", "1"), file("./d/y", "2")],
            &["/", "/d/", "/d/y = 2", "/x = 1"],
        ),
        (vec![file("d/x", "1"), symlink("d/l", "x")], &["/", "/l -> x", "/x = 1"]),
        (vec![symlink("l", "x")], &["/", "/l -> x"]),
        (vec![], &["/"]),
    ];
    for (entries, wanted) in cases {
        assert_eq!(World::new().tarball(&tgz(entries)).unwrap(), *wanted);
    }
}

#[test]
fn long_names_are_read_in_both_dialects() {
    let long = format!("d/{}", "n".repeat(200));
    let gnu = [
        entry(EntryType::GNULongName, "././@LongLink", "", format!("{long}\0").as_bytes()),
        file("short", "1"),
    ];
    let record = format!(" path={long}\n");
    let record = format!("{}{record}", record.len() + 3);
    let pax = [entry(EntryType::XHeader, "pax", "", record.as_bytes()), file("short", "1")];
    for entries in [gnu, pax] {
        let unpacked = World::new().tarball(&tgz(&entries)).unwrap();
        assert_eq!(unpacked, ["/".to_owned(), format!("/{} = 1", "n".repeat(200))]);
    }
}

#[test]
fn packing_gives_the_same_bytes_whatever_the_order_and_times() {
    let build = |names: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("out");
        fs::create_dir_all(root.join("d")).unwrap();
        for name in names {
            fs::write(root.join(name), name).unwrap();
        }
        fs::set_permissions(root.join("b"), fs::Permissions::from_mode(0o700)).unwrap();
        let packed = [TAR, Archive::Tar { level: Some(0) }, Archive::Zip].map(|archive| {
            let target = folder.path().join("packed");
            let _ = fs::remove_file(&target);
            pack(&root, "out", archive, &target).unwrap();
            fs::read(target).unwrap()
        });
        assert!(packed[1].len() > packed[0].len(), "level 0 does not compress");
        packed
    };
    assert_eq!(build(&["a", "b", "d/c"]), build(&["d/c", "b", "a"]));
}

#[test]
fn what_cannot_be_packed_is_said_in_gos_words() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("packed");
    let fault = |source: &Path, archive| match pack(source, "x", archive, &to) {
        Err(error @ ArtifactError::Unpackable(_)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let level = Archive::Tar { level: Some(10) };
    fs::write(folder.path().join("f"), "").unwrap();
    assert_eq!(fault(&folder.path().join("f"), level), "gzip: invalid compression level: 10");
    let _ = fs::remove_file(&to);
    assert!(fault(folder.path(), Archive::None).contains("is a folder"));
    assert!(fault(Path::new("/dev/null"), TAR).contains("is not a regular file or directory"));
}

#[test]
fn links_inside_are_packed_and_others_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("out");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("f"), "f").unwrap();
    for (name, target) in [("in", "f"), ("out", "../canary"), ("abs", "/etc/passwd")] {
        std::os::unix::fs::symlink(target, root.join(name)).unwrap();
    }
    let packed = folder.path().join("packed");
    pack(&root, "out", TAR, &packed).unwrap();
    assert!(is_tarball(&packed).unwrap());
    let world = World::new();
    assert_eq!(world.tarball(&fs::read(packed).unwrap()).unwrap(), ["/", "/f = f", "/in -> f"]);
}

#[test]
fn an_interrupted_attempt_is_replaced() {
    let world = World::new();
    fs::create_dir_all(world.folder.path().join("private/a.tmpdir/old")).unwrap();
    fs::create_dir_all(world.target().join("old")).unwrap();
    assert_eq!(world.tarball(&tgz(&[file("x", "new")])).unwrap(), [" = new"]);
    assert_eq!(listing(&world.target()), [" = new"]);
}
