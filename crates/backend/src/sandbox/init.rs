//! The first process of a sandbox: builds the root, gives up its power, starts the command, and reaps what is orphaned.
//! Not here: leaving the machine's namespaces (`outer`).
//! Invariant: the command starts without capabilities, without a way to new ones, and with nothing of the server's.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    os::unix::{net::UnixStream, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI32, Ordering},
        mpsc,
    },
    time::Duration,
};

use nix::{
    errno::Errno,
    sched::{CloneFlags, unshare},
    sys::{
        prctl,
        resource::{Resource, getrlimit, setrlimit},
        signal::{Signal, kill, killpg},
        wait::{WaitStatus, waitpid},
    },
    unistd::Pid,
};

use super::{
    EXITED, FAULT, GO, KILL, PASSED, READY, Room, TERMINATE, die_with_parent, failed, map_ids, netlink, root,
    say, socket_of_stage,
};
use crate::{
    environment::PATH,
    limits::{SANDBOX_OPEN_FILES, SANDBOX_PROCESSES, SANDBOX_UID},
    probe::Probe,
    supervise::payload::{look_up, not_found, start_fault},
};

/// Runs the first process; returns its exit code, and with it the sandbox ends.
pub(crate) fn main() -> i32 {
    let Ok(socket) = socket_of_stage() else { return 1 };
    match run(&socket) {
        Ok(()) => 0,
        Err(fault) => {
            say(&socket, &format!("{FAULT} {fault}"));
            1
        }
    }
}

fn run(socket: &UnixStream) -> Result<(), String> {
    die_with_parent()?;
    if std::process::id() != 1 {
        return Err("it is not the first process of its namespace".to_owned());
    }
    let mut orders = BufReader::new(socket.try_clone().map_err(failed("socket"))?);
    let mut line = String::new();
    orders.read_line(&mut line).map_err(failed("socket"))?;
    let room = serde_json::from_str(&line).ok().as_ref().and_then(Room::from_json).ok_or("bad room")?;
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    nix::unistd::sethostname(&room.host_name).map_err(failed("host name"))?;
    // a loopback that stays down is no danger
    let _ = netlink::up(netlink::LOOPBACK);
    // as in a cluster, a pod may listen at any port of its own network
    let _ = std::fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    root::build(&room)?;
    give_up_power()?;
    say(socket, READY);
    let main = Arc::new(AtomicI32::new(NOBODY));
    let room = Arc::new(room);
    let others = Arc::new(Others::default());
    let mut unproved = !room.probes.is_empty();
    let (start_it, starts) = mpsc::channel();
    let theirs = Arc::clone(&main);
    std::thread::Builder::new().spawn(move || obey(orders, &theirs, &start_it)).map_err(failed("thread"))?;
    // the root must stay until the supervisor has collected the outputs; it ends this process
    while starts.recv().is_ok() {
        let child = start(&room, &room.argv, |_| ())?;
        let id = i32::try_from(child.id()).map_err(failed("process id"))?;
        main.store(id, Ordering::SeqCst);
        others.open(true);
        if std::mem::take(&mut unproved) {
            prove(socket, &room, &others)?;
        }
        let code = reap(Pid::from_raw(id), &others)?;
        main.store(NOBODY, Ordering::SeqCst);
        say(socket, &format!("{EXITED} {code}"));
    }
    Ok(())
}

/// Says once that the command has passed its probes.
fn prove(socket: &UnixStream, room: &Arc<Room>, others: &Arc<Others>) -> Result<(), String> {
    let socket = socket.try_clone().map_err(failed("socket"))?;
    let (room, others) = (Arc::clone(room), Arc::clone(others));
    let work = move || {
        let mut exec = |argv: &[String], timeout: Duration| others.run(&room, argv, timeout);
        if Probe::await_all(&room.probes, &|| false, &mut exec) {
            say(&socket, PASSED);
        }
    };
    std::thread::Builder::new().spawn(work).map(drop).map_err(failed("thread"))
}

/// The commands that run beside the container's own: whoever reaps tells how they ended.
#[derive(Default)]
struct Others {
    state: Mutex<(bool, HashMap<i32, mpsc::Sender<i32>>)>,
}

impl Others {
    /// Whether further commands may start; only as long as the container's own runs.
    fn open(&self, open: bool) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0 = open;
    }
    /// Runs a command in the container; returns whether it ended with 0 in time.
    fn run(&self, room: &Room, argv: &[String], timeout: Duration) -> bool {
        let (tell, told) = mpsc::channel();
        // whoever reaps waits until it is known here who wants to know
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.0 {
            return false;
        }
        let quiet = |command: &mut Command| {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        };
        let Some(id) = start(room, argv, quiet).ok().and_then(|child| i32::try_from(child.id()).ok()) else {
            return false;
        };
        state.1.insert(id, tell);
        drop(state);
        let code = told.recv_timeout(timeout);
        if code.is_err() {
            // it may have ended at this moment
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
        code == Ok(0)
    }
    /// A process has ended.
    fn ended(&self, id: Pid, code: i32) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tell) = state.1.remove(&id.as_raw()) {
            // nobody waits any longer
            let _ = tell.send(code);
        }
    }
}

/// In place of a process id: there is no command.
const NOBODY: i32 = 0;

/// Enters a user namespace of its own, below the one that owns the mounts, where it is an ordinary user; and makes sure
/// that there is no way back: inside of it there will be no other.
fn give_up_power() -> Result<(), String> {
    unshare(CloneFlags::CLONE_NEWUSER).map_err(failed("second user namespace"))?;
    std::fs::write("/proc/sys/user/max_user_namespaces", "0").map_err(failed("max_user_namespaces"))?;
    map_ids(SANDBOX_UID, 0, 0)?;
    die_with_parent()?;
    prctl::set_no_new_privs().map_err(failed("no new privileges"))?;
    prctl::set_dumpable(false).map_err(failed("dumpable"))?;
    limit(Resource::RLIMIT_NPROC, SANDBOX_PROCESSES)?;
    limit(Resource::RLIMIT_NOFILE, SANDBOX_OPEN_FILES)?;
    limit(Resource::RLIMIT_CORE, 0)
}

fn limit(resource: Resource, most: u64) -> Result<(), String> {
    let (_, hard) = getrlimit(resource).map_err(failed("limits"))?;
    let most = most.min(hard);
    setrlimit(resource, most, most).map_err(failed("limits"))
}

fn start(room: &Room, argv: &[String], change: impl FnOnce(&mut Command)) -> Result<Child, String> {
    let Some((program, args)) = argv.split_first() else { return Err("no command".to_owned()) };
    let directory = if room.working_dir.is_empty() { "/" } else { &room.working_dir };
    // a container's is made if the image has none
    if !Path::new(directory).is_dir() && std::fs::create_dir_all(directory).is_err() {
        return Err(format!("failed to start command: chdir {directory}: no such file or directory"));
    }
    let path =
        room.env.iter().rev().find(|(name, _)| name == "PATH").map_or(PATH, |(_, value)| value.as_str());
    let file = look_up(program, path, Path::new(directory)).ok_or_else(|| not_found(program))?;
    let mut command = Command::new(file);
    command
        .arg0(program)
        .args(args)
        .env_clear()
        .envs(room.env.iter().map(|(name, value)| (name, value)))
        .current_dir(directory)
        .process_group(0)
        .stdin(Stdio::null());
    change(&mut command);
    command.spawn().map_err(|error| start_fault(program, &error))
}

/// Does what the supervisor says, until it says no more.
fn obey(orders: BufReader<UnixStream>, main: &AtomicI32, start_it: &mpsc::Sender<()>) {
    for order in orders.lines().map_while(Result::ok) {
        // whoever is gone already needs no signal
        let _ = match order.as_str() {
            GO => {
                let _ = start_it.send(());
                Ok(())
            }
            TERMINATE => match main.load(Ordering::SeqCst) {
                NOBODY => Ok(()),
                id => killpg(Pid::from_raw(id), Signal::SIGTERM),
            },
            KILL => kill(EVERYBODY, Signal::SIGKILL),
            _ => Ok(()),
        };
    }
    std::process::exit(0);
}

/// Everybody in the namespace but the first process.
const EVERYBODY: Pid = Pid::from_raw(-1);

/// Waits for the command, then ends everything else; returns the command's exit code.
fn reap(main: Pid, others: &Others) -> Result<i32, String> {
    let mut code = None;
    loop {
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, status)) if pid == main => code = Some(status),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == main => code = Some(128 + signal as i32),
            Ok(WaitStatus::Exited(pid, status)) => {
                others.ended(pid, status);
                continue;
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) => {
                others.ended(pid, 128 + signal as i32);
                continue;
            }
            Ok(_) | Err(Errno::EINTR) => continue,
            Err(_) => return code.ok_or_else(|| "the command was lost".to_owned()),
        }
        others.open(false);
        // there may be nobody else
        let _ = kill(EVERYBODY, Signal::SIGKILL);
    }
}
