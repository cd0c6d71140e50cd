//! Tasks through the whole server: requests to a real HTTP server, an executor plugin that speaks Argo's protocol.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use server::config::ExecutorPlugin;

use crate::harness::{ARGO_SCOPE, Server, config};

/// An HTTP server that tells what it was asked, and a plugin; what a path means is in the program.
const PEER: &str = r#"
import json, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
asked = {}
class Peer(BaseHTTPRequestHandler):
    def answer(self, code, body, headers={}):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        body = body if isinstance(body, bytes) else body.encode()
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        if self.path == '/echo':
            told = {'method': self.command, 'body': body.decode('latin-1'), 'host': self.headers['Host'],
                'x': self.headers.get_all('X-Many'), 'auth': self.headers['Authorization']}
            return self.answer(200, json.dumps(told), {'X-Told': 'yes'})
        if self.path == '/move':
            return self.answer(307, '', {'Location': '/echo'})
        if self.path == '/away':
            return self.answer(302, '', {'Location': 'http://169.254.169.254/latest'})
        if self.path == '/slow':
            time.sleep(60)
        if self.path == '/large':
            return self.answer(200, b'x' * (2 << 20))
        if self.path == '/api/v1/template.execute':
            return self.plugin(json.loads(body))
        self.answer(404, 'nothing here')
    def plugin(self, args):
        if self.headers['Authorization'] != 'Bearer plugin-token':
            return self.answer(401, 'who are you, ' + str(self.headers['Authorization']))
        template, name = args['template'], args['workflow']['metadata']['name']
        want = template['plugin']
        count = asked[name] = asked.get(name, 0) + 1
        if 'busy' in want and count == 1:
            return self.answer(503, 'not now')
        if 'slow' in want and count < 3:
            return self.answer(200, json.dumps({'node': {'phase': 'Running', 'progress': f'{count}/3'}, 'requeue': '10ms'}))
        if 'bad' in want:
            return self.answer(500, 'broken, says plugin-token')
        if 'fails' in want:
            return self.answer(200, json.dumps({'node': {'phase': 'Failed', 'message': 'no luck'}}))
        if {'hello', 'busy', 'slow'} & set(want):
            said = next(iter(want.values())).get('say', '')
            out = {'result': said, 'parameters': [{'name': 'count', 'value': str(count)}]}
            return self.answer(200, json.dumps({'node': {'phase': 'Succeeded', 'message': 'Hello', 'outputs': out}}))
        self.answer(200, '{}')
    do_POST = do_PUT = do_GET
    def log_message(self, *args):
        pass
server = ThreadingHTTPServer(('127.0.0.1', 0), Peer)
print('ready', server.server_port, flush=True)
server.serve_forever()
"#;

struct Peer {
    child: Child,
    port: u16,
}

impl Peer {
    fn start() -> Self {
        let mut command = Command::new("python3");
        command.args(["-c", PEER]).stdout(Stdio::piped());
        let mut child = command.spawn().expect("python3 is one of the programs that the tests need");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("ready ")?.parse().ok());
        Self { child, port: port.expect("the peer gets ready") }
    }
    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SECRET: &str = "
apiVersion: v1
kind: Secret
metadata: {name: api, namespace: argo}
stringData: {token: hunter2-of-the-api}
";

/// A server that may reach this machine, and has the peer as its plugin.
async fn server(peer: &Peer, networks: &[&str]) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.artifacts.networks = networks.iter().map(|network| (*network).to_owned()).collect();
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, "plugin-token\n").unwrap();
    config.executor_plugins = vec![
        ExecutorPlugin { name: "none".into(), address: peer.url("/nowhere"), token_file: None },
        ExecutorPlugin { name: "hello".into(), address: peer.url("/"), token_file: Some(token_file) },
    ];
    let server = Server::with(folder, config).await;
    let files = json!([{"name": "scope.yaml", "text": ARGO_SCOPE}, {"name": "secret.yaml", "text": SECRET}]);
    server.post("admin", "/api/marque/v1/apply", json!({ "files": files })).await.ok();
    server
}

/// Runs one template and returns its node.
async fn run(server: &Server, name: &str, template: Value) -> Value {
    let mut template = template;
    template["name"] = json!("main");
    template["inputs"] = json!({"parameters": [{"name": "p", "value": "given"}]});
    let spec = json!({"entrypoint": "main", "templates": [template]});
    let workflow = json!({"workflow": {"metadata": {"name": name}, "spec": spec}});
    server.post("ops", "/api/v1/workflows/argo", workflow).await.ok();
    let ended = server.until_ended("ops", "argo", name).await;
    let nodes = ended["status"]["nodes"].as_object().unwrap();
    nodes.values().next().unwrap().clone()
}

fn told(node: &Value) -> Value {
    serde_json::from_str(node["outputs"]["result"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_request_is_sent_as_the_template_says_and_its_answer_is_the_result() {
    let peer = Peer::start();
    let server = server(&peer, &["127.0.0.0/8"]).await;
    let http = json!({
        "method": "PUT", "url": peer.url("/echo"), "body": "it is {{inputs.parameters.p}}",
        "headers": [{"name": "X-Many", "value": "a"}, {"name": "X-Many", "value": "b"}, {"name": "Host", "value": "me.example"},
            {"name": "Authorization", "valueFrom": {"secretKeyRef": {"name": "api", "key": "token"}}}],
        "successCondition": "response.headers['X-Told'] == ['yes'] && response.body contains 'given' && request.method == 'PUT'",
    });
    let node = run(&server, "sent", json!({ "http": http })).await;
    assert_eq!((&node["phase"], &node["type"]), (&json!("Succeeded"), &json!("HTTP")), "{node:#}");
    let told = told(&node);
    assert_eq!(told["method"], "PUT");
    assert_eq!(told["body"], "it is given");
    assert_eq!((&told["x"], &told["host"]), (&json!(["a", "b"]), &json!("me.example")));
    assert_eq!(told["auth"], "***", "a Secret that the answer repeats is masked");
    let record = json!(server.record().await).to_string();
    assert!(
        record.contains("performTask") && record.contains(&format!("PUT {}", peer.url("/echo"))),
        "{record}"
    );
    assert!(!record.contains("hunter2"));
}

#[tokio::test]
async fn what_a_request_comes_to_is_said_in_argos_words() {
    let peer = Peer::start();
    let server = server(&peer, &["127.0.0.0/8"]).await;
    for (name, http, phase, said) in [
        (
            "bytes",
            json!({"url": peer.url("/echo"), "method": "POST", "bodyFrom": {"bytes": "aGk="}}),
            "Succeeded",
            "",
        ),
        ("moved", json!({"url": peer.url("/move"), "method": "POST", "body": "b"}), "Succeeded", ""),
        ("absent", json!({"url": peer.url("/none")}), "Failed", "received non-2xx response code: 404"),
        (
            "wanted",
            json!({"url": peer.url("/none"), "successCondition": "response.statusCode == 404"}),
            "Succeeded",
            "",
        ),
        (
            "unwanted",
            json!({"url": peer.url("/echo"), "successCondition": "false"}),
            "Failed",
            "successCondition 'false' evaluated false",
        ),
        (
            "slow",
            json!({"url": peer.url("/slow"), "timeoutSeconds": 1}),
            "Failed",
            "context deadline exceeded",
        ),
        ("large", json!({"url": peer.url("/large")}), "Failed", "larger than 1048576 bytes"),
        (
            "closed",
            json!({"url": "http://127.0.0.1:1/x?token=hunter2"}),
            "Failed",
            "Get \"http://127.0.0.1:1/x\": ",
        ),
        ("away", json!({"url": peer.url("/away")}), "Failed", "169.254.169.254"),
        ("scheme", json!({"url": "file:///etc/passwd"}), "Failed", "unsupported protocol scheme \"file\""),
        (
            "secret",
            json!({"url": peer.url("/echo"), "headers": [{"name": "a", "valueFrom": {"secretKeyRef": {"name": "none", "key": "k"}}}]}),
            "Failed",
            "secret `none` has no key `k`",
        ),
    ] {
        let node = run(&server, name, json!({ "http": http })).await;
        let message = node["message"].as_str().unwrap_or_default();
        assert_eq!(node["phase"], phase, "{name}: {node:#}");
        assert!(message.contains(said) && !message.contains("hunter2"), "{name}: {message}");
    }
    let node =
        run(&server, "deadline", json!({"http": {"url": peer.url("/slow")}, "activeDeadlineSeconds": 1}))
            .await;
    assert_eq!(node["phase"], "Failed", "{node:#}");
    let cluster =
        run(&server, "cluster", json!({"resource": {"action": "get", "manifest": "kind: Pod"}})).await;
    assert_eq!(cluster["phase"], "Error");
    assert!(cluster["message"].as_str().unwrap().contains("needs a cluster"), "{cluster:#}");
}

#[tokio::test]
async fn a_request_does_not_reach_the_machine_itself_unless_its_owner_says_so() {
    let peer = Peer::start();
    let server = server(&peer, &[]).await;
    let node = run(&server, "inside", json!({"http": {"url": peer.url("/echo")}})).await;
    assert_eq!(node["phase"], "Failed");
    assert!(node["message"].as_str().unwrap().contains("may not be reached"), "{node:#}");
}

#[tokio::test]
async fn a_plugin_takes_what_is_its_own_and_is_asked_again_as_it_wants() {
    let peer = Peer::start();
    let server = server(&peer, &[]).await;
    for (name, plugin, phase, said) in [
        ("hello", json!({"hello": {"say": "{{inputs.parameters.p}}"}}), "Succeeded", "Hello"),
        ("busy", json!({"busy": {}}), "Succeeded", "Hello"),
        ("slow", json!({"slow": {}}), "Succeeded", "Hello"),
        ("fails", json!({"fails": {}}), "Failed", "no luck"),
        ("bad", json!({"bad": {}}), "Failed", "500: broken, says ***"),
        ("nobody", json!({"other": {}}), "Failed", "no plugin executed the template"),
    ] {
        let node = run(&server, name, json!({ "plugin": plugin })).await;
        assert_eq!((&node["phase"], &node["type"]), (&json!(phase), &json!("Plugin")), "{name}: {node:#}");
        assert_eq!(node["message"].as_str().unwrap_or_default(), said, "{name}");
        match name {
            "hello" => assert_eq!(node["outputs"]["result"], "given"),
            "slow" => assert_eq!(node["outputs"]["parameters"][0]["value"], "3"),
            _ => {}
        }
    }
    let record = json!(server.record().await).to_string();
    assert!(record.contains("plugin hello") && !record.contains("plugin-token"));
}

#[tokio::test]
async fn a_plugin_of_the_workflows_own_is_refused_by_name() {
    let peer = Peer::start();
    let server = server(&peer, &[]).await;
    let own = json!([{"metadata": {"name": "x"}, "spec": {"sidecar": {"container": {"name": "x", "image": "x",
        "ports": [{"containerPort": 1}], "resources": {"limits": {"cpu": "1", "memory": "1Mi"}, "requests": {"cpu": "1", "memory": "1Mi"}},
        "securityContext": {}}}}}]);
    let spec = json!({"entrypoint": "main", "executorPlugins": own, "templates": [{"name": "main", "plugin": {"hello": {}}}]});
    let workflow = json!({"workflow": {"metadata": {"name": "own"}, "spec": spec}});
    server.post("ops", "/api/v1/workflows/argo", workflow).await.ok();
    let ended = server.until_ended("ops", "argo", "own").await;
    assert_eq!(ended["status"]["phase"], "Error");
    assert!(
        ended["status"]["message"].as_str().unwrap().contains("`executorPlugins` of the workflow"),
        "{ended:#}"
    );
}
