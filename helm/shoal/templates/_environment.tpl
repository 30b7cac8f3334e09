{{/* A node's settings as its environment. What is secret comes from Secrets. */}}

{{- define "shoal.appsSecret" -}}
{{ .Values.apps.existingSecret | default (include "shoal.fullname" .) }}
{{- end }}

{{- define "shoal.appsEnvironment" -}}
{{- if .Values.apps.store }}
- name: SHOAL_APP_STORE
  value: {{ .Values.apps.store }}
{{- else if .Values.apps.storeSecret }}
- name: SHOAL_APP_STORE
  valueFrom:
    secretKeyRef: {name: {{ .Values.apps.storeSecret }}, key: store}
{{- else }}
- name: SHOAL_APPS
  valueFrom:
    secretKeyRef:
      name: {{ include "shoal.appsSecret" . }}
      key: {{ ternary "apps" .Values.apps.secretKey (empty .Values.apps.existingSecret) }}
{{- end }}
{{- end }}

{{- define "shoal.redisEnvironment" -}}
{{- if .Values.valkey.enabled }}
- name: SHOAL_REDIS
  value: redis://{{ include "shoal.fullname" . }}-valkey:6379
{{- else if or .Values.redis.urls .Values.redis.existingSecret }}
- name: SHOAL_REDIS
  valueFrom:
    secretKeyRef:
      name: {{ .Values.redis.existingSecret | default (include "shoal.fullname" .) }}
      key: {{ ternary "redis" .Values.redis.secretKey (empty .Values.redis.existingSecret) }}
{{- end }}
{{- end }}

{{- define "shoal.environment" -}}
{{- $plain := dict
  "host" "0.0.0.0" "port" "6001" "metrics_port" "9601" "log_format" "json"
  "grace" (include "shoal.grace" .) "settle" .Values.drain.settle "drain_rate" .Values.drain.rate "drain_max" .Values.drain.max -}}
{{- range $key, $value := merge (deepCopy .Values.settings) $plain }}
- name: SHOAL_{{ upper $key }}
  value: {{ include "shoal.text" $value | quote }}
{{- end }}
{{ include "shoal.appsEnvironment" . }}
{{- with .Values.drain.tokenSecret }}
- name: SHOAL_DRAIN_TOKEN
  valueFrom:
    secretKeyRef: {name: {{ . }}, key: token}
{{- end }}
{{- include "shoal.redisEnvironment" . }}
{{- end }}
