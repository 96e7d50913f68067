{{/* The pod of both modes. A fleet's gets its port, its liveness probe and its service account from Agones. */}}
{{- define "tidelock.podSpec" -}}
{{- $fleet := eq .Values.mode "fleet" }}
{{- if not $fleet }}
automountServiceAccountToken: false
{{- end }}
terminationGracePeriodSeconds: {{ add .Values.drainSeconds 15 }}
# A Service called tidelock would otherwise set variables that begin with TIDELOCK_.
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  fsGroup: 65532 # lets the server read the key
  seccompProfile:
    type: RuntimeDefault
containers:
  - name: tidelock
    image: {{ include "tidelock.image" . | quote }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    env:
      {{- include "tidelock.env" . | trim | nindent 6 }}
    ports:
      {{- if not $fleet }}
      - name: game
        containerPort: 7777
        {{- if eq .Values.deployment.expose "hostPort" }}
        hostPort: {{ .Values.deployment.hostPort }}
        {{- end }}
        protocol: UDP
      {{- end }}
      - name: admin
        containerPort: 9100
        protocol: TCP
    {{- if not $fleet }}
    livenessProbe:
      httpGet:
        path: /livez
        port: admin
      periodSeconds: 5
      failureThreshold: 3
    {{- end }}
    readinessProbe:
      httpGet:
        path: /readyz
        port: admin
      periodSeconds: 5
    {{- with .Values.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    securityContext:
      runAsNonRoot: true
      runAsUser: 65532
      runAsGroup: 65532
      readOnlyRootFilesystem: true
      allowPrivilegeEscalation: false
      capabilities:
        drop:
          - ALL
    volumeMounts:
      - name: key
        mountPath: /etc/tidelock/key
        readOnly: true
      {{- if .Values.adminToken.secretName }}
      - name: admin-token
        mountPath: /etc/tidelock/admin-token
        readOnly: true
      {{- end }}
volumes:
  - name: key
    secret:
      secretName: {{ .Values.key.secretName }}
      defaultMode: 0440
  {{- if .Values.adminToken.secretName }}
  - name: admin-token
    secret:
      secretName: {{ .Values.adminToken.secretName }}
      defaultMode: 0440
  {{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{- define "tidelock.env" -}}
{{- $fleet := eq .Values.mode "fleet" }}
{{- if not $fleet }}
{{- if .Values.deployment.advertise }}
- name: TIDELOCK_ADVERTISE
  value: {{ .Values.deployment.advertise | quote }}
{{- else }}
- name: HOST_IP
  valueFrom:
    fieldRef:
      fieldPath: status.hostIP
- name: TIDELOCK_ADVERTISE
  value: {{ printf "$(HOST_IP):%d" (int .Values.deployment.hostPort) | quote }}
{{- end }}
{{- end }}
- name: TIDELOCK_AGONES
  value: {{ ternary "on" "off" $fleet | quote }}
- name: TIDELOCK_BIND
  value: 0.0.0.0:7777
- name: TIDELOCK_ADMIN
  value: 0.0.0.0:9100
{{- $files := list }}
{{- range .Values.key.items }}
{{- $files = append $files (printf "/etc/tidelock/key/%s" .) }}
{{- end }}
- name: TIDELOCK_KEY_FILE
  value: {{ join "," $files | quote }}
{{- if .Values.adminToken.secretName }}
- name: TIDELOCK_ADMIN_TOKEN_FILE
  value: {{ printf "/etc/tidelock/admin-token/%s" .Values.adminToken.item | quote }}
{{- end }}
- name: TIDELOCK_DRAIN_TIMEOUT
  value: {{ printf "%ds" (int .Values.drainSeconds) }}
{{- $settings := dict }}
{{- if $fleet }}
{{- $_ := set $settings "exit-when-empty" true }}
{{- $_ := set $settings "idle-timeout" "5m" }}
{{- end }}
{{- range $name, $value := .Values.settings }}
{{- if not (kindIs "invalid" $value) }}
{{- $_ := set $settings $name $value }}
{{- end }}
{{- end }}
{{- range $name, $value := $settings }}
- name: {{ printf "TIDELOCK_%s" ($name | upper | replace "-" "_") }}
  value: {{ include "tidelock.text" $value | quote }}
{{- end }}
{{- end }}
