{{/* How long a node may take to leave.

    SIGTERM ── settle ──▶ closing ── drain.max ──▶ last close frame ── reserve ──▶ SIGKILL

The node itself waits for load balancers to notice (settle). There is no preStop hook: it would wait a second time, and
the grace period would have to hold both. The node is told of the grace period too (SHOAL_GRACE), so that it can be gone
in time. */}}

{{/* Seconds behind the last close frame: its answer (3), cutting off who doesn't answer (5), requests in flight (5), and
taking leave of the cluster (5). The node demands the same. */}}
{{- define "shoal.reserve" -}}
{{- $close := .Values.settings.close_timeout | default 3 -}}
{{- $abort := .Values.settings.abort_timeout | default 5 -}}
{{- $flush := .Values.settings.flush_timeout | default 5 -}}
{{- if gt (float64 $close) (float64 $abort) -}}
{{- fail (printf "settings.close_timeout %v is above settings.abort_timeout %v: a connection would be cut before its client's time to answer is over. Raise abort_timeout too." $close $abort) -}}
{{- end -}}
{{- $signOff := .Values.settings.sign_off_timeout | default 5 -}}
{{ maxf 18 (addf $close $abort $flush $signOff) }}
{{- end }}

{{- define "shoal.neededGrace" -}}
{{ addf .Values.drain.settle .Values.drain.max (include "shoal.reserve" . | float64) | ceil | int }}
{{- end }}

{{- define "shoal.grace" -}}
{{- $needed := include "shoal.neededGrace" . | int -}}
{{- $given := .Values.drain.gracePeriod -}}
{{- if kindIs "invalid" $given -}}
{{ $needed }}
{{- else if lt (int $given) $needed -}}
{{- $reserve := include "shoal.reserve" . -}}
{{- fail (printf "drain.gracePeriod is %v, but a node needs %d seconds to leave: drain.settle %v + drain.max %v + %s to end what is under way. Raise drain.gracePeriod to at least %d, or lower drain.max." $given $needed .Values.drain.settle .Values.drain.max $reserve $needed) -}}
{{- else -}}
{{ int $given }}
{{- end -}}
{{- end }}
