"""The chart, rendered by Helm: what is in it, and that Kubernetes would take it."""
