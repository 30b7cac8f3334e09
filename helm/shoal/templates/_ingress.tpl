{{/* What ingress controllers must be told about connections that last for days. */}}

{{/* Seconds of silence that a proxy must bear. A silent client is asked for a sign of life after activity_timeout, and
closed pong_timeout later: nothing living is silent for longer. */}}
{{- define "shoal.idleTimeout" -}}
{{ addf (.Values.settings.activity_timeout | default 30) (.Values.settings.pong_timeout | default 30) 60 | ceil | int }}
{{- end }}

{{- define "shoal.ingressAnnotations" -}}
{{- $idle := include "shoal.idleTimeout" . -}}
{{- if eq .Values.ingress.controller "nginx" -}}
nginx.ingress.kubernetes.io/proxy-read-timeout: {{ $idle | quote }}
nginx.ingress.kubernetes.io/proxy-send-timeout: {{ $idle | quote }}
# In bytes: Shoal itself answers what is too long.
nginx.ingress.kubernetes.io/proxy-body-size: {{ add 1024 (.Values.settings.max_body_bytes | default 1048576) | quote }}
{{- else if eq .Values.ingress.controller "traefik" -}}
# WebSockets need nothing here; the idle timeout is that of the entry point, 180 seconds unless changed.
traefik.ingress.kubernetes.io/router.entrypoints: {{ ternary "web" "websecure" (empty .Values.ingress.tls) }}
{{- if .Values.ingress.tls }}
traefik.ingress.kubernetes.io/router.tls: "true"
{{- end }}
{{- else if eq .Values.ingress.controller "alb" -}}
alb.ingress.kubernetes.io/target-type: ip
alb.ingress.kubernetes.io/load-balancer-attributes: idle_timeout.timeout_seconds={{ $idle }}
# Connections to a node that leaves must live until it has closed them.
alb.ingress.kubernetes.io/target-group-attributes: >-
  deregistration_delay.timeout_seconds={{ min 3600 (include "shoal.grace" . | int) }},stickiness.enabled=false
alb.ingress.kubernetes.io/healthcheck-path: /readyz
alb.ingress.kubernetes.io/healthcheck-interval-seconds: "5"
alb.ingress.kubernetes.io/healthcheck-timeout-seconds: "2"
alb.ingress.kubernetes.io/healthy-threshold-count: "2"
alb.ingress.kubernetes.io/unhealthy-threshold-count: "2"
{{- end }}
{{- end }}
