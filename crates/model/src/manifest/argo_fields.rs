//! The fields of Argo's objects (v4.1.2, `api/openapi-spec/swagger.json`). What Kubernetes defines (volumes,
//! probes, security contexts) is not looked into. Fields that v4 removed but 3.x manifests carry are known too.

use super::shape::Shape::{self, Any, Fields, List, Object, Strict, Template};

macro_rules! any {
    ($($name:literal)*) => { &[$(($name, Any)),*] };
}

const STRINGS: Shape = Fields(&Any);

/// `metadata` of every object.
pub(super) const METADATA: Shape = Object(&[
    ("annotations", STRINGS),
    ("creationTimestamp", Any),
    ("deletionGracePeriodSeconds", Any),
    ("deletionTimestamp", Any),
    ("finalizers", Any),
    ("generateName", Any),
    ("generation", Any),
    ("labels", STRINGS),
    ("managedFields", Any),
    ("name", Any),
    ("namespace", Any),
    ("ownerReferences", Any),
    ("resourceVersion", Any),
    ("selfLink", Any),
    ("uid", Any),
]);

pub(super) const WORKFLOW: Shape = Object(&[
    ("apiVersion", Any),
    ("kind", Any),
    ("metadata", METADATA),
    ("spec", WORKFLOW_SPEC),
    ("status", Any),
]);

pub(super) const WORKFLOW_TEMPLATE: Shape =
    Object(&[("apiVersion", Any), ("kind", Any), ("metadata", METADATA), ("spec", WORKFLOW_SPEC)]);

pub(super) const CRON_WORKFLOW: Shape = Object(&[
    ("apiVersion", Any),
    ("kind", Any),
    ("metadata", METADATA),
    (
        "spec",
        Object(&[
            ("concurrencyPolicy", Any),
            ("failedJobsHistoryLimit", Any),
            ("schedule", Any),
            ("schedules", Any),
            ("startingDeadlineSeconds", Any),
            ("stopStrategy", Any),
            ("successfulJobsHistoryLimit", Any),
            ("suspend", Any),
            ("timezone", Any),
            ("when", Any),
            (
                "workflowMetadata",
                Object(any!("annotations" "labels" "labelsFrom" "name" "namespace" "finalizers")),
            ),
            ("workflowSpec", WORKFLOW_SPEC),
        ]),
    ),
    ("status", Any),
]);

pub(super) const EVENT_BINDING: Shape = Object(&[
    ("apiVersion", Any),
    ("kind", Any),
    ("metadata", METADATA),
    (
        "spec",
        Object(&[
            ("event", Object(any!("selector"))),
            (
                "submit",
                Object(&[
                    ("arguments", ARGUMENTS),
                    ("metadata", METADATA),
                    ("workflowTemplateRef", Object(any!("name" "clusterScope"))),
                ]),
            ),
        ]),
    ),
]);

const WORKFLOW_SPEC: Shape = Object(&[
    ("activeDeadlineSeconds", Any),
    ("affinity", Any),
    ("archiveLogs", Any),
    ("arguments", ARGUMENTS),
    ("artifactGC", ARTIFACT_GC),
    ("artifactRepositoryRef", Object(any!("configMap" "key"))),
    ("automountServiceAccountToken", Any),
    ("dnsConfig", Any),
    ("dnsPolicy", Any),
    ("entrypoint", Any),
    ("executor", Object(any!("serviceAccountName"))),
    ("executorPlugins", Any),
    ("hooks", HOOKS),
    ("hostAliases", Any),
    ("hostNetwork", Any),
    ("imagePullSecrets", Any),
    ("metrics", METRICS),
    ("nodeSelector", Any),
    ("onExit", Any),
    ("parallelism", Any),
    ("podDisruptionBudget", Any),
    ("podGC", Object(any!("deleteDelayDuration" "labelSelector" "strategy"))),
    ("podMetadata", PART_METADATA),
    ("podPriority", Any),
    ("podPriorityClassName", Any),
    ("podResources", Any),
    ("podSpecPatch", Any),
    ("priority", Any),
    ("resourceClaims", Any),
    ("retryStrategy", RETRY),
    ("schedulerName", Any),
    ("securityContext", Any),
    ("serviceAccountName", Any),
    ("shutdown", Any),
    ("suspend", Any),
    ("synchronization", SYNCHRONIZATION),
    ("templateDefaults", Template),
    ("templates", List(&Template)),
    ("tolerations", Any),
    ("ttlStrategy", Object(any!("secondsAfterCompletion" "secondsAfterFailure" "secondsAfterSuccess"))),
    ("volumeClaimGC", Object(any!("strategy"))),
    ("volumeClaimTemplates", Any),
    ("volumes", Any),
    ("workflowMetadata", Object(any!("annotations" "labels" "labelsFrom"))),
    ("workflowTemplateRef", Object(any!("name" "clusterScope"))),
]);

const PART_METADATA: Shape = Object(any!("annotations" "labels"));
const ARTIFACT_GC: Shape =
    Object(any!("forceFinalizerRemoval" "podMetadata" "podSpecPatch" "serviceAccountName" "strategy"));
const SYNCHRONIZATION: Shape = Object(any!("mutexes" "semaphores" "mutex" "semaphore"));
const METRICS: Shape = Object(&[(
    "prometheus",
    List(&Object(any!("counter" "gauge" "help" "histogram" "labels" "name" "when"))),
)]);
const RETRY: Shape = Object(&[
    ("affinity", Object(any!("nodeAntiAffinity"))),
    ("backoff", Object(any!("cap" "duration" "factor" "maxDuration"))),
    ("expression", Any),
    ("limit", Any),
    ("retryPolicy", Any),
]);
const TEMPLATE_REF: Shape = Object(any!("clusterScope" "name" "template" "runtimeResolution"));
const HOOKS: Shape = Fields(&Object(&[
    ("arguments", ARGUMENTS),
    ("expression", Any),
    ("template", Any),
    ("templateRef", TEMPLATE_REF),
]));
const ARGUMENTS: Shape = Object(&[("artifacts", List(&ARTIFACT)), ("parameters", List(&PARAMETER))]);
const PARAMETER: Shape = Object(&[
    ("default", Any),
    ("description", Any),
    ("enum", Any),
    ("globalName", Any),
    ("name", Any),
    ("value", Any),
    (
        "valueFrom",
        Object(
            any!("configMapKeyRef" "default" "event" "expression" "jqFilter" "jsonPath" "parameter" "path" "supplied"),
        ),
    ),
]);
const ARTIFACT: Shape = Object(&[
    ("archive", Any),
    ("archiveLogs", Any),
    ("artifactGC", ARTIFACT_GC),
    ("artifactory", Any),
    ("azure", Any),
    ("deleted", Any),
    ("from", Any),
    ("fromExpression", Any),
    ("gcs", Any),
    ("git", Any),
    ("globalName", Any),
    ("hdfs", Any),
    ("http", Any),
    ("mode", Any),
    ("name", Any),
    ("optional", Any),
    ("oss", Any),
    ("path", Any),
    ("plugin", Any),
    ("raw", Object(any!("data"))),
    ("recurseMode", Any),
    ("s3", Any),
    ("subPath", Any),
]);

/// A template, and `templateDefaults`.
pub(super) const TEMPLATE: Shape = Object(&[
    ("activeDeadlineSeconds", Any),
    ("affinity", Any),
    ("annotations", Any),
    ("archiveLocation", Any),
    ("automountServiceAccountToken", Any),
    ("container", Object(CONTAINER)),
    (
        "containerSet",
        Object(&[
            ("containers", List(&Object(CONTAINER_NODE))),
            ("retryStrategy", Object(any!("duration" "retries"))),
            ("volumeMounts", Any),
        ]),
    ),
    ("daemon", Any),
    ("dag", Object(&[("failFast", Any), ("target", Any), ("tasks", List(&TASK))])),
    ("data", Object(any!("source" "transformation"))),
    ("executor", Object(any!("serviceAccountName"))),
    ("failFast", Any),
    ("hostAliases", Any),
    (
        "http",
        Object(
            any!("body" "bodyFrom" "headers" "insecureSkipVerify" "method" "successCondition" "timeoutSeconds" "url"),
        ),
    ),
    ("initContainers", List(&Object(SIDE_CONTAINER))),
    ("inputs", Object(&[("artifacts", List(&ARTIFACT)), ("parameters", List(&PARAMETER))])),
    ("memoize", Object(any!("cache" "key" "maxAge"))),
    ("metadata", PART_METADATA),
    ("metrics", METRICS),
    ("name", Any),
    ("nodeSelector", Any),
    (
        "outputs",
        Object(&[
            ("artifacts", List(&ARTIFACT)),
            ("exitCode", Any),
            ("parameters", List(&PARAMETER)),
            ("result", Any),
        ]),
    ),
    ("parallelism", Any),
    ("pendingTimeout", Any),
    ("plugin", Any),
    ("podResources", Any),
    ("podSpecPatch", Any),
    ("priorityClassName", Any),
    (
        "resource",
        Object(
            any!("action" "failureCondition" "flags" "manifest" "manifestFrom" "mergeStrategy" "setOwnerReference" "successCondition"),
        ),
    ),
    ("resourceClaims", Any),
    ("retryStrategy", RETRY),
    ("schedulerName", Any),
    ("script", Object(SCRIPT)),
    ("securityContext", Any),
    ("serviceAccountName", Any),
    ("sidecars", List(&Object(SIDE_CONTAINER))),
    ("steps", List(&List(&STEP))),
    ("suspend", Object(any!("duration"))),
    ("synchronization", SYNCHRONIZATION),
    ("timeout", Any),
    ("tolerations", Any),
    ("volumes", Any),
]);

const WITH_SEQUENCE: Shape = Object(any!("count" "end" "format" "start"));

const STEP: Shape = Strict(&[
    ("arguments", ARGUMENTS),
    ("continueOn", Object(any!("error" "failed"))),
    ("hooks", HOOKS),
    ("inline", Template),
    ("name", Any),
    ("onExit", Any),
    ("template", Any),
    ("templateRef", TEMPLATE_REF),
    ("when", Any),
    ("withItems", Any),
    ("withParam", Any),
    ("withSequence", WITH_SEQUENCE),
]);
const TASK: Shape = Object(&[
    ("arguments", ARGUMENTS),
    ("continueOn", Object(any!("error" "failed"))),
    ("dependencies", Any),
    ("depends", Any),
    ("hooks", HOOKS),
    ("inline", Template),
    ("name", Any),
    ("onExit", Any),
    ("template", Any),
    ("templateRef", TEMPLATE_REF),
    ("when", Any),
    ("withItems", Any),
    ("withParam", Any),
    ("withSequence", WITH_SEQUENCE),
]);

macro_rules! container {
    ($($more:literal)*) => {
        any!("args" "command" "env" "envFrom" "image" "imagePullPolicy" "lifecycle" "livenessProbe" "name" "ports"
            "readinessProbe" "resizePolicy" "resources" "restartPolicy" "restartPolicyRules" "securityContext"
            "startupProbe" "stdin" "stdinOnce" "terminationMessagePath" "terminationMessagePolicy" "tty"
            "volumeDevices" "volumeMounts" "workingDir" $($more)*)
    };
}
const CONTAINER: &[(&str, Shape)] = container!();
const SCRIPT: &[(&str, Shape)] = container!("source");
const CONTAINER_NODE: &[(&str, Shape)] = container!("dependencies");
const SIDE_CONTAINER: &[(&str, Shape)] = container!("mirrorVolumeMounts");
