"""Hera, unmodified, against a server: submit a DAG written with Hera, wait for its end, read its logs.

Environment: MARQUE_HOST, MARQUE_TOKEN, MARQUE_NAMESPACE. Prints one JSON object.
"""

import json
import os

import requests
from hera.shared import global_config
from hera.workflows import DAG, Container, Parameter, Workflow, WorkflowsService, script


@script(image="python:3.12", command=["python3"], add_cwd_to_sys_path=False)
def flip(side: str):
    print(f"flipped {side}")


def main():
    host, token, namespace = (os.environ[f"MARQUE_{name}"] for name in ("HOST", "TOKEN", "NAMESPACE"))
    global_config.host, global_config.token = host, token
    service = WorkflowsService(host=host, token=token, namespace=namespace, verify_ssl=True)

    with Workflow(
        generate_name="hera-",
        namespace=namespace,
        entrypoint="diamond",
        workflows_service=service,
        arguments=Parameter(name="who", value="world"),
        annotations={"marque.dev/reason": "the Hera test"},
    ) as workflow:
        echo = Container(
            name="echo",
            image="busybox",
            command=["echo"],
            args=["hello {{inputs.parameters.message}}"],
            inputs=[Parameter(name="message")],
        )
        with DAG(name="diamond"):
            a = echo(name="a", arguments={"message": "{{workflow.parameters.who}}"})
            b = echo(name="b", arguments={"message": "b"})
            c = flip(name="c", arguments={"side": "heads"})
            d = echo(name="d", arguments={"message": "d"})
            a >> [b, c] >> d

    created = workflow.create()
    ended = workflow.wait(poll_interval=1)
    listed = service.list_workflows(namespace=namespace)
    nodes = {node.display_name: node for node in ended.status.nodes.values()}
    # one line of log, so Hera can parse the stream as one object
    entry = service.workflow_logs(created.metadata.name, namespace=namespace, pod_name=nodes["a"].id)
    # Hera 7 keeps nothing of what is inside `result`; the text itself is read from the same path
    text = requests.get(
        f"{host}/api/v1/workflows/{namespace}/{created.metadata.name}/log",
        headers={"Authorization": service.token},
        timeout=30,
    ).text
    print(
        json.dumps(
            {
                "name": created.metadata.name,
                "phase": ended.status.phase,
                "nodes": {name: node.phase for name, node in nodes.items()},
                "types": {name: node.type for name, node in nodes.items()},
                "listed": [item.metadata.name for item in listed.items or []],
                "entry": type(entry).__name__,
                "log": [json.loads(line)["result"]["content"] for line in text.splitlines()],
                "version": service.get_version().version,
                "user": service.get_user_info().subject,
            }
        )
    )


if __name__ == "__main__":
    main()
