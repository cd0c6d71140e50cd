//! What an owner of a scope may change, and that no way of packing manifests lifts anybody out of a ceiling.
//! Not here: who may submit, see and approve (the golden table of `policy`).

use serde_json::{Value, json};

use crate::support::{Person, Server, namespace_root};

fn scope(name: &str, namespace: &str, owner: &str, more: &Value) -> Value {
    let mut spec = json!({
        "owners": [format!("group:{owner}")],
        "viewers": [format!("group:{owner}")],
        "triggerers": [{"subject": format!("group:{owner}"), "via": ["manual"]}],
    });
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    json!({
        "apiVersion": "marque.dev/v1alpha1", "kind": "IdentityScope",
        "metadata": {"name": name, "namespace": namespace}, "spec": spec,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_changes_what_is_owned_and_nothing_packed_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let people: &[Person<'_>] =
        &[("pat", &["platform"]), ("olga", &["outer"]), ("ina", &["inner"]), ("eve", &["x"])];
    let server = Server::start(folder.path(), people, "administrators: ['group:platform']\n").await;
    let (pat, olga) = (server.log_in("pat").await, server.log_in("olga").await);
    let (ina, eve) = (server.log_in("ina").await, server.log_in("eve").await);
    let outer = scope("outer", "finance", "outer", &json!({}));
    let inner = scope("inner", "finance", "inner", &json!({"parent": "outer"}));
    let root_elsewhere = namespace_root("lab", "outer");
    let (status, answer) = server.apply(&pat, &[outer.clone(), inner.clone()]).await;
    assert_eq!(status, 200, "{answer}");

    let narrowed = scope("outer", "finance", "outer", &json!({"viewers": []}));
    let child = scope("another", "finance", "outer", &json!({"parent": "outer"}));
    let lifted = scope("inner", "finance", "inner", &json!({}));
    let rooted = scope("outer", "finance", "outer", &json!({"namespaceRoot": true}));
    let mine = scope("inner", "finance", "inner", &json!({"parent": "outer", "classification": "internal"}));
    let cases: Vec<(&str, &str, Vec<Value>, u16)> = vec![
        ("an owner narrows the own scope", &olga, vec![narrowed], 200),
        ("an owner adds a child", &olga, vec![child], 200),
        ("an owner makes a scope of another namespace", &olga, vec![root_elsewhere.clone()], 403),
        ("packed beside a change that is allowed", &olga, vec![outer.clone(), root_elsewhere], 403),
        ("an owner makes the own scope the namespace's root", &olga, vec![rooted], 403),
        ("an owner of the child alone changes it", &ina, vec![mine], 403),
        ("an owner of the child lifts it out of its parent", &ina, vec![lifted.clone()], 403),
        ("an owner of the parent alone lifts the child", &olga, vec![lifted], 403),
        ("somebody changes a scope", &eve, vec![outer], 403),
        (
            "somebody learns what is wrong with manifests",
            &eve,
            vec![scope("x", "finance", "x", &json!({"parent": "no"}))],
            403,
        ),
        ("an administrator does", &pat, vec![inner], 200),
    ];
    for (case, who, objects, expected) in cases {
        let (status, answer) = server.apply(who, &objects).await;
        assert_eq!(status, expected, "{case}: {answer}");
    }
    let (status, answer) = server.apply(&pat, &[namespace_root("lab", "outer")]).await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer.to_string().contains("created"), "a refused manifest took effect: {answer}");
}
