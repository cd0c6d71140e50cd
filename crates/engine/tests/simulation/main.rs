//! Random workflows in a random world: pods fail, are lost and end in any order, timers go off, locks are given late,
//! somebody suspends or stops the run, events come twice, the server dies and reads its log. Whatever happens, the laws
//! hold. Deterministic: a number makes the workflow and all that happens to it, and a failure prints that number;
//! `SIMULATE_ONLY=<number>` runs it alone, `SIMULATE_RUNS=<count>` sets how many.
//! Not here: processes, real time.

#[cfg(test)]
#[expect(dead_code, reason = "it is shared with the tests that look at single features")]
#[path = "../engine/driver.rs"]
mod driver;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod luck;
#[cfg(test)]
mod random_workflow;

#[cfg(test)]
mod simulation {
    use engine::{CollectedOutputs, EventKind, PodEnd, PodOutcome, RunOptions, ShutdownStrategy};

    use crate::{
        driver::{World, ended, spec},
        laws::Laws,
        luck::Luck,
        random_workflow::random_workflow,
    };

    /// How many runs there are by themselves; the project's CI asks for ten times as many, in a release build.
    const RUNS: u64 = 10_000;
    /// How many things may happen to one run; more means that it does not end.
    const MOST_TURNS: usize = 3_000;

    /// How a pod ends.
    fn outcome(luck: &mut Luck) -> PodOutcome {
        match luck.below(10) {
            0..=5 => ended(0),
            6 | 7 => ended(1),
            8 => PodOutcome::new(PodEnd::Error("lost".to_owned()), CollectedOutputs::default()),
            _ => PodOutcome::new(PodEnd::DeadlineExceeded, CollectedOutputs::default()),
        }
    }

    /// Something that somebody does to the run.
    fn interfere(world: &mut World, luck: &mut Luck) {
        let kind = match luck.below(8) {
            0..=2 => EventKind::Suspended,
            3..=5 => EventKind::Unsuspended,
            6 => EventKind::ShutdownRequested { strategy: ShutdownStrategy::Stop, message: None },
            _ => EventKind::ShutdownRequested { strategy: ShutdownStrategy::Terminate, message: None },
        };
        world.send(kind);
    }

    /// Ends one of the pods, or lets one run first.
    fn pod(world: &mut World, luck: &mut Luck) {
        let at = luck.index(world.pods.len());
        let end = outcome(luck);
        world.end_pod(at, &|_| end.clone());
    }

    /// Plays one run to its end, looking at the laws after everything that happens.
    fn play(seed: u64) {
        let mut luck = Luck::new(seed);
        let yaml = random_workflow(&mut luck);
        if number("SIMULATE_ONLY").is_some() {
            println!("{yaml}");
        }
        let mut world = World::new(spec(&yaml), RunOptions::default());
        let mut laws = Laws::new(&world);
        world.send(EventKind::Started);
        laws.look(&mut world);
        let rough = luck.one_in(4);
        for turn in 0.. {
            assert!(turn < MOST_TURNS, "the run does not end:\n{}\n{yaml}", world.shown());
            if world.run.status().phase.is_completed() && world.pods.is_empty() {
                break;
            }
            match luck.below(20) {
                0 if rough && !world.run.status().phase.is_completed() => interfere(&mut world, &mut luck),
                1 => laws.repeat(&mut world, &mut luck),
                2 => laws.die_and_read(&world),
                3..=5 if !world.timers.is_empty() => drop(world.fire()),
                6..=12 if !world.pods.is_empty() => pod(&mut world, &mut luck),
                _ if world.serve() => {}
                _ if !world.pods.is_empty() => pod(&mut world, &mut luck),
                _ if world.fire() => {}
                _ => {
                    // only somebody who suspended it can be waited for
                    let was = world.log.len();
                    world.send(EventKind::Unsuspended);
                    let waits = world.pods.is_empty() && world.timers.is_empty() && !world.serve();
                    assert!(
                        !waits || world.run.status().phase.is_completed() || world.log.len() > was + 1,
                        "nothing can happen any more:\n{}\n{yaml}",
                        world.shown()
                    );
                }
            }
            if number("SIMULATE_ONLY").is_some() {
                println!("{:?}\n{}\n", world.log.last().map(|event| &event.kind), world.shown());
            }
            laws.look(&mut world);
        }
        laws.end(&world);
        laws.die_and_read(&world);
    }

    fn number(variable: &str) -> Option<u64> {
        std::env::var(variable).ok()?.parse().ok()
    }

    #[test]
    fn whatever_happens_the_laws_hold() {
        if let Some(only) = number("SIMULATE_ONLY") {
            return play(only);
        }
        let runs = number("SIMULATE_RUNS").unwrap_or(RUNS);
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
        std::thread::scope(|scope| {
            for lane in 0..threads {
                scope.spawn(move || {
                    for seed in (lane..runs).step_by(threads as usize) {
                        if std::panic::catch_unwind(|| play(seed)).is_err() {
                            panic!("a law is broken: SIMULATE_ONLY={seed}");
                        }
                    }
                });
            }
        });
    }
}
