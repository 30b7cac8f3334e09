#define _GNU_SOURCE
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_ROOM = 1 << 20, KEPT_MAX = 1 << 20, CLIENTS_PER_ADDRESS = 4000 };

client clients[MAX_CLIENTS];
client_hooks hooks;
client_totals totals;

static struct sockaddr_in server_address;
static char upgrade_request[512];
static uint8_t buffer[KEPT_MAX + READ_ROOM];

void configure_clients(const char *host, int port, const char *app_key) {
    server_address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &server_address.sin_addr) != 1) fail("the server's address");
    snprintf(upgrade_request, sizeof upgrade_request,
             "GET /app/%s?protocol=7&client=js&version=8.4.0&flash=false HTTP/1.1\r\nHost: %s:%d\r\n"
             "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: c2hvYWwgYmVuY2htYXJrcw==\r\n\r\n",
             app_key, host, port);
}

static void die(client *c) {
    enum client_state before = c->state;
    if (before == DEAD) return;
    c->state = DEAD;
    totals.dead++;
    close_endpoint(&c->endpoint);
    if (hooks.died) hooks.died(c, before);
}

void send_bytes(client *c, const void *bytes, size_t length) {
    if (c->state != DEAD && send(c->endpoint.fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length) die(c);
}

void send_frame(client *c, enum opcode opcode, const void *payload, size_t length) {
    uint8_t bytes[4096 + MAX_HEADER];
    if (length > 4096) length = 4096;
    send_bytes(c, bytes, write_frame(bytes, opcode, payload, length));
}

/* ---- bytes in ---- */

static void take_frame(client *c, const frame *f) {
    if (f->opcode == TEXT) {
        take_text(c, f);
    } else if (f->opcode == PING) {
        send_frame(c, PONG, f->payload, f->length);
    } else if (f->opcode == CLOSE) {
        totals.close_code = f->length >= 2 ? f->payload[0] << 8 | f->payload[1] : 1005;
        die(c);
    }
}

static size_t take_frames(client *c, const uint8_t *bytes, size_t length) {
    size_t used = 0;
    frame f;
    while (c->state != DEAD && read_frame(bytes + used, length - used, &f)) {
        take_frame(c, &f);
        used += f.size;
    }
    return used;
}

static size_t take_upgrade(client *c, const uint8_t *bytes, size_t length) {
    const uint8_t *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (!end) return 0;
    if (memcmp(bytes, "HTTP/1.1 101", 12) == 0) {
        c->state = UPGRADED;
        return (size_t)(end + 4 - bytes);
    }
    if (totals.errors++ == 0) fprintf(stderr, "the server refused an upgrade: %.60s\n", bytes);
    die(c);
    return length;
}

static void keep(client *c, const uint8_t *bytes, size_t length) {
    c->kept_length = length;
    if (!length) return;
    if (c->kept_room < length) {
        c->kept = realloc(c->kept, c->kept_room = length * 2);
        if (!c->kept || length > KEPT_MAX) fail("a frame of the server is too long");
    }
    memcpy(c->kept, bytes, length);
}

static void read_client(client *c) {
    size_t length = c->kept_length, used = 0;
    if (length) memcpy(buffer, c->kept, length);
    ssize_t got = recv(c->endpoint.fd, buffer + length, READ_ROOM, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        die(c);
        return;
    }
    length += (size_t)got;
    if (c->state == UPGRADING) used = take_upgrade(c, buffer, length);
    if (c->state >= UPGRADED) used += take_frames(c, buffer + used, length - used);
    if (c->state != DEAD) keep(c, buffer + used, length - used);
}

static void client_ready(endpoint *point, uint32_t events) {
    client *c = (client *)point;
    if (c->state == CONNECTING && events & EPOLLOUT && !(events & EPOLLERR)) {
        c->state = UPGRADING;
        watch_for(point, EPOLLIN);
        send_bytes(c, upgrade_request, strlen(upgrade_request));
    } else if (events & EPOLLIN) {
        read_client(c);
    } else if (events & (EPOLLERR | EPOLLHUP)) {
        die(c);
    }
}

/* ---- opening and closing ---- */

/* One source address has 28,000 ports to one destination, less those that linger from the run before. */
static void bind_source(int fd, int index) {
    struct sockaddr_in source = {.sin_family = AF_INET};
    int on = 1;
    source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(index / CLIENTS_PER_ADDRESS));
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&source, sizeof source)) fail_call("bind");
}

void open_client(void) {
    if (totals.count == MAX_CLIENTS) fail("more clients than the load generator has room for");
    client *c = &clients[totals.count];
    *c = (client){.endpoint = {socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), client_ready}, .state = CONNECTING};
    if (c->endpoint.fd < 0) fail_call("socket");
    c->index = (uint32_t)totals.count++;
    bind_source(c->endpoint.fd, (int)c->index);
    connect(c->endpoint.fd, (struct sockaddr *)&server_address, sizeof server_address);
    watch(&c->endpoint, EPOLLIN | EPOLLOUT);
}

/* Closing in order would leave thousands of sockets in TIME_WAIT, in the way of the next scenario. */
void reset_all_clients(void) {
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    for (int i = 0; i < totals.count; i++) {
        if (clients[i].endpoint.fd < 0) continue;
        setsockopt(clients[i].endpoint.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close_endpoint(&clients[i].endpoint);
    }
}
