//! A node costs the same in a large run as in a small one. What is counted is what the engine asks of the allocator, so that
//! the law is the same on every machine: whoever copies or gathers the whole run at each event breaks it at once.
//! Not here: time (see the benchmark `nodes`), which also tells of scans that gather nothing.
//! One test alone: the allocator counts for the whole program.

#[cfg(test)]
#[path = "../../benches/nodes/shapes.rs"]
mod shapes;

#[cfg(test)]
mod work {
    use std::alloc::System;

    use engine::Run;
    use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

    use crate::shapes::{SHAPES, Shape, begin, finish, new};

    #[global_allocator]
    static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

    /// How much more a node of a ten times larger run may cost.
    const FLAT: f64 = 1.3;

    /// What a node costs, of all that the run has in the end.
    #[derive(Debug)]
    struct Cost {
        allocations: f64,
        bytes: f64,
        /// Bytes that are in use when all have started, if all can at once.
        kept: Option<f64>,
    }

    fn cost((_, shape): Shape, size: usize) -> Cost {
        let run = new(shape(size));
        let counted = Region::new(ALLOCATOR);
        let begun = begin(run);
        let kept = counted.change();
        let kept = kept.bytes_allocated as f64 - kept.bytes_deallocated as f64;
        let started = begun.0.nodes().len() as f64;
        let ended: Run = finish(begun);
        let all = counted.change();
        let nodes = ended.nodes().len() as f64;
        Cost {
            allocations: (all.allocations + all.reallocations) as f64 / nodes,
            bytes: all.bytes_allocated as f64 / nodes,
            kept: (started >= size as f64).then(|| kept / started),
        }
    }

    #[test]
    fn a_node_of_a_large_run_costs_what_one_of_a_small_run_does() {
        for shape in SHAPES {
            let (small, large) = (cost(shape, 1_000), cost(shape, 10_000));
            println!("{}: {small:.0?} a node of 1,000, {large:.0?} of 10,000", shape.0);
            assert!(large.allocations <= FLAT * small.allocations, "{}: {small:?} {large:?}", shape.0);
            assert!(large.kept <= small.kept.map(|kept| FLAT * kept), "{}: {small:?} {large:?}", shape.0);
            assert!(large.bytes <= FLAT * small.bytes, "{}: {small:?} {large:?}", shape.0);
        }
    }
}
