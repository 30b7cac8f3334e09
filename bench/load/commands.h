/* What the load generator can be told to do, one line each; every one is answered with one line of JSON. */
#ifndef COMMANDS_H
#define COMMANDS_H
#include "loop.h"

/* Silence for so long, with something still missing, and the command ends without it. */
#define SECOND_NS 1000000000ull
#define GIVE_UP_NS (5 * SECOND_NS)

/* A file of texts, each ended by a zero byte: what clients are to say, or the requests of publishers. */
typedef struct {
    char *bytes;
    char **text;
    int count;
} texts;

texts read_texts(const char *path);
void free_texts(texts *read);

/* opening.c */
operation open_clients(const char *arguments);
operation subscribe_clients(const char *arguments);
/* publishing.c */
void configure_publishers(const char *host, int port);
operation publish_events(const char *arguments);
/* talking.c */
operation talk(const char *arguments);

#endif
