{{/* Probes go to the metrics port, which has a listener of its own: on the clients' port they would wait in line behind a
storm of handshakes, and a busy node would be taken for a dead one. */}}

{{- define "shoal.probes" -}}
# Not /readyz: whether it may have clients is for the readiness probe to say.
startupProbe:
  httpGet: {path: /livez, port: metrics}
  periodSeconds: 1
  timeoutSeconds: 2
  failureThreshold: {{ .Values.probes.startup }}
readinessProbe:
  httpGet: {path: /readyz, port: metrics}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
livenessProbe:
  httpGet: {path: /livez, port: metrics}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: {{ divf .Values.probes.liveness 10 | ceil | int }}
  # A node that doesn't answer won't close anybody either: no use in the long grace period.
  terminationGracePeriodSeconds: 10
{{- end }}
