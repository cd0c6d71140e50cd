//! Daemons through the whole server, with real pods: what follows them reaches them by their `ip`, and they are ended.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use server::config::Isolation;

use crate::harness::{Server, config};

async fn servers() -> Vec<Server> {
    let mut servers = vec![Server::new().await];
    let [tried, folder] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let sandboxed = |folder: &Path| server::Config { isolation: Isolation::Namespaces, ..config(folder) };
    let program = PathBuf::from(env!("CARGO_BIN_EXE_server-pod"));
    // in a folder of its own: an app that is dropped keeps its database for a moment
    match server::App::assemble(sandboxed(tried.path()), Some(program)).await {
        Ok(_) => {
            let config = sandboxed(folder.path());
            servers.push(Server::with(folder, config).await.with_examples().await);
        }
        Err(error) => println!("NOT TESTED: the sandbox: {error}"),
    }
    servers
}

fn workflow(port: u16) -> Value {
    let serve = format!(
        "import socket\ns = socket.create_server(('0.0.0.0', {port}))\n\
         while True:\n c, a = s.accept()\n c.recv(99)\n c.sendall(b'HTTP/1.0 200 OK\\r\\n\\r\\nhello\\n')\n c.close()"
    );
    let fetch = "exec 3<>/dev/tcp/{{inputs.parameters.at}} && echo x >&3 && tail -n 1 <&3";
    let at = format!("{{{{steps.server.ip}}}}/{port}");
    json!({"workflow": {
        "metadata": {"name": "with-daemon"},
        "spec": {
            "entrypoint": "main",
            "templates": [
                {"name": "main", "steps": [
                    [{"name": "server", "template": "server"}],
                    [{"name": "client", "template": "client", "arguments": {"parameters": [{"name": "at", "value": at}]}}],
                ]},
                {
                    "name": "server",
                    "daemon": true,
                    "container": {
                        "image": "any",
                        "command": ["/usr/bin/python3", "-c", serve],
                        "readinessProbe": {"httpGet": {"path": "/", "port": port}, "periodSeconds": 1},
                    },
                },
                {
                    "name": "client",
                    "inputs": {"parameters": [{"name": "at"}]},
                    "script": {"image": "any", "command": ["bash"], "source": fetch},
                },
            ],
        },
    }})
}

#[tokio::test]
async fn what_follows_a_daemon_reaches_it_and_it_ends_with_its_steps() {
    for server in servers().await {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        server.post("ops", "/api/v1/workflows/argo", workflow(port)).await.ok();
        let ended = server.until_ended("ops", "argo", "with-daemon").await;
        assert_eq!(ended["status"]["phase"], "Succeeded", "{ended:#}");
        let nodes = ended["status"]["nodes"].as_object().unwrap();
        let named = |name: &str| nodes.values().find(|node| node["displayName"] == name).unwrap();
        assert_eq!(named("server")["phase"], "Succeeded");
        assert!(named("server")["podIP"].as_str().is_some_and(|ip| ip == "127.0.0.1" || ip == "10.0.0.1"));
        let client = named("client")["id"].as_str().unwrap();
        let log = format!("/api/v1/workflows/argo/with-daemon/log?nodeId={client}&logOptions.container=main");
        let log = server.get("ops", &log).await.text();
        assert!(log.contains("hello"), "{log}");
    }
}
