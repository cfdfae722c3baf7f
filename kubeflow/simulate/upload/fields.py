"""Fields and types of the messages that a compiled pipeline, its platform document and an output file consist of.

KFP parses them strictly, so the fields must be those of its own release. Python's `kfp-pipeline-spec` cannot be used:
the installed one is older than the server, and would refuse fields that the server knows.

One line a message: `name:type`, in the order in which KFP's structs hold them. `[]T` is a list, `{}T` a map, `?T` is
kept where it is set to nothing, `T/group` excludes the others of its group; `@2.15` came with that release, `@-2.5`
went with it.
"""

from __future__ import annotations

from limbeck.kubeflow.simulate.upload.schema import Message, messages

_PIPELINE = """
PipelineSpec pipelineInfo:PipelineInfo deploymentSpec:Struct sdkVersion:string schemaVersion:string \
    components:{}ComponentSpec root:ComponentSpec defaultPipelineRoot:string
PipelineInfo name:string displayName:string description:string
ComponentSpec inputDefinitions:InputDefinitions outputDefinitions:OutputDefinitions \
    dag:Dag/implementation executorLabel:string/implementation singlePlatformSpecs:[]SinglePlatformSpec \
    taskConfigPassthroughs:[]Passthrough@2.15
Passthrough field:PassthroughType applyToTask:bool
Dag tasks:{}Task outputs:DagOutputs
DagOutputs artifacts:{}DagOutputArtifact parameters:{}DagOutputParameter
DagOutputArtifact artifactSelectors:[]ArtifactSelector
ArtifactSelector producerSubtask:string outputArtifactKey:string
DagOutputParameter valueFromParameter:ParameterSelector/kind valueFromOneof:ParameterSelectors/kind
ParameterSelectors parameterSelectors:[]ParameterSelector
ParameterSelector producerSubtask:string outputParameterKey:string
InputDefinitions artifacts:{}InputArtifact parameters:{}InputParameter
InputArtifact artifactType:ArtifactType isArtifactList:bool isOptional:bool description:string
InputParameter type:PrimitiveType parameterType:ParameterType defaultValue:Value isOptional:bool \
    description:string literals:[]Value@2.17
OutputDefinitions artifacts:{}OutputArtifact parameters:{}OutputParameter
OutputArtifact artifactType:ArtifactType properties:{}ValueOrRuntimeParameter \
    customProperties:{}ValueOrRuntimeParameter metadata:Struct isArtifactList:bool description:string
OutputParameter type:PrimitiveType parameterType:ParameterType description:string
ArtifactType schemaTitle:string/kind schemaUri:string/kind instanceSchema:string/kind schemaVersion:string
ValueOrRuntimeParameter constantValue:OldValue/value runtimeParameter:string/value constant:Value/value
OldValue intValue:int64/value doubleValue:double/value stringValue:string/value
Task taskInfo:TaskInfo inputs:TaskInputs dependentTasks:[]string cachingOptions:CachingOptions \
    componentRef:ComponentRef triggerPolicy:TriggerPolicy artifactIterator:ArtifactIterator/iterator \
    parameterIterator:ParameterIterator/iterator retryPolicy:RetryPolicy iteratorPolicy:IteratorPolicy
TaskInfo name:string
TaskInputs parameters:{}TaskInputParameter artifacts:{}TaskInputArtifact
TaskInputParameter taskOutputParameter:TaskOutputParameter/kind runtimeValue:ValueOrRuntimeParameter/kind \
    componentInputParameter:string/kind taskFinalStatus:TaskFinalStatus/kind parameterExpressionSelector:string
TaskOutputParameter producerTask:string outputParameterKey:string
TaskFinalStatus producerTask:string
TaskInputArtifact taskOutputArtifact:TaskOutputArtifact/kind componentInputArtifact:string/kind
TaskOutputArtifact producerTask:string outputArtifactKey:string
CachingOptions enableCache:bool cacheKey:string
ComponentRef name:string
TriggerPolicy condition:string strategy:TriggerStrategy
ArtifactIterator items:ArtifactItems itemInput:string
ArtifactItems inputArtifact:string
ParameterIterator items:ParameterItems itemInput:string
ParameterItems raw:string/kind inputParameter:string/kind
RetryPolicy maxRetryCount:int32 backoffDuration:Duration backoffFactor:double backoffMaxDuration:Duration
IteratorPolicy parallelismLimit:int32
Deployment executors:{}Executor
Executor container:Container/spec importer:Importer/spec resolver:Resolver/spec customJob:CustomJob/spec
Container image:string command:[]string args:[]string lifecycle:Lifecycle resources:Resources env:[]EnvVar
Lifecycle preCacheCheck:Exec
Exec command:[]string args:[]string
Resources cpuLimit:double memoryLimit:double cpuRequest:double memoryRequest:double resourceCpuLimit:string \
    resourceMemoryLimit:string resourceCpuRequest:string resourceMemoryRequest:string accelerator:Accelerator
Accelerator type:string count:int64 resourceType:string resourceCount:string
EnvVar name:string value:string
Importer artifactUri:ValueOrRuntimeParameter typeSchema:ArtifactType properties:{}ValueOrRuntimeParameter \
    customProperties:{}ValueOrRuntimeParameter reimport:bool metadata:Struct downloadToWorkspace:bool@2.15
Resolver outputArtifactQueries:{}ArtifactQuery
ArtifactQuery filter:string limit:int32
CustomJob customJob:Struct
PlatformSpec platforms:{}SinglePlatformSpec
SinglePlatformSpec deploymentSpec:PlatformDeployment platform:string config:Struct pipelineConfig:PipelineConfig
PlatformDeployment executors:{}Struct
PipelineConfig semaphoreKey:string@-2.5 mutexName:string@-2.5 resourceTtl:int32@-2.15 \
    resourceTtlOnCompletion:int32@2.17 workspace:Workspace@2.15 resourceTtlOnSuccess:int32@2.17 \
    resourceTtlOnFailure:int32@2.17 activeDeadlineSeconds:int32@2.17
Workspace size:string kubernetes:?KubernetesWorkspace
KubernetesWorkspace pvcSpecPatch:?Struct
ExecutorOutput parameters:{}OldValue artifacts:{}ArtifactList parameterValues:{}Value
ArtifactList artifacts:[]RuntimeArtifact
RuntimeArtifact name:string type:ArtifactType uri:string properties:{}OldValue customProperties:{}OldValue \
    metadata:Struct customPath:?string@2.15
"""

_KUBERNETES = """
KubernetesExecutor secretAsVolume:[]SecretAsVolume secretAsEnv:[]SecretAsEnv pvcMount:[]PvcMount \
    nodeSelector:NodeSelector podMetadata:PodMetadata imagePullSecret:[]ImagePullSecret imagePullPolicy:string \
    configMapAsVolume:[]ConfigMapAsVolume configMapAsEnv:[]ConfigMapAsEnv activeDeadlineSeconds:int64 \
    fieldPathAsEnv:[]FieldPathAsEnv tolerations:[]Toleration genericEphemeralVolume:[]EphemeralVolume \
    nodeAffinity:[]NodeAffinity podAffinity:[]PodAffinity enabledSharedMemory:SharedMemory \
    emptyDirMounts:[]EmptyDir securityContext:SecurityContext@2.17
SharedMemory volumeName:string size:string
SecretAsVolume secretName:string mountPath:string optional:?bool secretNameParameter:TaskInputParameter
SecretAsEnv secretName:string keyToEnv:[]SecretKey optional:?bool@2.15 secretNameParameter:TaskInputParameter
SecretKey secretKey:string envVar:string
PvcMount taskOutputParameter:TaskOutputParameter/pvc constant:string/pvc componentInputParameter:string/pvc \
    mountPath:string pvcNameParameter:TaskInputParameter subPath:string@2.17
NodeSelector labels:{}string nodeSelectorJson:TaskInputParameter
PodMetadata labels:{}string annotations:{}string
ConfigMapAsVolume configMapName:string mountPath:string optional:?bool configMapNameParameter:TaskInputParameter
ConfigMapAsEnv configMapName:string keyToEnv:[]ConfigMapKey configMapNameParameter:TaskInputParameter \
    optional:?bool@2.15
ConfigMapKey configMapKey:string envVar:string
EphemeralVolume volumeName:string mountPath:string accessModes:[]string size:string defaultStorageClass:bool \
    storageClassName:string metadata:PodMetadata
ImagePullSecret secretName:string secretNameParameter:TaskInputParameter
FieldPathAsEnv name:string fieldPath:string
Toleration key:string operator:string value:string effect:string tolerationSeconds:?int64 \
    tolerationJson:TaskInputParameter
Requirement key:string operator:string values:[]string
NodeAffinity matchExpressions:[]Requirement matchFields:[]Requirement weight:?int32 \
    nodeAffinityJson:TaskInputParameter@2.15
PodAffinity matchPodExpressions:[]Requirement matchPodLabels:{}string topologyKey:string namespaces:[]string \
    matchNamespaceExpressions:[]Requirement matchNamespaceLabels:{}string weight:?int32 anti:?bool
EmptyDir volumeName:string mountPath:string medium:?string sizeLimit:?string
SecurityContext runAsUser:?int64 runAsGroup:?int64 runAsNonRoot:?bool
"""

# The names of each enumeration's values, in the order of their numbers.
ENUMERATIONS = {
    "ParameterType": (
        "PARAMETER_TYPE_ENUM_UNSPECIFIED",
        "NUMBER_DOUBLE",
        "NUMBER_INTEGER",
        "STRING",
        "BOOLEAN",
        "LIST",
        "STRUCT",
        "TASK_FINAL_STATUS",
        "TASK_CONFIG",
    ),
    "PrimitiveType": ("PRIMITIVE_TYPE_UNSPECIFIED", "INT", "DOUBLE", "STRING"),
    "TriggerStrategy": (
        "TRIGGER_STRATEGY_UNSPECIFIED",
        "ALL_UPSTREAM_TASKS_SUCCEEDED",
        "ALL_UPSTREAM_TASKS_COMPLETED",
    ),
    "PassthroughType": (
        "NONE",
        "RESOURCES",
        "ENV",
        "KUBERNETES_AFFINITY",
        "KUBERNETES_TOLERATIONS",
        "KUBERNETES_NODE_SELECTOR",
        "KUBERNETES_VOLUMES",
    ),
}

MESSAGES: dict[str, Message] = messages(_PIPELINE + _KUBERNETES)
