{{/* Values that contradict one another, each with a sentence that says what to do. */}}

{{- define "shoal.check" -}}
{{- include "shoal.checkImage" . -}}
{{- include "shoal.checkApps" . -}}
{{- include "shoal.checkRedis" . -}}
{{- include "shoal.checkScaling" . -}}
{{- include "shoal.checkSettings" . -}}
{{- include "shoal.checkEntrances" . -}}
{{- include "shoal.checkLabels" . -}}
{{- end }}

{{- define "shoal.checkImage" -}}
{{- if not .Values.image.repository -}}
{{- fail "image.repository is empty: build the image from the Dockerfile, push it to your registry, and name it there." -}}
{{- end -}}
{{- end }}

{{- define "shoal.checkApps" -}}
{{- $given := list -}}
{{- range $name := list "list" "existingSecret" "store" "storeSecret" -}}
{{- if get $.Values.apps $name }}{{ $given = append $given (printf "apps.%s" $name) }}{{ end -}}
{{- end -}}
{{- if gt (len $given) 1 -}}
{{- fail (printf "%s are both given: applications come from one of them." (join " and " $given)) -}}
{{- else if not $given -}}
{{- fail "there is no application: give apps.list, or apps.existingSecret, the name of a Secret that has them as JSON, or apps.store." -}}
{{- end -}}
{{- if and .Values.apps.store (not (or .Values.redis.urls .Values.redis.existingSecret .Values.valkey.enabled)) -}}
{{- fail "apps.store is redis, but there is none: give redis.urls or redis.existingSecret." -}}
{{- end -}}
{{- end }}

{{- define "shoal.checkRedis" -}}
{{- $given := list -}}
{{- if .Values.redis.urls }}{{ $given = append $given "redis.urls" }}{{ end -}}
{{- if .Values.redis.existingSecret }}{{ $given = append $given "redis.existingSecret" }}{{ end -}}
{{- if .Values.valkey.enabled }}{{ $given = append $given "valkey.enabled" }}{{ end -}}
{{- if gt (len $given) 1 -}}
{{- fail (printf "%s are all given: the nodes share one Redis, choose." (join " and " $given)) -}}
{{- end -}}
{{- if .Values.networkPolicy.enabled -}}
{{- range $port := include "shoal.redisPorts" . | splitList " " | compact | uniq -}}
{{- if not (has $port (toStrings $.Values.networkPolicy.redisPorts)) -}}
{{- fail (printf "%s has port %s, but networkPolicy.redisPorts doesn't: nodes could never reach it, add it there." (first $given) $port) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $most := ternary .Values.autoscaling.maxReplicas .Values.replicaCount .Values.autoscaling.enabled | int -}}
{{- if and (gt $most 1) (not $given) -}}
{{- fail (printf "%d nodes need a Redis that they share, or each would be a server of its own: give redis.urls or redis.existingSecret; valkey.enabled to try it out; or one node, replicaCount 1." $most) -}}
{{- end -}}
{{- end }}

{{/* Ports of the servers that the chart knows of, each followed by a space. */}}
{{- define "shoal.redisPorts" -}}
{{- if .Values.valkey.enabled }}6379 {{ end -}}
{{- range .Values.redis.urls -}}
{{- $usual := ternary "26379" "6379" (contains "+sentinel:" .) -}}
{{- if not (hasPrefix "unix:" .) -}}
{{- /* A URL may name several servers, as for Sentinel. Colons of passwords and of IPv6 don't count. */ -}}
{{- range $place := regexReplaceAll "^[^/]*//([^@/]*@)?" . "" | splitList "/" | first | splitList "," -}}
{{- regexFind ":[0-9]+$" (regexReplaceAll "\\[[^]]*\\]" $place "") | trimPrefix ":" | default $usual }} {{ end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "shoal.checkScaling" -}}
{{- with .Values.autoscaling -}}
{{- if .enabled -}}
{{- if gt (int .minReplicas) (int .maxReplicas) -}}
{{- fail (printf "autoscaling.minReplicas %v is above autoscaling.maxReplicas %v." .minReplicas .maxReplicas) -}}
{{- else if not (or .cpu .connections) -}}
{{- fail "autoscaling is enabled, but neither autoscaling.cpu nor autoscaling.connections says by what." -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Settings that the chart makes from other values; a second place for them would win or lose unnoticed. */}}
{{- define "shoal.checkSettings" -}}
{{- $elsewhere := dict
  "apps" "apps.list" "app_store" "apps.store" "redis" "redis.urls" "settle" "drain.settle" "drain_rate" "drain.rate" "drain_max" "drain.max"
  "grace" "drain.gracePeriod" "drain_token" "drain.tokenSecret"
  "port" "service.port" "metrics_port" "the chart alone" "unix_socket" "the chart alone" "metrics_host" "the chart alone"
  "tls_certificate" "ingress.tls" "tls_key" "ingress.tls" -}}
{{- range $key, $_ := .Values.settings -}}
{{- if hasKey $elsewhere $key -}}
{{- fail (printf "settings.%s is made by the chart: it comes from %s." $key (get $elsewhere $key)) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "shoal.checkEntrances" -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "ingress is enabled, but ingress.hosts is empty: name the hosts that clients connect to." -}}
{{- end -}}
{{- if and .Values.gateway.enabled (not .Values.gateway.parentRefs) -}}
{{- fail "gateway is enabled, but gateway.parentRefs is empty: name the Gateway that the route belongs to." -}}
{{- end -}}
{{- if and .Values.monitoring.podMonitor .Values.monitoring.serviceMonitor -}}
{{- fail "monitoring.podMonitor and monitoring.serviceMonitor are both on: everything would be counted twice, choose." -}}
{{- end -}}
{{- end }}

{{/* By these a Deployment knows its pods. */}}
{{- define "shoal.checkLabels" -}}
{{- range $label := list "name" "instance" "component" -}}
{{- if hasKey $.Values.pod.labels (printf "app.kubernetes.io/%s" $label) -}}
{{- fail (printf "pod.labels has app.kubernetes.io/%s, by which nodes are found: it is the chart's, leave it out; nameOverride and the release's name change it." $label) -}}
{{- end -}}
{{- end -}}
{{- end }}
