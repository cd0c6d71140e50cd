//! kill -9 at any moment, and a writer from outside. (A full disk: see the tests beside the code.)

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use audit::{ActError, Entry, Journal, Unauthenticated};
use engine::EventKind;
use model::argo::WorkflowPhase;
use store::DATABASE;

use crate::world::{World, at, event, me, public, run, submit};

const CHILD: &str = "STORE_TEST_CHILD_FOLDER";

fn nobody(n: i64) -> Entry {
    Entry::Unauthenticated(Unauthenticated::new(at(n), "IDN0001", "no token", "GET /"))
}

/// The child: appends and creates as fast as it can, and says what was acknowledged.
#[tokio::test]
async fn child_that_is_killed() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let world = World::open(folder.as_ref());
    let old = world.store.unfinished_runs().await.unwrap().len() as u128;
    for n in 0_u32.. {
        let number = world.store.append(nobody(i64::from(n))).await.unwrap();
        println!("ACK entry {number}");
        let run = run(old + u128::from(n) + 1, &format!("run-{}", old + u128::from(n)));
        world.create(&run).await;
        world.advance(&run, 0, &[event(1, EventKind::Started)], WorkflowPhase::Running).await;
        println!("ACK run {}", run.facts.id);
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let mut runs = Vec::new();
    for round in 0..6_usize {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::child_that_is_killed", "--nocapture"])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut seen, mut last_entry) = (0, None);
        // A different number of acknowledgements each round puts the kill at a different step of the next one.
        while seen < 20 + 7 * round {
            let line = lines.next().expect("the child ended by itself").unwrap();
            let Some((_, acknowledged)) = line.split_once("ACK ") else { continue };
            seen += 1;
            match acknowledged.split_once(' ').unwrap() {
                ("entry", number) => last_entry = Some(number.parse::<u64>().unwrap()),
                (_, id) => runs.push(id.parse().unwrap()),
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            if let Some((_, id)) = line.split_once("ACK run ") {
                runs.push(id.parse().unwrap());
            }
        }
        let report = store::verify_folder(folder.path(), &public()).unwrap();
        assert!(report.entries > last_entry.unwrap(), "round {round}: {report:?}");
        let world = World::open(folder.path());
        for run in &runs {
            let (stored, events) = world.store.replay(*run).await.unwrap();
            assert_eq!((stored.phase, events.len()), (WorkflowPhase::Running, 1), "round {round}");
        }
        drop(world);
        assert_eq!(store::verify_folder(folder.path(), &public()).unwrap().unsigned(), 0, "round {round}");
    }
}

#[tokio::test]
async fn a_writer_from_outside_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    world.store.append(nobody(1)).await.unwrap();
    let other = rusqlite::Connection::open(folder.path().join(DATABASE)).unwrap();
    other.execute("INSERT INTO log(number, leaf, body) VALUES(1, x'00', x'00')", []).unwrap();
    assert!(world.store.append(nobody(2)).await.is_err());
    let refused = world.act(&me(), submit(&run(1, "x")), async |_| Ok(())).await;
    assert!(matches!(refused, Err(ActError::Unrecorded(_))), "what cannot be recorded is not done");
}
