# Subscribe at $TARGET, publish there, and be content when the event arrives. Nothing is written to disk.
set -eu
channel="helm-test-$$"

publish() {
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    shoal publish "$channel" delivered '{}' --url "$TARGET" || true
    sleep 2
  done
}

# Again and again, since nobody says when the subscription below is there.
publish >&2 &
publisher=$!
status=0
timeout 30 shoal tail "$channel" --url "$TARGET" | grep --max-count=1 delivered || status=$?
kill "$publisher" || true
exit "$status"
