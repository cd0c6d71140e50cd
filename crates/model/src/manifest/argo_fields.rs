//! The fields of Argo's objects (v4.1.2, `api/openapi-spec/swagger.json`). Fields that v4 removed but 3.x manifests carry
//! are known too. Not here: what Kubernetes defines (`pod_fields`), and the smaller parts (`part_fields`).

use super::{
    part_fields as part, pod_fields as pod,
    shape::Shape::{self, Any, Fields, Flag, Int, IntOrText, List, Object, Strict, Template, Text},
};

macro_rules! any {
    ($($name:literal)*) => { &[$(($name, Any)),*] };
}

const STRINGS: Shape = Fields(&Text);

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
            ("stopStrategy", part::STOP_STRATEGY),
            ("successfulJobsHistoryLimit", Any),
            ("suspend", Any),
            ("timezone", Any),
            ("when", Any),
            (
                "workflowMetadata",
                Object(&[
                    ("annotations", STRINGS),
                    ("finalizers", Any),
                    ("labels", STRINGS),
                    ("labelsFrom", Fields(&part::LABEL_VALUE_FROM)),
                    ("name", Any),
                    ("namespace", Any),
                ]),
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
            ("event", part::EVENT),
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
    ("affinity", pod::AFFINITY),
    ("archiveLogs", Any),
    ("arguments", ARGUMENTS),
    ("artifactGC", ARTIFACT_GC),
    ("artifactRepositoryRef", Object(any!("configMap" "key"))),
    ("automountServiceAccountToken", Flag),
    ("dnsConfig", pod::POD_DNS_CONFIG),
    ("dnsPolicy", Text),
    ("entrypoint", Any),
    ("executor", Object(any!("serviceAccountName"))),
    ("executorPlugins", List(&part::EXECUTOR_PLUGIN)),
    ("hooks", HOOKS),
    ("hostAliases", List(&pod::HOST_ALIAS)),
    ("hostNetwork", Flag),
    ("imagePullSecrets", List(&pod::LOCAL_OBJECT_REFERENCE)),
    ("metrics", METRICS),
    ("nodeSelector", STRINGS),
    ("onExit", Any),
    ("parallelism", Any),
    ("podDisruptionBudget", pod::POD_DISRUPTION_BUDGET_SPEC),
    (
        "podGC",
        Object(&[("deleteDelayDuration", Any), ("labelSelector", pod::LABEL_SELECTOR), ("strategy", Any)]),
    ),
    ("podMetadata", PART_METADATA),
    ("podPriority", Int),
    ("podPriorityClassName", Text),
    ("podResources", pod::RESOURCE_REQUIREMENTS),
    ("podSpecPatch", Text),
    ("priority", Any),
    ("resourceClaims", List(&pod::POD_RESOURCE_CLAIM)),
    ("retryStrategy", RETRY),
    ("schedulerName", Text),
    ("securityContext", pod::POD_SECURITY_CONTEXT),
    ("serviceAccountName", Any),
    ("shutdown", Any),
    ("suspend", Any),
    ("synchronization", SYNCHRONIZATION),
    ("templateDefaults", Template),
    ("templates", List(&Template)),
    ("tolerations", List(&pod::TOLERATION)),
    ("ttlStrategy", Object(any!("secondsAfterCompletion" "secondsAfterFailure" "secondsAfterSuccess"))),
    ("volumeClaimGC", Object(any!("strategy"))),
    ("volumeClaimTemplates", List(&pod::PERSISTENT_VOLUME_CLAIM)),
    ("volumes", List(&pod::VOLUME)),
    (
        "workflowMetadata",
        Object(&[
            ("annotations", STRINGS),
            ("labels", STRINGS),
            ("labelsFrom", Fields(&part::LABEL_VALUE_FROM)),
        ]),
    ),
    ("workflowTemplateRef", Object(any!("name" "clusterScope"))),
]);

pub(super) const PART_METADATA: Shape = Object(&[("annotations", STRINGS), ("labels", STRINGS)]);
pub(super) const ARTIFACT_GC: Shape = Object(&[
    ("forceFinalizerRemoval", Flag),
    ("podMetadata", PART_METADATA),
    ("podSpecPatch", Text),
    ("serviceAccountName", Text),
    ("strategy", Text),
]);
const SYNCHRONIZATION: Shape = Object(&[
    ("mutex", part::MUTEX),
    ("mutexes", List(&part::MUTEX)),
    ("semaphore", part::SEMAPHORE_REF),
    ("semaphores", List(&part::SEMAPHORE_REF)),
]);
const METRICS: Shape = Object(&[(
    "prometheus",
    List(&Object(&[
        ("counter", part::COUNTER),
        ("gauge", part::GAUGE),
        ("help", Any),
        ("histogram", part::HISTOGRAM),
        ("labels", List(&part::METRIC_LABEL)),
        ("name", Any),
        ("when", Any),
    ])),
)]);
const RETRY: Shape = Object(&[
    ("affinity", Object(any!("nodeAntiAffinity"))),
    ("backoff", Object(any!("cap" "duration" "factor" "maxDuration"))),
    ("expression", Any),
    ("limit", IntOrText),
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
        Object(&[
            ("configMapKeyRef", pod::CONFIG_MAP_KEY_SELECTOR),
            ("default", Any),
            ("event", Any),
            ("expression", Any),
            ("jqFilter", Any),
            ("jsonPath", Any),
            ("parameter", Any),
            ("path", Any),
            ("supplied", Object(&[])),
        ]),
    ),
]);
pub(super) const ARTIFACT: Shape = Object(&[
    ("archive", part::ARCHIVE_STRATEGY),
    ("archiveLogs", Any),
    ("artifactGC", ARTIFACT_GC),
    ("artifactory", part::ARTIFACTORY_ARTIFACT),
    ("azure", part::AZURE_ARTIFACT),
    ("deleted", Any),
    ("from", Any),
    ("fromExpression", Any),
    ("gcs", part::GCS_ARTIFACT),
    ("git", part::GIT_ARTIFACT),
    ("globalName", Any),
    ("hdfs", part::HDFS_ARTIFACT),
    ("http", part::HTTP_ARTIFACT),
    ("mode", Any),
    ("name", Any),
    ("optional", Any),
    ("oss", part::OSS_ARTIFACT),
    ("path", Any),
    ("plugin", part::PLUGIN_ARTIFACT),
    ("raw", part::RAW_ARTIFACT),
    ("recurseMode", Any),
    ("s3", part::S3_ARTIFACT),
    ("subPath", Any),
]);

/// A template, and `templateDefaults`.
pub(super) const TEMPLATE: Shape = Object(&[
    ("activeDeadlineSeconds", Any),
    ("affinity", pod::AFFINITY),
    ("annotations", STRINGS),
    ("archiveLocation", part::ARTIFACT_LOCATION),
    ("automountServiceAccountToken", Flag),
    ("container", Object(CONTAINER)),
    (
        "containerSet",
        Object(&[
            ("containers", List(&Object(CONTAINER_NODE))),
            ("retryStrategy", Object(any!("duration" "retries"))),
            ("volumeMounts", List(&pod::VOLUME_MOUNT)),
        ]),
    ),
    ("daemon", Any),
    ("dag", Object(&[("failFast", Any), ("target", Any), ("tasks", List(&TASK))])),
    ("data", Object(&[("source", part::DATA_SOURCE), ("transformation", List(&part::TRANSFORMATION_STEP))])),
    ("executor", Object(any!("serviceAccountName"))),
    ("failFast", Any),
    ("hostAliases", List(&pod::HOST_ALIAS)),
    (
        "http",
        Object(&[
            ("body", Any),
            ("bodyFrom", part::HTTP_BODY_SOURCE),
            ("headers", List(&part::HTTP_HEADER)),
            ("insecureSkipVerify", Any),
            ("method", Any),
            ("successCondition", Any),
            ("timeoutSeconds", Any),
            ("url", Any),
        ]),
    ),
    ("initContainers", List(&Object(SIDE_CONTAINER))),
    ("inputs", Object(&[("artifacts", List(&ARTIFACT)), ("parameters", List(&PARAMETER))])),
    ("memoize", Object(&[("cache", part::CACHE), ("key", Any), ("maxAge", Any)])),
    ("metadata", PART_METADATA),
    ("metrics", METRICS),
    ("name", Any),
    ("nodeSelector", STRINGS),
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
    ("podResources", pod::RESOURCE_REQUIREMENTS),
    ("podSpecPatch", Text),
    ("priorityClassName", Text),
    (
        "resource",
        Object(&[
            ("action", Any),
            ("failureCondition", Any),
            ("flags", Any),
            ("manifest", Any),
            ("manifestFrom", part::MANIFEST_FROM),
            ("mergeStrategy", Any),
            ("setOwnerReference", Any),
            ("successCondition", Any),
        ]),
    ),
    ("resourceClaims", List(&pod::POD_RESOURCE_CLAIM)),
    ("retryStrategy", RETRY),
    ("schedulerName", Text),
    ("script", Object(SCRIPT)),
    ("securityContext", pod::POD_SECURITY_CONTEXT),
    ("serviceAccountName", Any),
    ("sidecars", List(&Object(SIDE_CONTAINER))),
    ("steps", List(&List(&STEP))),
    ("suspend", Object(any!("duration"))),
    ("synchronization", SYNCHRONIZATION),
    ("timeout", Any),
    ("tolerations", List(&pod::TOLERATION)),
    ("volumes", List(&pod::VOLUME)),
]);

const WITH_SEQUENCE: Shape =
    Object(&[("count", IntOrText), ("end", IntOrText), ("format", Text), ("start", IntOrText)]);

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
    ($($more:literal: $shape:expr)?) => {
        &[
            ("args", Any),
            ("command", Any),
            ("env", List(&pod::ENV_VAR)),
            ("envFrom", List(&pod::ENV_FROM_SOURCE)),
            ("image", Any),
            ("imagePullPolicy", Text),
            ("lifecycle", pod::LIFECYCLE),
            ("livenessProbe", pod::PROBE),
            ("name", Any),
            ("ports", List(&pod::CONTAINER_PORT)),
            ("readinessProbe", pod::PROBE),
            ("resizePolicy", List(&pod::CONTAINER_RESIZE_POLICY)),
            ("resources", pod::RESOURCE_REQUIREMENTS),
            ("restartPolicy", Text),
            ("restartPolicyRules", List(&pod::CONTAINER_RESTART_RULE)),
            ("securityContext", pod::SECURITY_CONTEXT),
            ("startupProbe", pod::PROBE),
            ("stdin", Flag),
            ("stdinOnce", Flag),
            ("terminationMessagePath", Text),
            ("terminationMessagePolicy", Text),
            ("tty", Flag),
            ("volumeDevices", List(&pod::VOLUME_DEVICE)),
            ("volumeMounts", List(&pod::VOLUME_MOUNT)),
            ("workingDir", Any),
            $(($more, $shape))?
        ]
    };
}
const CONTAINER: &[(&str, Shape)] = container!();
const SCRIPT: &[(&str, Shape)] = container!("source": Any);
const CONTAINER_NODE: &[(&str, Shape)] = container!("dependencies": List(&Text));
const SIDE_CONTAINER: &[(&str, Shape)] = container!("mirrorVolumeMounts": Flag);
