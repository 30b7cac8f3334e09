#include "websocket.h"

#include <string.h>

static size_t big_endian(const uint8_t *bytes, int count) {
    size_t value = 0;
    for (int i = 0; i < count; i++) value = value << 8 | bytes[i];
    return value;
}

bool read_frame(const uint8_t *bytes, size_t available, frame *read) {
    size_t header = 2;
    if (available < header) return false;
    size_t length = bytes[1] & 0x7f; /* a server never masks, so the high bit is 0 */
    if (length >= 126) {
        int wide = length == 126 ? 2 : 8;
        header += wide;
        if (available < header) return false;
        length = big_endian(bytes + 2, wide);
    }
    if (available - header < length) return false;
    *read = (frame){bytes[0] & 0x0f, bytes + header, length, header + length};
    return true;
}

static size_t write_header(uint8_t *to, enum opcode opcode, size_t length) {
    to[0] = 0x80 | opcode;
    if (length < 126) {
        to[1] = 0x80 | length;
        return 2;
    }
    to[1] = 0x80 | 126; /* what a client says here never reaches 64 KiB */
    to[2] = length >> 8;
    to[3] = length & 0xff;
    return 4;
}

size_t write_frame(uint8_t *to, enum opcode opcode, const void *payload, size_t length) {
    /* Masks are random so that nobody can plan the bytes on the wire; towards a server under test any will do, as
     * long as it isn't zero, which some servers might take a short cut for. */
    static const uint8_t mask[4] = {0x5a, 0xc3, 0x17, 0x88};
    size_t header = write_header(to, opcode, length);
    memcpy(to + header, mask, sizeof mask);
    uint8_t *masked = to + header + sizeof mask;
    for (size_t i = 0; i < length; i++) masked[i] = ((const uint8_t *)payload)[i] ^ mask[i % sizeof mask];
    return header + sizeof mask + length;
}
