/* Publishing through the HTTP API: keep-alive connections, each with one signed request under way at a time.
 *
 * The requests come from a file, signed ahead of time, and are sent round and round. The data of request i begins
 * with "#" and i in eight digits; by that number a delivery finds the time at which its event was sent.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "client.h"
#include "commands.h"
#include "latency.h"

enum { MAX_PUBLISHERS = 64, MAX_RESPONSE = 8192 };

typedef struct {
    endpoint endpoint; /* first, so that the loop's endpoint is the publisher */
    bool busy;
    char response[MAX_RESPONSE + 1];
    size_t length;
} publisher;

static endpoint ticker = {.fd = -1}; /* runs while there is a rate */
static publisher publishers[MAX_PUBLISHERS];
static struct sockaddr_in server_address;

static struct {
    int publishers;
    uint64_t period; /* between two events; 0: each publisher sends as soon as it is answered */
    uint64_t fanout; /* how many clients each event is for */
    texts requests;
    uint64_t *sent_at; /* of each request, the last time */
    uint64_t started, until, last_progress, last_delivery;
    uint64_t sent, accepted, refused, delivered;
} run;

void configure_publishers(const char *host, int port) {
    server_address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &server_address.sin_addr);
}

/* ---- sending ---- */

/* When the next event is due; without a rate, at once. */
static uint64_t next_due(uint64_t now) {
    return run.period ? run.started + run.sent * run.period : now;
}

/* An event that has to wait for a free publisher is late from the moment it was due, not from when it left. */
static void send_request(publisher *p, uint64_t now) {
    uint64_t slot = run.sent % (uint64_t)run.requests.count;
    const char *request = run.requests.text[slot];
    size_t length = strlen(request);
    run.sent_at[slot] = next_due(now);
    run.sent++;
    p->busy = true;
    if (send(p->endpoint.fd, request, length, MSG_NOSIGNAL) != (ssize_t)length) fail_call("sending a request");
}

static void send_if_due(publisher *p) {
    uint64_t now = now_ns();
    if (!p->busy && now < run.until && next_due(now) <= now) send_request(p, now);
}

static void send_due(void) {
    for (int i = 0; i < run.publishers; i++) send_if_due(&publishers[i]);
}

static void tick(endpoint *point, uint32_t events) {
    uint64_t expirations;
    (void)events;
    if (read(point->fd, &expirations, sizeof expirations) == sizeof expirations) send_due();
}

static void start_clock(void) {
    struct timespec period = {.tv_sec = (time_t)(run.period / SECOND_NS), .tv_nsec = (long)(run.period % SECOND_NS)};
    struct itimerspec each = {.it_value = period, .it_interval = period};
    ticker = (endpoint){timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), tick};
    if (timerfd_settime(ticker.fd, 0, &each, NULL)) fail_call("timerfd_settime");
    watch(&ticker, EPOLLIN);
}

/* ---- answers ---- */

/* The size of the response that begins here, or 0 while it isn't whole. */
static size_t response_size(const char *response) {
    const char *end = strstr(response, "\r\n\r\n"), *header = strcasestr(response, "\r\ncontent-length:");
    if (!end) return 0;
    if (!header || header > end) fail("a response without Content-Length");
    return (size_t)(end + 4 - response) + strtoul(header + 17, NULL, 10);
}

static void take_response(publisher *p) {
    int status = atoi(p->response + sizeof "HTTP/1.1");
    if (status == 200 || status == 202) run.accepted++;
    else if (run.refused++ == 0) fprintf(stderr, "the server refused an event: %s\n", p->response);
    p->length = 0;
    p->busy = false;
    run.last_progress = now_ns();
    send_if_due(p);
}

static void publisher_ready(endpoint *point, uint32_t events) {
    publisher *p = (publisher *)point;
    (void)events;
    ssize_t got = recv(point->fd, p->response + p->length, MAX_RESPONSE - p->length, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) fail("the server closed a publisher's connection");
    p->length += (size_t)got;
    p->response[p->length] = 0;
    size_t size = response_size(p->response);
    if (size && size <= p->length) take_response(p);
}

static void connect_publisher(publisher *p) {
    int on = 1;
    *p = (publisher){.endpoint = {socket(AF_INET, SOCK_STREAM, 0), publisher_ready}};
    if (connect(p->endpoint.fd, (struct sockaddr *)&server_address, sizeof server_address)) fail_call("connecting");
    setsockopt(p->endpoint.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(&p->endpoint, EPOLLIN);
}

/* ---- deliveries ---- */

static void delivered(client *c, uint32_t number) {
    (void)c;
    uint64_t now = now_ns();
    run.delivered++;
    run.last_delivery = run.last_progress = now;
    if (number < (uint32_t)run.requests.count) note_latency(now - run.sent_at[number]);
}

/* ---- the command ---- */

static bool all_delivered(void) {
    uint64_t now = now_ns();
    if (now < run.until) return false;
    bool whole = run.accepted + run.refused == run.sent && run.delivered >= run.accepted * run.fanout;
    return whole || now - run.last_progress > GIVE_UP_NS;
}

static void report(void) {
    hooks = (client_hooks){0};
    free_texts(&run.requests);
    free(run.sent_at);
    close_endpoint(&ticker);
    for (int i = 0; i < run.publishers; i++) close_endpoint(&publishers[i].endpoint);
    answer("{\"sent\": %lu, \"accepted\": %lu, \"refused\": %lu, \"delivered\": %lu, \"seconds\": %.6f, "
           "\"frame_bytes\": %lu, \"dead\": %d, \"close_code\": %d, "
           "\"p50_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": %.2f}",
           run.sent, run.accepted, run.refused, run.delivered, seconds_between(run.started, run.last_delivery),
           totals.frame_bytes, totals.dead, totals.close_code, latency_ms(0.5), latency_ms(0.99), latency_ms(1));
}

/* publish FILE PUBLISHERS RATE SECONDS FANOUT, with a rate of 0 for as fast as the answers come. */
operation publish_events(const char *arguments) {
    char path[512];
    double rate, seconds;
    memset(&run, 0, sizeof run);
    if (sscanf(arguments, "%511s %d %lf %lf %lu", path, &run.publishers, &rate, &seconds, &run.fanout) != 5 ||
        run.publishers > MAX_PUBLISHERS)
        fail("publish");
    run.requests = read_texts(path);
    run.sent_at = calloc((size_t)run.requests.count, sizeof *run.sent_at);
    for (int i = 0; i < run.publishers; i++) connect_publisher(&publishers[i]);
    clear_latency();
    hooks = (client_hooks){.delivered = delivered};
    run.period = rate > 0 ? (uint64_t)(1e9 / rate) : 0;
    run.started = run.last_progress = now_ns();
    run.until = run.started + (uint64_t)(seconds * 1e9);
    if (run.period) start_clock();
    send_due();
    return (operation){all_delivered, report};
}
