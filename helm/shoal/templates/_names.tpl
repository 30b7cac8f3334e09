{{/* Names and labels. */}}

{{- define "shoal.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Names of Services have 63 characters at most; ours get up to 8 more, as in "-metrics". */}}
{{- define "shoal.fullname" -}}
{{- $name := include "shoal.name" . -}}
{{- $both := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{ .Values.fullnameOverride | default $both | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "shoal.selector" -}}
app.kubernetes.io/name: {{ include "shoal.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* What selects nodes, and neither Valkey nor the test's pod. */}}
{{- define "shoal.nodeSelector" -}}
{{ include "shoal.selector" . }}
app.kubernetes.io/component: node
{{- end }}

{{- define "shoal.labels" -}}
{{ include "shoal.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "shoal.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (ternary (include "shoal.fullname" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "shoal.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* A number or truth value as text. Helm reads every number as a float, and would print 1048576 as 1.048576e+06. */}}
{{- define "shoal.text" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) }}{{ int64 . }}{{ else }}{{ toString . }}{{ end }}
{{- end }}
