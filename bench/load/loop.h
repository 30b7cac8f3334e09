/* The event loop: one thread, one epoll, and a function for everything that can become readable. */
#ifndef LOOP_H
#define LOOP_H
#include <stdbool.h>
#include <stdint.h>

typedef struct endpoint endpoint;

struct endpoint {
    int fd; /* -1 once it is closed: what the current batch of events still holds for it is then ignored */
    void (*ready)(endpoint *, uint32_t events);
};

/* One command under way: asked after every batch of events whether it has come to its end. */
typedef struct {
    bool (*finished)(void);
    void (*report)(void);
} operation;

void watch(endpoint *point, uint32_t events);
void watch_for(endpoint *point, uint32_t events);
void close_endpoint(endpoint *point);
void run_loop(operation *under_way);

uint64_t now_ns(void);
double seconds_between(uint64_t start, uint64_t end);

/* Print one line of JSON, the answer to a command. */
void answer(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* End the program, saying what is wrong; the second adds the reason that a system call gave. */
_Noreturn void fail(const char *what);
_Noreturn void fail_call(const char *name);

#endif
