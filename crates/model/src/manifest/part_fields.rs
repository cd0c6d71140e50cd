//! The fields of the smaller parts of Argo's templates: locations of artifacts, metrics, locks, requests (v4.1.2,
//! `api/openapi-spec/swagger.json`).

use super::{
    argo_fields::{ARTIFACT, ARTIFACT_GC, METADATA},
    pod_fields::{CONFIG_MAP_KEY_SELECTOR, CONTAINER, LOCAL_OBJECT_REFERENCE, SECRET_KEY_SELECTOR},
    shape::Shape::{self, Any, Flag, Int, List, Object, Text},
};

pub(super) const ARCHIVE_STRATEGY: Shape =
    Object(&[("none", NONE_STRATEGY), ("tar", TAR_STRATEGY), ("zip", ZIP_STRATEGY)]);
pub(super) const ARTIFACTORY_ARTIFACT: Shape = Object(&[
    ("passwordSecret", SECRET_KEY_SELECTOR),
    ("url", Text),
    ("usernameSecret", SECRET_KEY_SELECTOR),
]);
pub(super) const ARTIFACT_LOCATION: Shape = Object(&[
    ("archiveLogs", Flag),
    ("artifactory", ARTIFACTORY_ARTIFACT),
    ("azure", AZURE_ARTIFACT),
    ("gcs", GCS_ARTIFACT),
    ("git", GIT_ARTIFACT),
    ("hdfs", HDFS_ARTIFACT),
    ("http", HTTP_ARTIFACT),
    ("oss", OSS_ARTIFACT),
    ("plugin", PLUGIN_ARTIFACT),
    ("raw", RAW_ARTIFACT),
    ("s3", S3_ARTIFACT),
]);
pub(super) const ARTIFACT_PATHS: Shape = Object(&[
    ("archive", ARCHIVE_STRATEGY),
    ("archiveLogs", Flag),
    ("artifactGC", ARTIFACT_GC),
    ("artifactory", ARTIFACTORY_ARTIFACT),
    ("azure", AZURE_ARTIFACT),
    ("deleted", Flag),
    ("from", Text),
    ("fromExpression", Text),
    ("gcs", GCS_ARTIFACT),
    ("git", GIT_ARTIFACT),
    ("globalName", Text),
    ("hdfs", HDFS_ARTIFACT),
    ("http", HTTP_ARTIFACT),
    ("mode", Int),
    ("name", Text),
    ("optional", Flag),
    ("oss", OSS_ARTIFACT),
    ("path", Text),
    ("plugin", PLUGIN_ARTIFACT),
    ("raw", RAW_ARTIFACT),
    ("recurseMode", Flag),
    ("s3", S3_ARTIFACT),
    ("subPath", Text),
]);
pub(super) const AZURE_ARTIFACT: Shape = Object(&[
    ("accountKeySecret", SECRET_KEY_SELECTOR),
    ("blob", Text),
    ("container", Text),
    ("endpoint", Text),
    ("useSDKCreds", Flag),
]);
pub(super) const BASIC_AUTH: Shape =
    Object(&[("passwordSecret", SECRET_KEY_SELECTOR), ("usernameSecret", SECRET_KEY_SELECTOR)]);
pub(super) const CACHE: Shape = Object(&[("configMap", LOCAL_OBJECT_REFERENCE)]);
pub(super) const CLIENT_CERT_AUTH: Shape =
    Object(&[("clientCertSecret", SECRET_KEY_SELECTOR), ("clientKeySecret", SECRET_KEY_SELECTOR)]);
pub(super) const COUNTER: Shape = Object(&[("value", Text)]);
pub(super) const CREATE_S3_BUCKET_OPTIONS: Shape = Object(&[("objectLocking", Flag)]);
pub(super) const DATA_SOURCE: Shape = Object(&[("artifactPaths", ARTIFACT_PATHS)]);
pub(super) const EVENT: Shape = Object(&[("selector", Text)]);
pub(super) const EXECUTOR_PLUGIN: Shape = Object(&[("metadata", METADATA), ("spec", EXECUTOR_PLUGIN_SPEC)]);
pub(super) const EXECUTOR_PLUGIN_SIDECAR: Shape =
    Object(&[("automountServiceAccountToken", Flag), ("container", CONTAINER)]);
pub(super) const EXECUTOR_PLUGIN_SPEC: Shape = Object(&[("sidecar", EXECUTOR_PLUGIN_SIDECAR)]);
pub(super) const GAUGE: Shape = Object(&[("operation", Text), ("realtime", Flag), ("value", Text)]);
pub(super) const GCS_ARTIFACT: Shape =
    Object(&[("bucket", Text), ("key", Text), ("serviceAccountKeySecret", SECRET_KEY_SELECTOR)]);
pub(super) const GIT_ARTIFACT: Shape = Object(&[
    ("branch", Text),
    ("depth", Int),
    ("disableSubmodules", Flag),
    ("fetch", List(&Text)),
    ("insecureIgnoreHostKey", Flag),
    ("insecureSkipTLS", Flag),
    ("passwordSecret", SECRET_KEY_SELECTOR),
    ("repo", Text),
    ("revision", Text),
    ("singleBranch", Flag),
    ("sshPrivateKeySecret", SECRET_KEY_SELECTOR),
    ("usernameSecret", SECRET_KEY_SELECTOR),
]);
pub(super) const HDFS_ARTIFACT: Shape = Object(&[
    ("addresses", List(&Text)),
    ("dataTransferProtection", Text),
    ("force", Flag),
    ("hdfsUser", Text),
    ("krbCCacheSecret", SECRET_KEY_SELECTOR),
    ("krbConfigConfigMap", CONFIG_MAP_KEY_SELECTOR),
    ("krbKeytabSecret", SECRET_KEY_SELECTOR),
    ("krbRealm", Text),
    ("krbServicePrincipalName", Text),
    ("krbUsername", Text),
    ("path", Text),
]);
pub(super) const HEADER: Shape = Object(&[("name", Text), ("value", Text)]);
pub(super) const HISTOGRAM: Shape = Object(&[("buckets", List(&Any)), ("value", Text)]);
pub(super) const HTTP_ARTIFACT: Shape =
    Object(&[("auth", HTTP_AUTH), ("headers", List(&HEADER)), ("saveStreamViaFile", Flag), ("url", Text)]);
pub(super) const HTTP_AUTH: Shape =
    Object(&[("basicAuth", BASIC_AUTH), ("clientCert", CLIENT_CERT_AUTH), ("oauth2", OAUTH2_AUTH)]);
pub(super) const HTTP_BODY_SOURCE: Shape = Object(&[("bytes", Text)]);
pub(super) const HTTP_HEADER: Shape =
    Object(&[("name", Text), ("value", Text), ("valueFrom", HTTP_HEADER_SOURCE)]);
pub(super) const HTTP_HEADER_SOURCE: Shape = Object(&[("secretKeyRef", SECRET_KEY_SELECTOR)]);
pub(super) const LABEL_VALUE_FROM: Shape = Object(&[("expression", Text)]);
pub(super) const MANIFEST_FROM: Shape = Object(&[("artifact", ARTIFACT)]);
pub(super) const METRIC_LABEL: Shape = Object(&[("key", Text), ("value", Text)]);
pub(super) const MUTEX: Shape = Object(&[("database", Flag), ("name", Text), ("namespace", Text)]);
pub(super) const NONE_STRATEGY: Shape = Object(&[]);
pub(super) const OAUTH2_AUTH: Shape = Object(&[
    ("clientIDSecret", SECRET_KEY_SELECTOR),
    ("clientSecretSecret", SECRET_KEY_SELECTOR),
    ("endpointParams", List(&OAUTH2_ENDPOINT_PARAM)),
    ("scopes", List(&Text)),
    ("tokenURLSecret", SECRET_KEY_SELECTOR),
]);
pub(super) const OAUTH2_ENDPOINT_PARAM: Shape = Object(&[("key", Text), ("value", Text)]);
pub(super) const OSS_ARTIFACT: Shape = Object(&[
    ("accessKeySecret", SECRET_KEY_SELECTOR),
    ("bucket", Text),
    ("createBucketIfNotPresent", Flag),
    ("endpoint", Text),
    ("key", Text),
    ("lifecycleRule", OSS_LIFECYCLE_RULE),
    ("secretKeySecret", SECRET_KEY_SELECTOR),
    ("securityToken", Text),
    ("useSDKCreds", Flag),
]);
pub(super) const OSS_LIFECYCLE_RULE: Shape =
    Object(&[("markDeletionAfterDays", Int), ("markInfrequentAccessAfterDays", Int)]);
pub(super) const PLUGIN_ARTIFACT: Shape =
    Object(&[("configuration", Text), ("connectionTimeoutSeconds", Int), ("key", Text), ("name", Text)]);
pub(super) const RAW_ARTIFACT: Shape = Object(&[("data", Text)]);
pub(super) const S3_ARTIFACT: Shape = Object(&[
    ("accessKeySecret", SECRET_KEY_SELECTOR),
    ("addressingStyle", Text),
    ("bucket", Text),
    ("caSecret", SECRET_KEY_SELECTOR),
    ("createBucketIfNotPresent", CREATE_S3_BUCKET_OPTIONS),
    ("encryptionOptions", S3_ENCRYPTION_OPTIONS),
    ("endpoint", Text),
    ("insecure", Flag),
    ("key", Text),
    ("region", Text),
    ("roleARN", Text),
    ("secretKeySecret", SECRET_KEY_SELECTOR),
    ("sessionTokenSecret", SECRET_KEY_SELECTOR),
    ("useSDKCreds", Flag),
]);
pub(super) const S3_ENCRYPTION_OPTIONS: Shape = Object(&[
    ("enableEncryption", Flag),
    ("kmsEncryptionContext", Text),
    ("kmsKeyId", Text),
    ("serverSideCustomerKeySecret", SECRET_KEY_SELECTOR),
]);
pub(super) const SEMAPHORE_REF: Shape = Object(&[
    ("configMapKeyRef", CONFIG_MAP_KEY_SELECTOR),
    ("database", SYNC_DATABASE_REF),
    ("namespace", Text),
]);
pub(super) const STOP_STRATEGY: Shape = Object(&[("expression", Text)]);
pub(super) const SYNC_DATABASE_REF: Shape = Object(&[("key", Text)]);
pub(super) const TAR_STRATEGY: Shape = Object(&[("compressionLevel", Int)]);
pub(super) const TRANSFORMATION_STEP: Shape = Object(&[("expression", Text)]);
pub(super) const ZIP_STRATEGY: Shape = Object(&[]);
