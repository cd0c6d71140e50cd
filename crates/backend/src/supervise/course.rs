//! The order in which a pod's containers run: those of the beginning one after the other, then the main ones as their
//! dependencies allow with those beside them, which are ended when the main ones have.
//! Source: Kubernetes "Init Containers", Argo `cmd/argoexec/commands/emissary.go` (dependencies, retries), `wait.go`.
//! Not here: processes (`payload`), time (`watch`).

use crate::spec::{ContainerSpec, Role};

/// The exit code of a container that was never started (Argo emissary).
pub(crate) const NOT_STARTED: i32 = 64;

/// Where a container is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has not been started.
    Waiting,
    /// It runs.
    Running,
    /// It has ended with this exit code, and is tried again when its pause is over.
    Pausing(i32),
    /// It has ended with this exit code.
    Ended(i32),
    /// It never ran, or was lost; the message says why.
    Broken(String),
}

impl Stage {
    /// Whether it will never run again.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self, Self::Ended(_) | Self::Broken(_))
    }
    const fn is_well(&self) -> bool {
        matches!(self, Self::Ended(0))
    }
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// These are to be started now.
    Start(Vec<usize>),
    /// Nothing, until one of them ends.
    Wait,
    /// The main containers are over: what still runs is to be ended.
    EndTheRest,
    /// All is over.
    Over,
}

/// The containers of a pod and how far each is.
#[derive(Debug)]
pub(crate) struct Course<'a> {
    entries: Vec<Entry<'a>>,
}

#[derive(Debug)]
struct Entry<'a> {
    container: &'a ContainerSpec,
    stage: Stage,
    attempts: u32,
}

impl<'a> Course<'a> {
    /// Returns the course of a pod that begins.
    pub(crate) fn new(containers: &'a [ContainerSpec]) -> Self {
        let entry = |container| Entry { container, stage: Stage::Waiting, attempts: 0 };
        Self { entries: containers.iter().map(entry).collect() }
    }
    /// Returns each container and where it is.
    pub(crate) fn stages(&self) -> impl Iterator<Item = (&'a ContainerSpec, &Stage)> {
        self.entries.iter().map(|entry| (entry.container, &entry.stage))
    }
    /// Returns where a container is.
    pub(crate) fn stage(&self, at: usize) -> Option<&Stage> {
        self.entries.get(at).map(|entry| &entry.stage)
    }
    /// Decides what is next; a container whose dependency did not end well is over by that.
    pub(crate) fn next(&mut self) -> Next {
        let beginning =
            self.entries.iter().enumerate().filter(|(_, entry)| entry.container.role == Role::Init);
        for (at, entry) in beginning {
            match &entry.stage {
                Stage::Waiting => return Next::Start(vec![at]),
                stage if stage.is_well() => {}
                stage if stage.is_over() => return self.give_up(),
                _ => return Next::Wait,
            }
        }
        while self.blame_dependencies() {}
        if self.entries.iter().all(|entry| !entry.container.role.is_main() || entry.stage.is_over()) {
            return self.the_rest();
        }
        let ready = self.entries.iter().enumerate().filter(|(_, entry)| self.may_start(entry));
        let ready: Vec<usize> = ready.map(|(at, _)| at).collect();
        if ready.is_empty() { Next::Wait } else { Next::Start(ready) }
    }
    /// A container has been started.
    pub(crate) fn started(&mut self, at: usize) {
        if let Some(entry) = self.entries.get_mut(at) {
            entry.stage = Stage::Running;
            entry.attempts = entry.attempts.saturating_add(1);
        }
    }
    /// A container has ended; returns how many milliseconds later it is tried again, if it is.
    pub(crate) fn ended(&mut self, at: usize, code: i32) -> Option<u64> {
        let entry = self.entries.get_mut(at)?;
        let again = code != 0 && entry.attempts < entry.container.attempts;
        entry.stage = if again { Stage::Pausing(code) } else { Stage::Ended(code) };
        again.then_some(entry.container.pause_ms)
    }
    /// A container's pause is over.
    pub(crate) fn pause_over(&mut self, at: usize) {
        self.change(at, Stage::Waiting);
    }
    /// A container could not be run, or was lost.
    pub(crate) fn broken(&mut self, at: usize, message: String) {
        self.change(at, Stage::Broken(message));
    }
    /// Nothing further starts.
    pub(crate) fn stop(&mut self) {
        for entry in &mut self.entries {
            match entry.stage {
                Stage::Waiting => entry.stage = Stage::Broken(String::new()),
                Stage::Pausing(code) => entry.stage = Stage::Ended(code),
                _ => {}
            }
        }
    }

    fn change(&mut self, at: usize, stage: Stage) {
        if let Some(entry) = self.entries.get_mut(at) {
            entry.stage = stage;
        }
    }
    fn may_start(&self, entry: &Entry<'_>) -> bool {
        let well = |name: &String| self.named(name).is_none_or(Stage::is_well);
        let depends = match &entry.container.role {
            Role::Main(dependencies) => dependencies.iter().all(well),
            Role::Sidecar => true,
            Role::Init => false,
        };
        entry.stage == Stage::Waiting && depends
    }
    fn named(&self, name: &str) -> Option<&Stage> {
        let is = |entry: &&Entry<'_>| entry.container.role.is_main() && entry.container.name == name;
        self.entries.iter().find(is).map(|entry| &entry.stage)
    }
    /// Says of one container that waits for one that did not end well that it will never start; returns whether there was
    /// one.
    fn blame_dependencies(&mut self) -> bool {
        let blamed = |(at, entry): (usize, &Entry<'_>)| {
            let Role::Main(dependencies) = &entry.container.role else { return None };
            if entry.stage != Stage::Waiting {
                return None;
            }
            dependencies.iter().find_map(|name| {
                let code = match self.named(name)? {
                    Stage::Ended(code) if *code != 0 => *code,
                    Stage::Broken(_) => NOT_STARTED,
                    _ => return None,
                };
                Some((at, format!("dependency \"{name}\" exited with non-zero code: {code}")))
            })
        };
        let Some((at, message)) = self.entries.iter().enumerate().find_map(blamed) else { return false };
        self.broken(at, message);
        true
    }
    /// One of the beginning failed.
    fn give_up(&mut self) -> Next {
        self.stop();
        self.the_rest()
    }
    fn the_rest(&self) -> Next {
        let running = |entry: &Entry<'_>| matches!(entry.stage, Stage::Running);
        if self.entries.iter().any(running) { Next::EndTheRest } else { Next::Over }
    }
}

#[cfg(test)]
mod tests {
    use super::{Course, Next, Stage};
    use crate::spec::{ContainerSpec, Role};

    fn container(name: &str, role: Role) -> ContainerSpec {
        ContainerSpec {
            name: name.to_owned(),
            role,
            wanted: None,
            command_words: 0,
            built_in: false,
            working_dir: String::new(),
            mounts: Vec::new(),
            has_inputs: false,
            attempts: 1,
            pause_ms: 0,
        }
    }

    fn node(name: &str, dependencies: &[&str]) -> ContainerSpec {
        container(name, Role::Main(dependencies.iter().map(|name| (*name).to_owned()).collect()))
    }

    #[test]
    fn the_beginning_comes_one_by_one_and_the_sidecars_end_last() {
        let containers = [
            container("a", Role::Init),
            container("b", Role::Init),
            node("main", &[]),
            container("beside", Role::Sidecar),
        ];
        let mut course = Course::new(&containers);
        for at in [0, 1] {
            assert_eq!(course.next(), Next::Start(vec![at]));
            course.started(at);
            assert_eq!(course.next(), Next::Wait);
            course.ended(at, 0);
        }
        assert_eq!(course.next(), Next::Start(vec![2, 3]));
        course.started(2);
        course.started(3);
        assert_eq!(course.next(), Next::Wait);
        course.ended(2, 3);
        assert_eq!(course.next(), Next::EndTheRest);
        course.ended(3, 143);
        assert_eq!(course.next(), Next::Over);
    }

    #[test]
    fn nothing_starts_after_a_beginning_that_failed() {
        let containers = [container("a", Role::Init), container("b", Role::Init), node("main", &[])];
        let mut course = Course::new(&containers);
        course.started(0);
        course.ended(0, 1);
        assert_eq!(course.next(), Next::Over);
        assert_eq!(course.stage(0), Some(&Stage::Ended(1)));
        assert!(matches!(course.stage(2), Some(Stage::Broken(_))));
    }

    #[test]
    fn a_set_follows_its_dependencies_and_fails_down_the_chain() {
        let containers = [node("a", &[]), node("b", &["a"]), node("c", &["b"]), node("d", &["a"])];
        let mut course = Course::new(&containers);
        assert_eq!(course.next(), Next::Start(vec![0]));
        course.started(0);
        course.ended(0, 0);
        assert_eq!(course.next(), Next::Start(vec![1, 3]));
        course.started(1);
        course.started(3);
        course.ended(1, 2);
        assert_eq!(course.next(), Next::Wait);
        let why = "dependency \"b\" exited with non-zero code: 2".to_owned();
        assert_eq!(course.stage(2), Some(&Stage::Broken(why)));
        course.ended(3, 0);
        assert_eq!(course.next(), Next::Over);
    }

    #[test]
    fn a_container_is_tried_as_often_as_it_may() {
        let containers = [ContainerSpec { attempts: 2, ..node("a", &[]) }];
        let mut course = Course::new(&containers);
        course.started(0);
        assert_eq!(course.ended(0, 1), Some(0));
        assert_eq!(course.next(), Next::Wait);
        course.pause_over(0);
        assert_eq!(course.next(), Next::Start(vec![0]));
        course.started(0);
        assert_eq!(course.ended(0, 1), None);
        assert_eq!(course.next(), Next::Over);
    }
}
