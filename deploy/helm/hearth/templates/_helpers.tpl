{{/* The name of everything, and with it the names of its parts. */}}
{{- define "hearth.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else }}{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}{{- end }}{{- end }}
{{- end }}

{{/* What selects one role's pods. Takes a dict of root and role. */}}
{{- define "hearth.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
{{- with .role }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- define "hearth.labels" -}}
{{ include "hearth.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: hearth
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Values of a role, by its name in the chart's own spelling. */}}
{{- define "hearth.values" -}}
{{ index .root.Values (dict "staging-server" "stagingServer" "history-server" "historyServer" "log-collector" "logCollector" | dig .role "") | toJson }}
{{- end }}

{{- define "hearth.serviceAccountName" -}}
{{- $values := include "hearth.values" . | fromJson }}
{{- $own := printf "%s-%s" (include "hearth.fullname" .root) .role }}
{{- if $values.serviceAccount.create }}{{ default $own $values.serviceAccount.name }}{{ else }}{{ default "default" $values.serviceAccount.name }}{{ end }}
{{- end }}

{{- define "hearth.image" -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}

{{/* Two of each where they can share the store from anywhere. */}}
{{- define "hearth.replicas" -}}
{{- $values := include "hearth.values" . | fromJson }}
{{- if $values.replicas }}{{ $values.replicas }}{{ else }}{{ ternary 2 1 (not (empty .root.Values.store.url)) }}{{ end }}
{{- end }}

{{- define "hearth.storeUrl" -}}
{{ default "file:/var/lib/hearth" .Values.store.url }}
{{- end }}

{{- define "hearth.claim" -}}
{{ default (printf "%s-store" (include "hearth.fullname" .)) .Values.store.volume.existingClaim }}
{{- end }}

{{/* How every container of Hearth is run, but for what its role adds. */}}
{{- define "hearth.container" -}}
{{- $values := include "hearth.values" . | fromJson -}}
name: {{ .role }}
image: {{ include "hearth.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
envFrom:
  - configMapRef:
      name: {{ include "hearth.fullname" .root }}
{{- with .root.Values.store.credentialsSecret }}
  - secretRef:
      name: {{ . }}
{{- end }}
livenessProbe:
  httpGet:
    path: /livez
    port: admin
readinessProbe:
  httpGet:
    path: /readyz
    port: admin
  periodSeconds: 5
resources:
  {{- toYaml $values.resources | nindent 2 }}
{{- end }}

{{/* Labels and annotations of a role's pods: a changed setting starts them anew. */}}
{{- define "hearth.podMetadata" -}}
{{- $values := include "hearth.values" . | fromJson -}}
labels:
  {{- include "hearth.labels" . | nindent 2 }}
  {{- with $values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/config: {{ include (print .root.Template.BasePath "/configmap.yaml") .root | sha256sum }}
  {{- with $values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Where a role's pods may run, and as whom. */}}
{{- define "hearth.scheduling" -}}
{{- $values := include "hearth.values" . | fromJson -}}
serviceAccountName: {{ include "hearth.serviceAccountName" . }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* As Pod Security's "restricted" asks for. */}}
{{- define "hearth.restricted" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "hearth.volumes" -}}
{{- if not .Values.store.url }}
- name: store
  persistentVolumeClaim:
    claimName: {{ include "hearth.claim" . }}
{{- end }}
{{- end }}

{{- define "hearth.volumeMounts" -}}
{{- if not .Values.store.url }}
- name: store
  mountPath: /var/lib/hearth
{{- end }}
{{- end }}

{{/* A time such as 90s, 5m or 1h, in seconds. */}}
{{- define "hearth.seconds" -}}
{{- $number := regexFind "^[0-9]+" . | int }}
{{- $unit := regexFind "[a-z]+$" . }}
{{- mul $number (dict "s" 1 "m" 60 "h" 3600 "d" 86400 | dig $unit 1) }}
{{- end }}

{{/* Seconds that Kubernetes waits for a server's pod: half a minute more than its drain takes. */}}
{{- define "hearth.grace" -}}
{{- if eq .role "staging-server" }}
{{- $values := .root.Values.stagingServer }}
{{- add 30 (max (include "hearth.seconds" $values.drainTimeout | int) (include "hearth.seconds" $values.eventLogDrainTimeout | int)) }}
{{- else }}60{{ end }}
{{- end }}

{{/* Whether a server's callers have to be known. */}}
{{- define "hearth.accessMode" -}}
{{- $access := .root.Values.access }}
{{- if eq .role "staging-server" }}{{ $access.stagingServer }}
{{- else }}{{ default (ternary "guarded" "open" (not (empty $access.userHeader))) $access.historyServer }}{{ end }}
{{- end }}

{{- define "hearth.tokenKeySecret" -}}
{{ default (printf "%s-token-key" (include "hearth.fullname" .)) .Values.access.tokenKeySecret }}
{{- end }}

{{- define "hearth.tlsSecret" -}}
{{ default (printf "%s-tls" (include "hearth.fullname" .)) .Values.tls.secretName }}
{{- end }}

{{/* Who may do what on a server, as arguments. Takes a dict of root and role. */}}
{{- define "hearth.accessArgs" -}}
{{- $access := .root.Values.access -}}
{{- $mode := include "hearth.accessMode" . -}}
- --access={{ $mode }}
{{- if eq $mode "guarded" }}
- --token-key-file=/etc/hearth/token/key
{{- range $access.tokenAudiences }}
- --token-audience={{ . }}
{{- end }}
{{- with $access.oidc.issuerUrl }}
- --oidc-issuer-url={{ . }}
- --oidc-client-id={{ required "access.oidc.clientId is needed beside issuerUrl" $access.oidc.clientId }}
- --oidc-username-claim={{ $access.oidc.usernameClaim }}
- --oidc-groups-claim={{ $access.oidc.groupsClaim }}
{{- end }}
{{- end }}
{{- range $access.trustedProxies }}
- --trusted-proxy={{ . }}
{{- end }}
{{- with $access.userHeader }}
- --user-header={{ . }}
{{- end }}
{{- with $access.groupsHeader }}
- --groups-header={{ . }}
{{- end }}
{{- range $access.adminUsers }}
- {{ printf "--admin-user=%s" . | quote }}
{{- end }}
{{- range $access.adminGroups }}
- {{ printf "--admin-group=%s" . | quote }}
{{- end }}
{{- if .root.Values.tls.enabled }}
- --tls-cert=/etc/hearth/tls/tls.crt
- --tls-key=/etc/hearth/tls/tls.key
{{- end }}
{{- end }}

{{/* The Secrets that a server reads as files. */}}
{{- define "hearth.secretVolumes" -}}
{{- if eq (include "hearth.accessMode" .) "guarded" }}
- name: token-key
  secret:
    secretName: {{ include "hearth.tokenKeySecret" .root }}
{{- end }}
{{- if .root.Values.tls.enabled }}
- name: tls
  secret:
    secretName: {{ include "hearth.tlsSecret" .root }}
{{- end }}
{{- end }}

{{- define "hearth.secretMounts" -}}
{{- if eq (include "hearth.accessMode" .) "guarded" }}
- name: token-key
  mountPath: /etc/hearth/token
  readOnly: true
{{- end }}
{{- if .root.Values.tls.enabled }}
- name: tls
  mountPath: /etc/hearth/tls
  readOnly: true
{{- end }}
{{- end }}

{{/* What every collector is told, wherever its logs come from. */}}
{{- define "hearth.collectorArgs" -}}
{{- $values := .Values.logCollector -}}
- --flush-interval={{ $values.flushInterval }}
- --containers={{ $values.containers }}
{{- with $values.podSelector }}
- {{ printf "--pod-selector=%s" . | quote }}
{{- end }}
{{- with $values.applicationLabel }}
- --application-label={{ . }}
{{- end }}
{{- with $values.retention.maxAge }}
- --logs-max-age={{ . }}
{{- end }}
{{- with $values.retention.maxSize }}
- --logs-max-size={{ . }}
{{- end }}
{{- range $values.namespaces }}
- --namespace={{ . }}
{{- end }}
{{- range $values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end }}
