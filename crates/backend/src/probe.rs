//! Probes: whether a container can be used, found out from inside its pod's network.
//! Source: Kubernetes core/v1 Probe; `pkg/kubelet/prober`, `pkg/probe/{http,tcp,exec}`.
//! Not here: what follows (`supervise::watch`), how a command is run in the container (`sandbox::init`, `payload`).
//! Absent: liveness (a pod of a workflow is never restarted), TLS, gRPC.

use std::{
    fs::File,
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

use container::{Running, Way};
use model::argo::Container;
use nix::sched::{CloneFlags, setns};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{environment::Variables, image::expand};

/// Asks a container again and again until it answers well.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Probe {
    check: Check,
    initial_delay_ms: u64,
    period_ms: u64,
    timeout_ms: u64,
    successes: u64,
}

/// What is asked.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Check {
    /// A command ends with 0.
    Exec(Vec<String>),
    /// A request is answered with a status from 200 to 399; the request's head.
    Http(SocketAddr, String),
    /// A connection is accepted.
    Tcp(SocketAddr),
}

/// Runs a command in the container; returns whether it ended with 0 in time.
pub(crate) type Exec<'a> = dyn FnMut(&[String], Duration) -> bool + 'a;

impl Probe {
    /// Returns the probes that must pass one after the other before the container is ready.
    ///
    /// # Errors
    /// A sentence for the node's message.
    pub(crate) fn of(container: &Container, env: &Variables) -> Result<Vec<Self>, String> {
        let written = ["startupProbe", "readinessProbe"];
        let written = written.iter().filter_map(|field| Some((*field, container.rest.get(*field)?)));
        written
            .map(|(field, probe)| Self::read(container, probe, env).map_err(|why| format!("{field}: {why}")))
            .collect()
    }
    /// Returns the probe that asks at another address than the loopback.
    fn at(mut self, host: IpAddr) -> Self {
        if let Check::Http(address, _) | Check::Tcp(address) = &mut self.check {
            address.set_ip(host);
        }
        self
    }
    /// Blocks until all of `probes` have passed; returns false if `is_over` before.
    pub(crate) fn await_all(probes: &[Self], is_over: &dyn Fn() -> bool, exec: &mut Exec<'_>) -> bool {
        probes.iter().all(|probe| probe.await_it(is_over, exec))
    }

    fn await_it(&self, is_over: &dyn Fn() -> bool, exec: &mut Exec<'_>) -> bool {
        std::thread::sleep(Duration::from_millis(self.initial_delay_ms));
        let mut passed = 0;
        while !is_over() {
            passed = if self.passes(exec) { passed + 1 } else { 0 };
            if passed >= self.successes {
                return true;
            }
            std::thread::sleep(Duration::from_millis(self.period_ms));
        }
        false
    }
    fn passes(&self, exec: &mut Exec<'_>) -> bool {
        let timeout = Duration::from_millis(self.timeout_ms);
        match &self.check {
            Check::Exec(argv) => exec(argv, timeout),
            Check::Tcp(address) => TcpStream::connect_timeout(address, timeout).is_ok(),
            Check::Http(address, head) => {
                status(address, head, timeout).is_some_and(|status| (200..400).contains(&status))
            }
        }
    }
    fn read(container: &Container, probe: &Value, env: &Variables) -> Result<Self, String> {
        let number = |field: &str, default: u64| probe.get(field).and_then(Value::as_u64).unwrap_or(default);
        let ms = |field: &str, default: u64| number(field, default).saturating_mul(1000);
        let check = if let Some(exec) = probe.get("exec") {
            let argv = exec.get("command").and_then(Value::as_array).into_iter().flatten();
            let argv: Vec<String> = argv.filter_map(Value::as_str).map(|text| expand(text, env)).collect();
            if argv.is_empty() || argv.iter().any(|text| text.contains('\0')) {
                return Err("`exec` has no command".to_owned());
            }
            Check::Exec(argv)
        } else if let Some(http) = probe.get("httpGet") {
            let address = address(container, http)?;
            Check::Http(address, head(http, address)?)
        } else if let Some(tcp) = probe.get("tcpSocket") {
            Check::Tcp(address(container, tcp)?)
        } else {
            let kind = probe.as_object().and_then(|fields| fields.keys().next());
            return Err(format!(
                "a `{}` is not supported",
                kind.map_or("probe without a check", |kind| kind)
            ));
        };
        Ok(Self {
            check,
            initial_delay_ms: ms("initialDelaySeconds", 0),
            period_ms: ms("periodSeconds", 10).max(1000),
            timeout_ms: ms("timeoutSeconds", 1).max(1000),
            successes: number("successThreshold", 1).max(1),
        })
    }
}

/// Blocks until all probes of a container that runs have passed; returns false if it has ended before or can't be asked.
/// The calling thread is in the container's network from then on, if it has one that can be entered.
pub(crate) fn prove(running: &Running) -> bool {
    let Ok(mut probes) = Vec::<Probe>::deserialize(&running.probes) else { return false };
    let asks = probes.iter().any(|probe| !matches!(probe.check, Check::Exec(_)));
    match &running.way {
        Way::Inside(network) if asks => {
            let entered = File::open(network).map(|network| setns(network, CloneFlags::CLONE_NEWNET));
            if !matches!(entered, Ok(Ok(()))) {
                return false;
            }
        }
        Way::At(address) => probes = probes.into_iter().map(|probe| probe.at(*address)).collect(),
        // this machine's own loopback would be another one's
        Way::None if asks => return false,
        Way::Inside(_) | Way::None => {}
    }
    Probe::await_all(&probes, &|| running.is_over(), &mut |argv, timeout| running.exec(argv, timeout))
}

/// Returns where to ask: always the pod itself.
fn address(container: &Container, at: &Value) -> Result<SocketAddr, String> {
    let host = match at.get("host").and_then(Value::as_str).unwrap_or_default() {
        "" | "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        host => host.parse().ok().filter(IpAddr::is_loopback).ok_or_else(|| {
            format!("the host `{host}` is not the pod itself, and nothing else is asked on one machine")
        })?,
    };
    let named = |name: &str| {
        let ports = container.rest.get("ports").and_then(Value::as_array).into_iter().flatten();
        let found = ports.filter(|port| port.get("name").and_then(Value::as_str) == Some(name));
        found.filter_map(|port| port.get("containerPort")?.as_u64()).next()
    };
    let port = at.get("port");
    let port = port.and_then(Value::as_u64).or_else(|| {
        let text = port.and_then(Value::as_str)?;
        text.parse().ok().or_else(|| named(text))
    });
    let port = port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
    Ok(SocketAddr::new(host, port.ok_or("it names no port of the container")?))
}

/// Returns the head of the request.
fn head(http: &Value, address: SocketAddr) -> Result<String, String> {
    let text = |value: &Value, field: &str| value.get(field).and_then(Value::as_str).map(str::to_owned);
    if text(http, "scheme").is_some_and(|scheme| !scheme.eq_ignore_ascii_case("http")) {
        return Err("`httpGet` with a scheme other than HTTP is not supported".to_owned());
    }
    let path = text(http, "path").unwrap_or_default();
    let slash = if path.starts_with('/') { "" } else { "/" };
    let mut lines = vec![format!("GET {slash}{path} HTTP/1.1")];
    let mut host = address.to_string();
    for header in http.get("httpHeaders").and_then(Value::as_array).into_iter().flatten() {
        let (name, value) =
            (text(header, "name").unwrap_or_default(), text(header, "value").unwrap_or_default());
        if name.eq_ignore_ascii_case("host") {
            host = value;
        } else {
            lines.push(format!("{name}: {value}"));
        }
    }
    lines.push(format!("Host: {host}"));
    lines.extend(["User-Agent: kube-probe/1".to_owned(), "Connection: close".to_owned()]);
    if lines.iter().any(|line| line.contains(['\r', '\n', '\0'])) || path.contains(' ') {
        return Err("`httpGet` holds a character that can't be in a request".to_owned());
    }
    Ok(lines.join("\r\n") + "\r\n\r\n")
}

/// Returns the status of the answer.
fn status(address: &SocketAddr, head: &str, timeout: Duration) -> Option<u16> {
    /// The most bytes of a status line.
    const LINE_BYTES: usize = 1024;
    let mut stream = TcpStream::connect_timeout(address, timeout).ok()?;
    stream.set_read_timeout(Some(timeout)).ok()?;
    stream.set_write_timeout(Some(timeout)).ok()?;
    stream.write_all(head.as_bytes()).ok()?;
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < LINE_BYTES && stream.read(&mut byte).ok()? == 1 && byte != *b"\n" {
        line.extend(byte);
    }
    let line = String::from_utf8_lossy(&line).into_owned();
    let mut words = line.split_ascii_whitespace();
    words.next().filter(|version| version.starts_with("HTTP/"))?;
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
    };

    use model::argo::Container;
    use serde_json::{Value, json};

    use super::Probe;

    fn read(container: Value) -> Result<Vec<Probe>, String> {
        let container: Container = serde_json::from_value(container).unwrap();
        Probe::of(&container, &vec![("WHAT".to_owned(), "x".to_owned())])
    }

    fn probe(of: Value) -> Result<Vec<Probe>, String> {
        read(json!({"image": "i", "ports": [{"name": "web", "containerPort": 8080}], "readinessProbe": of}))
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        for (written, wanted) in [
            (json!({"grpc": {"port": 1}}), "`grpc` is not supported"),
            (json!({"httpGet": {"port": 1, "scheme": "HTTPS"}}), "scheme"),
            (json!({"httpGet": {"port": 1, "path": "/a\r\nX: y"}}), "character"),
            (json!({"httpGet": {"port": 1, "host": "10.1.2.3"}}), "is not the pod itself"),
            (json!({"tcpSocket": {"port": "other"}}), "names no port"),
            (json!({"tcpSocket": {"port": 70000}}), "names no port"),
            (json!({"exec": {"command": []}}), "no command"),
        ] {
            let why = probe(written).err().unwrap();
            assert!(why.contains(wanted) && why.starts_with("readinessProbe: "), "{why}");
        }
        for fine in [
            json!({"tcpSocket": {"port": "web"}}),
            json!({"httpGet": {"port": "8080", "path": "ping", "host": "localhost"}}),
            json!({"exec": {"command": ["test", "$(WHAT)"]}}),
        ] {
            assert_eq!(probe(fine).unwrap().len(), 1);
        }
        assert!(read(json!({"image": "i"})).unwrap().is_empty());
    }

    #[test]
    fn a_request_passes_by_its_status_and_a_connection_by_itself() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answers = ["HTTP/1.1 503 no\r\n\r\n", "SSH-2.0\r\n", "HTTP/1.0 302 moved\r\n\r\n"];
        let server = std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut head = [0; 512];
                let read = stream.read(&mut head).unwrap();
                assert!(head[..read].starts_with(b"GET /ping HTTP/1.1\r\nA: b\r\nHost: 127.0.0.1:"));
                stream.write_all(answer.as_bytes()).unwrap();
            }
            listener.accept().unwrap();
        });
        let headers = json!([{"name": "A", "value": "b"}]);
        let http =
            probe(json!({"httpGet": {"port": port, "path": "/ping", "httpHeaders": headers}})).unwrap();
        let tcp = probe(json!({"tcpSocket": {"port": port}})).unwrap();
        let passed: Vec<bool> = [&http, &http, &http, &tcp]
            .into_iter()
            .map(|probes| probes[0].passes(&mut |_, _| panic!("no command")))
            .collect();
        assert_eq!(passed, [false, false, true, true]);
        server.join().unwrap();
        assert!(!tcp[0].passes(&mut |_, _| true), "nobody listens any more");
    }

    #[test]
    fn all_must_pass_and_what_is_over_is_asked_no_more() {
        let probes = read(json!({
            "startupProbe": {"exec": {"command": ["a"]}},
            "readinessProbe": {"exec": {"command": ["b", "$(WHAT)"]}},
        }))
        .unwrap();
        let mut asked = Vec::new();
        let passed = Probe::await_all(&probes, &|| false, &mut |argv, _| {
            asked.push(argv.join(" "));
            true
        });
        assert!(passed);
        assert_eq!(asked, ["a", "b x"]);
        assert!(!Probe::await_all(&probes, &|| true, &mut |_, _| panic!("it is over")));
    }
}
