//! The first process of a sandbox: builds the root, gives up its power, starts the command, and reaps what is orphaned.
//! Not here: leaving the machine's namespaces (`outer`).
//! Invariant: the command starts without capabilities, without a way to new ones, and with nothing of the server's.

use std::{
    io::{BufRead, BufReader},
    os::unix::{net::UnixStream, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
        mpsc,
    },
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
    EXITED, FAULT, GO, KILL, READY, Room, TERMINATE, die_with_parent, failed, loopback, map_ids, root, say,
    socket_of_stage,
};
use crate::{
    environment::PATH,
    limits::{SANDBOX_OPEN_FILES, SANDBOX_PROCESSES, SANDBOX_UID},
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
    let _ = loopback::up();
    root::build(&room)?;
    give_up_power(room.number)?;
    say(socket, READY);
    let main = Arc::new(AtomicI32::new(NOBODY));
    let (start_it, starts) = mpsc::channel();
    let theirs = Arc::clone(&main);
    std::thread::Builder::new().spawn(move || obey(orders, &theirs, &start_it)).map_err(failed("thread"))?;
    // the root must stay until the supervisor has collected the outputs; it ends this process
    while starts.recv().is_ok() {
        let child = start(&room)?;
        let id = i32::try_from(child.id()).map_err(failed("process id"))?;
        main.store(id, Ordering::SeqCst);
        let code = reap(Pid::from_raw(id))?;
        main.store(NOBODY, Ordering::SeqCst);
        say(socket, &format!("{EXITED} {code}"));
    }
    Ok(())
}

/// In place of a process id: there is no command.
const NOBODY: i32 = 0;

/// Enters a user namespace of its own, below the one that owns the mounts, where it is an ordinary user; and makes sure
/// that there is no way back. The pod's `number`th room makes the `number`th user namespace, and there will be no other:
/// no command of the pod runs before all its rooms are built.
fn give_up_power(number: u32) -> Result<(), String> {
    std::fs::write("/proc/sys/user/max_user_namespaces", number.to_string())
        .map_err(failed("max_user_namespaces"))?;
    unshare(CloneFlags::CLONE_NEWUSER).map_err(failed("second user namespace"))?;
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

fn start(room: &Room) -> Result<Child, String> {
    let Some((program, args)) = room.argv.split_first() else { return Err("no command".to_owned()) };
    let directory = if room.working_dir.is_empty() { "/" } else { &room.working_dir };
    if !Path::new(directory).is_dir() {
        return Err(format!("failed to start command: chdir {directory}: no such file or directory"));
    }
    let path =
        room.env.iter().rev().find(|(name, _)| name == "PATH").map_or(PATH, |(_, value)| value.as_str());
    let file = look_up(program, path, Path::new(directory)).ok_or_else(|| not_found(program))?;
    Command::new(file)
        .arg0(program)
        .args(args)
        .env_clear()
        .envs(room.env.iter().map(|(name, value)| (name, value)))
        .current_dir(directory)
        .process_group(0)
        .stdin(Stdio::null())
        .spawn()
        .map_err(|error| start_fault(program, &error))
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
fn reap(main: Pid) -> Result<i32, String> {
    let mut code = None;
    loop {
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, status)) if pid == main => code = Some(status),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == main => code = Some(128 + signal as i32),
            Ok(_) | Err(Errno::EINTR) => continue,
            Err(_) => return code.ok_or_else(|| "the command was lost".to_owned()),
        }
        // there may be nobody else
        let _ = kill(EVERYBODY, Signal::SIGKILL);
    }
}
