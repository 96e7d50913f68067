{{/* What values.schema.json cannot say, as it takes more than one value. */}}
{{- define "tidelock.checks" -}}
{{- $v := .Values }}
{{- /* The message does not quote the value: it may be nearly a key. */}}
{{- if $v.key.create }}
  {{- if not (regexMatch "^[0-9a-fA-F]{64}$" $v.key.value) }}
    {{- fail "key.value must be 64 hex digits with key.create, as `tidelock-server keygen` prints them" }}
  {{- end }}
  {{- if ne (len $v.key.items) 1 }}
    {{- fail "key.items must be one entry with key.create: for several keys, make the Secret yourself" }}
  {{- end }}
{{- else if $v.key.value }}
  {{- fail "key.value is given, and key.create is false: no Secret would be made from it" }}
{{- end }}
{{- range $label := list "app.kubernetes.io/name" "app.kubernetes.io/instance" }}
  {{- if hasKey $v.podLabels $label }}
    {{- fail (printf "podLabels must not have %s: the chart sets it, and selectors go by it" $label) }}
  {{- end }}
{{- end }}
{{- if eq $v.mode "fleet" }}
  {{- if $v.deployment.advertise }}
    {{- fail "deployment.advertise is for mode deployment: in a fleet, Agones tells each server its address" }}
  {{- end }}
  {{- if $v.podDisruptionBudget.enabled }}
    {{- fail "podDisruptionBudget is for mode deployment: in a fleet, Agones has its own, by fleet.eviction" }}
  {{- end }}
  {{- if $v.autoscaler.enabled }}
    {{- include "tidelock.checkAutoscaler" $v.autoscaler }}
  {{- end }}
{{- else }}
  {{- include "tidelock.checkDeployment" . }}
{{- end }}
{{- end }}

{{/* What Agones' webhook would refuse once the Fleet is there already. */}}
{{- define "tidelock.checkAutoscaler" -}}
{{- if lt (int .maxReplicas) (int .minReplicas) }}
  {{- fail (printf "autoscaler.maxReplicas is %d, and must be at least autoscaler.minReplicas, %d" (int .maxReplicas) (int .minReplicas)) }}
{{- end }}
{{- if kindIs "string" .bufferSize }}
  {{- if lt (int .minReplicas) 1 }}
    {{- fail "autoscaler.minReplicas is 0, and must be at least 1 where bufferSize is a share: a share of none is none" }}
  {{- end }}
{{- else if and (gt (int .minReplicas) 0) (lt (int .minReplicas) (int .bufferSize)) }}
  {{- fail (printf "autoscaler.minReplicas is %d, and must be 0 or at least autoscaler.bufferSize, %d" (int .minReplicas) (int .bufferSize)) }}
{{- else if lt (int .maxReplicas) (int .bufferSize) }}
  {{- fail (printf "autoscaler.maxReplicas is %d, and must be at least autoscaler.bufferSize, %d" (int .maxReplicas) (int .bufferSize)) }}
{{- end }}
{{- end }}

{{- define "tidelock.checkDeployment" -}}
{{- $d := .Values.deployment }}
{{- $several := gt (int $d.replicas) 1 }}
{{- if and $several (eq $d.expose "service") }}
  {{- fail "deployment.replicas must be 1 with expose service: one address would lead to several servers, and a token lets its player into any of them; use expose hostPort, or mode fleet" }}
{{- end }}
{{- if and $several $d.advertise }}
  {{- fail "deployment.advertise is one address, and deployment.replicas are several servers: leave advertise empty, or have one replica" }}
{{- end }}
{{- if eq $d.expose "service" }}
  {{- if not $d.advertise }}
    {{- fail "deployment.advertise is missing: with expose service, say at which IP:port clients reach the Service, as tokens name it" }}
  {{- end }}
  {{- $port := int (ternary .Values.service.nodePort .Values.service.port (eq .Values.service.type "NodePort")) }}
  {{- $advertised := int (regexFind "[0-9]+$" $d.advertise) }}
  {{- if ne $port $advertised }}
    {{- fail (printf "deployment.advertise names port %d, and the Service is reached at port %d: set both to the same" $advertised $port) }}
  {{- end }}
{{- end }}
{{- end }}
