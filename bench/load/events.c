/* What the server says to a client: greetings, pings, errors, and the events that are counted. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "client.h"

enum { NUMBER_DIGITS = 8 };

static bool holds(const uint8_t *text, size_t length, const char *words) {
    return memmem(text, length, words, strlen(words)) != NULL;
}

static void take_socket_id(client *c, const uint8_t *text, size_t length) {
    static const char name[] = "socket_id";
    const uint8_t *end = text + length, *from = memmem(text, length, name, sizeof name - 1);
    size_t size = 0;
    while (from && from < end && (*from < '0' || *from > '9')) from++;
    while (from && from + size < end && memchr("0123456789.", from[size], 11) && size < sizeof c->socket_id - 1) size++;
    if (from) memcpy(c->socket_id, from, size);
    c->socket_id[size] = 0;
}

static void take_protocol_event(client *c, const uint8_t *text, size_t length) {
    if (holds(text, length, "pusher:ping")) {
        static const char pong[] = "{\"event\":\"pusher:pong\",\"data\":{}}";
        send_frame(c, TEXT, pong, sizeof pong - 1);
    } else if (c->state == UPGRADED && holds(text, length, "pusher:connection_established")) {
        take_socket_id(c, text, length);
        c->state = GREETED;
        if (hooks.greeted) hooks.greeted(c);
    } else if (c->state == SUBSCRIBING && holds(text, length, "subscription_succeeded")) {
        c->state = SUBSCRIBED;
        if (hooks.subscribed) hooks.subscribed(c);
    } else if (holds(text, length, "pusher:error") && totals.errors++ == 0) {
        fprintf(stderr, "the server said: %.*s\n", (int)length, text);
    }
}

static uint32_t read_number(const uint8_t *digits) {
    uint32_t number = 0;
    for (int i = 0; i < NUMBER_DIGITS; i++) number = number * 10 + (digits[i] - '0');
    return number;
}

void take_text(client *c, const frame *f) {
    const uint8_t *mark = memchr(f->payload, '#', f->length);
    if (!mark || mark + NUMBER_DIGITS >= f->payload + f->length) {
        take_protocol_event(c, f->payload, f->length);
        return;
    }
    totals.frame_bytes = f->size;
    if (hooks.delivered) hooks.delivered(c, read_number(mark + 1));
}
