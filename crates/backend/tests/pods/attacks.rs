//! What a hostile payload tries, run for real in a sandbox. A payload that gets through says BREACH.

use std::{net::TcpListener, os::unix::fs::PermissionsExt};

use backend::limits;
use engine::{InputSource, PodEnd};

use crate::fixture::{run_id, sandbox, shell, with_artifact, with_input, with_parameter};

#[tokio::test]
async fn a_payload_sees_and_touches_nothing_outside_its_sandbox() {
    let Some(world) = sandbox() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let data = world.folder.path().join("data").display().to_string();
    let own = std::process::id();
    let home = std::env::var("HOME").unwrap_or_else(|_| "/root".to_owned());
    let secret = world.folder.path().join("secret");
    std::fs::write(&secret, "x").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o666)).unwrap();
    // a file the server was started with, open in every process it starts
    let _inherited = nix::unistd::dup(std::fs::File::open(&secret).unwrap()).unwrap();
    let attacks: Vec<(&str, String)> = vec![
        ("accounts", "cat /etc/shadow && echo BREACH; grep root: /etc/passwd && echo BREACH".into()),
        ("homes", format!("find {home} /home /root /var/lib /var/log /opt /srv /mnt /media -mindepth 1 | grep . && echo BREACH")),
        ("data folder", format!("ls {data} && echo BREACH; cat {} && echo BREACH", secret.display())),
        ("other pods", "find / -name pod.json -o -name result.json 2>/dev/null | grep . && echo BREACH".into()),
        ("server's environment", "cat /proc/*/environ | tr '\\0' '\\n' | grep ^CARGO && echo BREACH".into()),
        ("processes", format!("kill -0 {own} && echo BREACH; test -e /proc/{own} && echo BREACH; ls /proc | grep -c '^[0-9]' | grep -qx '[1-6]' || echo BREACH")),
        ("first process", "kill -9 1; cat /proc/1/environ && echo BREACH; cat /proc/1/maps && echo BREACH; ls /proc/1/root/ && echo BREACH; readlink /proc/1/fd/0 && echo BREACH; cat /proc/1/fd/0 && echo BREACH; echo x > /proc/1/mem && echo BREACH".into()),
        ("network", format!("bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}' && echo BREACH; bash -c 'exec 3<>/dev/tcp/1.1.1.1/80' && echo BREACH")),
        ("interfaces", "grep -v -e lo: -e Inter -e face /proc/net/dev && echo BREACH".into()),
        ("mount", "mount -t tmpfs x /tmp && echo BREACH; mount -o remount,rw /usr && echo BREACH; umount /usr && echo BREACH; umount -l /proc && echo BREACH; mount --bind /tmp /usr && echo BREACH".into()),
        ("namespaces", "for n in U m p n i u C; do unshare -$n true && echo BREACH; done; unshare -Ur true && echo BREACH; nsenter -t 1 -m true && echo BREACH".into()),
        ("programs", "touch /usr/x && echo BREACH; echo x > /usr/bin/true && echo BREACH; rm /usr/bin/true && echo BREACH; echo x > /etc/ssl/x && echo BREACH".into()),
        ("kernel settings", "for f in kernel/core_pattern kernel/hostname vm/drop_caches user/max_user_namespaces kernel/modprobe fs/binfmt_misc/register; do echo 1 > /proc/sys/$f && echo BREACH; done; echo h > /proc/sysrq-trigger && echo BREACH".into()),
        ("devices", "mknod /tmp/d b 8 0 && echo BREACH; mknod /tmp/d c 1 1 && echo BREACH; ls /dev/sda /dev/vda /dev/mem /dev/kmsg && echo BREACH; ls /sys/* && echo BREACH".into()),
        ("privileges", "grep -E '^Cap(Inh|Prm|Eff|Amb)' /proc/self/status | grep -v 0000000000000000 && echo BREACH; grep -q 'NoNewPrivs:.1' /proc/self/status || echo BREACH; test $(id -u) = 0 && echo BREACH; su -c true root && echo BREACH".into()),
        ("open files", "open=$(ls /proc/self/fd); test \"$open\" = $'0\\n1\\n2\\n3' || echo BREACH $open; readlink /proc/$$/fd/0 | grep -v null && echo BREACH".into()),
        ("trace", "strace -p 1 -o /tmp/t && echo BREACH; strace -p $PPID -o /tmp/t && echo BREACH".into()),
        ("limits", "ulimit -c | grep -vx 0 && echo BREACH; ulimit -H -n | awk '$1 == \"unlimited\" || $1 > 65536' | grep . && echo BREACH; ulimit -u 4096 && echo BREACH; df -B1 --output=size /tmp | tail -1 | awk '$1 > 2147483648' | grep . && echo BREACH".into()),
        ("host name", "hostname other && echo BREACH".into()),
        ("token of nobody", "ls -A /run/marque | grep . && echo BREACH; touch /run/marque/x && echo BREACH".into()),
        ("everybody", "kill -9 -1; true".into()),
    ];
    for (what, attack) in attacks {
        let pod = shell(&world.fresh(), &format!("{{ {attack}; }}; echo tried"));
        let end = world.run(&pod).await.end;
        let text = world.text(run_id(1), &pod.node).await;
        assert!(!text.contains("BREACH"), "{what}:\n{text}");
        if what == "everybody" {
            assert!(matches!(end, PodEnd::Exited(_)), "{what}: {end:?}");
        } else {
            assert_eq!(end, PodEnd::Exited(0), "{what}:\n{text}");
            assert!(text.contains("tried\n"), "{what} did not run to its end:\n{text}");
        }
    }
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "somebody connected");
}

#[tokio::test]
async fn two_pods_do_not_see_each_other() {
    let Some(world) = sandbox() else { return };
    let first =
        shell(&world.fresh(), "echo mine > /tmp/mine; echo mine > /dev/shm/mine; sleep 60 & echo up; wait");
    world.start(run_id(1), &first, None).await.unwrap();
    let (_, text) = world.shell("ls -A /tmp /dev/shm | grep mine && echo BREACH; grep -l 'sleep' /proc/[0-9]*/comm && echo BREACH; hostname; true").await;
    assert!(!text.contains("BREACH"), "{text}");
    let (_, other) = world.shell("hostname").await;
    assert_ne!(text, other, "each has a name of its own");
    world.kill(run_id(1), &first.node).await;
    assert_eq!(world.wait(run_id(1), &first.node).await.unwrap().end, PodEnd::Killed);
}

#[tokio::test]
async fn outputs_that_are_links_or_no_files_give_nothing_of_the_machine() {
    let Some(world) = sandbox() else { return };
    let secret = world.folder.path().join("data/server-secret");
    std::fs::write(&secret, "server-secret-content").unwrap();
    let host = secret.display();
    let hostile = [
        ("link to the server's file", format!("ln -s {host} /tmp/o")),
        ("link with many ..", format!("ln -s ../../../../../..{host} /tmp/o")),
        ("link through /proc", "ln -s /proc/self/root/etc/shadow /tmp/o".to_owned()),
        ("link to the first process", "ln -s /proc/1/environ /tmp/o".to_owned()),
        ("kernel file", "ln -s /proc/kallsyms /tmp/o".to_owned()),
        ("kernel folder", "ln -s /proc/sys /tmp/o".to_owned()),
        ("link to itself", "ln -s /tmp/o /tmp/o".to_owned()),
        ("FIFO", "mkfifo /tmp/o".to_owned()),
        ("link to a device", "ln -s /dev/zero /tmp/o".to_owned()),
        (
            "folder whose parent is a link",
            format!(
                "mkdir /tmp/d; rm -r /tmp/d; ln -s {} /tmp/d; ln -s /tmp/d/server-secret /tmp/o",
                secret.parent().unwrap().display()
            ),
        ),
    ];
    for (what, text) in hostile {
        for (kind, pod) in [
            ("artifact", with_artifact(shell(&world.fresh(), &text), "o", "/tmp/o", false)),
            ("parameter", with_parameter(shell(&world.fresh(), &text), "o", "/tmp/o")),
        ] {
            let outcome = world.run(&pod).await;
            assert!(outcome.outputs.artifacts.is_empty(), "{what}, {kind}: {outcome:?}");
            assert!(outcome.outputs.parameters.is_empty(), "{what}, {kind}: {outcome:?}");
            if kind == "artifact" {
                assert!(matches!(outcome.end, PodEnd::Error(_)), "{what}: {outcome:?}");
            }
        }
    }
    let pod = with_parameter(shell(&world.fresh(), "ln -s /etc/passwd /tmp/o"), "o", "/tmp/o");
    let accounts = world.run(&pod).await.outputs.parameters.remove("o").unwrap();
    assert!(!accounts.contains("root"), "a link is followed inside the pod only: {accounts}");
}

#[tokio::test]
async fn a_folder_of_hostile_entries_is_stored_without_them() {
    let Some(world) = sandbox() else { return };
    let text = "mkdir -p /tmp/o/sub && cd /tmp/o && echo good > good && ln -s /etc/passwd out && ln -s ../../../etc/hostname up && ln -s . loop && ln -s sub down && mkfifo fifo && ln -s good fine && ln -s /dev/zero zero && ln /tmp/o/good hard";
    let pod = with_artifact(shell(&world.fresh(), text), "o", "/tmp/o", false);
    let outcome = world.run(&pod).await;
    assert_eq!(outcome.end, PodEnd::Exited(0));
    let stored = world.artifact(run_id(1), outcome.outputs.artifacts["o"].key().unwrap()).await.unwrap();
    let mut names: Vec<String> = std::fs::read_dir(&stored)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["fine", "good", "hard", "sub"]);
    for name in ["fine", "good", "hard"] {
        assert!(stored.join(name).symlink_metadata().unwrap().is_file(), "{name}");
        assert_eq!(std::fs::read_to_string(stored.join(name)).unwrap(), "good\n", "{name}");
    }
    let log = world.text(run_id(1), &pod.node).await;
    for name in ["out", "up", "loop", "down", "fifo", "zero"] {
        assert!(log.contains(&format!("artifact `o`: `{name}` was left out")), "{name}: {log}");
    }
}

#[tokio::test]
async fn outputs_that_are_too_large_are_refused_by_their_named_limit() {
    let Some(world) = sandbox() else { return };
    let limit = limits::PARAMETER_BYTES;
    for (size, fits) in [(limit, true), (limit + 1, false)] {
        let text = format!("head -c {size} /dev/zero | tr '\\0' x > /tmp/o");
        let outcome = world.run(&with_parameter(shell(&world.fresh(), &text), "o", "/tmp/o")).await;
        assert_eq!(outcome.end == PodEnd::Exited(0), fits, "{size}: {:?}", outcome.end);
    }
    for text in [
        "truncate -s 1T /tmp/o",
        "mkdir /tmp/o; truncate -s 1T /tmp/o/x",
        "cd /tmp; p=o; for i in $(seq 70); do mkdir $p; p=$p/d; done",
    ] {
        let outcome = world.run(&with_artifact(shell(&world.fresh(), text), "o", "/tmp/o", false)).await;
        assert!(
            matches!(&outcome.end, PodEnd::Error(why) if why.contains("than")),
            "{text}: {:?}",
            outcome.end
        );
        assert!(outcome.outputs.artifacts.is_empty(), "{text}");
    }
}

#[tokio::test]
async fn inputs_can_not_be_put_over_what_is_the_machines() {
    let Some(world) = sandbox() else { return };
    for path in [
        "/usr/bin/true",
        "/usr/x",
        "/proc/self/x",
        "/proc/sys/kernel/hostname",
        "/run/marque/token",
        "/etc/ssl/x",
        "/dev/null/x",
    ] {
        let pod =
            with_input(shell(&world.fresh(), "echo ran"), "i", path, InputSource::Raw("evil".to_owned()));
        let end = world.run(&pod).await.end;
        assert!(matches!(end, PodEnd::Error(_)), "{path}: {end:?}");
    }
}

#[tokio::test]
async fn a_flood_of_lines_is_cut_off_and_says_so() {
    let Some(world) = sandbox() else { return };
    let pod =
        shell(&world.fresh(), "head -c 90000000 /dev/zero | tr '\\0' x | fold -w 5000; echo the end >&2");
    assert_eq!(world.run(&pod).await.end, PodEnd::Exited(0));
    let log = world.pod_folder(run_id(1), &pod.node).join("log");
    let size = log.metadata().unwrap().len();
    assert!(size <= limits::LOG_BYTES + 200, "{size}");
    let (lines, _) = world.log(run_id(1), &pod.node, size - 150).await;
    assert!(lines.last().unwrap().content.starts_with("the log is cut off here"), "{lines:?}");
}

#[tokio::test]
async fn a_fork_bomb_is_bounded_and_ends_with_its_deadline() {
    let Some(world) = sandbox() else { return };
    let mut bomb = shell(&world.fresh(), "bomb() { bomb & bomb & sleep 50; }; bomb 2>/dev/null; sleep 50");
    bomb.deadline_seconds = Some(2);
    let end = world.run(&bomb).await.end;
    assert!(matches!(end, PodEnd::DeadlineExceeded), "{end:?}");
    let (end, text) = world.shell("echo alive").await;
    assert_eq!((end, text.as_str()), (PodEnd::Exited(0), "alive\n"));
}
