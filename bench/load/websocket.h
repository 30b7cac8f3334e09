/* WebSocket frames as a client reads and writes them (RFC 6455 section 5). No I/O. */
#ifndef WEBSOCKET_H
#define WEBSOCKET_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum opcode { TEXT = 0x1, CLOSE = 0x8, PING = 0x9, PONG = 0xA };
enum { MAX_HEADER = 14 };

typedef struct {
    enum opcode opcode;
    const uint8_t *payload;
    size_t length; /* of the payload */
    size_t size;   /* of all of it, header included */
} frame;

/* Read one whole frame from the start of the bytes; false while its end is missing. */
bool read_frame(const uint8_t *bytes, size_t available, frame *read);

/* Write a masked frame to `to`, which has room for the payload and MAX_HEADER more; return its size. */
size_t write_frame(uint8_t *to, enum opcode opcode, const void *payload, size_t length);

#endif
