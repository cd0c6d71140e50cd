//! The fields of what pods have in Kubernetes' API (core/v1 as Argo v4.1.2 speaks it,
//! `api/openapi-spec/swagger.json`), as far as templates hold them. Not here: what any of them means.

use super::{
    argo_fields::METADATA,
    shape::Shape::{self, Fields, Flag, Int, IntOrText, List, Object, Quantity, Text},
};

pub(super) const AFFINITY: Shape = Object(&[
    ("nodeAffinity", NODE_AFFINITY),
    ("podAffinity", POD_AFFINITY),
    ("podAntiAffinity", POD_ANTI_AFFINITY),
]);
const APP_ARMOR_PROFILE: Shape = Object(&[("localhostProfile", Text), ("type", Text)]);
const AWS_ELASTIC_BLOCK_STORE_VOLUME_SOURCE: Shape =
    Object(&[("fsType", Text), ("partition", Int), ("readOnly", Flag), ("volumeID", Text)]);
const AZURE_DISK_VOLUME_SOURCE: Shape = Object(&[
    ("cachingMode", Text),
    ("diskName", Text),
    ("diskURI", Text),
    ("fsType", Text),
    ("kind", Text),
    ("readOnly", Flag),
]);
const AZURE_FILE_VOLUME_SOURCE: Shape =
    Object(&[("readOnly", Flag), ("secretName", Text), ("shareName", Text)]);
const CAPABILITIES: Shape = Object(&[("add", List(&Text)), ("drop", List(&Text))]);
const CEPH_FS_VOLUME_SOURCE: Shape = Object(&[
    ("monitors", List(&Text)),
    ("path", Text),
    ("readOnly", Flag),
    ("secretFile", Text),
    ("secretRef", LOCAL_OBJECT_REFERENCE),
    ("user", Text),
]);
const CINDER_VOLUME_SOURCE: Shape = Object(&[
    ("fsType", Text),
    ("readOnly", Flag),
    ("secretRef", LOCAL_OBJECT_REFERENCE),
    ("volumeID", Text),
]);
const CLUSTER_TRUST_BUNDLE_PROJECTION: Shape = Object(&[
    ("labelSelector", LABEL_SELECTOR),
    ("name", Text),
    ("optional", Flag),
    ("path", Text),
    ("signerName", Text),
]);
const CONFIG_MAP_ENV_SOURCE: Shape = Object(&[("name", Text), ("optional", Flag)]);
pub(super) const CONFIG_MAP_KEY_SELECTOR: Shape =
    Object(&[("key", Text), ("name", Text), ("optional", Flag)]);
const CONFIG_MAP_PROJECTION: Shape =
    Object(&[("items", List(&KEY_TO_PATH)), ("name", Text), ("optional", Flag)]);
const CONFIG_MAP_VOLUME_SOURCE: Shape =
    Object(&[("defaultMode", Int), ("items", List(&KEY_TO_PATH)), ("name", Text), ("optional", Flag)]);
pub(super) const CONTAINER: Shape = Object(&[
    ("args", List(&Text)),
    ("command", List(&Text)),
    ("env", List(&ENV_VAR)),
    ("envFrom", List(&ENV_FROM_SOURCE)),
    ("image", Text),
    ("imagePullPolicy", Text),
    ("lifecycle", LIFECYCLE),
    ("livenessProbe", PROBE),
    ("name", Text),
    ("ports", List(&CONTAINER_PORT)),
    ("readinessProbe", PROBE),
    ("resizePolicy", List(&CONTAINER_RESIZE_POLICY)),
    ("resources", RESOURCE_REQUIREMENTS),
    ("restartPolicy", Text),
    ("restartPolicyRules", List(&CONTAINER_RESTART_RULE)),
    ("securityContext", SECURITY_CONTEXT),
    ("startupProbe", PROBE),
    ("stdin", Flag),
    ("stdinOnce", Flag),
    ("terminationMessagePath", Text),
    ("terminationMessagePolicy", Text),
    ("tty", Flag),
    ("volumeDevices", List(&VOLUME_DEVICE)),
    ("volumeMounts", List(&VOLUME_MOUNT)),
    ("workingDir", Text),
]);
pub(super) const CONTAINER_PORT: Shape = Object(&[
    ("containerPort", Int),
    ("hostIP", Text),
    ("hostPort", Int),
    ("name", Text),
    ("protocol", Text),
]);
pub(super) const CONTAINER_RESIZE_POLICY: Shape = Object(&[("resourceName", Text), ("restartPolicy", Text)]);
pub(super) const CONTAINER_RESTART_RULE: Shape =
    Object(&[("action", Text), ("exitCodes", CONTAINER_RESTART_RULE_ON_EXIT_CODES)]);
const CONTAINER_RESTART_RULE_ON_EXIT_CODES: Shape = Object(&[("operator", Text), ("values", List(&Int))]);
const CSI_VOLUME_SOURCE: Shape = Object(&[
    ("driver", Text),
    ("fsType", Text),
    ("nodePublishSecretRef", LOCAL_OBJECT_REFERENCE),
    ("readOnly", Flag),
    ("volumeAttributes", Fields(&Text)),
]);
const DOWNWARD_API_PROJECTION: Shape = Object(&[("items", List(&DOWNWARD_API_VOLUME_FILE))]);
const DOWNWARD_API_VOLUME_FILE: Shape = Object(&[
    ("fieldRef", OBJECT_FIELD_SELECTOR),
    ("mode", Int),
    ("path", Text),
    ("resourceFieldRef", RESOURCE_FIELD_SELECTOR),
]);
const DOWNWARD_API_VOLUME_SOURCE: Shape =
    Object(&[("defaultMode", Int), ("items", List(&DOWNWARD_API_VOLUME_FILE))]);
const EMPTY_DIR_VOLUME_SOURCE: Shape = Object(&[("medium", Text), ("sizeLimit", Quantity)]);
pub(super) const ENV_FROM_SOURCE: Shape =
    Object(&[("configMapRef", CONFIG_MAP_ENV_SOURCE), ("prefix", Text), ("secretRef", SECRET_ENV_SOURCE)]);
pub(super) const ENV_VAR: Shape = Object(&[("name", Text), ("value", Text), ("valueFrom", ENV_VAR_SOURCE)]);
const ENV_VAR_SOURCE: Shape = Object(&[
    ("configMapKeyRef", CONFIG_MAP_KEY_SELECTOR),
    ("fieldRef", OBJECT_FIELD_SELECTOR),
    ("fileKeyRef", FILE_KEY_SELECTOR),
    ("resourceFieldRef", RESOURCE_FIELD_SELECTOR),
    ("secretKeyRef", SECRET_KEY_SELECTOR),
]);
const EPHEMERAL_VOLUME_SOURCE: Shape = Object(&[("volumeClaimTemplate", PERSISTENT_VOLUME_CLAIM_TEMPLATE)]);
const EXEC_ACTION: Shape = Object(&[("command", List(&Text))]);
const FC_VOLUME_SOURCE: Shape = Object(&[
    ("fsType", Text),
    ("lun", Int),
    ("readOnly", Flag),
    ("targetWWNs", List(&Text)),
    ("wwids", List(&Text)),
]);
const FILE_KEY_SELECTOR: Shape =
    Object(&[("key", Text), ("optional", Flag), ("path", Text), ("volumeName", Text)]);
const FLEX_VOLUME_SOURCE: Shape = Object(&[
    ("driver", Text),
    ("fsType", Text),
    ("options", Fields(&Text)),
    ("readOnly", Flag),
    ("secretRef", LOCAL_OBJECT_REFERENCE),
]);
const FLOCKER_VOLUME_SOURCE: Shape = Object(&[("datasetName", Text), ("datasetUUID", Text)]);
const GCE_PERSISTENT_DISK_VOLUME_SOURCE: Shape =
    Object(&[("fsType", Text), ("partition", Int), ("pdName", Text), ("readOnly", Flag)]);
const GIT_REPO_VOLUME_SOURCE: Shape =
    Object(&[("directory", Text), ("repository", Text), ("revision", Text)]);
const GLUSTERFS_VOLUME_SOURCE: Shape = Object(&[("endpoints", Text), ("path", Text), ("readOnly", Flag)]);
const GRPC_ACTION: Shape = Object(&[("port", Int), ("service", Text)]);
pub(super) const HOST_ALIAS: Shape = Object(&[("hostnames", List(&Text)), ("ip", Text)]);
const HOST_PATH_VOLUME_SOURCE: Shape = Object(&[("path", Text), ("type", Text)]);
const HTTP_GET_ACTION: Shape = Object(&[
    ("host", Text),
    ("httpHeaders", List(&HTTP_HEADER)),
    ("path", Text),
    ("port", IntOrText),
    ("scheme", Text),
]);
const HTTP_HEADER: Shape = Object(&[("name", Text), ("value", Text)]);
const IMAGE_VOLUME_SOURCE: Shape = Object(&[("pullPolicy", Text), ("reference", Text)]);
const ISCSI_VOLUME_SOURCE: Shape = Object(&[
    ("chapAuthDiscovery", Flag),
    ("chapAuthSession", Flag),
    ("fsType", Text),
    ("initiatorName", Text),
    ("iqn", Text),
    ("iscsiInterface", Text),
    ("lun", Int),
    ("portals", List(&Text)),
    ("readOnly", Flag),
    ("secretRef", LOCAL_OBJECT_REFERENCE),
    ("targetPortal", Text),
]);
const KEY_TO_PATH: Shape = Object(&[("key", Text), ("mode", Int), ("path", Text)]);
pub(super) const LABEL_SELECTOR: Shape =
    Object(&[("matchExpressions", List(&LABEL_SELECTOR_REQUIREMENT)), ("matchLabels", Fields(&Text))]);
const LABEL_SELECTOR_REQUIREMENT: Shape =
    Object(&[("key", Text), ("operator", Text), ("values", List(&Text))]);
pub(super) const LIFECYCLE: Shape =
    Object(&[("postStart", LIFECYCLE_HANDLER), ("preStop", LIFECYCLE_HANDLER), ("stopSignal", Text)]);
const LIFECYCLE_HANDLER: Shape = Object(&[
    ("exec", EXEC_ACTION),
    ("httpGet", HTTP_GET_ACTION),
    ("sleep", SLEEP_ACTION),
    ("tcpSocket", TCP_SOCKET_ACTION),
]);
pub(super) const LOCAL_OBJECT_REFERENCE: Shape = Object(&[("name", Text)]);
const MODIFY_VOLUME_STATUS: Shape = Object(&[("status", Text), ("targetVolumeAttributesClassName", Text)]);
const NFS_VOLUME_SOURCE: Shape = Object(&[("path", Text), ("readOnly", Flag), ("server", Text)]);
const NODE_AFFINITY: Shape = Object(&[
    ("preferredDuringSchedulingIgnoredDuringExecution", List(&PREFERRED_SCHEDULING_TERM)),
    ("requiredDuringSchedulingIgnoredDuringExecution", NODE_SELECTOR),
]);
const NODE_SELECTOR: Shape = Object(&[("nodeSelectorTerms", List(&NODE_SELECTOR_TERM))]);
const NODE_SELECTOR_REQUIREMENT: Shape =
    Object(&[("key", Text), ("operator", Text), ("values", List(&Text))]);
const NODE_SELECTOR_TERM: Shape = Object(&[
    ("matchExpressions", List(&NODE_SELECTOR_REQUIREMENT)),
    ("matchFields", List(&NODE_SELECTOR_REQUIREMENT)),
]);
const OBJECT_FIELD_SELECTOR: Shape = Object(&[("apiVersion", Text), ("fieldPath", Text)]);
pub(super) const PERSISTENT_VOLUME_CLAIM: Shape = Object(&[
    ("apiVersion", Text),
    ("kind", Text),
    ("metadata", METADATA),
    ("spec", PERSISTENT_VOLUME_CLAIM_SPEC),
    ("status", PERSISTENT_VOLUME_CLAIM_STATUS),
]);
const PERSISTENT_VOLUME_CLAIM_CONDITION: Shape = Object(&[
    ("lastProbeTime", Text),
    ("lastTransitionTime", Text),
    ("message", Text),
    ("reason", Text),
    ("status", Text),
    ("type", Text),
]);
const PERSISTENT_VOLUME_CLAIM_SPEC: Shape = Object(&[
    ("accessModes", List(&Text)),
    ("dataSource", TYPED_LOCAL_OBJECT_REFERENCE),
    ("dataSourceRef", TYPED_OBJECT_REFERENCE),
    ("resources", VOLUME_RESOURCE_REQUIREMENTS),
    ("selector", LABEL_SELECTOR),
    ("storageClassName", Text),
    ("volumeAttributesClassName", Text),
    ("volumeMode", Text),
    ("volumeName", Text),
]);
const PERSISTENT_VOLUME_CLAIM_STATUS: Shape = Object(&[
    ("accessModes", List(&Text)),
    ("allocatedResourceStatuses", Fields(&Text)),
    ("allocatedResources", Fields(&Quantity)),
    ("capacity", Fields(&Quantity)),
    ("conditions", List(&PERSISTENT_VOLUME_CLAIM_CONDITION)),
    ("currentVolumeAttributesClassName", Text),
    ("modifyVolumeStatus", MODIFY_VOLUME_STATUS),
    ("phase", Text),
]);
const PERSISTENT_VOLUME_CLAIM_TEMPLATE: Shape =
    Object(&[("metadata", METADATA), ("spec", PERSISTENT_VOLUME_CLAIM_SPEC)]);
const PERSISTENT_VOLUME_CLAIM_VOLUME_SOURCE: Shape = Object(&[("claimName", Text), ("readOnly", Flag)]);
const PHOTON_PERSISTENT_DISK_VOLUME_SOURCE: Shape = Object(&[("fsType", Text), ("pdID", Text)]);
const POD_AFFINITY: Shape = Object(&[
    ("preferredDuringSchedulingIgnoredDuringExecution", List(&WEIGHTED_POD_AFFINITY_TERM)),
    ("requiredDuringSchedulingIgnoredDuringExecution", List(&POD_AFFINITY_TERM)),
]);
const POD_AFFINITY_TERM: Shape = Object(&[
    ("labelSelector", LABEL_SELECTOR),
    ("matchLabelKeys", List(&Text)),
    ("mismatchLabelKeys", List(&Text)),
    ("namespaceSelector", LABEL_SELECTOR),
    ("namespaces", List(&Text)),
    ("topologyKey", Text),
]);
const POD_ANTI_AFFINITY: Shape = Object(&[
    ("preferredDuringSchedulingIgnoredDuringExecution", List(&WEIGHTED_POD_AFFINITY_TERM)),
    ("requiredDuringSchedulingIgnoredDuringExecution", List(&POD_AFFINITY_TERM)),
]);
const POD_CERTIFICATE_PROJECTION: Shape = Object(&[
    ("certificateChainPath", Text),
    ("credentialBundlePath", Text),
    ("keyPath", Text),
    ("keyType", Text),
    ("maxExpirationSeconds", Int),
    ("signerName", Text),
    ("userAnnotations", Fields(&Text)),
]);
pub(super) const POD_DISRUPTION_BUDGET_SPEC: Shape = Object(&[
    ("maxUnavailable", IntOrText),
    ("minAvailable", IntOrText),
    ("selector", LABEL_SELECTOR),
    ("unhealthyPodEvictionPolicy", Text),
]);
pub(super) const POD_DNS_CONFIG: Shape = Object(&[
    ("nameservers", List(&Text)),
    ("options", List(&POD_DNS_CONFIG_OPTION)),
    ("searches", List(&Text)),
]);
const POD_DNS_CONFIG_OPTION: Shape = Object(&[("name", Text), ("value", Text)]);
pub(super) const POD_RESOURCE_CLAIM: Shape =
    Object(&[("name", Text), ("resourceClaimName", Text), ("resourceClaimTemplateName", Text)]);
pub(super) const POD_SECURITY_CONTEXT: Shape = Object(&[
    ("appArmorProfile", APP_ARMOR_PROFILE),
    ("fsGroup", Int),
    ("fsGroupChangePolicy", Text),
    ("runAsGroup", Int),
    ("runAsNonRoot", Flag),
    ("runAsUser", Int),
    ("seLinuxChangePolicy", Text),
    ("seLinuxOptions", SE_LINUX_OPTIONS),
    ("seccompProfile", SECCOMP_PROFILE),
    ("supplementalGroups", List(&Int)),
    ("supplementalGroupsPolicy", Text),
    ("sysctls", List(&SYSCTL)),
    ("windowsOptions", WINDOWS_SECURITY_CONTEXT_OPTIONS),
]);
const PORTWORX_VOLUME_SOURCE: Shape = Object(&[("fsType", Text), ("readOnly", Flag), ("volumeID", Text)]);
const PREFERRED_SCHEDULING_TERM: Shape = Object(&[("preference", NODE_SELECTOR_TERM), ("weight", Int)]);
pub(super) const PROBE: Shape = Object(&[
    ("exec", EXEC_ACTION),
    ("failureThreshold", Int),
    ("grpc", GRPC_ACTION),
    ("httpGet", HTTP_GET_ACTION),
    ("initialDelaySeconds", Int),
    ("periodSeconds", Int),
    ("successThreshold", Int),
    ("tcpSocket", TCP_SOCKET_ACTION),
    ("terminationGracePeriodSeconds", Int),
    ("timeoutSeconds", Int),
]);
const PROJECTED_VOLUME_SOURCE: Shape = Object(&[("defaultMode", Int), ("sources", List(&VOLUME_PROJECTION))]);
const QUOBYTE_VOLUME_SOURCE: Shape = Object(&[
    ("group", Text),
    ("readOnly", Flag),
    ("registry", Text),
    ("tenant", Text),
    ("user", Text),
    ("volume", Text),
]);
const RBD_VOLUME_SOURCE: Shape = Object(&[
    ("fsType", Text),
    ("image", Text),
    ("keyring", Text),
    ("monitors", List(&Text)),
    ("pool", Text),
    ("readOnly", Flag),
    ("secretRef", LOCAL_OBJECT_REFERENCE),
    ("user", Text),
]);
const RESOURCE_CLAIM: Shape = Object(&[("name", Text), ("request", Text)]);
const RESOURCE_FIELD_SELECTOR: Shape =
    Object(&[("containerName", Text), ("divisor", Quantity), ("resource", Text)]);
pub(super) const RESOURCE_REQUIREMENTS: Shape = Object(&[
    ("claims", List(&RESOURCE_CLAIM)),
    ("limits", Fields(&Quantity)),
    ("requests", Fields(&Quantity)),
]);
const SCALE_IO_VOLUME_SOURCE: Shape = Object(&[
    ("fsType", Text),
    ("gateway", Text),
    ("protectionDomain", Text),
    ("readOnly", Flag),
    ("secretRef", LOCAL_OBJECT_REFERENCE),
    ("sslEnabled", Flag),
    ("storageMode", Text),
    ("storagePool", Text),
    ("system", Text),
    ("volumeName", Text),
]);
const SECCOMP_PROFILE: Shape = Object(&[("localhostProfile", Text), ("type", Text)]);
const SECRET_ENV_SOURCE: Shape = Object(&[("name", Text), ("optional", Flag)]);
pub(super) const SECRET_KEY_SELECTOR: Shape = Object(&[("key", Text), ("name", Text), ("optional", Flag)]);
const SECRET_PROJECTION: Shape = Object(&[("items", List(&KEY_TO_PATH)), ("name", Text), ("optional", Flag)]);
const SECRET_VOLUME_SOURCE: Shape =
    Object(&[("defaultMode", Int), ("items", List(&KEY_TO_PATH)), ("optional", Flag), ("secretName", Text)]);
pub(super) const SECURITY_CONTEXT: Shape = Object(&[
    ("allowPrivilegeEscalation", Flag),
    ("appArmorProfile", APP_ARMOR_PROFILE),
    ("capabilities", CAPABILITIES),
    ("privileged", Flag),
    ("procMount", Text),
    ("readOnlyRootFilesystem", Flag),
    ("runAsGroup", Int),
    ("runAsNonRoot", Flag),
    ("runAsUser", Int),
    ("seLinuxOptions", SE_LINUX_OPTIONS),
    ("seccompProfile", SECCOMP_PROFILE),
    ("windowsOptions", WINDOWS_SECURITY_CONTEXT_OPTIONS),
]);
const SERVICE_ACCOUNT_TOKEN_PROJECTION: Shape =
    Object(&[("audience", Text), ("expirationSeconds", Int), ("path", Text)]);
const SE_LINUX_OPTIONS: Shape = Object(&[("level", Text), ("role", Text), ("type", Text), ("user", Text)]);
const SLEEP_ACTION: Shape = Object(&[("seconds", Int)]);
const STORAGE_OS_VOLUME_SOURCE: Shape = Object(&[
    ("fsType", Text),
    ("readOnly", Flag),
    ("secretRef", LOCAL_OBJECT_REFERENCE),
    ("volumeName", Text),
    ("volumeNamespace", Text),
]);
const SYSCTL: Shape = Object(&[("name", Text), ("value", Text)]);
const TCP_SOCKET_ACTION: Shape = Object(&[("host", Text), ("port", IntOrText)]);
pub(super) const TOLERATION: Shape = Object(&[
    ("effect", Text),
    ("key", Text),
    ("operator", Text),
    ("tolerationSeconds", Int),
    ("value", Text),
]);
const TYPED_LOCAL_OBJECT_REFERENCE: Shape = Object(&[("apiGroup", Text), ("kind", Text), ("name", Text)]);
const TYPED_OBJECT_REFERENCE: Shape =
    Object(&[("apiGroup", Text), ("kind", Text), ("name", Text), ("namespace", Text)]);
pub(super) const VOLUME: Shape = Object(&[
    ("awsElasticBlockStore", AWS_ELASTIC_BLOCK_STORE_VOLUME_SOURCE),
    ("azureDisk", AZURE_DISK_VOLUME_SOURCE),
    ("azureFile", AZURE_FILE_VOLUME_SOURCE),
    ("cephfs", CEPH_FS_VOLUME_SOURCE),
    ("cinder", CINDER_VOLUME_SOURCE),
    ("configMap", CONFIG_MAP_VOLUME_SOURCE),
    ("csi", CSI_VOLUME_SOURCE),
    ("downwardAPI", DOWNWARD_API_VOLUME_SOURCE),
    ("emptyDir", EMPTY_DIR_VOLUME_SOURCE),
    ("ephemeral", EPHEMERAL_VOLUME_SOURCE),
    ("fc", FC_VOLUME_SOURCE),
    ("flexVolume", FLEX_VOLUME_SOURCE),
    ("flocker", FLOCKER_VOLUME_SOURCE),
    ("gcePersistentDisk", GCE_PERSISTENT_DISK_VOLUME_SOURCE),
    ("gitRepo", GIT_REPO_VOLUME_SOURCE),
    ("glusterfs", GLUSTERFS_VOLUME_SOURCE),
    ("hostPath", HOST_PATH_VOLUME_SOURCE),
    ("image", IMAGE_VOLUME_SOURCE),
    ("iscsi", ISCSI_VOLUME_SOURCE),
    ("name", Text),
    ("nfs", NFS_VOLUME_SOURCE),
    ("persistentVolumeClaim", PERSISTENT_VOLUME_CLAIM_VOLUME_SOURCE),
    ("photonPersistentDisk", PHOTON_PERSISTENT_DISK_VOLUME_SOURCE),
    ("portworxVolume", PORTWORX_VOLUME_SOURCE),
    ("projected", PROJECTED_VOLUME_SOURCE),
    ("quobyte", QUOBYTE_VOLUME_SOURCE),
    ("rbd", RBD_VOLUME_SOURCE),
    ("scaleIO", SCALE_IO_VOLUME_SOURCE),
    ("secret", SECRET_VOLUME_SOURCE),
    ("storageos", STORAGE_OS_VOLUME_SOURCE),
    ("vsphereVolume", VSPHERE_VIRTUAL_DISK_VOLUME_SOURCE),
]);
pub(super) const VOLUME_DEVICE: Shape = Object(&[("devicePath", Text), ("name", Text)]);
pub(super) const VOLUME_MOUNT: Shape = Object(&[
    ("mountPath", Text),
    ("mountPropagation", Text),
    ("name", Text),
    ("readOnly", Flag),
    ("recursiveReadOnly", Text),
    ("subPath", Text),
    ("subPathExpr", Text),
]);
const VOLUME_PROJECTION: Shape = Object(&[
    ("clusterTrustBundle", CLUSTER_TRUST_BUNDLE_PROJECTION),
    ("configMap", CONFIG_MAP_PROJECTION),
    ("downwardAPI", DOWNWARD_API_PROJECTION),
    ("podCertificate", POD_CERTIFICATE_PROJECTION),
    ("secret", SECRET_PROJECTION),
    ("serviceAccountToken", SERVICE_ACCOUNT_TOKEN_PROJECTION),
]);
const VOLUME_RESOURCE_REQUIREMENTS: Shape =
    Object(&[("limits", Fields(&Quantity)), ("requests", Fields(&Quantity))]);
const VSPHERE_VIRTUAL_DISK_VOLUME_SOURCE: Shape =
    Object(&[("fsType", Text), ("storagePolicyID", Text), ("storagePolicyName", Text), ("volumePath", Text)]);
const WEIGHTED_POD_AFFINITY_TERM: Shape = Object(&[("podAffinityTerm", POD_AFFINITY_TERM), ("weight", Int)]);
const WINDOWS_SECURITY_CONTEXT_OPTIONS: Shape = Object(&[
    ("gmsaCredentialSpec", Text),
    ("gmsaCredentialSpecName", Text),
    ("hostProcess", Flag),
    ("runAsUserName", Text),
]);
