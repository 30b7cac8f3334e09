/* One subscriber: a WebSocket connection that speaks enough of the Pusher protocol to be measured.
 *
 *   CONNECTING ──▶ UPGRADING ──▶ UPGRADED ──▶ GREETED ──▶ SUBSCRIBING ──▶ SUBSCRIBED
 *                                            (any of them) ──▶ DEAD
 *
 * It answers both kinds of ping, and recognises measured events by the first '#' in a frame, which eight digits
 * follow: the event's number. Nothing else that a server sends in these scenarios has that character.
 */
#ifndef CLIENT_H
#define CLIENT_H
#include <stddef.h>
#include <stdint.h>

#include "loop.h"
#include "websocket.h"

enum { MAX_CLIENTS = 20000 };
enum client_state { CONNECTING, UPGRADING, UPGRADED, GREETED, SUBSCRIBING, SUBSCRIBED, DEAD };

typedef struct {
    endpoint endpoint; /* first, so that the loop's endpoint is the client */
    enum client_state state;
    uint32_t index;
    char socket_id[32];
    uint8_t *kept; /* the beginning of a frame whose end hasn't arrived; NULL where there never was one */
    size_t kept_length, kept_room;
} client;

/* What the command under way wants to be told. */
typedef struct {
    void (*greeted)(client *);
    void (*subscribed)(client *);
    void (*died)(client *, enum client_state before);
    void (*delivered)(client *, uint32_t number);
} client_hooks;

typedef struct {
    int count; /* clients ever opened; the living and the dead */
    int dead, errors;
    int close_code; /* of the last close frame that a server sent; 0 where there was none */
    uint64_t frame_bytes;
} client_totals;

extern client clients[MAX_CLIENTS];
extern client_hooks hooks;
extern client_totals totals;

void configure_clients(const char *host, int port, const char *app_key);
void open_client(void);
void reset_all_clients(void);

void send_bytes(client *c, const void *bytes, size_t length);
void send_frame(client *c, enum opcode opcode, const void *payload, size_t length);

/* What a whole text frame of the server means (events.c). */
void take_text(client *c, const frame *f);

#endif
